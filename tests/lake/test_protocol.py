"""What a server, a network or a table does wrong: it is mended by asking again, or said in one block."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chargeback.aws.calls import patience
from chargeback.core.confidential import HIDDEN
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.params.trino_settings import TrinoSettings
from chargeback.sources import stage as sources
from chargeback.sources.readers import reader_of, stop_left_running
from chargeback.sources.stage import RUNNING
from chargeback.sources.trino import queries
from chargeback.sources.trino.connection import Connection
from chargeback.sources.trino.reader import TrinoReader
from tests.close.months import MAY
from tests.lake.trino_service import Service


def refused(settings: TrinoSettings, exit_code: int = UNREACHABLE) -> str:
    """How freezing May is refused: one whole block."""
    with pytest.raises(Refusal) as raised:
        TrinoReader(settings).freeze(MAY)
    assert raised.value.exit_code == exit_code
    assert raised.value.where and (raised.value.todo or exit_code == BAD_USAGE)
    assert "Traceback" not in raised.value.block()
    return raised.value.block()


@pytest.mark.parametrize("fault", [429, 502, 503, 504, "reset", "half"])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_fault_that_passes_is_mended(fault, before, settings, service):
    expected = TrinoReader(settings).freeze(MAY)
    service.faults = [fault, fault]
    reader = TrinoReader(settings)
    for _ in range(before):  # the fault comes at a later call
        service.faults.insert(0, 503)
    assert reader.freeze(MAY) == expected
    assert not service.faults


@pytest.mark.parametrize("fault", [503, "reset"])
def test_a_fault_that_stays_is_said(fault, settings, service, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", "1")
    service.faults = [fault] * 1000
    said = refused(settings)
    assert "Trino cannot be reached" in said and service.url in said


def test_nobody_listens(settings, service, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", "1")
    said = refused(replace(settings, url="http://127.0.0.1:9"))
    assert "Trino cannot be reached" in said and "refused" in said and "http://127.0.0.1:9" in said


@pytest.mark.parametrize(
    ("fault", "words"), [(404, "HTTP 404"), (302, "HTTP 302"), (500, "HTTP 500")]
)
def test_what_is_no_trino_is_said(fault, words, settings, service):
    service.faults = [fault]
    said = refused(settings)
    assert "Trino answered badly" in said and words in said


def test_a_wrong_password(settings, service, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_TRINO_PASSWORD", "mistaken-password")
    service.authorization = "Basic right"
    said = refused(settings)
    assert "Trino refuses the credentials" in said and "finops" in said
    assert "mistaken-password" not in said
    assert len(service.calls) == 1, "it is not tried again: accounts are locked by that"


def test_a_token_goes_before_a_password(settings, service, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_TRINO_PASSWORD", "the password")
    monkeypatch.setenv("CHARGEBACK_TRINO_TOKEN", "the.signed.token")
    service.authorization = "Bearer the.signed.token"
    assert TrinoReader(settings).freeze(MAY).line_items == 4


def test_a_server_that_repeats_the_password_does_not_show_it(settings, service, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_TRINO_PASSWORD", "the password")
    service.authorization = "Basic Zmlub3BzOnRoZSBwYXNzd29yZA=="
    service.error = {"errorName": "GENERIC_INTERNAL_ERROR", "message": "for the password no"}
    said = refused(settings)
    assert "the password" not in said and HIDDEN in said


@pytest.mark.parametrize("secret", ["PASSWORD", "TOKEN"])
def test_a_secret_does_not_go_over_http(secret, settings, monkeypatch):
    monkeypatch.setenv(f"CHARGEBACK_TRINO_{secret}", "the secret text")
    said = refused(replace(settings, url="http://trino.example.com"), BAD_USAGE)
    assert "not encrypted" in said and "the secret text" not in said


def test_an_authority_that_is_not_there(settings, tmp_path):
    said = refused(replace(settings, ca=str(tmp_path / "ca.pem")), BAD_USAGE)
    assert "the file of the authority that certified Trino is not there" in said


@pytest.mark.parametrize(
    "host",
    ["http://evil.example.com", "https://127.0.0.1", "http://127.0.0.1:1", "http://127.0.0.1:bad", "http://[",
     "file:///etc", "http://127.0.0.1@evil.example.com"],
)  # fmt: skip
def test_an_answer_cannot_send_us_elsewhere(host, settings, service):
    service.host = host
    said = refused(settings)
    assert "Trino names an address of another server" in said
    assert len(service.calls) == 1


def test_a_query_that_fails_names_its_id(settings, service):
    service.error = {"errorName": "HIVE_BAD_DATA", "message": "Malformed\nfile"}
    said = refused(settings)
    assert "Trino could not answer a query" in said and "HIVE_BAD_DATA: Malformed file" in said
    assert f"query {service.on_report()[0].query_id}" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [("PERMISSION_DENIED", "Trino denied a request"), ("TABLE_NOT_FOUND", "Trino has no such table"),
     ("EXCEEDED_SCAN_LIMIT", "was stopped at the limit of bytes")],
)  # fmt: skip
def test_errors_that_have_a_block_of_their_own(name, words, settings, service):
    service.error = {"errorName": name, "message": "no"}
    assert words in refused(settings)


def test_the_limit_stops_a_query_that_the_server_does_not_stop(settings, service):
    service.scanned, service.rows_a_page = 1001, 1
    said = refused(replace(settings, bytes_scanned_limit=1000))
    assert "was stopped at the limit of bytes" in said and "at most 1,000 bytes read" in said
    [query] = service.on_report()
    assert query.state == "CANCELED"
    assert query.headers["X-Trino-Session"] == "query_max_scan_physical_bytes=1000B"
    assert TrinoReader(replace(settings, bytes_scanned_limit=1001)).freeze(MAY)


def test_no_such_table(settings, service):
    said = refused(replace(settings, table="other"))
    assert "Trino has no such table" in said and "lake.billing.other" in said


def test_a_table_without_the_partition(settings, service):
    service.keys = ()
    assert "the Trino table is not partitioned by billing_period" in refused(settings)


def test_a_column_that_the_delivery_has_and_the_catalog_lacks(settings, service):
    service.kinds = {"resource_tags": None}
    said = refused(settings)
    assert "the Trino table lacks columns that the delivery has" in said and "resource_tags" in said
    assert not service.on_report()


@pytest.mark.parametrize(
    ("column", "kind"),
    [("line_item_unblended_cost", "date"), ("line_item_unblended_cost", "row(x double)")],
)
def test_a_type_that_cannot_be_read(column, kind, settings, service):
    service.kinds = {column: kind}
    said = refused(settings)
    assert f"the Trino table has the column {column} in a type that cannot be read" in said
    assert kind in said


@pytest.mark.parametrize("kind", ["double", "varchar", "decimal(38,2)"])
def test_an_answer_in_other_types_is_not_guessed(kind, settings, service):
    service.answer_kinds = {"whole_cost": kind}
    assert "Trino answered with other columns than the SQL names" in refused(settings)


def test_a_table_that_does_not_say_where_it_lies(settings, service, month):
    service.location = ""
    assert "the folder of the Trino table is not known" in refused(settings)
    named = replace(settings, location=f"file://{month.report}/data/")
    assert TrinoReader(named).freeze(MAY).line_items == 4


def test_a_folder_that_only_the_server_knows(settings, service, month):
    service.location = "hdfs://lake/cur/data"
    assert "the objects of the Trino table cannot be read" in refused(settings, BAD_USAGE)
    reader = TrinoReader(replace(settings, objects=f"{month.report}/data"))
    assert reader.table.called("data/x") == "hdfs://lake/cur/data/x"
    assert reader.store.location == f"{month.report}/"


def test_files_that_the_table_does_not_read(settings, service, month):
    """The server calls them otherwise than its location says, so that no line item is found."""
    named = replace(settings, location=f"file:{month.report}/data")
    said = refused(named)
    assert "Trino does not read the files that the manifest names" in said
    assert "4 line items in 2 files" in said and "0 of 2 line items" in said


def test_an_empty_and_a_cut_data_file(settings, service, month):
    [first, *_] = sorted((month.report / "data" / f"BILLING_PERIOD={MAY}").glob("*.parquet"))
    whole = first.read_bytes()
    for content in (b"", whole[:-20], whole[:5]):
        first.write_bytes(content)
        assert "a data file cannot be read as Parquet" in refused(settings)


def test_whoever_is_interrupted_cancels(settings, service, tmp_path, monkeypatch):
    monkeypatch.setattr(queries, "SAY_EVERY", 0.1)
    service.hold = True
    running = tmp_path / "running.json"

    def interrupt(line: str) -> None:
        if "running" not in line:
            return  # a busy machine says where an earlier, short query is
        assert json.loads(running.read_text())["address"].startswith(service.url)
        raise KeyboardInterrupt

    reader = TrinoReader(settings, running, interrupt)
    with pytest.raises(KeyboardInterrupt):
        reader.freeze(MAY)
    assert [one.state for one in service.on_report()] == ["CANCELED"]
    assert not running.exists()


def test_what_a_killed_run_left_is_cancelled(settings, service, tmp_path):
    service.hold = True
    running = tmp_path / "left.json"
    connection = Connection(settings, patience())
    first = connection.post('select "$path" from x')
    running.write_text(json.dumps({"address": first["nextUri"]}))
    stop_left_running(settings, running)
    assert [one.state for one in service.on_report()] == ["CANCELED"]
    assert not running.exists()
    for content in ("", "{}", "[]", '{"address": "http://evil.example.com/v1/x"}'):
        running.write_text(content)
        stop_left_running(settings, running)
        assert not running.exists()


def test_a_stage_that_stops_leaves_nothing(service: Service, closing):
    service.error = {"errorName": "NO_NODES_AVAILABLE", "message": "no"}
    made = closing("a")
    with pytest.raises(Refusal):
        sources.run(made)
    assert not made.path(RUNNING).exists() and not made.path("sources.json").exists()
    service.error = None
    assert sources.run(made) == reader_of(made.report).freeze(MAY)
