"""The split for the medical loss ratio: medical_loss_ratio.csv, which type of expense each charge is.

A US health insurer reports what it spends as one of three types (45 CFR Part 158): incurred claims, activities
that improve health care quality, and other costs, which are administration. A row declares in which parts of
a hundred a cost center's charge is each, from when on, and on what basis: the report must describe the method
(45 CFR 158.170). A row of `*` is for the cost centers that have none of their own in a period.

It decides no charge, so that no council ratifies it with the rules: a row is its own decision, as an adjustment
is. It says who entered it and who approved it, when and by which reference, and who enters is not who approves.
Dated rows of one cost center follow each other without a gap or an overlap. The file is optional; where it is
there, every cost center that is charged needs a row that holds, or a close stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import holds_in
from chargeback.params.adjustments import is_said, same_person
from chargeback.params.registers import COLUMNS, EVERY_OTHER, Row, check_day

FILE = "medical_loss_ratio.csv"

#: In place of a cost center: every one that has no row of its own.
EVERY = EVERY_OTHER[FILE]

#: The types of expense, in the order in which they are shown; each is a column of the register.
CATEGORIES = ("claims", "quality_improvement", "administration")

#: The same in a sentence.
SAID = {
    "claims": "claims",
    "quality_improvement": "quality improvement",
    "administration": "administration",
}

#: Decimals of a percentage, at most.
PLACES = 4

WHOLE = Decimal(100)

#: What an approved row has beside what it declares.
APPROVAL = ("basis", "reference", "entered_by", "approved_by", "approved_on")


@dataclass(frozen=True)
class Declaration:
    """What the charge of a cost center is an expense of, in some periods.

    Args:
        cost_center_id: `*` is every cost center that has no row of its own.
        percents: of each category, by its name; together 100.
        basis: why so, in words.
        approved_on: a day such as 2025-11-20.
    """

    cost_center_id: str
    valid_from: str
    valid_to: str
    percents: Mapping[str, Decimal]
    basis: str
    reference: str
    entered_by: str
    approved_by: str
    approved_on: str
    where: str = field(compare=False, default="")

    @property
    def weights(self) -> dict[str, int]:
        """The percentages as whole numbers that sum to a million."""
        return {name: int(one.scaleb(PLACES)) for name, one in self.percents.items()}


def declarations_of(rows: Iterable[Row], today: date | None = None) -> tuple[Declaration, ...]:
    """The declarations of rows, of all periods, in the order of the file.

    Args:
        today: until when an approval must have come; by default the day it is, in UTC.

    Raises:
        Refusal: (exit 2) a percentage is none, they do not come to 100, a row does not say who entered and
            who approved it, both are one person, or its day has not come.
    """
    last = today or datetime.now(UTC).date()
    found = []
    with together():
        for row in rows:
            with apart():
                one = declaration_of(row)
                check_approval(one, last)
                found.append(one)
    return tuple(found)


def declaration_of(row: Row) -> Declaration:
    """A row of medical_loss_ratio.csv, whose percentages come to 100."""
    percents = {name: percent_of(row, name) for name in CATEGORIES}
    whole = sum(percents.values(), Decimal(0))
    if whole != WHOLE:
        difference = whole - WHOLE
        raise bad_params(
            "a split for the medical loss ratio does not come to 100 percent",
            f"{', '.join(CATEGORIES)} that sum to 100",
            f"{whole:f}, {abs(difference):f} too {'much' if difference > 0 else 'little'}", [row.where],
            ["each expense is of one type, or of several in parts that come to all of it (45 CFR 158.170)"],
        )  # fmt: skip
    basis, reference, entered_by, approved_by, approved_on = (row[name] for name in APPROVAL)
    return Declaration(
        row["cost_center_id"], row["valid_from"], row["valid_to"], percents, basis, reference, entered_by,
        approved_by, approved_on, row.where,
    )  # fmt: skip


def percent_of(row: Row, name: str) -> Decimal:
    """A percentage between 0 and 100, with at most four decimals."""
    percent = row.decimal(name, PLACES)
    if not 0 <= percent <= WHOLE:
        raise bad_params(
            f"{name} is not a percentage", "0 to 100, such as 62.5", row[name], [row.at(name)]
        )
    return percent


def check_approval(one: Declaration, today: date) -> None:
    """Refuse a row without another person's approval up to a day."""
    lacking = [name for name in APPROVAL if not is_said(getattr(one, name))]
    if lacking:
        raise bad_params(
            f"a split for the medical loss ratio lacks its {lacking[0]}",
            ",".join(COLUMNS[FILE]) + ", no cell empty but valid_to",
            f"nothing in {', '.join(lacking)}", [one.where],
            ["enter on what basis it splits, who entered it, who approved it, when and by which reference"],
        )  # fmt: skip
    if same_person(one.entered_by, one.approved_by):
        raise bad_params(
            "a split for the medical loss ratio is approved by who entered it",
            "two persons: who enters it, and who approves it",
            f"entered by {one.entered_by!r}, approved by {one.approved_by!r}", [one.where],
            ["have somebody else approve it"],
        )  # fmt: skip
    if check_day(one.approved_on, "approved_on", one.where) > today:
        raise bad_params(
            "a split for the medical loss ratio is approved on a day that has not come",
            f"{today} (UTC) or earlier", one.approved_on, [one.where],
            ["correct approved_on; an approval comes before the close that splits by it"],
        )  # fmt: skip


def declared_for(
    declarations: Iterable[Declaration], cost_center_id: str, period: str
) -> Declaration | None:
    """What holds for a cost center in a period: its own row, else that of `*`; None where there is neither."""
    held = {
        one.cost_center_id: one
        for one in declarations
        if one.cost_center_id in (cost_center_id, EVERY)
        and holds_in(period, one.valid_from, one.valid_to)
    }
    return held.get(cost_center_id) or held.get(EVERY)


def in_force(
    declarations: Iterable[Declaration], cost_center_ids: Iterable[str], period: str
) -> list[tuple[Declaration, list[str]]]:
    """The declarations that hold for some cost centers, each with those, that of `*` last."""
    known = list(declarations)
    found: dict[str, tuple[Declaration, list[str]]] = {}
    for center in sorted(cost_center_ids):
        one = declared_for(known, center, period)
        if one is not None:
            found.setdefault(one.cost_center_id, (one, []))[1].append(center)
    return [found[key] for key in sorted(found, key=lambda key: (key == EVERY, key))]


def undeclared(
    declarations: Iterable[Declaration], cost_center_ids: Iterable[str], period: str
) -> list[str]:
    """The cost centers for which nothing holds, sorted."""
    known = list(declarations)
    return [one for one in sorted(cost_center_ids) if declared_for(known, one, period) is None]


def split_words(one: Declaration) -> str:
    """The parts of a hundred, in words; those of nothing are left out."""
    parts = [
        f"{percent.normalize():f} % {SAID[name]}"
        for name in CATEGORIES
        if (percent := one.percents[name])
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def is_declared(digests: Mapping[str, str]) -> bool:
    """Whether a params folder has the register, by the digests of its files."""
    return FILE in digests
