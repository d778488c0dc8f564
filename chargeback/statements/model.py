"""What a business unit's statement may know: the whole of it, as `extract` makes it, typed and frozen.

One `Statement` per business unit and period is written as `unit.json` beside the unit's notebook,
and read again by the notebook's kernel. Everything that a page shows of the period comes from here;
what it says about that is in `wording`.

What always holds: amounts are exact decimals, in cents where they are charges; periods are text;
`previous` is the same in the last closed period, and None where there is no such period.

The kernels import this module, so nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from chargeback.ledger.invoices import InvoiceTie
from chargeback.ledger.outlook import UnitOutlook
from chargeback.signing import LATER, Signer
from chargeback.statements import exact_json
from chargeback.statements.unit_cost_model import UnitCost

ZERO = Decimal("0.00")


def reference_field() -> str:
    """The reference of a line (chargeback/ledger/references.py); blank in statements of earlier versions."""
    blank: str = field(default="", metadata={exact_json.LATER: True})
    return blank


class HasAmount(Protocol):
    """A row with an amount."""

    @property
    def amount(self) -> Decimal: ...


RowType = TypeVar("RowType", bound=HasAmount)


def total_of(rows: Iterable[HasAmount]) -> Decimal:
    """What the amounts of some rows sum to."""
    return sum((row.amount for row in rows), ZERO)


@dataclass(frozen=True)
class Rest:
    """The smaller rows of a list that is too long for a page: how many, and what they sum to."""

    rows: int
    amount: Decimal
    previous: Decimal | None = None


@dataclass(frozen=True)
class Listed(Generic[RowType]):
    """A list of rows as a page shows it: the largest, and the rest in one line where there is one."""

    rows: tuple[RowType, ...]
    rest: Rest | None = None

    @property
    def amount(self) -> Decimal:
        """What all rows sum to, those of the rest among them."""
        return total_of(self.rows) + (self.rest.amount if self.rest else ZERO)


@dataclass(frozen=True)
class BusinessUnit:
    """Whose statement it is; `owner` is blank where the params name none."""

    business_unit_id: str
    name: str
    owner: str


@dataclass(frozen=True)
class KindAmount:
    """What a kind of posting sums to: direct, allocated, commitment, rounding, adjustment."""

    kind: str
    amount: Decimal
    previous: Decimal | None


@dataclass(frozen=True)
class ChangeDetail:
    """One of the largest things that a part of a change is for: a service and account, or a pool."""

    label: str
    amount: Decimal


@dataclass(frozen=True)
class ChangePart:
    """A part of the change; `code` is one of `pages.vocabulary.CHANGES`.

    Args:
        notes: sentences that are said at its line.
        is_unknown: it could not be measured, and its amount of zero says nothing.
    """

    code: str
    amount: Decimal
    details: tuple[ChangeDetail, ...]
    notes: tuple[str, ...] = field(default=(), metadata={LATER: True})
    is_unknown: bool = field(default=False, metadata={LATER: True})


@dataclass(frozen=True)
class Change:
    """Why the total changed: parts that sum to the change, none of them zero unless it is unknown.

    Args:
        remarks: codes of `pages.vocabulary.REMARKS` that are about no one part.
    """

    parts: tuple[ChangePart, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Movers:
    """What changed most from the last closed period, whatever the reason, the largest first.

    Args:
        services: direct cost, by service and account.
        pools: shared cost, as far as it belongs to the largest of both.
    """

    services: tuple[ChangeDetail, ...]
    pools: tuple[ChangeDetail, ...]


@dataclass(frozen=True)
class CostCenterAmount:
    """What a cost center is charged: direct and shared cost and all else, which sum to the amount."""

    cost_center_id: str
    name: str
    direct: Decimal
    allocated: Decimal
    other: Decimal
    amount: Decimal
    previous: Decimal | None


@dataclass(frozen=True)
class ServiceAmount:
    """Direct cost of a service; within an account it is not compared with an earlier period.

    Args:
        product_name: what the report calls it; blank for what AWS itself sells, here and below.
        provider: who sells it; blank where all direct cost of the unit is of AWS, here and below.
    """

    product_code: str
    product_name: str
    amount: Decimal
    previous: Decimal | None = None
    reference: str = reference_field()
    provider: str = field(default="", metadata={LATER: True})


@dataclass(frozen=True)
class ProviderAmount:
    """Direct cost of a provider."""

    provider: str
    amount: Decimal
    previous: Decimal | None = None


@dataclass(frozen=True)
class AccountAmount:
    """Direct cost in an account, by service."""

    account_id: str
    name: str
    amount: Decimal
    services: Listed[ServiceAmount]
    reference: str = reference_field()
    provider: str = field(default="", metadata={LATER: True})


@dataclass(frozen=True)
class RuleAmount:
    """Direct cost that one rule gave to the unit; `about` is why an ownership rule does, and its approval."""

    rule: str
    about: str
    amount: Decimal


@dataclass(frozen=True)
class DirectCost:
    """All direct cost of the unit, by service, by account and by the rule that decided.

    Args:
        credits: credits and refunds in it; `tax` likewise.
        providers: the same by provider, the largest first; none where all of it is of AWS.
    """

    total: Decimal
    previous: Decimal | None
    services: Listed[ServiceAmount]
    accounts: tuple[AccountAmount, ...]
    rules: tuple[RuleAmount, ...]
    credits: Decimal
    tax: Decimal
    providers: tuple[ProviderAmount, ...] = field(default=(), metadata={LATER: True})


@dataclass(frozen=True)
class PoolShare:
    """The unit's part of a pool: its weight, all weights, what the pool was and what it pays.

    Args:
        approved: who approved how the pool is split; blank where that is not recorded.
        split_by: what the key is called.
        unit: what its weights are in; blank where nobody named one.
        weight: None where policy has shares only.
        total_weight, pool_total: None where they are not shown.
        is_kept: they are not, because finance keeps them, nor is the share.
        share: where policy has shares only, between 0 and 1, rounded.
    """

    pool_id: str
    name: str
    approved: str
    allocation_key: str
    split_by: str
    unit: str
    weight: Decimal | None
    total_weight: Decimal | None
    pool_total: Decimal | None
    is_kept: bool
    amount: Decimal
    previous: Decimal | None
    share: Decimal | None = field(default=None, metadata={LATER: True})
    reference: str = reference_field()


@dataclass(frozen=True)
class PassedOn:
    """What one pool passed on to a later one, by their names."""

    giver: str
    receiver: str
    amount: Decimal


@dataclass(frozen=True)
class CommitmentAmount:
    """What was prepaid less what was used up, by service and line item type."""

    product_code: str
    product_name: str
    line_item_type: str
    amount: Decimal
    reference: str = reference_field()


@dataclass(frozen=True)
class RoundingAmount:
    """An invoice's total less its line items rounded once."""

    invoice_id: str
    amount: Decimal
    reference: str = reference_field()


