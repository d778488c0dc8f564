"""Recorded: what was said of a statement is written into the delivery log once, and held against it ever after.

In: disputes and acknowledgements as people wrote them. Out: an entry of the log for each thing said, with the
cells and their sha256, and for disputes a text file in the delivery room, for whoever has nothing but the
books. What always holds: what the log has is never written again; a row that says otherwise is refused and
both are named. Files have their content's digest in the name, so that a run that was killed before its entry
stands in nobody's way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chargeback.books.delivery_log import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    DISPUTED,
    DeliveryLog,
    Entry,
    entry_name,
)
from chargeback.books.delivery_room import Room
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.text import plain
from chargeback.delivery.released import ClosedForDelivery
from chargeback.params.disputes import Acknowledgement, Dispute

#: How the file of a saying is called; acknowledgements have none.
FILES = {DISPUTED: "raised", ANSWERED: "answered", DECIDED: "decided"}
DIGITS = 12  # of the digest, in a file's name


@dataclass(frozen=True)
class Saying:
    """One thing that somebody said.

    Args:
        subject: the dispute's id, or the unit that acknowledges.
        row: the cells of it, as texts.
        where: where it stands.
        details: what the log gets besides.
    """

    action: str
    billing_period: str
    subject: str
    row: Mapping[str, str]
    where: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the cells, as JSON with sorted keys."""
        text = json.dumps(dict(self.row), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def file(self) -> dict[str, bytes]:
        """The text file of it, by its name about the period."""
        if self.action not in FILES:
            return {}
        lines = [
            f"Dispute {self.subject} of a statement of {self.billing_period}: {FILES[self.action]}",
            "",
            *(f"{column}: {text}" for column, text in self.row.items() if text),
            "",
            f"sha256 of these cells: {self.sha256}",
        ]
        name = f"disputes/{self.subject}-{FILES[self.action]}-{self.sha256[:DIGITS]}.txt"
        return {name: ("\n".join(map(plain, lines)) + "\n").encode()}


def sayings_of(dispute: Dispute, source: str) -> list[Saying]:
    """What a dispute says so far, in order.

    Args:
        source: the register or table that says it.
    """

    def said(action: str, **row: object) -> Saying:
        cells = {column: "" if cell is None else str(cell) for column, cell in row.items()}
        return Saying(
            action, dispute.billing_period, dispute.dispute_id, cells, dispute.where, {"source": source},
        )  # fmt: skip

    found = [said(
        DISPUTED, business_unit_id=dispute.business_unit_id, line=dispute.line, amount=dispute.amount,
        reason=dispute.reason, raised_by=dispute.raised_by, raised_on=dispute.raised_on,
    )]  # fmt: skip
    if dispute.answered_on:
        found.append(said(ANSWERED, answered_on=dispute.answered_on, answer=dispute.answer))
    if dispute.decided_on:
        found.append(said(
            DECIDED, decided_on=dispute.decided_on, decision=dispute.decision,
            decided_amount=dispute.decided_amount, decided_by=dispute.decided_by,
            adjustment_reference=dispute.adjustment_reference,
        ))  # fmt: skip
    return found


def acknowledging(one: Acknowledgement, source: str) -> Saying:
    """What an acknowledgement says."""
    row = {
        "acknowledged_by": one.acknowledged_by, "acknowledged_on": str(one.acknowledged_on),
        "note": one.note,
    }  # fmt: skip
    return Saying(
        ACKNOWLEDGED, one.billing_period, one.business_unit_id, row, one.where, {"source": source}
    )


def find_entry(log: DeliveryLog, saying: Saying) -> Entry | None:
    """The entry of a saying; a dispute's id is one of all periods."""
    if saying.action == ACKNOWLEDGED:
        return log.find(saying.action, saying.billing_period, saying.subject)
    return next(
        (one for one in log.entries if (one.action, one.subject) == (saying.action, saying.subject)),
        None,
    )  # fmt: skip


def require_as_recorded(log: DeliveryLog, room: Room, sayings: Iterable[Saying]) -> list[Saying]:
    """The sayings that the log does not have yet.

    Raises:
        Refusal: (exit 4) the log holds one of them otherwise; names both.
    """
    new = []
    for one in sayings:
        entry = find_entry(log, one)
        if entry is None:
            new.append(one)
        elif differs := differences(one, entry):
            raise changed(one, entry, room, differs)
    return new


def differences(saying: Saying, entry: Entry) -> dict[str, tuple[str, str]]:
    """The columns that a log and a row have different texts in, with both."""
    recorded = {"billing_period": entry.billing_period, **entry.details.get("row", {})}
    now = {"billing_period": saying.billing_period, **saying.row}
    return {
        column: (recorded.get(column, ""), now.get(column, ""))
        for column in {**recorded, **now}
        if recorded.get(column, "") != now.get(column, "")
    }


def changed(
    saying: Saying, entry: Entry, room: Room, differs: Mapping[str, tuple[str, str]]
) -> Refusal:
    """That a row says something else than the log holds (exit 4)."""
    return Refusal(
        CONTROL_FAILED,
        "an acknowledgement differs from what the delivery log holds of it"
        if saying.action == ACKNOWLEDGED
        else "a dispute differs from what the delivery log holds of it",
        "; ".join(f"{column} {was!r}" for column, (was, _) in differs.items()),
        "; ".join(f"{column} {now!r}" for column, (_, now) in differs.items()),
        "",
        [saying.where, f"{room.place}/{entry_name(entry.number)}, written on {entry.at} by {entry.by}"],
        ["what was said is completed and never changed: put the row back as the log holds it",
         "another amount, line or reason is another dispute, with an id of its own; withdraw this one"],
    )  # fmt: skip


def write_down(period: ClosedForDelivery, saying: Saying, details: Mapping[str, Any]) -> bool:
    """Write a saying into the log, its file first; whether it was new."""
    files = period.put(saying.file())
    entry, is_new = period.record(
        saying.action, saying.subject, files,
        {**saying.details, **details, "row": dict(saying.row), "row_sha256": saying.sha256},
    )  # fmt: skip
    if differs := differences(saying, entry):  # another run was first, and has read something else
        raise changed(saying, entry, period.room, differs)
    return is_new
