"""Controls policy: the table [controls] of policy.toml, how much may be nobody's before a close stops.

These limits decide no charge, so that they are no part of what a council ratifies. Shares are of the period's
charged cost without its sign, so that a credit does not hide what it is set off against.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.params.daily_policy import number
from chargeback.params.toml_files import TomlFile

TABLE = "controls"


@dataclass(frozen=True)
class ControlsPolicy:
    """[controls] of policy.toml, in percent of the charged cost."""

    #: Owned by nobody: in the pool `untagged`.
    unowned_limit_percent: Decimal = Decimal(90)
    #: Of one pool that was split by its fallback, because its own key found no weight.
    fallback_limit_percent: Decimal = Decimal(50)


KEYS = tuple(ControlsPolicy.__dataclass_fields__)


def read_controls_policy(file: TomlFile) -> ControlsPolicy:
    """The controls policy of a policy.toml.

    Raises:
        Refusal: (exit 2) a key is unknown, or its value is no percentage in quotes.
    """
    where, table = file.subtable(TABLE, KEYS)
    values = {}
    with together():
        for key in table:
            with apart():
                values[key] = percentage(where, table, key)
    return ControlsPolicy(**values)


def percentage(where: str, table: dict[str, Any], key: str) -> Decimal:
    """A number in quotes from 0 to 100."""
    value = number(where, table, key)
    if value > 100:
        raise bad_params(f"{key} is more than everything", '"0" to "100"', str(value), [where])
    return value
