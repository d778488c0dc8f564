"""A small, complete set of statement inputs: a ledger made by hand-sized rules, with known sums.

`estate()` has several business units, cost centers, pools, closed periods, commitments, rounding,
an adjustment, credits and untagged cost. Amounts come from a fixed sequence, so every run has the
same ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle
from typing import Any

import pyarrow as pa

from chargeback.allocation.apportion import divide
from chargeback.books.schema import POSTINGS
from chargeback.core.money import exact_amount, exact_units
from chargeback.ledger.invoices import InvoiceTie
from chargeback.params.budgets import PlannedMonth, PlannedYear, months_of
from chargeback.params.delivery import Delivery
from chargeback.params.key_names import KeyName
from chargeback.signing import DEVELOPMENT
from chargeback.statements.bridge import Month, explain_change
from chargeback.statements.bridge.mixed import NO_EVIDENCE
from chargeback.statements.inputs import StatementInputs


@dataclass(frozen=True)
class Policy:
    currency: str = "USD"
    cost_basis: str = "amortized"
    cost_center_tags: tuple[str, ...] = ("user_cost_center",)
    mandatory_tags: tuple[str, ...] = ("user_cost_center", "user_application")
    commitments_cost_center_id: str = "CC-9000"
    rounding_cost_center_id: str = "CC-9000"
    invoice_rounding_limit: Decimal = Decimal("1.00")
    invoicing: str = ""


@dataclass(frozen=True)
class BusinessUnit:
    business_unit_id: str
    name: str
    owner: str = "Dana Reyes"
    email: str = "owner@example.com"
    idp_group: str = "group"


@dataclass(frozen=True)
class CostCenter:
    cost_center_id: str
    name: str
    business_unit_id: str
    valid_from: str = "2025-01"
    valid_to: str | None = None


@dataclass(frozen=True)
class Account:
    account_id: str
    name: str
    owning_team: str
    default_cost_center_id: str | None
    valid_from: str = "2025-01"
    valid_to: str | None = None
    provider: str = ""


@dataclass(frozen=True)
class Pool:
    pool_id: str
    name: str
    key: str
    recipients: tuple[str, ...] = ("*",)
    except_: tuple[str, ...] = ()
    approved: str = "CHG0031001"


@dataclass(frozen=True)
class Adjustment:
    from_cost_center_id: str
    to_cost_center_id: str
    amount: Decimal
    reason: str
    reference: str
    entered_by: str = ""
    approved_by: str = ""
    approved_on: str = ""


@dataclass(frozen=True)
class OwnershipRule:
    rule_id: str
    reason: str
    approved: str


@dataclass(frozen=True)
class Params:
    business_units: dict[str, BusinessUnit]
    cost_centers: dict[str, CostCenter]
    accounts: dict[str, Account]
    pools: tuple[Pool, ...]
    policy: Policy = field(default_factory=Policy)
    adjustments: tuple[Adjustment, ...] = ()
    key_names: dict[str, KeyName] = field(default_factory=dict)
    ownership: tuple[OwnershipRule, ...] = (
        OwnershipRule("old-archive", "buckets from before tags", "CHG0031009"),
    )
    delivery: Delivery = field(default_factory=Delivery)
    budgets: tuple[PlannedYear, ...] = ()
    providers: dict[str, str] = field(default_factory=dict)


PERIOD = "2026-05"
PERIODS = ("2025-12", "2026-01", "2026-02", "2026-03", "2026-04")

OWNED = pa.schema(
    [
        ("invoice_id", pa.string()),
        ("account_id", pa.string()),
        ("product_code", pa.string()),
        ("line_item_type", pa.string()),
        ("operation", pa.string()),
        ("usage_type", pa.string()),
        ("has_resource", pa.bool_()),
        ("cost_center_tag_1", pa.string()),
        ("cost_center_tag_2", pa.string()),
        ("cost_center_tag_3", pa.string()),
        ("line_items", pa.int64()),
        ("unblended_cost", pa.decimal128(38, 10)),
        ("amortized_cost", pa.decimal128(38, 10)),
        ("cost_center_id", pa.string()),
        ("pool_id", pa.string()),
        ("rule", pa.string()),
        ("unusable_tag_value", pa.string()),
    ]
)

UNITS: dict[str, tuple[str, list[str]]] = {
    "claims": (
        "Claims Operations",
        ["Claims intake", "Claims adjudication", "Fraud detection", "Appeals"],
    ),
    "member": ("Member Services", ["Member portal", "Contact center", "Enrollment"]),
    "provider": ("Provider Network", ["Provider directory", "Contracting"]),
    "pharmacy": ("Pharmacy", ["Formulary", "Prior authorization", "Mail order"]),
    "care": ("Care Management", ["Population health", "Telehealth"]),
    "data": ("Data Platform", ["Data lake", "Reporting", "Machine learning", "Streaming"]),
    "corporate": ("Corporate Systems", ["Finance systems", "People systems", "Cloud commitments"]),
    "digital": ("Digital", ["Web", "Mobile"]),
}
SERVICES = [
    "AmazonEC2",
    "AmazonRDS",
    "AmazonS3",
    "AWSLambda",
    "AmazonCloudWatch",
    "AmazonEKS",
    "AmazonRedshift",
    "6mc0codingvalidator3rk9fzl",
    "AmazonDynamoDB",
    "AWSGlue",
    "awskms",
    "AmazonSageMaker",
    "AmazonSNS",
    "2hd7identityguardx5tw8j1pu",
]
#: What the report calls those that sellers of AWS Marketplace sell; one unit has the second.
PRODUCT_NAMES = {
    "6mc0codingvalidator3rk9fzl": "ICD-10 Coding Validator",
    "2hd7identityguardx5tw8j1pu": "Identity Guard Enterprise",
}
POOLS = (
    Pool("aws-support", "AWS Enterprise Support", "direct_spend"),
    Pool(
        "shared-network",
        "Transit gateways and network",
        "driver:claims_processed",
        approved="CHG0031002",
    ),
    Pool("security", "Security tooling", "even"),
    # Its total weight, with that of the support, tells what corporate spends directly.
    Pool("untagged", "Untagged", "direct_spend", except_=("corporate",)),
)


def business(names: dict[str, tuple[str, list[str]]] | None = None) -> Params:
    units = names or UNITS
    cost_centers, accounts, number = {}, {}, 1000
    for unit_id, (_, centers) in units.items():
        for name in centers:
            number += 10
            key = "CC-9000" if name == "Cloud commitments" else f"CC-{number}"
            cost_centers[key] = CostCenter(key, name, unit_id)
            # The factor shares no divisor with a power of ten, so that no two ids are the same.
            account_id = f"{number * 98_765_432_107 % 10**12:012d}"
            accounts[account_id] = Account(
                account_id, f"{name.lower().replace(' ', '-')}-prod", "team", key
            )
    first, last = first_and_last(cost_centers)
    moved = Adjustment(
        first.cost_center_id,
        last.cost_center_id,
        Decimal("250.00"),
        "licences were charged twice",
        "CHG0039911",
        "Jonas Halm",
        "Carla Reyes",
        "2026-05-28",
    )
    return Params(
        business_units={key: BusinessUnit(key, name) for key, (name, _) in units.items()},
        cost_centers=cost_centers,
        accounts=accounts,
        pools=POOLS,
        adjustments=(moved,),
        budgets=tuple(budgets(cost_centers)),
    )


def budgets(cost_centers: Mapping[str, CostCenter]) -> Iterator[PlannedYear]:
    """Of three cost centers one has a year, one a year and a month of it, and one nothing."""
    for number, center in enumerate(cost_centers.values()):
        if number % 3 == 2:
            continue
        months = tuple(
            PlannedMonth(
                period,
                center.business_unit_id,
                Decimal("150000.00") if number % 3 and period == PERIOD else None,
            )
            for period in months_of(PERIOD[:4])
        )
        yield PlannedYear(
            center.cost_center_id,
            center.name,
            Decimal("1234567.89") + 12_345 * number,
            months,
            ("Marguerite Chen, CFO",),
        )


def first_and_last(cost_centers: dict[str, CostCenter]) -> tuple[CostCenter, CostCenter]:
    """Two cost centers between which people moved something; the last one holds the commitments."""
    centers = list(cost_centers.values())
    return centers[0], cost_centers.get("CC-9000", centers[-1])


class Amounts:
    """A fixed sequence of plausible amounts."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self, limit: int) -> Decimal:
        self.state = (self.state * 1_103_515_245 + 12_345) % 2**31
        return Decimal(self.state % (limit * 100) + 1).scaleb(-2)


