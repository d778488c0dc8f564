"""What a close refuses of a table, a workgroup, a delivery or a query in Athena, and what it accepts."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.aws.athena_settings import AthenaSettings, read_settings
from chargeback.close import stages
from chargeback.close.stages import derive
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, NOT_FINAL, UNREACHABLE, Refusal
from chargeback.params import read_params
from chargeback.rollup.roll_up import read_rollup
from chargeback.sources.athena.queries import query_cost
from chargeback.sources.athena.reader import AthenaReader
from tests.close.months import JULY, MAY, MAY_FILES, assert_refused
from tests.params_folder import write_params
from tests.reports import line_item, write_report
from tests.restatement.months import make_no_statements

DATA = f"data/BILLING_PERIOD={MAY}/"
METADATA = f"metadata/BILLING_PERIOD={MAY}/tiny-Manifest.json"
FIRST = DATA + "tiny-00001.snappy.parquet"


def refused(account, exit_code: int = UNREACHABLE) -> str:
    """How freezing May is refused."""
    with pytest.raises(Refusal) as raised:
        AthenaReader(account.settings).freeze(MAY)
    assert raised.value.exit_code == exit_code
    return raised.value.block()


def scans(account) -> int:
    """How many queries were sent."""
    return len([call for call in account.cloud.door.calls if call.action == "StartQueryExecution"])


def body(account, path: str) -> bytes:
    """An object of the export."""
    found = account.cloud.s3.get_object(Bucket=account.bucket, Key=account.prefix + path)
    return found["Body"].read()


def renamed_table(account, report, change) -> None:
    """The table again, with other columns."""
    account.cloud.glue.delete_table(
        DatabaseName=account.settings.database, Name=account.settings.table
    )
    account.create_table(report, change)


GUARDS = {
    "EnforceWorkGroupConfiguration": False,
    "BytesScannedCutoffPerQuery": 0,
    "ResultConfiguration": {},
}


@pytest.mark.parametrize("guard", GUARDS)
def test_a_workgroup_without_a_guard(guard, account):
    account.guard(**{guard: GUARDS[guard]})
    said = refused(account)
    assert "the Athena workgroup is not guarded" in said and guard in said
    assert scans(account) == 0


def test_a_workgroup_that_is_disabled(account):
    account.cloud.athena.workgroups[account.settings.workgroup]["State"] = "DISABLED"
    assert "state ENABLED" in refused(account)


def test_an_output_location_that_the_workgroup_overrides(account):
    settings = AthenaSettings(
        account.settings.database, account.settings.table, account.settings.workgroup, "us-east-1",
        "s3://elsewhere/",
    )  # fmt: skip
    with pytest.raises(Refusal, match="would not go where") as raised:
        AthenaReader(settings).freeze(MAY)
    assert raised.value.exit_code == BAD_USAGE


def test_a_query_that_the_cutoff_stops(account):
    account.guard(BytesScannedCutoffPerQuery=10)
    said = refused(account)
    assert "Athena stopped a query at the workgroup's cutoff" in said
    assert "at most 10 bytes scanned" in said and "raise BytesScannedCutoffPerQuery" in said


def test_a_table_that_is_not_there(account):
    account.cloud.glue.delete_table(
        DatabaseName=account.settings.database, Name=account.settings.table
    )
    assert "AWS has nothing by this name" in refused(account)


def test_a_table_without_the_partition(account):
    name = account.settings.table
    table = account.cloud.glue.get_table(DatabaseName=account.settings.database, Name=name)["Table"]
    account.cloud.glue.update_table(
        DatabaseName=account.settings.database,
        TableInput={"Name": name, "StorageDescriptor": table["StorageDescriptor"]},
    )
    assert "is not partitioned by billing_period" in refused(account)


def test_a_table_over_another_folder(account, month):
    """Athena counts other line items than the files' own footers: here none, for the folder is empty."""
    other = account.prefix
    account.prefix = "exports/other/"
    renamed_table(account, month.report, lambda _: None)
    account.prefix = other
    said = refused(account)
    assert "the report has no manifest for 2026-05" in said


