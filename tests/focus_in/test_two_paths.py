"""Each charge of an export is the same by SQL and by the audit's recount, whatever its cells say."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargeback.engine import Engine
from chargeback.params import read_params
from chargeback.review.audit.delivered_rows import delivered_rows
from chargeback.review.audit.recount import AMOUNTS, TEXTS
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import open_line_items
from tests.focus_in.exports import PLAN, RESERVED, charge, write_focus
from tests.params_folder import write_params
from tests.reports import ACCOUNT, PERIOD

AMOUNT = st.sampled_from([0.0, 1.0, -1.0, 0.1234567891, 12.5, 1e-10, 123456.7890123456])
BLOCK = f"arn:aws:ec2:us-east-2:{ACCOUNT}:capacity-reservation/cr-1"
HOST = f"arn:aws:ec2:us-east-2:{ACCOUNT}:host-reservation/hr-1"
CHARGE = st.fixed_dictionaries(
    {
        "billed": AMOUNT,
        "effective": st.one_of(st.none(), AMOUNT),
        "ChargeCategory": st.sampled_from(["Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
        "ChargeClass": st.sampled_from([None, "Correction"]),
        "ChargeFrequency": st.sampled_from(["Usage-Based", "Recurring", "One-Time"]),
        "CommitmentDiscountStatus": st.sampled_from([None, "Used", "Unused"]),
        "CommitmentDiscountId": st.sampled_from([None, PLAN, RESERVED]),
        "CommitmentDiscountCategory": st.sampled_from([None, "Spend", "Usage"]),
        "CommitmentDiscountType": st.sampled_from(
            [None, "Compute Savings Plans", "Reserved Instance"]
        ),
        "ServiceName": st.sampled_from(["Amazon EC2", "Virtual Machines"]),
        "x_ServiceCode": st.sampled_from([None, "", "AmazonEC2"]),
        "SubAccountId": st.sampled_from([None, "123456789012"]),
        "ResourceId": st.sampled_from(["i-1", None, BLOCK, HOST]),
        "SkuMeter": st.sampled_from(["BoxUsage", None, "USE2-CapacityBlockFee:p5.48xlarge"]),
        "x_Discounts": st.sampled_from([{}, {"EdpDiscount": -1.0}, {"A": 1.0, "B": 2.0}]),
    }
)


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """The smallest params."""
    return read_params(write_params(tmp_path_factory.mktemp("tiny") / "params"), PERIOD)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(charges=st.lists(CHARGE, min_size=1, max_size=30))
def test_sql_and_the_recount_read_each_charge_alike(charges, params, tmp_path_factory):
    rows = [charge(one.pop("billed"), one.pop("effective"), **one) for one in map(dict, charges)]
    numbered = [
        {**one, "ChargeDescription": f"{number}"}
        for number, one in zip(count(), rows, strict=False)
    ]
    report = write_focus(tmp_path_factory.mktemp("focus") / "report", numbered)
    record = freeze_sources(report, PERIOD)
    assert Decimal(record.unblended_cost) == sum(
        (Decimal(repr(one["BilledCost"])).quantize(Decimal("1e-10")) for one in rows), Decimal(0)
    )
    by_sql = by_the_path_that_closes(report, record, params)
    counted = {
        one["line_item_line_item_description"]: one
        for one in delivered_rows(report, record.layout, [record.files[0].path], TEXTS, AMOUNTS)
    }
    assert by_sql.keys() == counted.keys()
    for number, own in by_sql.items():
        row = counted[number]
        assert own["line_item_type"] == row["line_item_line_item_type"]
        assert own["account_id"] == row["line_item_usage_account_id"]
        assert own["product_code"] == row["line_item_product_code"]
        assert own["unblended_cost"] == row["line_item_unblended_cost"]
        assert own["amortized_cost"] == row["effective_cost"]


def by_the_path_that_closes(report, record, params):
    """The canonical line items by what the export says of each."""
    engine = Engine(threads=1)
    open_line_items(engine, report, record, params)
    table = engine.connection.execute(
        "select line_items.*, report.chargedescription as said from line_items "
        "positional join focus_charges as report"
    ).to_arrow_table()
    engine.close()
    return {one["said"]: one for one in table.to_pylist()}


@pytest.mark.parametrize("kind", [None, "Correction"])
@pytest.mark.parametrize(
    ("cells", "charged"),
    [
        ({"SkuMeter": "USE2-CapacityBlockFee:p5.48xlarge"}, 100),
        ({"ResourceId": BLOCK}, 100),
        ({"ResourceId": HOST}, 100),
        ({"ResourceId": RESERVED}, 0),
    ],
)
def test_a_block_of_capacity_is_its_owners_though_focus_has_it_at_no_effective_cost(
    kind, cells, charged, params, tmp_path
):
    bought = {"ChargeCategory": "Purchase", "ChargeClass": kind, "ChargeDescription": "0", **cells}
    report = write_focus(tmp_path / "report", [charge(100.0, 0.0, **bought)])
    record = freeze_sources(report, PERIOD)
    assert by_the_path_that_closes(report, record, params)["0"]["amortized_cost"] == charged
    [row] = delivered_rows(report, record.layout, [record.files[0].path], TEXTS, AMOUNTS)
    assert row["effective_cost"] == charged
