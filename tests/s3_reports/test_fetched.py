"""A report in S3 is closed from the files of its deliveries, fetched once, in either layout."""

from __future__ import annotations

import itertools
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.sources import s3_copy as s3_reports
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.s3_copy import fetch_report
from tests.athena.cloud import REGION, Fault
from tests.close.conftest import run, without_notebooks
from tests.close.months import JUNE, MAY, Month, assert_refused, write_month
from tests.daily.month import write_month as write_days
from tests.reports import data_files, line_item, manifest_path, write_report
from tests.s3_books.conftest import cloud
from tests.setup.company import company_lines, write_company
from tests.setup.filled import fill_in
from tests.sources.legacy import write_legacy

__all__ = ["cloud", "run", "without_notebooks"]

NUMBERS = itertools.count()
PREFIX = "exports/insurer/"


@pytest.fixture
def month(tmp_path: Path) -> Month:
    """Three months in a folder."""
    return write_month(tmp_path)


@pytest.fixture
def upload(cloud, tmp_path, monkeypatch):
    """Puts a report's folder into a bucket of its own; returns its address."""
    for name, value in {**cloud.environment(), "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3_reports, "BUILD", tmp_path / "build")
    bucket = f"reports-{next(NUMBERS)}"
    cloud.s3.create_bucket(Bucket=bucket)

    def put(report: Path) -> str:
        for path in sorted(report.rglob("*")):
            if path.is_file():
                key = PREFIX + path.relative_to(report).as_posix()
                cloud.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        return f"s3://{bucket}/{PREFIX}"

    return put


def got(cloud) -> int:
    """How many objects were fetched since the calls were last cleared."""
    return sum(str(one) == "s3:GetObject" for one in cloud.door.calls)


@pytest.mark.parametrize("layout", ["CUR 2.0", "csv", "cur2-csv", "parquet", "several", "zip"])
def test_the_source_record_is_that_of_the_folder(month, upload, layout, tmp_path):
    report = month.report
    if layout == "several":  # an export of another payer beside it, below one prefix
        item = line_item(5.0, "CC-1", bill_payer_account_id="222222222222")
        report = tmp_path / "several"
        write_report(report / "two", [item], period=MAY)
        month.report.rename(report / "one")
    elif layout != "CUR 2.0":
        report = write_legacy(month.report, tmp_path / "legacy", MAY, layout)
    said: list[str] = []
    fetched = fetch_report(upload(report), [MAY], said.append)
    assert freeze_sources(fetched, MAY).to_json() == freeze_sources(report, MAY).to_json()
    assert len(said) == 1 and f"fetching {3 if layout == 'several' else 2} files" in said[0]


def test_what_is_here_is_not_fetched_again(month, upload, cloud):
    uri = upload(month.report)
    fetch_report(uri, [MAY], print)
    cloud.door.calls.clear()
    folder = fetch_report(uri, [MAY], print)
    assert got(cloud) == 0
    data_files(folder)[0].write_bytes(b"cut short")
    fetch_report(uri, [MAY, JUNE], print)
    assert got(cloud) == 2
    assert freeze_sources(folder, MAY).to_json() == freeze_sources(month.report, MAY).to_json()


def test_a_new_delivery_replaces_the_old_one(month, upload, tmp_path):
    folder = fetch_report(upload(month.report), [MAY], print)
    before = freeze_sources(folder, MAY)
    again = write_report(tmp_path / "again", [line_item(100.01, "CC-1")])
    assert fetch_report(upload(again), [MAY], print) == folder
    after = freeze_sources(folder, MAY)
    assert after.line_items == 1 != before.line_items


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_close_from_s3_posts_the_bytes_of_a_close_from_the_folder(month, upload, run, tmp_path):
    options = ["--params", str(month.params), "--books"]
    ended = run("monthly-close", MAY, "--cur", upload(month.report), *options, str(tmp_path / "s3"))
    assert ended.exit_code == 0, ended
    ended = run("monthly-close", MAY, "--cur", str(month.report), *options, str(tmp_path / "s3"))
    assert ended.exit_code == 0 and "already closed, and identical" in ended.said, ended


@pytest.mark.parametrize("kind", ["500", "reset", "half", "denied"])
def test_faults_stop_it_or_are_borne_and_the_next_run_succeeds(month, upload, cloud, kind):
    uri = upload(month.report)
    for at in range(1, 9):
        cloud.door.calls.clear()
        cloud.door.fault = Fault(at, kind)
        try:
            fetch_report(uri, [MAY], print)
        except Refusal as refusal:
            assert refusal.exit_code == UNREACHABLE
        finally:
            cloud.door.fault = None
        folder = fetch_report(uri, [MAY], print)
        assert freeze_sources(folder, MAY).to_json() == freeze_sources(month.report, MAY).to_json()
        for path in data_files(folder):
            path.unlink()


def test_a_bucket_that_is_not_there(month, upload, run, tmp_path):
    upload(month.report)
    options = ["--params", str(month.params), "--books", str(tmp_path / "books")]
    ended = run("monthly-close", MAY, "--cur", "s3://reports-of-nobody/x", *options)
    assert_refused(ended, UNREACHABLE, "AWS has nothing by this name")
    assert not (tmp_path / "books" / "ledger").exists()


def test_params_are_begun_and_checked_from_s3(upload, cloud, run, tmp_path):
    """Of three months the newest that has invoices is taken; the two before it are not fetched."""
    report = write_company(tmp_path / "cur", "2026-04")
    write_report(report, company_lines(), period="2026-05")
    open_month = [{**one, "bill_invoice_id": ""} for one in company_lines()]
    write_report(report, open_month, period="2026-06")
    address, folder = upload(report), tmp_path / "mine"
    cloud.door.calls.clear()
    begun = run("init", "--cur", address, "--params", str(folder))
    assert begun.exit_code == 0, begun
    assert "in force from 2026-05 on" in begun.said
    assert got(cloud) == 3 + 2  # the manifests, and a data file of June and of May
    fill_in(folder, begun.said)
    checked = run("check-params", "2026-05", "--cur", address, "--params", str(folder))
    assert checked.exit_code == 0, checked
    assert got(cloud) == 3 + 2


@pytest.mark.parametrize("name", ["../../../../out", "a/../../out", "/out", "./out"])
@pytest.mark.parametrize("layout", ["metadata/BILLING_PERIOD=2026-05/", "20260501-20260601/"])
def test_a_name_that_leads_out_of_the_folder_writes_nothing(
    month, upload, cloud, tmp_path, layout, name
):
    """S3 takes any name, and a manifest of either layout is known by how its name ends."""
    uri = upload(month.report)
    bucket = uri.split("/")[2]
    if layout.startswith("2026"):
        for one in cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]:
            cloud.s3.delete_object(Bucket=bucket, Key=one["Key"])
    key = f"{PREFIX}{layout}{name}-Manifest.json"
    cloud.s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Refusal) as raised:
        fetch_report(uri, [MAY], print)
    assert raised.value.exit_code == UNREACHABLE
    assert "would be a file outside of its folder" in raised.value.block()
    assert set(tmp_path.rglob("*")) == before


