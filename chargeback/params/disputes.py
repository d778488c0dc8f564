"""Disputes and acknowledgements: what business units say of their statements, as people write it down.

    disputes.csv             a row a dispute: the line, how much of it, why; later the answer, then the decision
    acknowledgements.csv     a row for each unit that has taken note of its statement of a period

Both are optional and about closed periods: no close is made from them, and none keeps them. One rule of state:
a dispute is raised, then answered, then decided; who raised it may withdraw it unanswered. What is written is
completed by later columns and never changed (chargeback/delivery/disputes_recorded.py holds that). Texts are
read as one line, and characters that could hide others as a visible mark.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import last_day
from chargeback.core.text import plain, spreadsheet_text, suggestion
from chargeback.params.registers import SAFE_ID, Row, check_date, read_register

DISPUTES, ACKNOWLEDGEMENTS = "disputes.csv", "acknowledgements.csv"

#: What the delivery log calls the source of what was said on the portal's page, in no register.
FROM_PORTAL = "the portal"

UPHELD, PARTLY, REJECTED, WITHDRAWN = "upheld", "partly", "rejected", "withdrawn"
DECISIONS = (UPHELD, PARTLY, REJECTED, WITHDRAWN)

#: Characters that a text may have: what somebody explains, and everything else.
MOST_TOLD, MOST_NAMED = 2000, 200
TOLD = ("reason", "answer", "note")

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Dispute:
    """A unit that says of a line of its statement that some of it is not theirs.

    Args:
        line: entry_id:line of statement.csv, or as a page shows it (chargeback/ledger/statement_lines.py).
        amount: what is disputed of it, more than nothing, in the currency of the statement.
        owner: who answers; blank where delivery.toml says so.
        decided_amount: what is given back; None until it is decided.
    """

    dispute_id: str
    billing_period: str
    business_unit_id: str
    line: str
    amount: Decimal
    reason: str
    raised_by: str
    raised_on: date
    owner: str = ""
    answered_on: date | None = None
    answer: str = ""
    decided_on: date | None = None
    decision: str = ""
    decided_amount: Decimal | None = None
    decided_by: str = ""
    adjustment_reference: str = ""
    where: str = field(compare=False, default="")

    @property
    def reference(self) -> str:
        """The reference of the adjustment that follows."""
        return self.adjustment_reference or self.dispute_id

    @property
    def last_day(self) -> date:
        """The last day that anything was done."""
        return self.decided_on or self.answered_on or self.raised_on


@dataclass(frozen=True)
class Acknowledgement:
    """That a unit has taken note of its statement of a period."""

    billing_period: str
    business_unit_id: str
    acknowledged_by: str
    acknowledged_on: date
    note: str = ""
    where: str = field(compare=False, default="")


def read_disputes(folder: Path) -> tuple[Dispute, ...]:
    """The disputes of a params folder; none without the register.

    Raises:
        Refusal: (exit 2) a row is malformed or contradicts itself or another.
    """
    if not (folder / DISPUTES).is_file():
        return ()
    found = []
    with together():
        for row in read_register(folder, DISPUTES):
            with apart():
                found.append(dispute_of(row))
        check_names_apart(found)
    return tuple(found)


def read_acknowledgements(folder: Path) -> tuple[Acknowledgement, ...]:
    """The acknowledgements of a params folder; as `read_disputes`."""
    if not (folder / ACKNOWLEDGEMENTS).is_file():
        return ()
    found = []
    with together():
        for row in read_register(folder, ACKNOWLEDGEMENTS):
            with apart():
                found.append(acknowledgement_of(row))
    return tuple(found)


def acknowledgement_of(row: Row) -> Acknowledgement:
    """One row."""
    what, place = "an acknowledgement", place_of(row, row["business_unit_id"])
    texts = texts_of(row, place)
    need(texts, ("business_unit_id", "acknowledged_by", "acknowledged_on"), what, place)
    day = check_date(row, "acknowledged_on")
    check_after_period(row["billing_period"], "acknowledged_on", day, place)
    return Acknowledgement(
        row["billing_period"], row["business_unit_id"], texts["acknowledged_by"], day, texts["note"], place,
    )  # fmt: skip


def dispute_of(row: Row) -> Dispute:
    """One row, whatever its state."""
    place = place_of(row, row["dispute_id"])
    if not SAFE_ID.fullmatch(row["dispute_id"]):
        raise bad_params(
            "dispute_id is not a valid id",
            "1 to 64 letters, digits, points, underscores and hyphens, such as D-2026-05-001",
            repr(row["dispute_id"][:MOST_NAMED]), [place],
        )  # fmt: skip
    texts = texts_of(row, place)
    raised = ("business_unit_id", "line", "amount", "reason", "raised_by", "raised_on")
    need(texts, raised, "a dispute", place)
    amount = positive_amount(row, place)
    raised_on = check_date(row, "raised_on")
    check_after_period(row["billing_period"], "raised_on", raised_on, place)
    answered_on = answer_day(row, texts, place)
    decided_on = check_date(row, "decided_on") if row["decided_on"] else None
    found = Dispute(
        row["dispute_id"], row["billing_period"], row["business_unit_id"], texts["line"], amount,
        texts["reason"], texts["raised_by"], raised_on, texts["owner"], answered_on, texts["answer"],
        decided_on, texts["decision"], None, texts["decided_by"], texts["adjustment_reference"], place,
    )  # fmt: skip
    check_order(found)
    return decided(found, row, place)


def place_of(row: Row, name: str) -> str:
    """File, line and which row it is, without the texts in it, which may be long."""
    return f"{row.file} line {row.line} ({name[:MOST_NAMED]})"


def texts_of(row: Row, place: str) -> dict[str, str]:
    """The cells as texts on one line, none of them endless."""
    found = {}
    for column, text in row.cells.items():
        most = MOST_TOLD if column in TOLD else MOST_NAMED
        if len(text) > most:
            raise bad_params(
                f"{column} is longer than {most} characters", "a few sentences, and the rest in a ticket",
                f"{len(text):,} characters", [place],
            )  # fmt: skip
        found[column] = plain(text)
    return found


def need(texts: dict[str, str], columns: Sequence[str], what: str, place: str) -> None:
    """Refuse a row that leaves one of these cells empty; `what` names what the row is."""
    for column in columns:
        if not texts[column]:
            raise bad_params(f"{what} lacks its {column}", ", ".join(columns), "nothing", [place])


def positive_amount(row: Row, place: str) -> Decimal:
    """What is disputed."""
    amount = row.decimal("amount", 2)
    if amount <= 0:
        raise bad_params(
            "what is disputed is not more than nothing", "how much of the line is not theirs, such as 120.00",
            row["amount"], [place],
        )  # fmt: skip
    return round(amount, 2)


def check_after_period(period: str, column: str, day: date, place: str) -> None:
    """Refuse a day on which nobody had a statement of the period yet."""
    if day <= last_day(period):
        raise bad_params(
            f"{column} is before the period has ended",
            f"a day after {last_day(period)}",
            str(day),
            [place],
        )


def answer_day(row: Row, texts: dict[str, str], place: str) -> date | None:
    """When it was answered; an answer has a day and words."""
    if not (row["answered_on"] or texts["answer"]):
        return None
    need(texts, ("answered_on", "answer"), "the answer to a dispute", place)
    return check_date(row, "answered_on")


def check_order(found: Dispute) -> None:
    """Refuse a dispute that is answered before it is raised, or decided before it is answered."""
    days = [
        ("raised_on", found.raised_on), ("answered_on", found.answered_on),
        ("decided_on", found.decided_on),
    ]  # fmt: skip
    known = [(column, day) for column, day in days if day]
    for (before, first), (column, day) in itertools.pairwise(known):
        if day < first:
            raise bad_params(
                f"a dispute has its {column} before its {before}", f"{first} or later", str(day),
                [found.where],
            )  # fmt: skip
    if found.decided_on and not found.answered_on and found.decision != WITHDRAWN:
        raise bad_params(
            "a dispute is decided before it is answered", "answered_on and answer, then the decision",
            f"decided on {found.decided_on}, never answered", [found.where],
            ["enter the answer; what its unit takes back unanswered is withdrawn"],
        )  # fmt: skip


def decided(found: Dispute, row: Row, place: str) -> Dispute:
    """The dispute with what was decided, if it was."""
    texts = {column: row[column] for column in ("decided_on", "decision", "decided_by")}
    if not (any(texts.values()) or row["decided_amount"] or found.adjustment_reference):
        return found
    need(texts, tuple(texts), "the decision of a dispute", place)
    if found.decision not in DECISIONS:
        raise bad_params(
            "this is no decision of a dispute", "one of " + ", ".join(DECISIONS), repr(found.decision),
            [place], suggestion(found.decision, DECISIONS),
        )  # fmt: skip
    if found.decision != WITHDRAWN and found.decided_by.casefold() == found.raised_by.casefold():
        raise bad_params(
            "a dispute is decided by who raised it", "another person; or the decision withdrawn",
            repr(found.decided_by), [place],
        )  # fmt: skip
    check_reference(found)
    return replace(found, decided_amount=decided_amount(found, row, place))


def decided_amount(found: Dispute, row: Row, place: str) -> Decimal:
    """What is given back: all of it, a part, or nothing."""
    given = round(row.decimal("decided_amount", 2), 2) if row["decided_amount"] else None
    wanted = {UPHELD: found.amount, REJECTED: NOTHING, WITHDRAWN: NOTHING}.get(found.decision)
    if wanted is None:
        if given is not None and 0 < given < found.amount:
            return given
        expected = f"more than nothing and less than {found.amount}"
    elif given in (None, wanted):
        return wanted
    else:
        expected = f"{wanted}, or nothing in this column"
    raise bad_params(
        f"decided_amount is not that of a dispute that is {found.decision}", expected,
        row["decided_amount"] or "nothing", [place],
    )  # fmt: skip


def check_reference(found: Dispute) -> None:
    """Refuse the reference of an adjustment where none follows, or that a spreadsheet would run."""
    reference = found.adjustment_reference
    if reference and found.decision not in (UPHELD, PARTLY):
        raise bad_params(
            "a dispute that gives nothing back has an adjustment_reference", "nothing in this column",
            repr(reference), [found.where],
        )  # fmt: skip
    if spreadsheet_text(reference) != reference:
        raise bad_params(
            "adjustment_reference could be a formula", "a reference such as D-2026-05-001",
            repr(reference), [found.where],
        )  # fmt: skip


def check_names_apart(disputes: Iterable[Dispute]) -> None:
    """Refuse two disputes that nobody could tell apart by their id, or by the reference of an adjustment."""
    owners: dict[str, Dispute] = {}
    for one in disputes:
        for name in {one.dispute_id.casefold(), one.reference.casefold()}:
            other = owners.setdefault(name, one)
            if other is not one:
                with apart():
                    raise bad_params(
                        "two disputes have one name", "an id, and the reference of an adjustment, for each",
                        f"{name!r}, of {other.dispute_id} and {one.dispute_id}", [other.where, one.where],
                    )  # fmt: skip


def check_not_to_come(column: str, day: date, latest: date, place: str) -> None:
    """Refuse a day that has not come yet.

    Args:
        latest: today, or a later day that is looked from.
    """
    if day > latest:
        raise bad_params(f"{column} is in the days to come", f"{latest} at most", str(day), [place])
