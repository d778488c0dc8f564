"""Trino reads the charges of a FOCUS export as DuckDB does: the same columns of CUR 2.0."""

from __future__ import annotations

import pyarrow as pa
import pytest

from chargeback.engine import Engine, bound_sql, read_sql, translate
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import open_report
from tests.focus_in.exports import charge, write_focus
from tests.focus_in.test_same_charges import CHARGES
from tests.reports import PERIOD
from tests.trino.judged import differences, mirrored
from tests.trino.server import Server

pytestmark = pytest.mark.trino

MORE = [
    charge(0.1234567891, ChargeCategory="Adjustment", x_Discounts={"A": 1.0, "B": 2.0}),
    charge(1.0, x_ServiceCode=None, SubAccountId=None, x_UsageType=None, PublisherName=None),
    charge(5.0, 0.0, ChargeCategory="Purchase", ChargeFrequency="One-Time"),
    charge(5.0, 1.0, ChargeClass="Correction", CommitmentDiscountType="Compute Savings Plans"),
]


def test_focus_report_answers_the_same(trino: Server, tmp_path):
    report = write_focus(tmp_path / "report", [*CHARGES, *MORE])
    engine = Engine(threads=1)
    open_report(engine, report, freeze_sources(report, PERIOD))
    charges = engine.connection.execute("select * from focus_charges").to_arrow_table()
    ours = engine.connection.execute(
        translate(read_sql("sources", "focus_report"), {"period": PERIOD})
    ).to_arrow_table()
    engine.close()
    maps = [one.name for one in charges.schema if pa.types.is_map(one.type)]
    assert maps == ["tags", "x_costcategories", "x_discounts"]
    sql = bound_sql("sources", "focus_report", {"period": PERIOD})
    theirs = mirrored(trino, sql, {"focus_charges": charges})
    assert differences(sql, ours, theirs, without=["resource_tags", "cost_category"]) == []
    assert ours.num_rows == len(CHARGES) + len(MORE)