@dataclass(frozen=True)
class AdjustmentAmount:
    """What people moved to or from a cost center, why, and by whose approval.

    Args:
        reference: what people call it, such as the number of a change.
        approved_by, approved_on: blank where it was posted before adjustments had to say it.
    """

    reference: str
    reason: str
    cost_center_id: str
    name: str
    amount: Decimal
    approved_by: str = ""
    approved_on: str = ""
    reference_of_line: str = reference_field()


@dataclass(frozen=True)
class CorrectionRow:
    """What an earlier period's correction changes for a cost center, and for what.

    Args:
        name: of the cost center.
        kind: of the posting that is corrected.
        pool, product_code, product_name, account: what it is for, where it is; `pool` and `account` are names.
        ended: the cost center that had it and has ended since; blank for most.
        provider: whose account it is, where that is not AWS; blank for AWS.
    """

    cost_center_id: str
    name: str
    kind: str
    pool: str
    product_code: str
    product_name: str
    account: str
    ended: str
    amount: Decimal
    reference: str = reference_field()
    provider: str = field(default="", metadata={exact_json.LATER: True})


@dataclass(frozen=True)
class Correction:
    """What is charged or given back for an earlier period that changed after it was closed.

    Args:
        execution_id: of AWS's new delivery; blank where an invoice was what changed.
        taken: invoices that the period's close left to a later one, and that are charged now.
        delivered_by: who delivered it again, where that is another provider than AWS, alone or too.
    """

    original_period: str
    execution_id: str
    taken: tuple[str, ...]
    amount: Decimal
    rows: Listed[CorrectionRow]
    reference: str = reference_field()
    delivered_by: tuple[str, ...] = field(default=(), metadata={exact_json.LATER: True})


@dataclass(frozen=True)
class Account:
    """An account of the unit."""

    account_id: str
    name: str


@dataclass(frozen=True)
class CostCenter:
    """A cost center of the unit."""

    cost_center_id: str
    name: str


@dataclass(frozen=True)
class UntaggedCost:
    """What had no usable tag, by account and service.

    Args:
        name: of the account.
        owner: who got it, one of `pages.vocabulary.UNTAGGED_OWNERS`.
    """

    account_id: str
    name: str
    product_code: str
    product_name: str
    owner: str
    amount: Decimal


@dataclass(frozen=True)
class UnusableValue:
    """A tag value that is no cost center, and what carries it."""

    tag_key: str
    tag_value: str
    account_id: str
    line_items: int
    amount: Decimal


