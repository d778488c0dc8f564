"""Which fees and refunds are the purchase of a commitment or its reversal, by SQL and by the recount."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chargeback.books.source_record import CUR_2, LEGACY_CSV, LEGACY_PARQUET
from chargeback.engine import Engine
from chargeback.params import read_params
from chargeback.review.audit.delivered_rows import delivered_rows
from chargeback.review.audit.recount import AMOUNTS, TEXTS, effective
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.line_item_types import AMORTIZED_COLUMNS, amortized_columns
from chargeback.sources.report import COLUMNS, open_line_items
from tests.params_folder import write_params
from tests.reports import PERIOD, line_item, write_report

HERE = "us-east-1:111122223333"
EC2 = f"arn:aws:ec2:{HERE}:reserved-instances/aaaa-1"
EXCHANGE = f"arn:aws:ec2:{HERE}:reserved-instance-exchange/riex-bbbb-2"
PLAN = "arn:aws:savingsplans::111122223333:savingsplan/cccc-3"
RETURNED = "Refund for one-time fee for Savings Plan ID: cccc-3"

#: The kinds of ARN of reservations, by service (CUR fact 2.15).
RESERVATIONS = {
    "AmazonEC2": EC2,
    "AmazonRDS": f"arn:aws:rds:{HERE}:ri:my-database",
    "AmazonElastiCache": f"arn:aws:elasticache:{HERE}:reserved-instance:ri-2026-05-01",
    "AmazonMemoryDB": f"arn:aws:memorydb:{HERE}:reservednode/my-nodes",
    "AmazonRedshift": f"arn:aws:redshift:{HERE}:reserved-instances/dddd-4",
    "AmazonES": f"arn:aws:es:{HERE}:reserved-instances/eeee-5",
    "AmazonDynamoDB": f"arn:aws:dynamodb:{HERE}:reserved-instances/ffff-6",
}
PLAN_PRODUCTS = ("ComputeSavingsPlans", "MachineLearningSavingsPlans", "DatabaseSavingsPlans")
Cells = dict[str, Any]


def fee(kind: str, product: str = "AmazonEC2", description: str = "", **cells: str) -> Cells:
    """A fee of 1,200.00 or a refund of as much; a commitment has no instance as its resource."""
    return line_item(
        -1200.0 if kind == "Refund" else 1200.0,
        line_item_line_item_type=kind,
        line_item_product_code=product,
        line_item_line_item_description=description,
        **{"line_item_resource_id": "", **cells},
    )


def of(arn: str) -> Cells:
    return {"reservation_reservation_a_r_n": arn}


def of_plan(arn: str) -> Cells:
    return {"savings_plan_savings_plan_a_r_n": arn}


#: Name, line item, and the commitment that it pays for or gives back: then it amortizes to nothing.
COMMITTED: list[tuple[str, Cells, str]] = [
    *(
        (f"{kind} of {product}", fee(kind, product, **of(arn)), arn)
        for product, arn in RESERVATIONS.items()
        for kind in ("Fee", "Refund")
    ),
    *(
        (f"{kind} that names {product} as its resource only",
         fee(kind, product, line_item_resource_id=arn), arn)
        for product, arn in RESERVATIONS.items()
        for kind in ("Fee", "Refund")
    ),
    ("true-up of an exchange", fee("Fee", **of(EXCHANGE)), EXCHANGE),
    ("true-up that is given back", fee("Refund", **of(EXCHANGE)), EXCHANGE),
    *(
        (f"{kind} of {product}", fee(kind, product, **of_plan(PLAN)), PLAN)
        for product in PLAN_PRODUCTS
        for kind in ("SavingsPlanUpfrontFee", "Refund")
    ),
    *(
        (f"{product}, returned, with a blank ARN", fee("Refund", product, RETURNED),
         "savingsplan/cccc-3")
        for product in PLAN_PRODUCTS
    ),
    ("returned plan as the resource",
     fee("Refund", "DatabaseSavingsPlans", line_item_resource_id=PLAN), PLAN),
    ("returned plan without its id",
     fee("Refund", "ComputeSavingsPlans", "Refund for one-time fee for Savings Plan ID"),
     "savingsplan/"),
    ("in China", fee("Refund", **of("arn:aws-cn:ec2:cn-north-1:111122223333:reserved-instances/g")),
     "arn:aws-cn:ec2:cn-north-1:111122223333:reserved-instances/g"),
]  # fmt: skip

#: Name and line item that is charged like any other.
ORDINARY: list[tuple[str, Cells]] = [
    ("usage", line_item(1200.0, **of(EC2))),
    ("a fee of support", fee("Fee", "AWSSupportBusiness")),
    ("a refund of an outage", fee("Refund", "AmazonS3", "Refund for an outage")),
    ("a refund of usage of an instance", fee("Refund", line_item_resource_id="i-0aa")),
    ("a refund of a negotiated discount on plans",
     fee("Refund", "ComputeSavingsPlans", "Enterprise Program Discount")),
    ("the same with the plan's ARN",
     fee("Refund", "ComputeSavingsPlans", "Enterprise Program Discount", **of_plan(PLAN))),
    ("a refund of a recurring fee of a reservation",
     fee("Refund", description="USD 0.03 hourly fee per Linux/UNIX (Amazon VPC)", **of(EC2))),
    ("a refund of a recurring fee of a plan",
     fee("Refund", "DatabaseSavingsPlans", "Refund for recurring fee for Savings Plan ID: cccc-3",
         **of_plan(PLAN))),
    ("a Capacity Block",
     fee("Fee", line_item_usage_type="USE2-CapacityBlockFee:p5.48xlarge",
         line_item_resource_id=f"arn:aws:ec2:{HERE}:capacity-reservation/cr-1")),
    ("a Capacity Block with a reservation ARN",
     fee("Fee", **of(f"arn:aws:ec2:{HERE}:capacity-reservation/cr-1"))),
    ("a Capacity Block that is given back",
     fee("Refund", line_item_usage_type="CapacityBlockFee:p5.48xlarge", **of(EC2))),
    ("a reservation of Dedicated Hosts", fee("Fee", **of(f"arn:aws:ec2:{HERE}:host-reservation/hr-1"))),
    ("a credit on a reservation", fee("Credit", **of(EC2))),
    ("a discount on a reservation", fee("EdpDiscount", **of(EC2))),
    ("tax on a reservation", fee("Tax", **of(EC2))),
]  # fmt: skip

ITEMS = [*(item for _, item, _ in COMMITTED), *(item for _, item in ORDINARY)]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """All of them in one month, each with a usage amount of its own to be told by."""
    numbered = [{**item, "line_item_usage_amount": float(one)} for one, item in enumerate(ITEMS)]
    return write_report(tmp_path_factory.mktemp("commitments") / "report", numbered)


@pytest.fixture(scope="module")
def read(report, tmp_path_factory):
    """Commitment and amortized cost of each, in order, as sql/sources/line_items.sql has them."""
    params = read_params(write_params(tmp_path_factory.mktemp("params") / "params"), PERIOD)
    engine = Engine(threads=1)
    open_line_items(engine, report, freeze_sources(report, PERIOD), params)
    rows = engine.connection.execute(
        "select commitment_arn, amortized_cost, unblended_cost from line_items order by usage_amount"
    ).fetchall()
    engine.close()
    return rows


@pytest.mark.parametrize("number", range(len(COMMITTED)), ids=[one[0] for one in COMMITTED])
def test_a_purchase_and_its_reversal_amortize_to_nothing(read, number):
    assert read[number][:2] == (COMMITTED[number][2], Decimal(0))


@pytest.mark.parametrize("number", range(len(ORDINARY)), ids=[one[0] for one in ORDINARY])
def test_what_is_no_purchase_is_charged_to_its_owner(read, number):
    commitment, amortized, unblended = read[len(COMMITTED) + number]
    assert (commitment, amortized) == (None, unblended)
    assert abs(unblended) == 1200


def test_the_recount_says_the_same(read, report):
    record = freeze_sources(report, PERIOD)
    rows = delivered_rows(report, record.layout, [record.files[0].path], TEXTS, AMOUNTS)
    counted = [effective(row, row["line_item_unblended_cost"]) for row in rows]
    assert counted == [amortized for _, amortized, _ in read]


def test_use_of_commitments_has_its_arn(tmp_path):
    plan, reservation = of_plan(PLAN), of(EC2)
    kinds = {
        "DiscountedUsage": reservation, "RIFee": reservation, "SavingsPlanCoveredUsage": plan,
        "SavingsPlanNegation": plan, "SavingsPlanRecurringFee": plan,
    }  # fmt: skip
    report = write_report(
        tmp_path / "report",
        [line_item(1.0, line_item_line_item_type=kind, **cells) for kind, cells in kinds.items()],
    )
    params = read_params(write_params(tmp_path / "params"), PERIOD)
    engine = Engine(threads=1)
    open_line_items(engine, report, freeze_sources(report, PERIOD), params)
    found = engine.connection.execute("select line_item_type, commitment_arn from line_items")
    assert dict(found.fetchall()) == {
        kind: EC2 if cells == reservation else PLAN for kind, cells in kinds.items()
    }


# What a delivery must have.


def test_every_column_of_an_effective_cost_is_read():
    assert {one for names in AMORTIZED_COLUMNS.values() for one in names} <= set(COLUMNS)


def needed(layout: str, *absent: str) -> set[tuple[str, str]]:
    """What of the absent columns stops fees and refunds."""
    pairs = amortized_columns(layout, absent)
    return {(kind, one) for kind, one in pairs if one in absent and kind in ("Fee", "Refund")}


ARN, PLAN_ARN = "reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n"
PLANS = [one for one in COLUMNS if one.startswith("savings_plan_")]


def test_an_export_has_the_arns_of_fees_and_refunds():
    assert needed(CUR_2, ARN) == {("Fee", ARN), ("Refund", ARN)}
    assert needed(CUR_2, *PLANS) == {("Refund", PLAN_ARN)}


@pytest.mark.parametrize("layout", [LEGACY_CSV, LEGACY_PARQUET])
def test_the_legacy_report_leaves_out_what_the_month_has_not(layout):
    """All columns of Savings Plans are absent in a month without any; one alone was dropped by somebody."""
    assert needed(layout, *PLANS) == set()
    assert needed(layout, PLAN_ARN) == {("Refund", PLAN_ARN)}
    assert needed(layout, ARN) == {("Fee", ARN), ("Refund", ARN)}
    pairs = amortized_columns(layout, PLANS)
    assert ("SavingsPlanRecurringFee", "savings_plan_used_commitment") in pairs