def test_a_partition_that_the_table_does_not_know(account, monkeypatch):
    monkeypatch.setattr(account.cloud.athena, "objects", lambda bucket, prefix: {})
    said = refused(account)
    assert "Athena does not read the files that the manifest names" in said
    assert "4 line items in 2 files" in said and "0 of 2 line items" in said


def test_a_column_that_the_delivery_has_and_the_catalog_lacks(account, month):
    renamed_table(account, month.report, lambda columns: columns.pop("resource_tags"))
    said = refused(account)
    assert "lacks columns that the delivery has" in said and "resource_tags" in said
    assert scans(account) == 0


def test_a_column_that_the_catalog_has_in_another_type_than_the_files(account, month):
    renamed_table(
        account, month.report, lambda columns: columns.update(line_item_unblended_cost="string")
    )
    said = refused(account)
    assert "Athena could not answer a query" in said and "HIVE_BAD_DATA" in said


def test_columns_that_nobody_has_or_only_the_catalog_are_null(account, month, closing):
    renamed_table(
        account, month.report, lambda columns: columns.update(reservation_effective_cost="double")
    )
    made = closing("a")
    derive(made)
    assert "reservation_effective_cost" in made.source_record().absent_columns
    assert "savings_plan_used_commitment" in made.source_record().absent_columns


def test_a_delivery_that_changes_while_it_is_read(account, month):
    engine = AthenaReader(account.settings)
    params = read_params(month.params, MAY)
    record = engine.freeze(MAY)
    table = pq.read_table(pa.BufferReader(body(account, FIRST)))
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, compression="zstd")
    account.cloud.athena.before_running.append(
        lambda: account.put(FIRST, stream.getvalue().to_pybytes())
    )
    with pytest.raises(Refusal, match="the delivery changed while it was being read") as raised:
        read_rollup(engine, record, params)
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.where[1:] == [FIRST]


def test_a_delivery_that_comes_while_one_is_read(account, month):
    engine = AthenaReader(account.settings)
    record = engine.freeze(MAY)
    manifest = json.loads(body(account, METADATA))
    account.cloud.athena.before_running.append(
        lambda: account.put(METADATA, json.dumps({**manifest, "executionId": "e-2"}).encode())
    )
    with pytest.raises(Refusal) as raised:
        read_rollup(engine, record, read_params(month.params, MAY))
    assert raised.value.where[1:] == [METADATA]


def test_files_beside_the_delivery_are_named_and_not_read(account, month, closing):
    """An earlier delivery of the same month lies in the partition, as create-new exports keep them."""
    account.put(DATA + "2026-05-20T10:00:00Z-e-0/tiny-00001.snappy.parquet", body(account, FIRST))
    made = closing("a")
    derive(made)
    record = made.source_record()
    assert record.line_items == 4
    assert record.unlisted_files == (DATA + "2026-05-20T10:00:00Z-e-0/tiny-00001.snappy.parquet",)


DELIVERIES = {
    "no manifest": (None, METADATA, "the report has no manifest for 2026-05"),
    "a manifest cut short": (b'{"dataFiles": [', METADATA, "the manifest cannot be read"),
    "a missing file": (None, FIRST, "a file that the manifest names is missing"),
    "a file cut short": (b"PAR1 and no more", FIRST, "a data file cannot be read as Parquet"),
    "an empty file": (b"", FIRST, "0 bytes"),
}


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_that_is_not_whole(name, account):
    content, path, words = DELIVERIES[name]
    if content is None:
        account.cloud.s3.delete_object(Bucket=account.bucket, Key=account.prefix + path)
    else:
        account.put(path, content)
    said = refused(account)
    assert words in said and path.rpartition("/")[2].partition("-")[0] in said
    assert scans(account) == 0