@dataclass(frozen=True)
class Untagged:
    """What had no usable tag in the unit's accounts: exact costs of line items, shown in cents.

    Args:
        pooled: of the total, what went to the pool for untagged cost.
        defaulted: what went to the default cost center of its account.
        ruled: what went where an ownership rule gives it.
        values: those of it that have a tag, with a value that is no cost center.
        tag_key: the tag to set first.
        cost_centers: what to set it to.
    """

    accounts: tuple[Account, ...]
    total: Decimal
    pooled: Decimal
    defaulted: Decimal
    ruled: Decimal
    rows: Listed[UntaggedCost]
    values: Listed[UnusableValue]
    tag_key: str
    cost_centers: tuple[CostCenter, ...]


@dataclass(frozen=True)
class UntaggedPool:
    """What the unit's accounts put into the pool for untagged cost, beside what the unit pays of it.

    Args:
        split_by: what the key is called that splits it; blank where the unit takes no part.
        put_in: exact costs of line items, shown in cents: `Untagged.pooled`.
        paid: what the unit is charged of it.
        pool_total: None where it is not shown.
    """

    pool_id: str
    name: str
    split_by: str
    put_in: Decimal
    paid: Decimal
    pool_total: Decimal | None


@dataclass(frozen=True)
class PeriodAmount:
    """The unit's total in a period, in three parts."""

    billing_period: str
    direct: Decimal
    allocated: Decimal
    other: Decimal
    amount: Decimal


@dataclass(frozen=True)
class InvoiceChange:
    """What an invoice of an earlier period changed by since that was closed."""

    original_period: str
    invoice_id: str
    issuer: str
    line_items: Decimal
    rounding: Decimal
    total: Decimal


@dataclass(frozen=True)
class LeftInvoice:
    """An invoice that is left to a later period; `amount` is None where it is not shown."""

    invoice_id: str
    deferred_to: str
    amount: Decimal | None


@dataclass(frozen=True)
class InvoicedTotals:
    """All invoices of the period and all changes of earlier ones together, or some of them.

    Args:
        invoices: how many these are.
    """

    invoices: int
    line_items: Decimal
    rounding: Decimal
    total: Decimal


@dataclass(frozen=True)
class TieOut:
    """How the charges of all units together tie to what AWS invoiced.

    Args:
        invoices, changes: those whose totals are shown.
        others: those that finance keeps, together; None where there are none, or no others to tell them from.
        invoiced: all of them; None where it is kept, or nothing is invoiced.
        charged: what all units together are charged; None where it is kept.
        difference: what is invoiced and not charged; None where nothing is invoiced.
        kept: how many invoices and changes finance keeps.
        has_changes: invoices of earlier periods changed, whether they are shown or not.
        of_several: other providers than AWS are registered in the period.
    """

    invoices: tuple[InvoiceTie, ...]
    changes: tuple[InvoiceChange, ...]
    others: InvoicedTotals | None
    invoiced: InvoicedTotals | None
    charged: Decimal | None
    difference: Decimal | None
    kept: int
    has_changes: bool
    of_several: bool = field(default=False, metadata={LATER: True})


@dataclass(frozen=True)
class Digest:
    """Something that pins the statement to what it was made from, with its label."""

    label: str
    digest: str


@dataclass(frozen=True)
class Ratified:
    """Who approved the rules, when, and from which period on they hold."""

    reference: str
    approved_by: str
    approved_on: str
    valid_from: str


@dataclass(frozen=True)
class ReadersHelp:
    """Whom to ask, and how and until when a line can be disputed, as the params of the close have it.

    Args:
        ask: who is to be asked, in words; blank where nobody is named.
        until: a day such as 2026-06-20; blank where none is agreed.
        business_days: from the day on which the statement is handed out.
        how: how to dispute a line, in words; blank for the usual ones.
    """

    ask: str
    until: str
    business_days: int
    how: str


@dataclass(frozen=True)
class BudgetAmount:
    """A budget, and what was charged or is forecast against it."""

    budget: Decimal
    actual: Decimal

    @property
    def difference(self) -> Decimal:
        """What is left of the budget; less than nothing where it is exceeded."""
        return self.budget - self.actual


@dataclass(frozen=True)
class CenterBudget:
    """A cost center against its budget, in the months in which it has one and is the unit's.

    Args:
        month: None where it has none in the period.
        to_date: of the months of the year up to the period that are in the books; None where it has none.
        year: with the forecast of the year; None where there is no forecast.
    """

    cost_center_id: str
    name: str
    month: BudgetAmount | None
    to_date: BudgetAmount | None
    year: BudgetAmount | None


