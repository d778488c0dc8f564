"""A small dashboard by hand; its figures are worked out here, in comments."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chargeback.dashboards.model import (
    CLOSED,
    TO_DATE,
    Answer,
    BudgetRow,
    ChargeRow,
    Dashboard,
    Download,
    Forecast,
    Month,
    Name,
    Notice,
    ResourceCost,
    Share,
    TagCost,
    UnitCost,
    Untagged,
)

UNIT = "claims"


def charge(
    period: str,
    center: str,
    kind: str,
    amount: str,
    account: str = "",
    product: str = "",
    pool: str = "",
    unit: str = UNIT,
    original: str = "",
) -> ChargeRow:
    """A charge."""
    return ChargeRow(period, unit, center, kind, pool, account, product, original, Decimal(amount))


EC2, S3, RDS = "AmazonEC2", "AmazonS3", "AmazonRDS"
A1, A2 = "111111111111", "222222222222"

#: April 900.00 + 100.00 + 50.00 = 1,050.00; May 1,000.10 + 199.95 + 120.00 - 20.05 = 1,300.00;
#: June so far 333.33 + 66.67 = 400.00.
ROWS = (
    charge("2026-04", "CC-1", "direct", "900.00", A1, EC2),
    charge("2026-04", "CC-2", "direct", "100.00", A2, S3),
    charge("2026-04", "CC-1", "allocated", "50.00", pool="support"),
    charge("2026-05", "CC-1", "direct", "1000.10", A1, EC2),
    charge("2026-05", "CC-2", "direct", "199.95", A2, S3),
    charge("2026-05", "CC-1", "allocated", "120.00", pool="support"),
    charge("2026-05", "CC-2", "adjustment", "-20.05", original="2026-04"),
    charge("2026-06", "CC-1", "direct", "333.33", A1, EC2),
    charge("2026-06", "CC-2", "direct", "66.67", A2, RDS),
)

MADE = Dashboard(
    scope_kind="business-unit", scope_id=UNIT, name="Claims", owner="Dana Whitfield", currency="USD",
    last_closed="2026-05",
    months=(
        Month("2026-03", CLOSED, "", Decimal("800.00")),  # its rows are not shown any more
        Month("2026-04", CLOSED, "", Decimal("1050.00")),
        Month("2026-05", CLOSED, "", Decimal("1300.00")),
        Month("2026-06", TO_DATE, "2026-06-14", Decimal("400.00")),
    ),
    rows=ROWS,
    names=(
        Name("business_unit", UNIT, "Claims"), Name("cost_center", "CC-1", "Claims intake"),
        Name("cost_center", "CC-2", "Fraud detection"), Name("account", A1, "claims-prod"),
        Name("account", A2, "claims-data"), Name("pool", "support", "AWS Support"),
    ),
    resources=(
        ResourceCost("i-0abc", A1, EC2, "CC-1", Decimal("800.00"), Decimal("750.00")),
        ResourceCost("claims-bucket", A2, S3, "CC-2", Decimal("150.00"), None),
    ),
    tags=(
        TagCost("user_application", "intake", Decimal("1000.00")),
        TagCost("user_application", "", Decimal("200.05")),
    ),
    shares=(Share("support", "AWS Support", "Direct cost", Decimal("120.00"), Decimal("0.25")),),
    untagged=(Untagged(A2, S3, "team-data", "your default cost center", Decimal("199.95")),),
    budgets=(
        BudgetRow("2026-06", "CC-1", Decimal("900.00"), Decimal("333.33"), Decimal("1000.00")),
        BudgetRow("2026", "CC-1", Decimal("12000.00"), Decimal("2403.43"), None),
    ),
    forecast=Forecast("2026-06", Decimal("400.00"), Decimal("857.14"), "at the rate of its first 14 days"),
    unit_costs=(
        UnitCost("2026-04", "claims_processed", Decimal("1000"), Decimal("1050.00"), Decimal("1.05"), False),
        UnitCost("2026-05", "claims_processed", Decimal("1300"), Decimal("1300.00"), Decimal("1"), True),
    ),
    notices=(
        Notice("anomaly", "Amazon EC2 in claims-prod", Decimal("80.00"), "open", "2026-06-12", "2026-06-19",
               "Dana Whitfield", "INC0010001", "https://desk.example.com/INC0010001"),
        Notice("untagged", "claims-data", Decimal("66.67"), "resolved", "2026-06-02", "", "team-data", "", ""),
    ),
    answers=(
        Answer("2026-05", UNIT, "acknowledged", "", "", "2026-06-03T09:30:00Z", "dana", "", None),
        Answer("2026-05", UNIT, "disputed", "D-1", "CC-2 allocated support", "2026-06-04T10:00:00Z", "dana",
               "raised", Decimal("20.00")),
    ),
    downloads=(
        Download("2026-05", UNIT, "html"), Download("2026-05", UNIT, "pdf"), Download("2026-05", UNIT, "csv"),
        Download("2026-04", UNIT, "html"),
    ),
    remarks=("The report was not there, so resources and tags are not shown for April.",),
)  # fmt: skip


def for_all() -> Dashboard:
    """The same for two units, of which one has a charge of 700.00 in May."""
    other = charge("2026-05", "CC-9", "direct", "700.00", A2, S3, unit="pharmacy")
    return replace(
        MADE, scope_kind="all", scope_id="", name="All business units", owner="", rows=(*ROWS, other),
        names=(
            *MADE.names, Name("business_unit", "pharmacy", "Pharmacy"), Name("cost_center", "CC-9", "Pharmacy"),
        ),
        months=tuple(
            replace(one, amount=Decimal("2000.00")) if one.billing_period == "2026-05" else one
            for one in MADE.months
        ),
    )  # fmt: skip


def for_center() -> Dashboard:
    """What a cost center by itself has: 120.00 + 1,000.10 in May."""
    rows = tuple(one for one in ROWS if one.cost_center_id == "CC-1")
    amounts = {"2026-03": "700.00", "2026-04": "950.00", "2026-05": "1120.10", "2026-06": "333.33"}
    return replace(
        MADE, scope_kind="cost-center", scope_id="CC-1", name="Claims intake", rows=rows, downloads=(),
        answers=(),
        months=tuple(replace(one, amount=Decimal(amounts[one.billing_period])) for one in MADE.months),
    )  # fmt: skip