def test_an_empty_chunk_is_no_fault(account, month, closing):
    """A refresh that needed fewer chunks leaves emptied ones (CUR fact 1.11)."""
    table = pq.read_table(pa.BufferReader(body(account, FIRST)))
    stream = pa.BufferOutputStream()
    pq.write_table(table.slice(0, 0), stream)
    name = DATA + "tiny-00003.snappy.parquet"
    account.put(name, stream.getvalue().to_pybytes())
    manifest = json.loads(body(account, METADATA))
    manifest["dataFiles"].append(f"s3://b/{name}")
    account.put(METADATA, json.dumps(manifest).encode())
    made = closing("a")
    derive(made)
    assert [one.line_items for one in made.source_record().files] == [2, 2, 0]


def test_an_open_month_and_a_failed_control_end_as_from_a_folder(account, month, closing):
    for period, exit_code in ((JULY, NOT_FINAL), (MAY, CONTROL_FAILED)):
        made = closing(period)
        if period == MAY:
            write_report(
                month.report / "again", *MAY_FILES, [line_item(1.0, line_item_currency_code="EUR")]
            )
            account.deliver(month.report / "again")
        with pytest.raises(Refusal) as raised:
            derive(type(made)(period, made.report, made.params_folder, made.books, made.folder))
        assert raised.value.exit_code == exit_code


SETTINGS = (
    'cur = "athena"\n[athena]\ndatabase = "d"\ntable = "t"\nworkgroup = "w"\nregion = "us-east-1"\n'
)


def test_settings_come_from_the_file_and_the_environment_goes_first(tmp_path):
    params = write_params(tmp_path, sources_toml=SETTINGS + 'output = "s3://some-bucket/a"\n')
    assert read_settings(params, {}) == AthenaSettings(
        "d", "t", "w", "us-east-1", "s3://some-bucket/a/"
    )
    found = read_settings(params, {"CHARGEBACK_ATHENA_TABLE": "other", "AWS_REGION": "eu-west-1"})
    assert (found.table, found.region) == ("other", "us-east-1")


BAD_SETTINGS = {
    "unknown": (SETTINGS + 'tabel = "x"\n', "unknown key 'tabel'"),
    "missing": (SETTINGS.replace('table = "t"\n', ""), "needs the table"),
    "quoted": (SETTINGS.replace('"t"', "'t\"; drop'"), "is not valid"),
    "no region": (SETTINGS.replace("us-east-1", "east"), "a region such as us-east-1"),
    "no table": ("athena = 1\n", "must be a table"),
    "no place": (SETTINGS + 'output = "/tmp"\n', "s3://bucket/prefix/"),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_settings_that_cannot_be(name, tmp_path):
    text, words = BAD_SETTINGS[name]
    with pytest.raises(Refusal) as raised:
        read_settings(write_params(tmp_path, sources_toml=text), {})
    assert raised.value.exit_code == BAD_USAGE and words in raised.value.block()


@pytest.mark.parametrize(
    ("scanned", "cost"),
    [(0, "0.000048"), (10 * 2**20, "0.000048"), (10 * 2**20 + 1, "0.000053"), (2**40, "5.000000")],
)
def test_what_a_query_costs(scanned, cost):
    """5 USD a terabyte, 10 MB at least, rounded up to a megabyte."""
    assert str(query_cost(scanned)) == cost


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e9"])
def test_a_timeout_that_is_none(text, account, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", text)
    with pytest.raises(Refusal, match="is not a number of seconds"):
        AthenaReader(account.settings)


def test_a_delivery_that_comes_before_the_close_is_published(
    account, month, run, without_notebooks, monkeypatch
):
    manifest = json.loads(body(account, METADATA))
    renewed = json.dumps({**manifest, "executionId": "e-2"}).encode()

    def renew(work) -> None:
        make_no_statements(work)
        account.put(METADATA, renewed)

    monkeypatch.setitem(stages.STAGE_FUNCTIONS, "statements", renew)
    options = ["--params", str(month.params), "--books", str(month.books.root), "--cur", "athena"]
    ended = run("monthly-close", MAY, *options)
    assert_refused(ended, UNREACHABLE, "the delivery changed while it was being read", METADATA)
    assert not month.books.closed_periods()
