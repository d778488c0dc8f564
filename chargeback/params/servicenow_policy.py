"""ServiceNow policy: the table [servicenow] of delivery.toml, what goes there and how it is known there.

    [servicenow]
    expense_lines = true                    # a closed period becomes expense lines; default: it does not
    expense_table = "fm_expense_line"
    entry_field = "u_chargeback_entry"      # the field that holds what a line is of; best a unique one
    cost_center_field = "code"              # the field of cmn_cost_center that holds our cost_center_id
    changes_from = "2026-07"                # ratifications from then on must be approved changes
    change_group = "FinOps council"         # assignment group of the changes that make propose-rules opens

Where the instance is, and who we are there: chargeback/servicenow/settings.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import check_period
from chargeback.params.toml_files import TomlFile, text_value

TABLE = "servicenow"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


@dataclass(frozen=True)
class ServiceNowPolicy:
    """[servicenow] of delivery.toml."""

    expense_lines: bool = False
    expense_table: str = "fm_expense_line"
    entry_field: str = "u_chargeback_entry"
    cost_center_field: str = "code"
    changes_from: str = ""
    change_group: str = ""


KEYS = tuple(ServiceNowPolicy.__dataclass_fields__)


def read_servicenow_policy(file: TomlFile) -> ServiceNowPolicy:
    """What delivery.toml says about ServiceNow.

    Raises:
        Refusal: (exit 2) a key is unknown, or its value is of another kind.
    """
    where, table = file.subtable(TABLE, KEYS)
    values: dict[str, Any] = {}
    with together():
        for key in table:
            with apart():
                values[key] = value_of(where, table, key)
    return ServiceNowPolicy(**values)


def value_of(where: str, table: dict[str, Any], key: str) -> Any:
    """The value of one key."""
    if key == "expense_lines":
        if not isinstance(table[key], bool):
            raise bad_params(
                f"{key} must be true or false", f"{key} = true", repr(table[key]), [where]
            )
        return table[key]
    text = text_value(where, table, key)
    if key == "changes_from":
        return check_period(text, where)
    if key != "change_group" and not _NAME.fullmatch(text):
        raise bad_params(
            f"{key} is no name of ServiceNow", "small letters, digits and underscores", repr(text), [where]
        )  # fmt: skip
    return text