@dataclass(frozen=True)
class BudgetMonth:
    """A month of the year: the unit's budgets, and what was charged against them; None where not known."""

    billing_period: str
    budget: Decimal
    actual: Decimal | None


@dataclass(frozen=True)
class UnitBudget:
    """A unit against its budget of the calendar year.

    Args:
        first: the first month of the year to date that is in the books.
        known: how many months of the year to date are in the books, the period among them.
        day: of an open period the last day that is charged, whose part of the month's budget is compared; 0
            where the whole month is.
        unbudgeted: what the period charges to cost centers of the unit that have no budget in it.
        approved_by: who approved what the unit is compared with.
    """

    year: str
    first: str
    known: int
    day: int
    rows: tuple[CenterBudget, ...]
    months: tuple[BudgetMonth, ...]
    unbudgeted: Decimal
    approved_by: tuple[str, ...]

    @property
    def month(self) -> BudgetAmount | None:
        """All cost centers together in the period; None where none has a budget in it."""
        return together(one.month for one in self.rows)

    @property
    def to_date(self) -> BudgetAmount | None:
        """The same of the year to date."""
        return together(one.to_date for one in self.rows)

    @property
    def forecast(self) -> BudgetAmount | None:
        """The same of the whole year."""
        return together(one.year for one in self.rows)


def together(amounts: Iterable[BudgetAmount | None]) -> BudgetAmount | None:
    """What budgets sum to, and what is against them; None where there is none."""
    known = [one for one in amounts if one is not None]
    if not known:
        return None
    return BudgetAmount(
        sum((one.budget for one in known), ZERO), sum((one.actual for one in known), ZERO)
    )


@dataclass(frozen=True)
class Statement:
    """All that one unit's statement of one period shows.

    Args:
        provisional: the period is still open.
        invoicing: the kind of month, one of chargeback/params/invoicing.py.
        total: what the unit is charged; kinds, cost centers and the last of the trend sum to it.
        previous_period: the last closed period before this one.
        change: None for the first period on record.
        steps: what pools passed on, where the unit pays for one of the two.
        trend: the closed periods and this one, in order.
        deferred: invoices of the period that are left to a later one.
        published_totals: which totals are shown, one of chargeback/params/published_totals.py.
        governed: rules must be ratified where the params are kept.
        signer: whose key will sign the PDF; None where nobody signs.
        cost_basis: amortized or unblended; blank in what an earlier version wrote, as is the help.
        movers: None where nothing moved, or nothing is there to compare with.
        outlook: of a draft: how far its data reaches, and what it is estimated to come to.
        untagged_pool: None where the unit neither put anything into it nor pays for it.
        budget: None where the unit has none in the year.
        unit_costs: none where the unit has no quantities.
    """

    billing_period: str
    currency: str
    provisional: bool
    invoicing: str
    unit: BusinessUnit
    total: Decimal
    previous_period: str | None
    previous_total: Decimal | None
    kinds: tuple[KindAmount, ...]
    change: Change | None
    cost_centers: tuple[CostCenterAmount, ...]
    direct: DirectCost
    pools: tuple[PoolShare, ...]
    steps: tuple[PassedOn, ...]
    commitments: Listed[CommitmentAmount]
    roundings: tuple[RoundingAmount, ...]
    adjustments: tuple[AdjustmentAmount, ...]
    corrections: tuple[Correction, ...]
    untagged: Untagged
    trend: tuple[PeriodAmount, ...]
    tie_out: TieOut
    deferred: tuple[LeftInvoice, ...]
    published_totals: str
    digests: tuple[Digest, ...]
    governed: bool
    ratification: Ratified | None
    signer: Signer | None
    cost_basis: str = field(default="", metadata={LATER: True})
    readers_help: ReadersHelp | None = field(default=None, metadata={LATER: True})
    movers: Movers | None = field(default=None, metadata={LATER: True})
    outlook: UnitOutlook | None = field(default=None, metadata={LATER: True})
    untagged_pool: UntaggedPool | None = field(default=None, metadata={LATER: True})
    budget: UnitBudget | None = field(default=None, metadata={LATER: True})
    unit_costs: tuple[UnitCost, ...] = field(default=(), metadata={LATER: True})

    @property
    def compared_period(self) -> str | None:
        """The last closed period, beside which amounts stand; none of a month that is not over."""
        return None if self.provisional else self.previous_period

    def to_json(self) -> str:
        """The one form in which a statement is written; `from_json` gives the same statement."""
        return exact_json.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Statement:
        """The statement that was written.

        Raises:
            ValueError: it is not the form of `to_json`; says where.
        """
        return exact_json.from_json(cls, text)
