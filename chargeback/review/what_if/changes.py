"""What a proposal changes in a period, in words: rules one by one, then registers row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chargeback.params import Params
from chargeback.params.ratification import KeyFiles, rule_changes

ROWS_NAMED = 5


def changes_in_words(before: Params, after: Params, sql_before: KeyFiles) -> list[str]:
    """What differs between the params of a close and of a proposal: a line a rule, or a kind of change to rows.

    Args:
        sql_before: the files of keys of the close.
    """
    was, now = named_rows(before), named_rows(after)
    return [
        *rule_changes(before, after, sql_before),
        *(line for name in now for line in row_changes(name, was[name], now[name])),
    ]


def named_rows(params: Params) -> dict[str, dict[str, Any]]:
    """The rows of registers that decide charges, by file and what names them, without their dates."""
    return {
        "business_units.csv": dict(params.business_units),
        "cost_centers.csv": {name: undated(one) for name, one in params.cost_centers.items()},
        "accounts.csv": {name: undated(one) for name, one in params.accounts.items()},
        "tag_values.csv": {f"{one.tag_key} {one.tag_value}": one for one in params.tag_values},
        "drivers.csv": {f"{one.driver} of {one.cost_center_id}": one for one in params.drivers},
    }


def undated(row: Any) -> Any:
    """A row as if it held always: both sides are about one period in which it holds."""
    return replace(row, valid_from="", valid_to="")


def row_changes(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is new in a file, what is another one, and what is gone, one line each kind."""
    kinds = {
        "new": [one for one in after if one not in before],
        "changed": [one for one in after if one in before and before[one] != after[one]],
        "gone": [one for one in before if one not in after],
    }
    return [
        f"{name}: {kind}: {', '.join(rows[:ROWS_NAMED])}"
        + (f" and {len(rows) - ROWS_NAMED} more" if len(rows) > ROWS_NAMED else "")
        for kind, rows in kinds.items()
        if rows
    ]
