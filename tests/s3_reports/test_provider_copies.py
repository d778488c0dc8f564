"""Deliveries of other providers in S3 are closed from files that are fetched once, in each layout."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE, DONE, UNREACHABLE, Refusal
from chargeback.params.providers import (
    AZURE_EXPORT,
    MONTHLY_FILES,
    PERIOD_FOLDERS,
    Provider,
    read_providers,
)
from chargeback.sources import provider_folders, s3_copy
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.provider_copy import fetch_provider
from chargeback.sources.provider_folders import with_providers
from tests.athena.cloud import REGION, Fault
from tests.close.conftest import run, without_notebooks
from tests.params_folder import ALWAYS, write_params
from tests.reports import PERIOD, line_item, write_report
from tests.s3_books.conftest import cloud
from tests.sources.other_providers import (
    SUBSCRIPTION,
    azure_row,
    google_row,
    saas_row,
    sources_toml,
    write_azure,
    write_google,
    write_saas,
)

__all__ = ["cloud", "run", "without_notebooks"]

NUMBERS = itertools.count()
PREFIX = "finops/focus/"
NAMES = {AZURE_EXPORT: "Microsoft", PERIOD_FOLDERS: "Google Cloud", MONTHLY_FILES: "Observa"}


def write(layout: str, folder: Path, cost: float = 9.5) -> Path:
    """A provider's month in a folder, in its layout; returns the folder."""
    if layout == AZURE_EXPORT:
        write_azure(folder, [[azure_row(cost)], [azure_row(1.0)]])
    elif layout == PERIOD_FOLDERS:
        write_google(folder, [[google_row(str(cost))], [google_row("1")]])
    else:
        write_saas(folder, [saas_row(cost)])
    return folder


