"""The map of products is read for line items of AWS Marketplace alone, where the SQL looks at no others."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from chargeback.core.paths import PARAMS
from chargeback.engine import Engine, parsed, read_sql
from chargeback.params import read_params
from chargeback.rollup.roll_up import numbered
from chargeback.sample import write_estate
from chargeback.sources import report as report_room
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import names_sellers_products_alone, open_line_items, open_report

PERIOD = "2026-05"
LINE_ITEMS = read_sql("sources", "line_items")
SOLD = "bill_billing_entity = 'AWS Marketplace'"
IMPORT = "with report as (select bill_billing_entity, product, tags from report where billing_period = 'x') "


def test_the_close_looks_at_no_others():
    assert names_sellers_products_alone(parsed(LINE_ITEMS))


@pytest.mark.parametrize(
    "looks",
    [
        f"case when {SOLD} and tags is null then element_at(product, 'a') end",
        f"case when {SOLD} then element_at(product, 'a') end",
        "tags",
    ],
)
def test_a_look_under_the_condition_is_one(looks):
    assert names_sellers_products_alone(parsed(f"{IMPORT} select {looks} as a from report"))


@pytest.mark.parametrize(
    "looks",
    [
        "element_at(product, 'a')",
        "product",
        "*",
        f"case when {SOLD} or tags is null then element_at(product, 'a') end",
        f"case when {SOLD} then 'b' else element_at(product, 'a') end",
        f"case when {SOLD} and element_at(product, 'a') = 'b' then 'c' end",
        f"case when not ({SOLD}) then element_at(product, 'a') end",
        "case when bill_billing_entity = 'AWS' then element_at(product, 'a') end",
    ],
)
def test_every_other_look_is_found(looks):
    named = looks if looks in ("*", "product") else f"{looks} as a"
    assert not names_sellers_products_alone(parsed(f"{IMPORT} select {named} from report"))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_estate(folder, [PERIOD], 6_000)
    return folder, freeze_sources(folder, PERIOD)


def test_the_rollup_is_the_same(delivered, monkeypatch):
    folder, record = delivered
    params = read_params(PARAMS, PERIOD)

    def rollup():
        engine = Engine()
        try:
            open_line_items(engine, folder, record, params)
            return numbered(engine.query("rollup", "rollup_costs"))
        finally:
            engine.close()

    monkeypatch.setattr(report_room, "are_apart", lambda footers: True)
    apart = rollup()
    monkeypatch.setattr(report_room, "names_sellers_products_alone", lambda statement: False)
    assert apart.equals(rollup())
    assert any(apart["product_name"].to_pylist())


def test_no_line_item_is_lost_or_doubled_and_others_have_no_map(delivered, monkeypatch):
    monkeypatch.setattr(report_room, "are_apart", lambda footers: True)
    folder, record = delivered
    engine = Engine()
    try:
        open_report(engine, folder, record, of_sellers=True)
        [(found, sold)] = engine.connection.execute(
            "select count(*), count(product) filter (bill_billing_entity = 'AWS Marketplace') from report"
        ).fetchall()
        [(others,)] = engine.connection.execute(
            "select count(product) from report where bill_billing_entity is distinct from 'AWS Marketplace'"
        ).fetchall()
    finally:
        engine.close()
    assert (found, others) == (record.line_items, 0)
    assert sold > 0


def test_only_where_few_row_groups_can_have_them(tmp_path):
    def written(name, *groups):
        path = tmp_path / name
        schema = pa.schema([(report_room.ENTITY, pa.string()), ("product", pa.string())])
        with pq.ParquetWriter(path, schema) as writer:
            for entities in groups:
                writer.write_table(pa.table([entities, [None] * len(entities)], schema=schema))
        return [pq.ParquetFile(path)]

    aws, mixed = ["AWS"] * 10, ["AWS"] * 9 + [report_room.SELLERS]
    assert report_room.are_apart(written("apart", *[aws] * 4, mixed))
    assert not report_room.are_apart(written("mixed", *[aws] * 3, mixed, mixed))
    assert report_room.are_apart(written("empty"))


def test_the_condition_is_written_as_the_code_looks_for_it():
    cases = [one for one in parsed(LINE_ITEMS).find_all(exp.If) if one.find(exp.Column)]
    assert any(report_room.PRODUCT in {c.name for c in one.find_all(exp.Column)} for one in cases)
