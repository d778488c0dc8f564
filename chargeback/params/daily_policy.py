"""Daily policy: the table [daily] of policy.toml, when the daily flow speaks up.

These thresholds decide no charge. They are therefore no part of what a council ratifies (ratification.py): that
digest is of `Policy`, and this is apart from it. Every key has a default, so that a folder without the table
works.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.money import read_decimal
from chargeback.params.toml_files import TomlFile, text_value

TABLE = "daily"
ACCOUNT, TEAM = "account", "team"


@dataclass(frozen=True)
class DailyPolicy:
    """[daily] of policy.toml."""

    untagged_threshold_percent: Decimal = Decimal(5)  # of an account's taggable cost
    untagged_minimum: Decimal = Decimal(100)  # currency units in the window
    untagged_window_days: int = 7  # the days before and with DATE that are looked at
    ticket_due_days: int = 14  # from the day on which a ticket opens
    tickets_a_day: int = 5  # new ones, the dearest first; the rest waits for the next days
    tickets_by: str = ACCOUNT  # or TEAM: one ticket lists all accounts of an owning team
    anomaly_minimum: Decimal = Decimal(250)  # currency units a day above expected
    anomaly_share_percent: Decimal = Decimal(30)  # above expected
    delivery_due_days: int = 2  # a delivery that ends longer ago than this is late
    close_due_day: int = 10  # of the month after a period, on which it is to be closed


WHOLE = ("_days", "_day")
MOST_DAYS = 366
MOST_TICKETS = 10_000
TICKETS_A_DAY, TICKETS_BY = "tickets_a_day", "tickets_by"
KEYS = tuple(DailyPolicy.__dataclass_fields__)


def read_daily_policy(file: TomlFile) -> DailyPolicy:
    """The daily policy of a policy.toml.

    Raises:
        Refusal: (exit 2) a key is unknown, or its value is no number in quotes, negative, not whole days, not a
            number of tickets, or no kind of ticket.
    """
    where, table = file.subtable(TABLE, KEYS)
    values: dict[str, Any] = {}
    with together():
        for key in table:
            with apart():
                values[key] = value(where, table, key)
    return DailyPolicy(**values)


def value(where: str, table: dict[str, Any], key: str) -> Decimal | int | str:
    """The value of a key, in the type that `DailyPolicy` has it in."""
    if key == TICKETS_BY:
        return ticket_kind(where, table, key)
    if key == TICKETS_A_DAY:
        return number_of_tickets(where, table, key)
    found = number(where, table, key, key.endswith(WHOLE))
    return int(found) if key.endswith(WHOLE) else found


def ticket_kind(where: str, table: dict[str, Any], key: str) -> str:
    """Whether accounts or teams get a ticket each."""
    text = text_value(where, table, key)
    if text not in (ACCOUNT, TEAM):
        raise bad_params(
            f"{key} is neither account nor team", f'"{ACCOUNT}" or "{TEAM}"', repr(text), [where]
        )
    return text


def number_of_tickets(where: str, table: dict[str, Any], key: str) -> int:
    """How many tickets; none is a number too."""
    text = text_value(where, table, key)
    try:
        found = read_decimal(text)
        if found != int(found) or not 0 <= found <= MOST_TICKETS:
            raise InvalidOperation
    except InvalidOperation:
        raise bad_params(
            f"{key} is not a number of tickets", f'{key} = "5"; "0" opens none', repr(text), [where]
        ) from None
    return int(found)


def number(where: str, table: dict[str, Any], key: str, whole: bool = False) -> Decimal:
    """A number in quotes that is not negative; one that counts days is whole, not zero and at most a year."""
    text = text_value(where, table, key)
    try:
        found = read_decimal(text)
        if found < 0 or (whole and (found != int(found) or not 0 < found <= MOST_DAYS)):
            raise InvalidOperation
    except InvalidOperation:
        raise bad_params(
            f"{key} is not a number of days" if whole else f"{key} is not a plain number",
            f'{key} = "7"' if whole else f'{key} = "5"', repr(text), [where],
        ) from None  # fmt: skip
    return found
