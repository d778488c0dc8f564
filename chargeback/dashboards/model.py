"""What a dashboard says: one unit's rows and what was found about them, as a JSON file that a page is made of.

The notebook of a page opens this file and nothing else. Everything is of one scope (`scope`): a row, a name, a
resource or a ticket of somebody else has no place in it, and a control reads that back. Amounts are exact
decimals in the currency of the books; the rows of a closed month sum to its ledger, cent for cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chargeback.signing import LATER

CLOSED, PROVISIONAL, TO_DATE = "closed", "PROVISIONAL", "to date"

#: So many closed months are shown row by row; of earlier ones the page has the amount.
DETAILED = 13

#: The value of a tag that stands for all values that are not shown by themselves.
OTHER_VALUES = "(other values)"


@dataclass(frozen=True)
class Month:
    """A month that the page knows.

    Args:
        status: "closed"; "PROVISIONAL" for a draft of an open month; "to date" for direct cost alone, as the
            daily flow attributes it, shared cost not spread yet.
        as_of: the last day with line items, such as "2026-06-14"; blank for a closed month.
        amount: what the scope is charged, all kinds; the rows of the month sum to it.
    """

    billing_period: str
    status: str
    as_of: str
    amount: Decimal


@dataclass(frozen=True)
class ChargeRow:
    """Charges of a month that agree in everything below, summed.

    Args:
        kind: direct, allocated, commitment, rounding or adjustment, as in the ledger.
        pool_id, account_id, product_code: blank where a charge has none.
        original_period: of a correction, the month that it corrects; else blank.
    """

    billing_period: str
    business_unit_id: str
    cost_center_id: str
    kind: str
    pool_id: str
    account_id: str
    product_code: str
    original_period: str
    amount: Decimal


@dataclass(frozen=True)
class Name:
    """What an id is called.

    Args:
        of: business_unit, cost_center, account, service, pool.
    """

    of: str
    id: str
    name: str


@dataclass(frozen=True)
class ResourceCost:
    """A resource's direct cost in the last closed month and the one before; `previous` None without one."""

    resource_id: str
    account_id: str
    product_code: str
    cost_center_id: str
    amount: Decimal
    previous: Decimal | None


@dataclass(frozen=True)
class TagCost:
    """Direct cost of the last closed month by the value of a tag; the value is blank where there is none.

    What has one of the many smaller values stands under `OTHER_VALUES`.
    """

    tag_key: str
    tag_value: str
    amount: Decimal


@dataclass(frozen=True)
class Share:
    """The scope's part of a pool in the last closed month.

    Args:
        share: between 0 and 1, of the pool; None where finance keeps the pool's total to itself.
        split_by: the allocation key, in words.
    """

    pool_id: str
    name: str
    split_by: str
    amount: Decimal
    share: Decimal | None


@dataclass(frozen=True)
class Untagged:
    """Cost without a usable tag in an account of the scope, in the last closed month, and who is to fix it.

    Args:
        owner: the team that owns the account; blank where accounts.csv names none.
        taken_by: who got it, one of `pages.vocabulary.UNTAGGED_OWNERS`.
    """

    account_id: str
    product_code: str
    owner: str
    taken_by: str
    amount: Decimal


@dataclass(frozen=True)
class BudgetRow:
    """A budget against what was charged.

    Args:
        period: a month, "2026-05", or a year, "2026", up to the open month.
        charged: in the months of it that the page knows, the open one to date.
        forecast: for all of it: what is charged in closed months, and what the open month is expected to come
            to, for it and each later one; None where nothing says, or months of a year are not in the books.
    """

    period: str
    cost_center_id: str
    budget: Decimal
    charged: Decimal
    forecast: Decimal | None


@dataclass(frozen=True)
class Forecast:
    """What the open month comes to at the rate of its days so far; the method in words."""

    billing_period: str
    to_date: Decimal
    expected: Decimal
    method: str


