"""The sample estate as AWS would write it in FOCUS: its columns, and what the standard says of its rows."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from chargeback.sample import write_estate
from chargeback.sample.focus_columns import SCHEMAS
from chargeback.sources.freeze import freeze_sources

PERIOD = "2026-01"


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One month in all three forms."""
    found = {}
    for form in ("cur-2.0", "focus-1.0", "focus-1.2"):
        found[form] = tmp_path_factory.mktemp("exports") / form
        write_estate(found[form], [PERIOD], line_items=30_000, form=form)
    return found


def rows_of(report):
    """All rows of a report."""
    return pa.concat_tables(pq.read_table(one) for one in sorted(report.glob("data/*/*.parquet")))


def total(column):
    """The exact sum of a column of doubles."""
    return sum((Decimal(repr(one)) for one in column.to_pylist()), Decimal(0))


def where(table, **cells):
    """The rows with these cells."""
    for name, value in cells.items():
        column = table[name]
        table = table.filter(pc.is_null(column) if value is None else pc.equal(column, value))
    return table


@pytest.mark.slow
@pytest.mark.parametrize(("form", "own"), [("focus-1.0", 5), ("focus-1.2", 3)])
def test_it_has_the_columns_that_aws_lists(exports, form, own):
    table = rows_of(exports[form])
    assert table.schema.names == SCHEMAS[form].names
    names = [name for name in table.schema.names if not name.startswith("x_")]
    assert (len(names), len(table.schema.names) - len(names)) == (
        {5: 43, 3: 57}[own], own
    )  # fmt: skip
    [manifest] = exports[form].glob("metadata/*/*-Manifest.json")
    assert [
        one["name"] for one in json.loads(manifest.read_text())["columns"]
    ] == table.schema.names


@pytest.mark.slow
def test_it_bills_what_the_month_bills(exports):
    billed = {form: freeze_sources(one, PERIOD).unblended_cost for form, one in exports.items()}
    assert len(set(billed.values())) == 1, billed


@pytest.mark.slow
def test_commitments_are_as_the_standard_has_them(exports):
    table = rows_of(exports["focus-1.2"])
    of_one = table.filter(pc.is_valid(table["CommitmentDiscountId"]))
    bought = where(of_one, ChargeCategory="Purchase")
    assert bought.num_rows and total(bought["EffectiveCost"]) == 0
    for status in ("Used", "Unused"):
        rows = where(of_one, ChargeCategory="Usage", CommitmentDiscountStatus=status)
        assert rows.num_rows and total(rows["BilledCost"]) == 0 and total(rows["EffectiveCost"]) > 0
    assert where(of_one, ChargeCategory="Usage", CommitmentDiscountStatus=None).num_rows == 0
    # A plan that is paid hour by hour: what was used and what was left are what was billed for it.
    recurring = where(of_one, ChargeFrequency="Recurring", CommitmentDiscountCategory="Spend")
    for plan in pc.unique(recurring["CommitmentDiscountId"]).to_pylist():
        rows = where(of_one, CommitmentDiscountId=plan)
        assert total(rows["BilledCost"]) == total(rows["EffectiveCost"])


@pytest.mark.slow
def test_nothing_is_blank_that_may_be_null(exports):
    """FOCUS has null where there is nothing, and no blank texts."""
    for form in ("focus-1.0", "focus-1.2"):
        for name, column in zip(SCHEMAS[form].names, rows_of(exports[form]).columns, strict=True):
            if pa.types.is_string(column.type):
                assert not pc.any(pc.equal(column, "")).as_py(), name


@pytest.mark.slow
def test_another_form_replaces_what_was_written(tmp_path):
    """One folder holds a period once, in the form that was asked for last."""
    for form in ("focus-1.0", "cur-2.0", "focus-1.2"):
        write_estate(tmp_path, [PERIOD], line_items=30_000, form=form)
    record = freeze_sources(tmp_path, PERIOD)
    assert (record.layout, record.export_name, record.unlisted_files) == (
        "FOCUS 1.2", "insurer-focus12", ()
    )  # fmt: skip
