"""Row-level security as QuickSight's user guide describes it, to see what rules let be seen.

Written from "Using row-level security with user-based rules to restrict access to a dataset": a person sees the
rows that match a rule of their user name or of one of their groups; each cell of a rule names the values of its
column, a comma between them, double quotes around a value with a comma in it; no value (NULL) is all values;
who has no rule sees no data; duplicates are ignored; a person has at most 999 rules. Fields are cut after 2,047
characters when SPICE takes them in.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

MOST_RULES, MOST_CHARACTERS = 999, 2047
GROUP = "GroupName"

Row = dict[str, Any]


class TooManyRules(Exception):
    """QuickSight shows such a person nothing at all."""


def rows_seen(dataset: Iterable[Row], rules: pa.Table, groups: Sequence[str]) -> list[Row]:
    """The rows of a dataset that the members of some groups see."""
    named = [one for one in rules.to_pylist() if one[GROUP] in groups]
    mine = {tuple(sorted(one.items())): one for one in named}.values()
    if len(mine) > MOST_RULES:
        raise TooManyRules
    return [row for row in dataset if any(matches(row, rule) for rule in mine)]


def matches(row: Row, rule: Row) -> bool:
    """Whether a row is one of a rule: in every column one of its values."""
    columns = {name: cell for name, cell in rule.items() if name != GROUP}
    return all(not cell or row[name] in values_of(cell) for name, cell in columns.items())


def values_of(cell: str) -> list[str]:
    """The values that a cell names, after SPICE has taken it in."""
    [values] = csv.reader([cell[:MOST_CHARACTERS]])
    return values
