"""ServiceNow: a closed period as expense lines, each made once, read back and compared to the cent.

    look up -> create what is not there -> read all back -> the control -> evidence -> the log

Nothing is posted twice, whatever happens on the way (chargeback/servicenow/once.py), and nothing is changed or
removed there: corrections are lines of the period that posts them. The sys_ids are kept as evidence, in a file
whose name holds its digest, so that of two runs at once each writes its own or the same. Once a period is
booked, every further run reads it back and says so, or says what somebody changed. Without an instance the
lines are written as an import set for a person to load, under the same ids.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from chargeback.books.delivery_log import BOOKED, EXPORTED, Entry
from chargeback.core.csv_files import safe_cell
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.json_text import read_json
from chargeback.core.money import shown
from chargeback.core.progress import Progress
from chargeback.delivery.expense_check import require_same
from chargeback.delivery.expense_instance import ExpenseInstance
from chargeback.delivery.expense_lines import (
    SOURCE_ID,
    ExpenseLine,
    entries_of,
    expense_lines,
)
from chargeback.delivery.released import ClosedForDelivery, shown_entry
from chargeback.servicenow.claims import Claims
from chargeback.servicenow.connection import Connection, Instance, Patience
from chargeback.servicenow.once import Once
from chargeback.servicenow.settings import read_instance
from chargeback.servicenow.table import Record

SUBJECT = "ServiceNow"

#: Names in the period's folder of the delivery room.
IMPORT_SET, CLAIMS = "servicenow/expense-lines.csv", "servicenow/claims"


@dataclass(frozen=True)
class ServiceNowTarget:
    """Expense lines, as something that a period is delivered to."""

    patience: Patience = field(default_factory=Patience)

    @property
    def name(self) -> str:
        """What it is called."""
        return SUBJECT

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """Book a period, or see that it is booked.

        Raises:
            Refusal: (exit 4) ServiceNow holds something else; (exit 2) a setting is wrong; (exit 6) it does not
                answer, or refuses.
        """
        names = {one.cost_center_id: one.name for one in period.params.cost_centers.values()}
        lines = expense_lines(period.postings, period.books_id, period.period, names)
        instance = read_instance(period.params_folder)
        booked = period.done(BOOKED, SUBJECT)
        if instance is None:
            if booked:
                progress(
                    already(period, booked, "no instance is configured to read them back from")
                )
            else:
                write_import_set(period, lines, progress)
            return
        booking = Booking(period, lines, instance, self.patience)
        if booked:
            booking.confirm(booked)
            progress(already(period, booked, "read back and equal"))
        else:
            booking.book(progress)


@dataclass(frozen=True)
class Booking:
    """The expense lines of one period at one instance."""

    period: ClosedForDelivery
    lines: Sequence[ExpenseLine]
    server: Instance
    patience: Patience

    @cached_property
    def instance(self) -> ExpenseInstance:
        """What the instance holds."""
        connection = Connection(self.server, self.patience)
        return ExpenseInstance(connection, self.period.delivery.servicenow)

    @property
    def of_period(self) -> str:
        """What the entries of the period begin with."""
        return entries_of(self.period.books_id, self.period.period)

    def book(self, progress: Progress) -> None:
        """Post what is not there, read it all back, and write that it is booked."""
        key, unique = self.instance.choose_key(self.lines)
        if not unique:
            progress(f"NOTE  {self.period.period}: {not_unique(self.instance.policy.entry_field)}")
        cost_centers = self.instance.cost_centers(
            sorted({one.cost_center_id for one in self.lines})
        )
        once = Once(
            self.instance.table, key, unique, self.claims,
            lambda: self.there(key),
        )  # fmt: skip
        entry_field = self.instance.policy.entry_field
        made = once.make(
            {one.known_as(key): one.fields(entry_field, cost_centers[one.cost_center_id])
             for one in self.lines}
        )  # fmt: skip
        records = self.compared(key, cost_centers, {})
        entry, new = self.write_down(key, unique, cost_centers, records)
        if not new:
            progress(already(self.period, entry, "read back and equal"))
            return
        progress(
            f"{self.period.period}: {len(self.lines)} expense lines in ServiceNow, {made} posted by this run, "
            f"{self.total}; read back and equal"
        )

    def confirm(self, booked: Entry) -> None:
        """See that what was booked is still there as it was (exit 4)."""
        if booked.details["instance"] != self.server.address:
            raise bad_params(
                "this period was booked in another instance of ServiceNow", booked.details["instance"],
                self.server.address, [f"{self.period.period}, booked {shown_entry(booked)}"],
                ["name that instance in sources.toml or CHARGEBACK_SERVICENOW: a period is booked once"],
            )  # fmt: skip
        kept = kept_lines(self.period, booked)
        cost_centers = {one["cost_center_id"]: one["cost_center"] for one in kept["lines"]}
        known = {one["entry"]: one["sys_id"] for one in kept["lines"]}
        self.compared(kept["key"], cost_centers, known)

    def compared(
        self, key: str, cost_centers: Mapping[str, str], known: Mapping[str, str]
    ) -> dict[str, Record]:
        """What ServiceNow holds of the period, by entry; it is what was posted (exit 4)."""
        held = self.instance.read(key, self.of_period, self.lines)
        require_same(
            self.lines, held, cost_centers, known, self.period.period,
            f"{self.server.address}, {self.instance.table.name}",
        )  # fmt: skip
        return dict(held)

    def there(self, key: str) -> dict[str, Record]:
        """The lines that are there, by what they are known by."""
        held = dict(self.instance.read(key, self.of_period, self.lines))
        return {one.known_as(key): held[one.entry] for one in self.lines if one.entry in held}

    def write_down(
        self, key: str, unique: bool, cost_centers: Mapping[str, str], records: Mapping[str, Record]
    ) -> tuple[Entry, bool]:
        """Keep the sys_ids as evidence, and write into the log that the period is booked."""
        kept = {
            "instance": self.server.address, "table": self.instance.table.name, "key": key,
            "lines": [
                {"entry": one.entry, "sys_id": record["sys_id"], "number": record.get("number", ""),
                 "cost_center_id": one.cost_center_id, "cost_center": cost_centers[one.cost_center_id],
                 "kind": one.kind, "original_period": one.original_period, "amount": str(one.amount),
                 "created_on": record.get("sys_created_on", "")}
                for one in self.lines
                for record in [records[one.entry]]
            ],
        }  # fmt: skip
        content = (json.dumps(kept, indent=1, sort_keys=True) + "\n").encode()
        name = f"servicenow/expense-lines-{hashlib.sha256(content).hexdigest()[:12]}.json"
        files = self.period.put({name: content})
        details = {
            "instance": self.server.address, "table": self.instance.table.name, "key": key,
            "unique": unique, "lines": len(self.lines), "total": str(sum_of(self.lines)),
        }  # fmt: skip
        return self.period.record(BOOKED, SUBJECT, files, details)

    @property
    def claims(self) -> Claims:
        """Who may post, where no field is unique."""
        return Claims(self.period.room, self.period.file_name(CLAIMS), self.patience.quiet)

    @property
    def total(self) -> str:
        """What the lines sum to, for people."""
        return f"{shown(sum_of(self.lines))} {self.period.manifest['currency']}"


def sum_of(lines: Sequence[ExpenseLine]) -> Decimal:
    """What lines charge together."""
    return sum((one.amount for one in lines), Decimal("0.00"))


def kept_lines(period: ClosedForDelivery, booked: Entry) -> dict[str, Any]:
    """The evidence of a booked period (exit 4 where it is not what the log names)."""
    [(name, sha256)] = booked.files.items()
    content = period.room.read(name)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise Refusal(
            CONTROL_FAILED, "the evidence of expense lines is not what the delivery log names", sha256,
            "no file" if content is None else hashlib.sha256(content).hexdigest(), "",
            [f"{period.room.place}/{name}"],
            ["restore it from your backup; nothing was posted or changed"],
        )  # fmt: skip
    found: dict[str, Any] = read_json(content)
    return found


def write_import_set(
    period: ClosedForDelivery, lines: Sequence[ExpenseLine], progress: Progress
) -> None:
    """Write the lines as a file that a person loads into ServiceNow, once."""
    entry_field = period.delivery.servicenow.entry_field
    exported = period.done(EXPORTED, SUBJECT)
    if exported is None:
        files = period.put({IMPORT_SET: import_set(lines, entry_field)})
        details = {"lines": len(lines), "total": str(sum_of(lines))}
        exported, new = period.record(EXPORTED, SUBJECT, files, details)
        if new:
            progress(
                f"{period.period}: {len(lines)} expense lines for a person to load into ServiceNow: "
                f"{period.place_of(period.file_name(IMPORT_SET))}"
            )
            return
    progress(
        f"{period.period}: expense lines were written for ServiceNow already, {shown_entry(exported)}"
    )


def import_set(lines: Sequence[ExpenseLine], entry_field: str) -> bytes:
    """An import set: a column for each field, the cost center by its id; no cell is a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows = [{**one.fields(entry_field, one.cost_center_id), "amount": one.amount} for one in lines]
    columns = list(dict.fromkeys((entry_field, "date", "short_description", "summary_type", "type",
                                  "state", "amount", "cost_center", SOURCE_ID)))  # fmt: skip
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(row[name]) for name in columns])
    return stream.getvalue().encode()


def already(period: ClosedForDelivery, booked: Entry, how: str) -> str:
    """That a period was booked before."""
    return (
        f"{period.period}: {booked.details['lines']} expense lines were booked in ServiceNow already, "
        f"{shown_entry(booked)}; {how}"
    )


def not_unique(entry_field: str) -> str:
    """That the database does not keep lines from being made twice, and what does."""
    return (
        f"the field {entry_field} is not there, too short or not unique in ServiceNow, or may not be "
        "read; claims keep lines from being posted twice (docs/servicenow.md)"
    )