@dataclass(frozen=True)
class UnitCost:
    """Cost for each unit of a driver in a month: `cost / quantity`, and None where the quantity is zero.

    Args:
        is_circular: the driver is also an allocation key, so that a part of the cost follows it by rule.
    """

    billing_period: str
    driver: str
    quantity: Decimal
    cost: Decimal
    cost_of_one: Decimal | None
    is_circular: bool


@dataclass(frozen=True)
class MetricCost:
    """What one piece of a metric cost in a closed month.

    Args:
        name, piece: what the metric is called, and what the unit cost is of: "claim", "1,000 logins".
        quantity: None where it is not in yet; then there are no costs beside it either.
        direct, cost: direct cost, and all that is charged, of whom the quantity is of.
        direct_of_one, cost_of_one: None where nothing is divided.
        volume, rate: of the change of the cost since the month before; they sum to it. None without one.
        as_of: when it was counted.
        is_circular: the quantity is also an allocation key, so that a part of the cost follows it by rule.
        by_parts: the owner had a quantity of its own in an earlier month, and here its parts have theirs.
    """

    billing_period: str
    metric: str
    name: str
    piece: str
    quantity: Decimal | None
    direct: Decimal
    cost: Decimal
    direct_of_one: Decimal | None
    cost_of_one: Decimal | None
    volume: Decimal | None
    rate: Decimal | None
    as_of: str
    is_final: bool
    is_circular: bool
    by_parts: bool = field(default=False, metadata={LATER: True})


@dataclass(frozen=True)
class Notice:
    """An anomaly or a ticket of the daily flow.

    Args:
        what: "anomaly" or "untagged", the rule that opened it.
        status: open or resolved.
        reference: of the ticket; blank where there is none.
        link: a web address; blank where there is none.
    """

    what: str
    title: str
    amount: Decimal
    status: str
    opened_on: str
    due_on: str
    owner: str
    reference: str
    link: str


@dataclass(frozen=True)
class Answer:
    """What a unit answered to a statement: acknowledged, disputed, and how a dispute stands.

    Args:
        what: "acknowledged" or "disputed".
        subject: the id of a dispute; blank for an acknowledgement.
        line: of the statement that is disputed.
        at: when it was written down, in UTC, as 2026-06-03T09:30:00Z.
        status: of a dispute: raised, answered, or what was decided; blank for an acknowledgement.
        amount: that is disputed; once it is decided, what is given back.
    """

    billing_period: str
    business_unit_id: str
    what: str
    subject: str
    line: str
    at: str
    by: str
    status: str
    amount: Decimal | None


@dataclass(frozen=True)
class Download:
    """A statement that can be opened, by its period, unit and ending (html, pdf, csv)."""

    billing_period: str
    business_unit_id: str
    ending: str


@dataclass(frozen=True)
class Dashboard:
    """All that a page says.

    Args:
        scope: kind and id of `scope.Scope`.
        name, owner: of the unit or cost center; "All business units" for all.
        months: closed ones in order, then the open one where something is known of it.
        rows: of the open month and of the last closed ones, `DETAILED` of them.
        unit_costs: by driver; a driver that is a metric too is among `metric_costs`.
        remarks: what could not be looked at and why, in sentences, such as that the report was not there.
    """

    scope_kind: str
    scope_id: str
    name: str
    owner: str
    currency: str
    last_closed: str
    months: tuple[Month, ...]
    rows: tuple[ChargeRow, ...]
    names: tuple[Name, ...]
    resources: tuple[ResourceCost, ...]
    tags: tuple[TagCost, ...]
    shares: tuple[Share, ...]
    untagged: tuple[Untagged, ...]
    budgets: tuple[BudgetRow, ...]
    forecast: Forecast | None
    unit_costs: tuple[UnitCost, ...]
    notices: tuple[Notice, ...]
    answers: tuple[Answer, ...]
    downloads: tuple[Download, ...]
    remarks: tuple[str, ...]
    metric_costs: tuple[MetricCost, ...] = field(default=(), metadata={LATER: True})