def test_a_manifest_of_gigabytes_is_not_fetched(month, upload, monkeypatch):
    """The limit is made small here instead: what counts is that the size is looked at first."""
    monkeypatch.setattr(s3_reports, "MOST_OF_MANIFEST", 100)
    with pytest.raises(Refusal) as raised:
        fetch_report(upload(month.report), [MAY], print)
    assert "larger than any that AWS writes" in raised.value.block()


def test_freshness_fetches_the_newest_month_and_no_other(upload, tmp_path, capsys):
    """A task that looks has an empty disk: all manifests come, and the files of one month."""
    places = write_days(tmp_path, days=6)
    write_report(Path(places["report"]), [line_item(5.0, "CC-1")], period="2026-03")
    options = ("--cur", upload(Path(places["report"])), "--params", places["params"])
    assert main(["freshness", "2026-05-07", *options, "--books", places["books"]]) == CONTROL_FAILED
    said = capsys.readouterr()
    assert "usage up to 2026-05-06, 1 day ago" in said.out and "the close of 2026-03" in said.err
    fetched = {path.parent.name for path in (tmp_path / "build").rglob("*.parquet")}
    assert fetched == {"BILLING_PERIOD=2026-05"}


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_day_is_published_where_months_were_closed_on_another_machine(
    upload, run, tmp_path, cloud
):
    """The daily run asks whether the last closed months were delivered again; their files are elsewhere."""
    places = write_days(tmp_path, days=6)
    cells = {"bill_invoice_id": "900000004", "line_item_usage_start_date": datetime(2026, 4, 3)}
    write_report(Path(places["report"]), [line_item(5.0, "CC-1", **cells)], period="2026-04")
    invoices = Path(places["params"]) / "invoices.csv"
    invoices.write_text(invoices.read_text() + "900000004,2026-04,AWS,USD,5.00,finance,PDF\n")
    options = ("--cur", upload(Path(places["report"])), "--params", places["params"])
    options = (*options, "--books", places["books"])
    ended = run("monthly-close", "2026-04", *options)
    assert ended.exit_code == 0, ended
    shutil.rmtree(tmp_path / "build")
    ended = run("daily", "2026-05-06", *options, "--dry", "yes")
    assert ended.exit_code == 0 and "fetching 1 files" in ended.said, ended
    assert (
        "2026-04  fetching" not in ended.said
    )  # its manifest is what it was: nothing of it is fetched
    again = write_report(tmp_path / "again", [line_item(6.0, "CC-1", **cells)], period="2026-04")
    manifest = manifest_path(again, "2026-04")
    manifest.write_text(manifest.read_text().replace('"e-1"', '"e-2"'))
    for path in sorted(again.rglob("*.*")):
        key = PREFIX + path.relative_to(again).as_posix()
        cloud.s3.put_object(Bucket=options[1].split("/")[2], Key=key, Body=path.read_bytes())
    ended = run("daily", "2026-05-06", *options, "--dry", "yes")
    assert "2026-04 was delivered again since it was closed" in ended.said, ended