@pytest.fixture
def upload(cloud, tmp_path, monkeypatch) -> Callable[..., str]:
    """Puts a folder into a bucket of its own, in place of what was there; returns its address."""
    for name, value in {**cloud.environment(), "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3_copy, "BUILD", tmp_path / "build")
    monkeypatch.setattr(provider_folders, "BUILD", tmp_path / "build")

    def put(folder: Path, bucket: str = "") -> str:
        bucket = bucket or f"provider-{next(NUMBERS)}"
        cloud.s3.create_bucket(Bucket=bucket)
        for one in cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            cloud.s3.delete_object(Bucket=bucket, Key=one["Key"])
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = PREFIX + path.relative_to(folder).as_posix()
                cloud.s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        return f"s3://{bucket}/{PREFIX}"

    return put


def entry(layout: str, uri: str) -> Provider:
    """An entry of sources.toml whose deliveries are in S3."""
    return Provider(NAMES[layout], uri, layout, PERIOD, "")


def got(cloud) -> int:
    """How many objects were fetched since the calls were last cleared."""
    return sum(str(one) == "s3:GetObject" for one in cloud.door.calls)


def frozen(tmp_path: Path, place: Path | str, layout: str) -> str:
    """The source record of a month of AWS and the provider, whose deliveries are in a folder or in S3."""
    report = tmp_path / "cur"
    if not report.is_dir():
        write_report(report, [line_item(100.0, "CC-1")])
    made = with_providers(report, [entry(layout, str(place))], [PERIOD], print)
    return freeze_sources(made, PERIOD).to_json()


def block_of(function: Callable[..., object], *arguments: object) -> str:
    """What a call is refused with, as it is printed; that S3 or a delivery is the reason."""
    with pytest.raises(Refusal) as raised:
        function(*arguments)
    assert raised.value.exit_code == UNREACHABLE
    return raised.value.block()


@pytest.mark.parametrize("layout", NAMES)
def test_the_source_record_is_that_of_the_folder(layout, upload, cloud, tmp_path):
    folder = write(layout, tmp_path / "delivered")
    uri = upload(folder)
    assert frozen(tmp_path, uri, layout) == frozen(tmp_path, folder, layout)
    # Asked again, nothing is fetched.
    cloud.door.calls.clear()
    frozen(tmp_path, uri, layout)
    assert got(cloud) == 0


@pytest.mark.parametrize("layout", NAMES)
def test_what_was_cut_short_here_is_fetched_again(layout, upload, tmp_path):
    folder = write(layout, tmp_path / "delivered")
    uri = upload(folder)
    copy = fetch_provider(entry(layout, uri), [PERIOD], print)
    for path in [one for one in copy.rglob("*") if one.suffix in (".parquet", ".csv")]:
        path.write_bytes(b"cut")
    assert frozen(tmp_path, uri, layout) == frozen(tmp_path, folder, layout)


@pytest.mark.parametrize("layout", NAMES)
def test_a_new_delivery_takes_the_place_of_the_old_one(layout, upload, tmp_path):
    folder = write(layout, tmp_path / "delivered")
    uri = upload(folder)
    before = frozen(tmp_path, uri, layout)
    shutil.rmtree(folder)
    write(layout, folder, cost=10.5)
    upload(folder, uri.split("/")[2])
    after = frozen(tmp_path, uri, layout)
    assert after == frozen(tmp_path, folder, layout) != before


def test_what_is_gone_from_s3_is_gone_here(upload, tmp_path):
    """A second folder of the month by another name would be read beside the first, and count twice."""
    uri = upload(write(PERIOD_FOLDERS, tmp_path / "one"))
    fetch_provider(entry(PERIOD_FOLDERS, uri), [PERIOD], print)
    write_google(tmp_path / "two", [[google_row("3")]], name=f"BILLING_PERIOD={PERIOD}")
    upload(tmp_path / "two", uri.split("/")[2])
    assert frozen(tmp_path, uri, PERIOD_FOLDERS) == frozen(
        tmp_path, tmp_path / "two", PERIOD_FOLDERS
    )


def test_of_two_runs_in_s3_the_last_that_was_submitted_is_fetched(upload, cloud, tmp_path):
    folder = write(AZURE_EXPORT, tmp_path / "azure")
    write_azure(
        folder, [[azure_row(12.0)]], run="7c9e6679-7425-40de-944b-e07fc1f90ae7",
        submitted="2026-06-05T04:11:09Z",
    )  # fmt: skip
    uri = upload(folder)
    cloud.door.calls.clear()
    assert frozen(tmp_path, uri, AZURE_EXPORT) == frozen(tmp_path, folder, AZURE_EXPORT)
    assert got(cloud) == 2 + 1  # both manifests, and the one part of the newer run


@pytest.mark.parametrize("layout", NAMES)
def test_other_months_are_not_fetched(layout, upload, cloud, tmp_path):
    folder = write(layout, tmp_path / "delivered")
    uri = upload(folder)
    cloud.door.calls.clear()
    fetch_provider(entry(layout, uri), ["2026-04", "2026-06"], print)
    assert got(cloud) == (1 if layout == AZURE_EXPORT else 0)  # all manifests, which are small


@pytest.mark.parametrize("layout", NAMES)
def test_a_file_that_changes_while_it_is_fetched_is_noticed(
    layout, upload, cloud, tmp_path, monkeypatch
):
    """The provider writes it anew between the listing and the request for it."""
    folder = write(layout, tmp_path / "delivered")
    uri = upload(folder)
    fetch_file = s3_copy.S3Report.fetch_file

    def after_another(self, name, one):
        if name.endswith((".parquet", ".csv")):
            key = self.place.prefix + name
            cloud.s3.put_object(Bucket=self.place.bucket, Key=key, Body=b"of another day")
        fetch_file(self, name, one)

    monkeypatch.setattr(s3_copy.S3Report, "fetch_file", after_another)
    said = block_of(fetch_provider, entry(layout, uri), [PERIOD], print)
    assert "the delivery changed while it was being fetched" in said
    monkeypatch.undo()


def test_a_part_that_the_manifest_names_and_s3_has_not(upload, tmp_path):
    folder = write(AZURE_EXPORT, tmp_path / "azure")
    next(folder.rglob("part_2_*")).unlink()
    said = block_of(frozen, tmp_path, upload(folder), AZURE_EXPORT)
    assert "a file that the manifest names is missing" in said
    assert "part_2_0001.snappy.parquet" in said


@pytest.mark.parametrize("layout", [PERIOD_FOLDERS, MONTHLY_FILES])
def test_a_month_that_is_not_in_s3_stops_by_the_provider_s_name(layout, upload, tmp_path):
    said = block_of(frozen, tmp_path, upload(tmp_path / "empty"), layout)
    assert f"the provider {NAMES[layout]} has no delivery for {PERIOD}" in said


@pytest.mark.parametrize("kind", ["500", "reset", "half", "denied"])
@pytest.mark.parametrize("layout", NAMES)
def test_faults_stop_it_or_are_borne_and_the_next_run_succeeds(
    layout, kind, upload, cloud, tmp_path
):
    folder = write(layout, tmp_path / "delivered")
    uri, right = upload(folder), frozen(tmp_path, folder, layout)
    for at in range(1, 5):
        cloud.door.calls.clear()
        cloud.door.fault = Fault(at, kind)
        try:
            fetch_provider(entry(layout, uri), [PERIOD], print)
        except Refusal as refusal:
            assert refusal.exit_code == UNREACHABLE
        finally:
            cloud.door.fault = None
        assert frozen(tmp_path, uri, layout) == right
        shutil.rmtree(tmp_path / "build")


@pytest.mark.parametrize("at", [1, 2])
def test_who_may_not_read_is_told_what_was_asked_for(at, upload, cloud, tmp_path):
    """The list, and an object of it."""
    uri = upload(write(MONTHLY_FILES, tmp_path / "saas"))
    cloud.door.calls.clear()
    cloud.door.fault = Fault(at, "denied", times=99)
    said = block_of(fetch_provider, entry(MONTHLY_FILES, uri), [PERIOD], print)
    cloud.door.fault = None
    assert ("s3:ListBucket" if at == 1 else "s3:GetObject") in said
    assert uri.split("/")[2] in said


def test_a_bucket_that_is_not_there(upload, tmp_path):
    upload(write(MONTHLY_FILES, tmp_path / "saas"))
    gone = entry(MONTHLY_FILES, "s3://providers-of-nobody/focus")
    assert "AWS has nothing by this name" in block_of(fetch_provider, gone, [PERIOD], print)


def test_an_address_that_is_none_is_refused_by_its_entry(upload, tmp_path):
    upload(write(MONTHLY_FILES, tmp_path / "saas"))
    with pytest.raises(Refusal) as raised:
        fetch_provider(entry(MONTHLY_FILES, "s3://bucket/../other"), [PERIOD], print)
    assert raised.value.exit_code == BAD_USAGE
    assert "sources.toml, [[provider]] Observa, folder" in raised.value.block()


@pytest.mark.parametrize("name", ["Kosten März, 2026-05 (Endstand) + 'x'.csv", "2026-05%20&=?.csv"])
def test_strange_letters_in_a_name_are_kept(name, upload, tmp_path):
    folder = tmp_path / "saas"
    write_saas(folder, [saas_row(9.5)]).rename(folder / name)
    assert frozen(tmp_path, upload(folder), MONTHLY_FILES) == frozen(
        tmp_path, folder, MONTHLY_FILES
    )


@pytest.mark.parametrize(
    "name", ["2026-05/../../../out.parquet", "2026-05//a.parquet", "2026-05/a\\b.csv"]
)
def test_a_name_that_leads_out_of_the_folder_writes_nothing(name, upload, cloud, tmp_path):
    uri = upload(write(PERIOD_FOLDERS, tmp_path / "google"))
    cloud.s3.put_object(Bucket=uri.split("/")[2], Key=PREFIX + name, Body=b"x")
    before = {one for one in tmp_path.rglob("*") if "build" not in one.parts}
    said = block_of(fetch_provider, entry(PERIOD_FOLDERS, uri), [PERIOD], print)
    assert "would be a file outside of its folder" in said
    assert {one for one in tmp_path.rglob("*") if "build" not in one.parts} == before
    assert not list(tmp_path.rglob("*.parquet.part"))


@pytest.mark.parametrize(
    "name", ["2026-05/", "2026-05/_SUCCESS", "2026-05/.hidden.parquet", "readme.txt"]
)
def test_what_is_no_data_file_is_not_read(name, upload, cloud, tmp_path):
    """Consoles write an empty object for a folder; programs mark that they are done."""
    folder = write(PERIOD_FOLDERS, tmp_path / "google")
    uri = upload(folder)
    cloud.s3.put_object(Bucket=uri.split("/")[2], Key=PREFIX + name, Body=b"")
    assert frozen(tmp_path, uri, PERIOD_FOLDERS) == frozen(tmp_path, folder, PERIOD_FOLDERS)


INVOICES = (
    ALWAYS["invoices.csv"]
    + "E0800X1Y2Z,2026-05,Microsoft,USD,10.50,finance,PDF\n"
    + "5094112233,2026-05,Google Cloud,USD,10.50,finance,PDF\n"
    + "OBS-2026-0517,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
)
ACCOUNTS = (
    "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to,provider\n"
    "012345678901,work,core,,2026-01,,\n"
    f"{SUBSCRIPTION},claims-analytics,core,CC-2,2026-05,,Microsoft\n"
    "claims-lake,Claims lake,core,CC-1,2026-05,,Google Cloud\n"
    "ws-claims,Claims workspace,core,CC-2,2026-05,,Observa\n"
)


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_month_of_three_providers_in_s3_is_closed_and_audited(upload, run, tmp_path):
    """The same charges as from folders; then the audit fetches the files again on another machine."""
    write_report(tmp_path / "cur", [line_item(100.0, "CC-1")])
    places: dict[str, Path | str] = {one: write(one, tmp_path / one) for one in NAMES}
    in_s3 = {one: upload(tmp_path / one) for one in NAMES}
    params = []
    for number, where in enumerate((in_s3, places)):
        text = sources_toml([(NAMES[one], where[one], one) for one in NAMES])
        files = {"accounts_csv": ACCOUNTS, "invoices_csv": INVOICES, "sources_toml": text}
        params.append(write_params(tmp_path / f"params-{number}", **files))
    options = ["--cur", str(tmp_path / "cur"), "--books", str(tmp_path / "books"), "--params"]
    ended = run("monthly-close", PERIOD, *options, str(params[0]))
    assert ended.exit_code == DONE, ended
    assert "fetching 2 files" in ended.said
    shutil.rmtree(tmp_path / "build")
    ended = run("audit", PERIOD, *options, str(params[0]))
    assert ended.exit_code == DONE, ended
    ended = run("monthly-close", PERIOD, *options, str(params[1]))
    assert ended.exit_code == DONE and "already closed, and identical" in ended.said, ended


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_later_close_finds_what_a_provider_in_s3_delivered_before(upload, run, tmp_path):
    """AWS's report is in a folder; what the provider delivered for closed months is fetched all the same."""
    write_report(tmp_path / "cur", [line_item(100.0, "CC-1")])
    write_report(
        tmp_path / "cur", [line_item(50.0, "CC-1", bill_invoice_id="900000002")], period="2026-06"
    )
    cells = {"BillingPeriodStart": "2026-06-01T00:00:00Z", "InvoiceId": "OBS-2026-0618"}
    write_saas(tmp_path / "saas", [saas_row(9.5)])
    write_saas(tmp_path / "saas", [saas_row(4.0, **cells)], period="2026-06")
    text = sources_toml([("Observa", upload(tmp_path / "saas"), MONTHLY_FILES)])
    invoices = (
        ALWAYS["invoices.csv"]
        + "900000002,2026-06,AWS,USD,50.00,finance,PDF\n"
        + "OBS-2026-0517,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
        + "OBS-2026-0618,2026-06,Observa Inc.,USD,4.00,finance,PDF\n"
    )
    files = {"accounts_csv": ACCOUNTS, "invoices_csv": invoices, "sources_toml": text}
    params = str(write_params(tmp_path / "params", **files))
    options = [
        "--cur",
        str(tmp_path / "cur"),
        "--params",
        params,
        "--books",
        str(tmp_path / "books"),
    ]
    for period in (PERIOD, "2026-06"):
        shutil.rmtree(tmp_path / "build", ignore_errors=True)  # each close on a machine of its own
        ended = run("monthly-close", period, *options)
        assert ended.exit_code == DONE, ended
    shutil.rmtree(tmp_path / "build")
    assert main(["restatements", *options]) == DONE


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_an_audit_fetches_the_months_that_its_period_corrected(upload, run, tmp_path):
    """Observa wrote May anew in S3, and June corrects it: an audit of June reads both."""
    june = {"bill_invoice_id": "900000002"}
    write_report(tmp_path / "cur", [line_item(100.0, "CC-1")])
    write_report(tmp_path / "cur", [line_item(50.0, "CC-1", **june)], period="2026-06")
    cells = {"BillingPeriodStart": "2026-06-01T00:00:00Z", "InvoiceId": "OBS-2026-0618"}
    folder = tmp_path / "saas"
    write_saas(folder, [saas_row(9.5)])
    write_saas(folder, [saas_row(4.0, **cells)], period="2026-06")
    uri = upload(folder)
    invoices = (
        ALWAYS["invoices.csv"]
        + "900000002,2026-06,AWS,USD,50.00,finance,PDF\n"
        + "OBS-2026-0517,2026-05,Observa Inc.,USD,9.50,finance,PDF\n"
        + "OBS-2026-0618,2026-06,Observa Inc.,USD,4.00,finance,PDF\n"
    )
    files = {
        "accounts_csv": ACCOUNTS,
        "sources_toml": sources_toml([("Observa", uri, MONTHLY_FILES)]),
    }
    params = write_params(tmp_path / "params", invoices_csv=invoices, **files)
    options = ["--cur", str(tmp_path / "cur"), "--params", str(params)]
    options += ["--books", str(tmp_path / "books")]
    assert run("monthly-close", PERIOD, *options).exit_code == DONE
    write_saas(folder, [saas_row(10.75)])
    upload(folder, uri.split("/")[2])
    write_params(params, invoices_csv=invoices.replace(",9.50,", ",10.75,"), **files)
    shutil.rmtree(tmp_path / "build")
    said = run("restatements", *options).said
    assert "May 2026: Observa delivered it again" in said and "1.25" in said
    assert run("monthly-close", "2026-06", *options).exit_code == DONE
    shutil.rmtree(tmp_path / "build")
    ended = run("audit", "2026-06", *options)
    assert ended.exit_code == DONE, ended
    assert "recount of 2026-05 with its corrections" in ended.said


def test_the_entries_of_these_tests_are_what_sources_toml_gives(tmp_path):
    params = write_params(
        tmp_path, sources_toml=sources_toml([("Observa", "s3://bucket/focus", MONTHLY_FILES)])
    )
    [one] = read_providers(params)
    assert one == entry(MONTHLY_FILES, "s3://bucket/focus")
