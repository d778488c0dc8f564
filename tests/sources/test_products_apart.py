"""Products are read of AWS Marketplace's line items alone where these are few, and answers are the same."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.engine import Engine
from chargeback.params import Params, read_params
from chargeback.rollup.roll_up import daily_roll_up, roll_up
from chargeback.sources import products_apart
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.products_apart import ENTITY, MARKETPLACE, are_worth_it
from chargeback.sources.report import report_select
from tests.params_folder import write_params
from tests.reports import PERIOD, line_item, write_report

ORDINARY = [
    line_item(2.0**number, "CC-1", bill_billing_entity=entity, line_item_operation=f"of {entity}",
              product={"product_name": f"not asked for {number}"})
    for number, entity in enumerate(["AWS", None, "", "AWS Marketplac", "AWS Marketplace ", "aws marketplace"])
]  # fmt: skip
SOLD = [
    line_item(0.25, "CC-1", bill_billing_entity=MARKETPLACE, product={"product_name": "Validator"}),
    line_item(0.5, "CC-2", bill_billing_entity=MARKETPLACE, product={}),
    line_item(-0.125, "CC-1", bill_billing_entity=MARKETPLACE, product={"product_name": "Discount"},
              line_item_line_item_type="EdpDiscount"),
]  # fmt: skip


@pytest.fixture
def params(tmp_path: Path) -> Params:
    return read_params(write_params(tmp_path / "params"), PERIOD)


def answers(report: Path, params: Params) -> list[pa.Table]:
    """The rollup and that of days, of a report."""
    record, found = freeze_sources(report, PERIOD), []
    for rolled in (roll_up, daily_roll_up):
        engine = Engine(threads=1)
        found.append(rolled(engine, report, record, params))
        engine.close()
    return found


def select_of(report: Path) -> str:
    return report_select(report, freeze_sources(report, PERIOD), None, apart=True)


@pytest.mark.parametrize("items", [ORDINARY, SOLD, ORDINARY + SOLD], ids=["none", "all", "some"])
def test_every_line_item_is_read_once_and_answers_are_the_same(
    items, params, tmp_path, monkeypatch
):
    report = write_report(tmp_path / "cur", items)
    monkeypatch.setattr(products_apart, "are_worth_it", lambda _: False)
    assert " union all " not in select_of(report)
    whole = answers(report, params)
    monkeypatch.setattr(products_apart, "are_worth_it", lambda _: True)
    assert " union all " in select_of(report)
    apart = answers(report, params)
    assert [one.to_pylist() for one in apart] == [one.to_pylist() for one in whole]
    assert [one.schema for one in apart] == [one.schema for one in whole]
    assert sum(apart[0]["line_items"].to_pylist()) == len(items)


def test_names_are_those_of_the_marketplace_alone(params, tmp_path, monkeypatch):
    """Were another line item looked up in its product, the two ways would differ in this report."""
    monkeypatch.setattr(products_apart, "are_worth_it", lambda _: True)
    rollup, _ = answers(write_report(tmp_path / "cur", ORDINARY + SOLD), params)
    assert {one for one in rollup["product_name"].to_pylist() if one} == {"Validator"}


PRODUCTS = pa.map_(pa.string(), pa.string())


def written(path: Path, entities: list[str | None], rows: int, **options: bool) -> pq.FileMetaData:
    """The footer of a file that has a row group for each entity."""
    schema = pa.schema([(ENTITY, pa.string()), ("product", PRODUCTS)])
    with pq.ParquetWriter(path, schema, **options) as file:
        for one in entities:
            columns = [pa.array([one] * rows, pa.string()), pa.nulls(rows, PRODUCTS)]
            file.write_table(pa.table(columns, schema=schema))
    return pq.read_metadata(path)


def test_it_is_worth_it_where_few_row_groups_have_any(tmp_path):
    few = written(tmp_path / "few", [MARKETPLACE, "AWS", "AWS", "AWS"], 10)
    many = written(tmp_path / "many", [MARKETPLACE, "AWS", "AWS"], 10)
    none = written(tmp_path / "none", ["AWS", "AWS"], 10)
    assert [are_worth_it([one]) for one in (few, many, none)] == [True, False, True]
    assert are_worth_it([many, none])
    assert are_worth_it([few, many, written(tmp_path / "empty", [], 0)]) is False


def test_a_file_that_does_not_say_is_read_as_one(tmp_path):
    unknown = written(tmp_path / "unknown", ["AWS", "AWS"], 10, write_statistics=False)
    assert not are_worth_it([unknown])
    for name in (ENTITY, "product"):
        path = tmp_path / f"without {name}"
        pq.write_table(pq.read_table(tmp_path / "unknown").drop_columns([name]), path)
        assert not are_worth_it([pq.read_metadata(path)])
