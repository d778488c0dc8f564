"""Dispute policy: [disputes] of delivery.toml, how and by when disputes are raised, answered and decided.

    [disputes]
    raise_business_days = 15        from the day that statements were handed out
    raise_until_day = 28            and always until this day of the month after the period; optional
    how = "Write to finops@insurer.example: …"   how a unit disputes a line, as its statement says it
    answer_business_days = 5        from the day that it was raised
    decide_business_days = 15       the same
    holidays = ["2026-07-03"]       days from Monday to Friday on which nobody works
    owner = "finops@insurer.example"             who answers where a dispute does not say so
    servicenow_disputes = "u_chargeback_dispute"               a table there, beside disputes.csv
    servicenow_acknowledgements = "u_chargeback_acknowledgement"
    servicenow_columns = { dispute_id = "number" }             where a column has another name there

It decides no charge. A dispute keeps the days that held when it was written into the log. Statements say how
and until when, as the params of their close have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from chargeback.core.errors import apart, bad_params
from chargeback.core.period import due_on
from chargeback.params.handout_policy import check_line
from chargeback.params.registers import COLUMNS_AFTER_CLOSE
from chargeback.params.toml_files import TomlFile, check_names, text_list, text_value

TABLE = "disputes"

MOST_DAYS = 250  # business days of a year
LAST_DAY = 31

#: What we write back, besides the columns of the register.
WRITTEN_BACK = ("state", "answer_due", "decide_due", "adjusted_in")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


@dataclass(frozen=True)
class DisputePolicy:
    """[disputes]; days are business days.

    Args:
        raise_until_day: of the month after the period; 0 where none is agreed.
        how: how a unit disputes a line, in words; blank for the usual ones.
        servicenow_disputes, servicenow_acknowledgements: tables of ServiceNow; blank without.
        servicenow_columns: the name there of a column of ours, where it is not ours, after u_ in a table
            whose name begins so.
    """

    raise_business_days: int = 15
    answer_business_days: int = 5
    decide_business_days: int = 15
    holidays: frozenset[date] = frozenset()
    owner: str = ""
    servicenow_disputes: str = ""
    servicenow_acknowledgements: str = ""
    servicenow_columns: tuple[tuple[str, str], ...] = ()
    raise_until_day: int = 0
    how: str = ""

    def until(self, period: str) -> date | None:
        """The day up to which lines of a period can be disputed whenever it was handed out; None for none.

        >>> DisputePolicy(raise_until_day=20).until("2026-12")
        datetime.date(2027, 1, 20)
        """
        return due_on(period, self.raise_until_day) if self.raise_until_day else None

    @property
    def asks_servicenow(self) -> bool:
        """Whether a table of ServiceNow is named."""
        return bool(self.servicenow_disputes or self.servicenow_acknowledgements)


def read_dispute_policy(file: TomlFile) -> DisputePolicy:
    """What delivery.toml says of disputes.

    Raises:
        Refusal: (exit 2) anything in it is malformed.
    """
    raw = file.table.get(TABLE, {})
    where = file.where(TABLE)
    if not isinstance(raw, dict):
        raise bad_params(f"{TABLE} must be a table", f"[{TABLE}]", repr(raw), [where])
    check_names(where, raw, tuple(DisputePolicy.__dataclass_fields__))

    def days(name: str) -> int:
        return business_days(where, raw, name, getattr(DisputePolicy, name))

    def table(name: str) -> str:
        return table_name(where, text_value(where, raw, name, ""), name)

    found = DisputePolicy(
        days("raise_business_days"), days("answer_business_days"), days("decide_business_days"),
        holidays(where, raw), text_value(where, raw, "owner", ""),
        table("servicenow_disputes"), table("servicenow_acknowledgements"), columns(where, raw),
        until_day(where, raw), text_value(where, raw, "how", ""),
    )  # fmt: skip
    check_line(found.how, "how", where)
    if found.decide_business_days < found.answer_business_days:
        raise bad_params(
            "a dispute would be decided before it is answered",
            "decide_business_days that are not less than answer_business_days",
            f"{found.decide_business_days} and {found.answer_business_days}", [where],
        )  # fmt: skip
    return found


def business_days(where: str, raw: dict[str, Any], name: str, default: int) -> int:
    """A number of business days."""
    found = raw.get(name, default)
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= MOST_DAYS:
        raise bad_params(
            f"{name} is not a number of business days", f"a whole number from 1 to {MOST_DAYS}",
            repr(found), [where],
        )  # fmt: skip
    return found


def until_day(where: str, raw: dict[str, Any]) -> int:
    """A day of a month; 0 where none is named."""
    if "raise_until_day" not in raw:
        return 0
    found = raw["raise_until_day"]
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= LAST_DAY:
        raise bad_params(
            "raise_until_day is not a day of a month", f"a whole number from 1 to {LAST_DAY}",
            repr(found), [where],
        )  # fmt: skip
    return found


def holidays(where: str, raw: dict[str, Any]) -> frozenset[date]:
    """The days on which nobody works."""
    found = set()
    for text in text_list(where, raw, "holidays"):
        with apart():
            try:
                day = date.fromisoformat(text)
                if day.isoformat() != text:
                    raise ValueError
                found.add(day)
            except ValueError:
                raise bad_params(
                    "a holiday is not a day", "days such as 2026-07-03", repr(text), [where]
                ) from None
    return frozenset(found)


def table_name(where: str, text: str, name: str) -> str:
    """The name of a table or column of ServiceNow, which becomes part of an address; blank may be."""
    if text and not _NAME.fullmatch(text):
        raise bad_params(
            f"{name} is no name of ServiceNow's", "small letters, digits and underscores",
            repr(text), [where],
        )  # fmt: skip
    return text


def columns(where: str, raw: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Columns that have another name in ServiceNow."""
    found = raw.get("servicenow_columns", {})
    if not isinstance(found, dict):
        raise bad_params(
            "servicenow_columns must be a table", 'servicenow_columns = { dispute_id = "number" }',
            repr(found), [where],
        )  # fmt: skip
    known = {one for names in COLUMNS_AFTER_CLOSE.values() for one in names}
    check_names(f"{where}, servicenow_columns", found, (*sorted(known), *WRITTEN_BACK))
    return tuple(
        (ours, table_name(where, text_value(where, found, ours), "a column")) for ours in found
    )