def posting(**values: Any) -> dict[str, Any]:
    row = dict.fromkeys(POSTINGS.names)
    row |= {"line": 1, "currency": "USD", "rule": "", "ledger_account": ""}
    row |= values
    row["exact_amount"] = row["exact_amount"] if row["exact_amount"] is not None else row["amount"]
    return row


def ledger(
    params: Params, period: str, seed: int, scale: Decimal = Decimal(1)
) -> list[dict[str, Any]]:
    """One period's charges to cost centers, and their counterparts summed on one payable line."""
    amounts, rows, invoice = Amounts(seed), [], f"INV-{period}-1"

    def charge(kind: str, center: CostCenter, amount: Decimal, **more: Any) -> None:
        center_id = center.cost_center_id
        rows.append(
            posting(
                entry_id=more.pop("entry_id", "")
                or f"{period}/{kind}/{invoice}/{more.get('pool_id') or center_id}",
                line=len(rows) + 1,
                billing_period=period,
                kind=kind,
                ledger_account=f"cost-center:{center.cost_center_id}",
                business_unit_id=center.business_unit_id,
                cost_center_id=center.cost_center_id,
                invoice_id=more.pop("invoice_id", invoice),
                amount=amount.quantize(Decimal("0.01")),
                **more,
            )
        )

    centers = list(params.cost_centers.values())
    accounts = {account.default_cost_center_id: account for account in params.accounts.values()}
    for place, center in enumerate(centers):
        account = accounts[center.cost_center_id]
        for number, service in enumerate(SERVICES[: 5 + place % 10]):
            amount = amounts.next(60_000 // (1 + number * number)) * scale
            more = {
                "account_id": account.account_id,
                "product_code": service,
                "rule": "ownership:old-archive" if number == 4 else "tag:user_cost_center",
            }
            charge("direct", center, amount, line_item_type="Usage", **more)
            if number == 1:
                charge("direct", center, -amount / 9, line_item_type="Credit", **more)
    direct = {
        center.cost_center_id: sum(
            (row["amount"] for row in rows if row["cost_center_id"] == center.cost_center_id),
            Decimal(0),
        )
        for center in centers
    }
    for pool in params.pools:
        payers = [one for one in centers if one.business_unit_id not in pool.except_]
        weights = {
            center.cost_center_id: {
                "direct_spend": direct[center.cost_center_id],
                "even": Decimal(1),
            }.get(pool.key, Decimal(1000 + 137 * number))
            for number, center in enumerate(payers)
        }
        whole = amounts.next(400_000) * scale
        held = exact_units(whole.quantize(Decimal("1e-10")))
        positive = {key: exact_units(one) for key, one in weights.items() if one > 0}
        exact = divide(held, positive) if positive else {}
        for center in payers:
            share = weights[center.cost_center_id] / sum(weights.values())
            charge(
                "allocated",
                center,
                whole * share,
                pool_id=pool.pool_id,
                rule=f"pool:{pool.pool_id}",
                allocation_key=pool.key,
                weight=weights[center.cost_center_id],
                exact_amount=exact_amount(exact.get(center.cost_center_id, 0)),
            )
    rows.append(
        posting(
            entry_id=f"{period}/allocated/{invoice}/aws-support",
            billing_period=period,
            kind="allocated",
            ledger_account="pool:shared-network",
            pool_id="aws-support",
            invoice_id=invoice,
            amount=Decimal("1234.56"),
            exact_amount=Decimal(0),  # it has no weight, so that nothing exact follows from one
        )
    )
    rows += emptied(rows)
    first, last = first_and_last(params.cost_centers)
    charge(
        "commitment",
        last,
        Decimal("-1234.56"),
        product_code="AmazonEC2",
        line_item_type="RIFee",
        rule="commitment",
    )
    charge(
        "commitment",
        last,
        Decimal("8734.10"),
        product_code="ComputeSavingsPlans",
        line_item_type="Fee",
    )
    charge("rounding", last, Decimal("-0.02"), rule="rounding")
    charge(
        "adjustment",
        first,
        Decimal("-250.00"),
        rule="adjustment:CHG0039911",
    )
    charge(
        "adjustment",
        last,
        Decimal("250.00"),
        rule="adjustment:CHG0039911",
    )
    if period == PERIOD:
        correct(charge, first, last)
    total = sum((row["amount"] for row in rows if row["cost_center_id"]), Decimal(0))
    rows.append(
        posting(
            entry_id=f"{period}/payable/{invoice}",
            billing_period=period,
            kind="direct",
            ledger_account=f"payable:{invoice}",
            invoice_id=invoice,
            amount=-total,
        )
    )
    return rows


def emptied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What empties each pool: what its recipients took, with the other sign."""
    given: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        if row["kind"] == "allocated":
            key = (row["entry_id"], row["pool_id"])
            amount, exact = given.get(key, [Decimal("0.00"), Decimal(0)])
            given[key] = [amount - row["amount"], exact - row["exact_amount"]]
    return [
        posting(
            entry_id=entry_id,
            kind="allocated",
            ledger_account=f"pool:{pool_id}",
            pool_id=pool_id,
            invoice_id=entry_id.split("/")[2],
            amount=amount,
            exact_amount=exact,
        )
        for (entry_id, pool_id), (amount, exact) in given.items()
    ]


def correct(charge: Any, first: CostCenter, last: CostCenter) -> None:
    """What AWS changed in April after it was closed: servers for one unit, support for two."""
    more = {"original_period": RESTATED["billing_period"]}
    entry = f"{PERIOD}/adjustment/2026-04"
    servers = {
        "product_code": "AmazonEC2",
        "line_item_type": "Usage",
        "rule": "tag:user_cost_center",
    }
    for amount in ("-1200.00", "1187.66"):
        invoice_id = "INV-2026-04-1"
        entry_id = f"{entry}/direct/{invoice_id}/{first.cost_center_id}"
        charge(
            "adjustment",
            first,
            Decimal(amount),
            entry_id=entry_id,
            invoice_id=invoice_id,
            **servers,
            **more,
        )
    for center in (first, last):
        entry_id = f"{entry}/allocated/INV-2026-04-2/aws-support"
        pool = {
            "pool_id": "aws-support",
            "rule": "pool:aws-support",
            "invoice_id": "INV-2026-04-2",
        }
        charge("adjustment", center, Decimal("3.21"), entry_id=entry_id, **pool, **more)


#: What the close kept about it.
RESTATED: dict[str, Any] = {
    "billing_period": "2026-04",
    "redelivered": True,
    "sources": {"execution_id": "2026-05-21T04:12:09Z-7f0c"},
    "invoice_changes": [
        {"invoice_id": "INV-2026-04-1", "issuer": "Amazon Web Services, Inc.",
         "line_items": "-12.34", "rounding": "0.00", "total": "-12.34"},
        {"invoice_id": "INV-2026-04-2", "issuer": "Amazon Web Services, Inc.",
         "line_items": "6.43", "rounding": "-0.01", "total": "6.42"},
    ],
}  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=POSTINGS)


def owned(params: Params, tag_values: Sequence[str]) -> pa.Table:
    """What had no usable tag: most accounts have some; after the first row, with an unusable value."""
    amounts, rows, values = Amounts(99), [], cycle(tag_values)
    for place, account in enumerate(params.accounts.values()):
        for number, service in enumerate(SERVICES[: place % 6]):
            cost = amounts.next(3_000) + Decimal("0.0000001234")
            value = next(values) if number in (1, 2) else None
            rows.append(
                dict.fromkeys(OWNED.names)
                | {
                    "account_id": account.account_id,
                    "product_code": service,
                    "line_items": 31 * (number + 1),
                    "unblended_cost": cost,
                    "amortized_cost": cost,
                    "has_resource": True,
                    "cost_center_tag_1": value,
                    "pool_id": None if number == 0 else "untagged",
                    "cost_center_id": account.default_cost_center_id if number == 0 else None,
                    "rule": "account-default" if number == 0 else "pool:untagged",
                    "unusable_tag_value": value,
                }
            )
    return pa.Table.from_pylist(rows, schema=OWNED)


def estate(
    params: Params | None = None,
    provisional: bool = False,
    periods: Sequence[str] = PERIODS,
    tag_values: Sequence[str] = ("claims-intake ", "=2+5"),
    product_names: Mapping[str, str] = PRODUCT_NAMES,
) -> StatementInputs:
    """Inputs for May 2026; an open month has no invoice yet."""
    params = params or business()
    rows = ledger(params, PERIOD, seed=7)
    total = -sum(
        (row["amount"] for row in rows if row["ledger_account"].startswith("payable:")), Decimal(0)
    )
    total -= sum(Decimal(one["total"]) for one in RESTATED["invoice_changes"])
    invoice = InvoiceTie(
        invoice_id="INV-2026-05-1",
        issuer="Amazon Web Services, Inc.",
        total=total,
        rows_total=total + Decimal("0.02") + Decimal("0.0012345678"),
        rounding=Decimal("-0.02"),
    )
    history = {
        period: table(
            ledger(params, period, seed=7 + number % 2, scale=Decimal(80 + 3 * number) / 100)
        )
        for number, period in enumerate(periods)
    }
    bridges = {}
    if history:
        last = max(history)
        before = Month(last, history[last], None, remark=NO_EVIDENCE)
        bridges = explain_change(before, Month(PERIOD, table(rows), None, params=params))  # type: ignore[arg-type]
    return StatementInputs(
        billing_period=PERIOD,
        currency="USD",
        provisional=provisional,
        postings=table(rows),
        owned_costs=owned(params, tag_values),
        history=history,
        invoices=[] if provisional else [invoice],
        params=params,  # type: ignore[arg-type]
        digests={
            "postings.parquet sha256": "4f0e" * 16,
            "params sha256": "b1946ac92492d2347c6235b4d2611184" * 2,
            "SQL sha256": "9c56cc51b374c3ba189210d5b6d4bf57" * 2,
            "sources sha256": "e4d909c290d0fb1ca068ffaddf22cbd0" * 2,
            "chargeback": "0.1.0",
        },
        bridges=bridges,
        signer=None if provisional else DEVELOPMENT,
        restated=[RESTATED],
        product_names=product_names,
    )
