"""Every layout gives the charges of CUR 2.0 in Parquet: the same line items, the same bytes posted."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.books.source_record import (
    CUR_2,
    CUR_2_CSV,
    LEGACY_CSV,
    LEGACY_PARQUET,
    SourceRecord,
)
from chargeback.close.stages import derive
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.engine import Engine
from chargeback.sources.deliveries import find_deliveries
from chargeback.sources.flat_columns import cur_2_name
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import COLUMNS, open_report
from tests.params_folder import pool
from tests.reports import PERIOD, line_item
from tests.sources.legacy import (
    csv_header,
    data_files,
    legacy_manifest,
    pack,
    write_legacy,
    write_legacy_manifest,
)

LAYOUTS = {
    "csv": LEGACY_CSV, "cur2-csv": CUR_2_CSV, "parquet": LEGACY_PARQUET, "zip": LEGACY_CSV,
}  # fmt: skip

FILES = (
    [
        line_item(60.123456789, "CC-1", line_item_line_item_description='quotes "and", commas\nand lines'),
        line_item(1.2e-7, "CC-2", line_item_usage_amount=3.0),
        line_item(10.0, line_item_resource_id="ärger, 'quoted'"),
    ],
    [
        line_item(
            0.0, "CC-2", line_item_line_item_type="DiscountedUsage", reservation_effective_cost=29.876543211
        ),
        line_item(-0.00000012, "nobody"),
        line_item(29.876543211, "CC-9"),
    ],
)  # fmt: skip


@pytest.fixture
def posted(make_params, make_closing):
    """Derives a report under rules that look at tags of two kinds; returns the bytes of its postings."""
    rules = pool("exact", '{ usage_type_like = ["Box%"], account_id = ["999999999999"] }') + pool()

    def derive_it(report, name) -> tuple[bytes, SourceRecord]:
        closing = make_closing(report, make_params(allocation_toml=rules), name=name)
        derive(closing)
        record = SourceRecord.from_json(closing.path("sources.json").read_text())
        return closing.path("postings.parquet").read_bytes(), record

    return derive_it


@pytest.fixture
def legacy(make_report, tmp_path):
    """The tiny report in a legacy layout."""

    def make(layout: str, *files):
        return write_legacy(make_report(*(files or FILES)), tmp_path / layout, PERIOD, layout)

    return make


def refused(report) -> str:
    """The block of the refusal, which has exit code 6."""
    with pytest.raises(Refusal) as raised:
        freeze_sources(report, PERIOD)
    assert raised.value.exit_code == UNREACHABLE
    return raised.value.block()


def test_columns_are_named_as_aws_names_them():
    for name in COLUMNS:
        assert cur_2_name(csv_header(name)) == name
        assert cur_2_name(name) == name
    assert cur_2_name("resourceTags/user:CostCenter") == "resource_tags_user_cost_center"
    assert cur_2_name("resourceTags/aws:createdBy") == "resource_tags_aws_created_by"
    assert cur_2_name("savingsPlan/SavingsPlanARN") == "savings_plan_savings_plan_a_r_n"


def test_the_same_line_items_post_the_same_bytes(make_report, tmp_path, posted):
    cur_2 = make_report(*FILES)
    bytes_of = {}
    bytes_of[CUR_2], record = posted(cur_2, "cur2")
    for layout, name in LAYOUTS.items():
        report = write_legacy(cur_2, tmp_path / layout, PERIOD, layout)
        bytes_of[layout], found = posted(report, layout)
        assert found.layout == name
        assert (found.line_items, found.unblended_cost) == (
            record.line_items,
            record.unblended_cost,
        )
        assert {one.path for one in found.files} == {
            path.relative_to(report).as_posix() for path in data_files(report)
        }
    assert len(set(bytes_of.values())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_real_month_posts_the_same_bytes(workshop, layout, tmp_path, make_closing):
    report = write_legacy(workshop.report, tmp_path / layout, workshop.period, layout)
    found = []
    for name, one in (("cur2", workshop.report), (layout, report)):
        closing = make_closing(one, workshop.params, workshop.period, name)
        derive(closing)
        found.append(closing.path("postings.parquet").read_bytes())
    assert found[0] == found[1]


def test_two_tags_that_become_one_key_are_read_as_one(legacy):
    """The first that has a value, for AWS keeps one of them (CUR fact 1.5)."""
    report = legacy("csv", [line_item(60.0, "CC-1"), line_item(40.0)])
    [path] = data_files(report)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[0] += ",resourceTags/user:CostCenter"
    lines[1] += ",CC-9"
    lines[2] += ",CC-2"
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    engine = Engine()
    open_report(engine, report, freeze_sources(report, PERIOD), ["user_cost_center"])
    rows = engine.connection.execute(
        "select line_item_unblended_cost, resource_tags from report order by 1"
    ).fetchall()
    assert rows == [(40.0, {"user_cost_center": "CC-2"}), (60.0, {"user_cost_center": "CC-1"})]


def test_a_file_beside_the_delivery_is_recorded_and_not_read(legacy):
    report = legacy("csv")
    extra = data_files(report)[0].with_name("other.csv.gz")
    extra.write_bytes(data_files(report)[0].read_bytes())
    record = freeze_sources(report, PERIOD)
    assert [one.rpartition("/")[2] for one in record.unlisted_files] == ["other.csv.gz"]
    assert record.line_items == 6


def test_the_first_version_of_a_record_is_read(make_report):
    record = freeze_sources(make_report(*FILES), PERIOD)
    content = json.loads(record.to_json())
    del content["layout"]
    assert SourceRecord.from_json(json.dumps(content)) == record


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_data_file_cut_short(legacy, layout):
    report = legacy(layout)
    path = data_files(report)[0]
    path.write_bytes(path.read_bytes()[:-20])
    block = refused(report)
    assert "a data file cannot be read as" in block and path.name in block


def test_a_missing_data_file(legacy):
    report = legacy("parquet")
    data_files(report)[1].unlink()
    assert "a file that the manifest names is missing" in refused(report)


def test_another_period(legacy):
    report = legacy("csv")
    manifest = legacy_manifest(report, PERIOD)
    manifest.write_text(manifest.read_text().replace("20260501T", "20260401T"))
    assert "the manifest belongs to another period" in refused(report)
    with pytest.raises(Refusal, match="no manifest for 2026-04"):
        freeze_sources(report, "2026-04")


def test_two_assemblies_without_a_manifest_that_says_which_is_newer(legacy):
    report = legacy("csv")
    manifest = legacy_manifest(report, PERIOD)
    for name in ("a", "b"):
        (manifest.parent / name).mkdir()
        (manifest.parent / name / manifest.name).write_bytes(manifest.read_bytes())
    assert [one.manifest for one in find_deliveries(report, PERIOD)] == [manifest]
    manifest.unlink()
    assert "none is known to be the newer one" in refused(report)


def test_an_unknown_form_is_refused(legacy):
    report = legacy("csv")
    path = data_files(report)[0]
    packed = path.rename(path.with_name("costs-1.7z"))
    key = packed.relative_to(report).as_posix()
    write_legacy_manifest(report, PERIOD, [key])
    assert "in a format that is not supported" in refused(report)


def test_files_with_other_columns_are_refused(legacy, make_closing, make_params):
    report = legacy("csv")
    path = data_files(report)[0]
    lines = gzip.decompress(path.read_bytes()).decode().split("\n", 1)
    first, second, rest = lines[0].split(",", 2)
    path.write_bytes(gzip.compress(f"{second},{first},{rest}\n{lines[1]}".encode()))
    with pytest.raises(Refusal, match="two files of a delivery have different columns"):
        derive(make_closing(report, make_params()))


@pytest.mark.parametrize("cell", ['{""cost_center"": ""CC-1""', '[""cost_center""]', "CC-1"])
def test_a_map_that_is_no_json_is_named_by_its_file_and_column(
    cell, make_report, tmp_path, make_closing, make_params
):
    """A month as CSV: one file was written anew by a program that cut a cell."""
    tagged = [line_item(1, owner="CC-1")]
    report = write_legacy(make_report(tagged, tagged), tmp_path / "csv", PERIOD, "cur2-csv")
    path = data_files(report)[1]
    text = gzip.decompress(path.read_bytes()).decode()
    whole = re.search(r"\{[^{}]*cost_center[^{}]*\}", text).group()
    pack(path, text.replace(f'"{whole}"', f'"{cell}"'))
    with pytest.raises(Refusal, match="should be a map is no JSON object") as raised:
        derive(make_closing(report, make_params()))
    assert raised.value.exit_code == UNREACHABLE
    block = raised.value.block()
    assert f"{path}, column resource_tags" in block
    assert cell.replace('""', '"') in block


def test_a_column_without_which_nothing_can_be_charged(legacy):
    report = legacy("parquet")
    path = data_files(report)[0]
    pq.write_table(pq.read_table(path).drop_columns(["line_item_product_code"]), path)
    assert "the report has no column line_item_product_code" in refused(report)


def test_tags_that_differ_by_case_only_are_read_as_one(legacy):
    """AWS's tag keys are case-sensitive; DuckDB's columns are not."""
    report = legacy("csv", [line_item(60.0), line_item(30.0), line_item(10.0)])
    [path] = data_files(report)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[0] += ",resourceTags/user:Team,resourceTags/user:team"
    lines[1] += ",CC-1,"
    lines[2] += ",,CC-9"
    lines[3] += ",,"
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    engine = Engine()
    open_report(engine, report, freeze_sources(report, PERIOD), ["user_team"])
    rows = engine.connection.execute(
        "select line_item_unblended_cost, resource_tags['user_team'] from report order by 1"
    ).fetchall()
    assert rows == [(10.0, ""), (30.0, "CC-9"), (60.0, "CC-1")]


@pytest.mark.parametrize("several", [0, 2])
def test_a_zip_without_the_one_csv_is_refused(legacy, several):
    report = legacy("zip")
    [first, *_] = data_files(report)
    with zipfile.ZipFile(first, "w") as archive:
        for number in range(several):
            archive.writestr(f"{number}.csv", "a,b\n")
    assert f"a ZIP file with {several} CSV files instead of one" in refused(report)


def test_a_changed_zip_is_not_read_from_what_was_unpacked_before(legacy):
    report = legacy("zip", [line_item(1.0, "CC-1")])
    assert freeze_sources(report, PERIOD).unblended_cost == "1.0000000000"
    [path] = data_files(report)
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    pack(path, text.replace(",1.0,", ",25.0,"))
    assert freeze_sources(report, PERIOD).unblended_cost == "25.0000000000"


TIMES = (
    pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns"),
    pa.timestamp("us", "UTC"), pa.timestamp("ms", "America/New_York"), pa.string(),
)  # fmt: skip


@pytest.mark.parametrize("kind", TIMES, ids=str)
def test_the_day_of_a_timestamp_of_any_kind_is_that_of_utc(kind, make_report):
    """23:30 in UTC on the 9th, which is the 9th in New York too, and 01:00 on the 10th, which is not."""
    report = make_report([line_item(1.0), line_item(2.0)])
    [path] = data_files(report)
    times = [datetime(2026, 5, 9, 23, 30), datetime(2026, 5, 10, 1, 0)]
    if pa.types.is_string(kind):
        column = pa.array([f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in times], kind)
    else:
        zone = UTC if kind.tz else None
        column = pa.array([one.replace(tzinfo=zone) for one in times], kind)
    pq.write_table(pq.read_table(path).append_column("line_item_usage_start_date", column), path)
    engine = Engine()
    open_report(engine, report, freeze_sources(report, PERIOD))
    rows = engine.connection.execute(
        "select line_item_unblended_cost, cast(line_item_usage_start_date as date) from report order by 1"
    ).fetchall()
    assert rows == [(1.0, date(2026, 5, 9)), (2.0, date(2026, 5, 10))]
