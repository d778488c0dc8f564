"""What most line items are like is told where statistics find the others in few row groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.source_record import LEGACY_PARQUET
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.ordinary_lines import KINDS, is_worth_it, ordinary_lines
from chargeback.sources.products_apart import MARKETPLACE
from tests.reports import PERIOD, line_item, write_report

SOLD, USAGE = KINDS


def footer(
    path: Path, column: str, groups: list[list[str | None]], **options: bool
) -> pq.FileMetaData:
    """The footer of a file with these row groups."""
    schema = pa.schema([(column, pa.string())])
    with pq.ParquetWriter(path, schema, **options) as file:
        for texts in groups:
            file.write_table(pa.table([pa.array(texts, pa.string())], schema=schema))
    return pq.read_metadata(path)


def test_usage_is_told_where_few_row_groups_have_anything_else(tmp_path):
    usage, tax = ["Usage"] * 9, ["Usage"] * 8 + ["Tax"]
    few = footer(tmp_path / "few", USAGE.column, [usage, tax, usage, usage])
    many = footer(tmp_path / "many", USAGE.column, [usage, tax, usage])
    nulls = footer(tmp_path / "nulls", USAGE.column, [["Usage", None]] * 4)
    others = footer(tmp_path / "others", USAGE.column, [["Tax"] * 9] * 4)
    assert [is_worth_it(USAGE, [one]) for one in (few, many, nulls, others)] == [
        True,
        False,
        False,
        False,
    ]
    assert is_worth_it(USAGE, [few, footer(tmp_path / "all", USAGE.column, [usage])])
    assert not is_worth_it(USAGE, [few, many])


def test_the_marketplace_is_told_where_few_row_groups_have_any(tmp_path):
    own, sold = ["AWS", None], ["AWS", MARKETPLACE]
    few = footer(tmp_path / "few", SOLD.column, [own, sold, own, own])
    assert is_worth_it(SOLD, [few])
    assert not is_worth_it(SOLD, [few, footer(tmp_path / "many", SOLD.column, [sold])])


def test_files_that_do_not_say_tell_nothing(tmp_path):
    silent = footer(tmp_path / "silent", USAGE.column, [["Usage"]], write_statistics=False)
    without = footer(tmp_path / "without", "another", [["Usage"]])
    assert not is_worth_it(USAGE, [silent])
    assert not is_worth_it(USAGE, [without])


def test_a_delivery_tells_what_all_its_files_tell(tmp_path):
    usage = [line_item(1.0, bill_billing_entity="AWS")] * 8
    tax = [line_item(1.0, bill_billing_entity="AWS", line_item_line_item_type="Tax")]
    report = write_report(tmp_path / "cur", usage, tax)
    record = freeze_sources(report, PERIOD)
    assert ordinary_lines(report, record) == (SOLD, USAGE)
    assert ordinary_lines(report, replace(record, layout=LEGACY_PARQUET)) == ()
    more = write_report(tmp_path / "more", usage, tax * 8)
    assert ordinary_lines(more, freeze_sources(more, PERIOD)) == (SOLD,)
