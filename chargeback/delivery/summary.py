"""The CFO's page of a period: what it may know, all units together, typed and frozen.

It is made once, when a period is handed out, from what was closed and from what is known on that day: budgets,
approval, open disputes. It is written as `summary.json` into the delivery room before anything that is made of
it, so that a run that goes on where another was killed makes the same pages. `summary_data` makes it,
`summary_page` says it, `summary_check` proves it.

What always holds: amounts are exact, in cents; the units' amounts, and the cost centers', sum to the total; the
pools' sum to what is shared; the parts of the change sum to the change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chargeback.delivery.loss_ratio import LossRatio
from chargeback.signing import Signer
from chargeback.statements import exact_json
from chargeback.statements.model import BudgetAmount, LeftInvoice, PeriodAmount, Ratified, TieOut
from chargeback.statements.unit_cost_model import UnitCost

SUMMARY_FILE = "summary.json"


@dataclass(frozen=True)
class Line:
    """A business unit, a cost center or a pool, and what it is charged.

    Args:
        key: its id.
        about: what is said beside its name: of a cost center its unit, of a pool what splits it.
        previous: None where there is no earlier period.
    """

    key: str
    name: str
    about: str
    amount: Decimal
    previous: Decimal | None


@dataclass(frozen=True)
class Reason:
    """A part of the change of all units together; `code` is one of `pages.vocabulary.CHANGES`.

    Args:
        largest: what it is for, the largest first.
    """

    code: str
    amount: Decimal
    largest: tuple[str, ...]


@dataclass(frozen=True)
class BudgetLine:
    """Actual cost of the cost centers that have a budget, against it.

    Args:
        over: the month or the year that it is for: "2026-05", "2026".
        first, last: the closed periods that are summed.
        cost_centers: how many have a budget.
        missing: periods of the year up to now that are not closed in these books.
    """

    over: str
    first: str
    last: str
    cost_centers: int
    budget: Decimal
    actual: Decimal
    missing: int


@dataclass(frozen=True)
class UnitAgainstBudget:
    """A business unit against its budget, as its statement has it; each None where it has none of that.

    Args:
        year: with the forecast of the year.
        known: how many months of the year to date are in the books.
    """

    key: str
    name: str
    month: BudgetAmount | None
    to_date: BudgetAmount | None
    year: BudgetAmount | None
    known: int


@dataclass(frozen=True)
class UnitCostOf:
    """What a metric's pieces cost a business unit, as its statement has it, or the company.

    Args:
        key: id of the unit; `*` for the company.
    """

    key: str
    name: str
    found: UnitCost


@dataclass(frozen=True)
class Accepted:
    """A control that a person let pass, for what and by whom."""

    control: str
    subject: str
    reference: str
    accepted_by: str


@dataclass(frozen=True)
class Approval:
    """Who has released the period, and when."""

    by: str
    at: str


@dataclass(frozen=True)
class OpenDispute:
    """A dispute that is not decided: of which unit, about how much, due when."""

    reference: str
    business_unit_id: str
    amount: Decimal
    due: str


@dataclass(frozen=True)
class CorrectedPeriod:
    """What is charged or given back for an earlier period."""

    original_period: str
    amount: Decimal


@dataclass(frozen=True)
class Summary:
    """All that the CFO's page shows of a period.

    Args:
        handed_out_at: when it was made, in UTC; the mails are dated with it.
        total, previous_total: of all units together.
        ended: what was charged in the last closed period to units that get no statement now.
        reasons: none of them zero; with what ended they sum to the change. None without an earlier period.
        untagged: what no usable tag owns: direct cost by another rule, and the pool for the rest.
        controls: how many there were; all of them held.
        governed: rules must be ratified.
        asks_approval: somebody had to approve the period before it was handed out.
        budgets: of periods whose statements have none, against the budgets of today.
        unit_budgets: as the statements have them, the largest first.
        loss_ratio: the units by type of expense; None where nothing is declared.
        unit_costs: by metric, the company first; none where nothing is counted.
        signer: whose key signs the PDF; None where none can be had, and `unsigned` says why.
    """

    billing_period: str
    currency: str
    invoicing: str
    handed_out_at: str
    total: Decimal
    previous_period: str | None
    previous_total: Decimal | None
    trend: tuple[PeriodAmount, ...]
    reasons: tuple[Reason, ...] | None
    ended: Decimal
    units: tuple[Line, ...]
    cost_centers: tuple[Line, ...]
    pools: tuple[Line, ...]
    untagged: Decimal
    previous_untagged: Decimal | None
    budgets: tuple[BudgetLine, ...]
    tie_out: TieOut
    deferred: tuple[LeftInvoice, ...]
    controls: int
    accepted: tuple[Accepted, ...]
    governed: bool
    ratification: Ratified | None
    asks_approval: bool
    approval: Approval | None
    disputes: tuple[OpenDispute, ...]
    corrections: tuple[CorrectedPeriod, ...]
    signer: Signer | None
    unsigned: str
    unit_budgets: tuple[UnitAgainstBudget, ...] = field(
        default=(), metadata={exact_json.LATER: True}
    )
    loss_ratio: LossRatio | None = field(default=None, metadata={exact_json.LATER: True})
    unit_costs: tuple[UnitCostOf, ...] = field(default=(), metadata={exact_json.LATER: True})

    def to_json(self) -> str:
        """The one form in which a summary is written; `from_json` gives the same summary."""
        return exact_json.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Summary:
        """The summary that was written.

        Raises:
            ValueError: it is not the form of `to_json`; says where.
        """
        return exact_json.from_json(cls, text)
