"""What sellers of AWS Marketplace call their products: read where the report has it, and it moves nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from chargeback.close.stages import derive
from chargeback.engine import Engine
from chargeback.params import Params, read_params
from chargeback.rollup.product_names import product_names
from chargeback.rollup.roll_up import daily_roll_up, roll_up
from chargeback.sources.freeze import freeze_sources
from tests.params_folder import write_params
from tests.reports import PERIOD, line_item, write_report
from tests.sources.legacy import write_legacy

CODE, OTHER = "6mc0codingvalidator3rk9fzl", "2hd7identityguardx5tw8j1pu"


def sold(cost: float, name: str | None, code: str = CODE, **cells: object) -> dict[str, object]:
    """A line item of AWS Marketplace; a name of None is a map without the key."""
    product = {} if name is None else {"product_name": name}
    entity = {"bill_billing_entity": "AWS Marketplace", "line_item_product_code": code}
    return line_item(cost, "CC-1", **{**entity, "product": product, **cells})


ITEMS = [
    sold(1.0, "ICD-10 Coding Validator"),
    sold(2.0, "ICD-10 Coding Validator (annual)", line_item_operation="Subscribe"),
    sold(3.0, None, line_item_operation="Nameless"),
    sold(-0.5, "Vendor discount", line_item_line_item_type="EdpDiscount"),
    sold(4.0, "", OTHER),
    line_item(90.5, "CC-1", bill_billing_entity="AWS",
              product={"product_name": "Amazon Elastic Compute Cloud", "region": "us-east-1"}),
]  # fmt: skip


@pytest.fixture
def params(tmp_path: Path) -> Params:
    return read_params(write_params(tmp_path / "params"), PERIOD)


def rolled_up(report: Path, params: Params) -> pa.Table:
    engine = Engine(threads=1)
    found = roll_up(engine, report, freeze_sources(report, PERIOD), params)
    engine.close()
    return found


def names_in(rollup: pa.Table) -> list[tuple[str, str, str | None]]:
    """Product, line item type and name of each row, sorted."""
    columns = ("product_code", "line_item_type", "operation", "product_name")
    rows = zip(*(rollup[one].to_pylist() for one in columns), strict=True)
    return sorted((code, f"{kind} {done}", name) for code, kind, done, name in rows)


def test_products_of_the_marketplace_have_their_sellers_name(make_report, params):
    """Not those of AWS, which pages call by their own words, and not what is said of a discount."""
    assert names_in(rolled_up(make_report(ITEMS), params)) == [
        (OTHER, "Usage RunInstances", None),
        (CODE, "EdpDiscount RunInstances", None),
        (CODE, "Usage Nameless", None),
        (CODE, "Usage RunInstances", "ICD-10 Coding Validator"),
        (CODE, "Usage Subscribe", "ICD-10 Coding Validator (annual)"),
        ("AmazonEC2", "Usage RunInstances", None),
    ]


@pytest.mark.parametrize("layout", ["csv", "cur2-csv", "parquet"])
def test_every_layout_has_them(make_report, params, tmp_path, layout):
    """product/ProductName in the legacy report, JSON in CSV of CUR 2.0."""
    report = make_report(ITEMS)
    other = write_legacy(report, tmp_path / layout, PERIOD, layout)
    assert names_in(rolled_up(other, params)) == names_in(rolled_up(report, params))


def test_the_daily_flow_has_them_too(make_report, params):
    report = make_report(
        [
            {**one, "line_item_usage_start_date": pa.scalar(0, pa.timestamp("us")).as_py()}
            for one in ITEMS
        ]
    )
    engine = Engine(threads=1)
    rollup = daily_roll_up(engine, report, freeze_sources(report, PERIOD), params)
    engine.close()
    assert product_names([rollup]) == {CODE: "ICD-10 Coding Validator (annual)"}


def test_one_name_stands_for_a_product_and_its_rows_stay_together(tmp_path, params):
    """Line items that differ in the name alone are one row, with the last name by its letters."""
    report = write_report(tmp_path / "cur", [sold(1.0, "A"), sold(2.0, "Z"), sold(3.0, "M")])
    [row] = rolled_up(report, params).to_pylist()
    assert (row["line_items"], row["unblended_cost"], row["product_name"]) == (3, 6, "Z")


def test_a_report_without_names_posts_the_same_bytes(make_params, make_closing, tmp_path):
    """Names decide nothing, and an export need not have them."""
    params, posted = make_params(), []
    for name, without in (("with", ()), ("without", ("product",))):
        report = write_report(tmp_path / name, ITEMS, without=without)
        closing = make_closing(report, params, name=name)
        derive(closing)
        posted.append(closing.path("postings.parquet").read_bytes())
        names = product_names([closing.table("rollup")])
        assert names == ({} if without else {CODE: "ICD-10 Coding Validator (annual)"})
    assert posted[0] == posted[1]


def table(*rows: tuple[str | None, str | None]) -> pa.Table:
    return pa.table(
        {
            "product_code": pa.array([code for code, _ in rows], pa.string()),
            "product_name": pa.array([name for _, name in rows], pa.string()),
        }
    )


def test_the_first_rollup_that_names_a_product_counts():
    now = table((CODE, "Two"), (CODE, "One"), (CODE, None), (OTHER, None), (None, "of nothing"))
    then = table((CODE, "Zero"), (OTHER, " Guard\n\tfor  all "))
    assert product_names([now, then]) == {CODE: "Two", OTHER: "Guard for all"}


def test_a_rollup_of_an_earlier_version_names_nothing():
    assert product_names([pa.table({"product_code": [CODE]}), table((CODE, "One"))]) == {
        CODE: "One"
    }
    assert product_names([pa.table({"product_code": [CODE]})]) == {}
