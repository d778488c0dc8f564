"""Whoever looks at single charges finds where each stands, with all its tags by the keys that policies name."""

from __future__ import annotations

from chargeback.engine import Engine
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import open_report
from tests.focus_in.exports import charge, write_focus
from tests.reports import PERIOD


def test_a_charge_is_found_by_its_file_and_row(tmp_path):
    rows = [charge(60.0, owner="CC-1", x_CostCategories={"stage": "production"}), charge(40.0)]
    report = write_focus(tmp_path / "report", rows[:1], rows[1:], form="focus-1.0")
    record = freeze_sources(report, PERIOD)
    engine = Engine(threads=1)
    open_report(engine, report, record, placed=True, besides={"product_region_code": "varchar"})
    found = engine.connection.execute(
        "select source_file, source_row, resource_tags, line_item_unblended_cost from report"
        " order by source_file"
    ).fetchall()
    engine.close()
    assert [(file.rpartition("/")[2], row, cost) for file, row, _, cost in found] == [
        ("tiny-00001.snappy.parquet", 1, 60.0), ("tiny-00002.snappy.parquet", 1, 40.0),
    ]  # fmt: skip
    assert found[0][2] == {"user_cost_center": "CC-1", "cost_category:stage": "production"}
    assert found[1][2] == {}
