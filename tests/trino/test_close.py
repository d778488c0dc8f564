"""A close through a real Trino: the same postings as from the folder, and a server that really stops."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from chargeback.aws.calls import patience
from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.paths import PARAMS
from chargeback.params.trino_settings import USUAL_LIMIT, TrinoSettings
from chargeback.sample import LAST_FINAL_PERIOD
from chargeback.sources.readers import ReportLocation
from chargeback.sources.trino import queries as trino_queries
from chargeback.sources.trino.connection import Connection
from chargeback.sources.trino.queries import Queries
from chargeback.sources.trino.reader import TrinoReader
from tests.close.months import JUNE_ITEMS, MAY, sha256, write_month
from tests.reports import write_report
from tests.trino.server import CATALOG, Server

pytestmark = pytest.mark.trino


def settings_of(trino: Server, report: Path, limit: int = USUAL_LIMIT) -> TrinoSettings:
    """The table over a report's folder, which the server calls by a name of its own."""
    schema, table = trino.lake(report).split(".")
    return TrinoSettings(
        trino.base, CATALOG, schema, table, "finops", limit, objects=f"{report}/data"
    )  # fmt: skip


def derived(folder: Path, report: ReportLocation, params: Path, period: str) -> WorkFolder:
    """A month that was derived in a folder of its own."""
    folder.mkdir()
    made = WorkFolder(period, report, params, Books(folder / "books"), folder)
    derive(made)
    return made


def state_of(trino: Server, query_id: str) -> tuple[str, str]:
    """What the server says of a query, once it has ended."""
    for _ in range(100):
        [(state, error)] = trino.query(
            f"select state, error_code from system.runtime.queries where query_id = '{query_id}'"
        )
        if state in ("FINISHED", "FAILED"):
            return state, error
        time.sleep(0.1)
    return state, error


def test_the_samples_month_has_the_same_postings(trino, sample, tmp_path):
    period, report = LAST_FINAL_PERIOD, tmp_path / "cur"
    for part in ("data", "metadata"):
        month = f"{part}/BILLING_PERIOD={period}"
        shutil.copytree(sample / "cur" / month, report / month)
    through = derived(tmp_path / "trino", settings_of(trino, report), PARAMS, period)
    folder = derived(tmp_path / "folder", report, PARAMS, period)
    for name in ("rollup", "owned_costs", "owner_costs", "charges", "postings"):
        assert sha256(through.path(f"{name}.parquet")) == sha256(folder.path(f"{name}.parquet")), (
            name
        )
    scans = [one for stage in STAGES[:2] for one in through.stage_record(stage)["scans"]]
    assert len(scans) == 2 and all(one["bytes_scanned"] > 0 for one in scans)
    assert [state_of(trino, one["query_id"]) for one in scans] == [("FINISHED", None)] * 2


def test_a_redelivery_in_between_is_found(trino, tmp_path):
    month = write_month(tmp_path)
    reader = TrinoReader(settings_of(trino, month.report))
    record = reader.freeze(MAY)
    assert record.line_items == 4 and record.unblended_cost == "99.9960000000"
    assert reader.holds(record) and not reader.changed(record)
    other = write_report(tmp_path / "other", JUNE_ITEMS)
    [new] = (other / "data").rglob("*.parquet")
    [first, *_] = sorted((month.report / "data" / f"BILLING_PERIOD={MAY}").glob("*.parquet"))
    shutil.copy(new, first)
    assert not reader.holds(record)
    assert list(reader.changed(record)) == [first.relative_to(month.report).as_posix()]
    assert (
        TrinoReader(settings_of(trino, month.report)).freeze(MAY).unblended_cost == "79.9960000000"
    )


def test_the_limit_stops_a_query(trino, tmp_path):
    month = write_month(tmp_path)
    with pytest.raises(Refusal, match="was stopped at the limit of bytes") as raised:
        TrinoReader(settings_of(trino, month.report, limit=10)).freeze(MAY)
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.expected == "at most 10 bytes read"


def test_an_interrupted_query_is_cancelled_on_the_server(trino, tmp_path, monkeypatch):
    monkeypatch.setattr(trino_queries, "SAY_EVERY", 0.5)
    settings = TrinoSettings(trino.base, CATALOG, "billing", "any", "finops")
    running = tmp_path / "running.json"
    seen: list[str] = []

    def interrupt(line: str) -> None:
        if "running" in line:
            seen.append(running.read_text().rpartition("/v1/statement/")[2].split("/")[1])
            raise KeyboardInterrupt

    asked = Queries(Connection(settings, patience()), running, interrupt)
    numbers = "unnest(sequence(1, 10000))"
    endless = (
        f"select count(*) from {numbers} a(x), {numbers} b(y), {numbers} c(z) where x + y + z < 0"
    )
    with pytest.raises(KeyboardInterrupt):
        asked.ask("an endless query", endless)
    [query_id] = seen
    assert state_of(trino, query_id) == ("FAILED", "USER_CANCELED")
    assert not running.exists()


def test_what_the_server_says_of_a_table_that_is_not_there(trino, tmp_path):
    month = write_month(tmp_path)
    there = settings_of(trino, month.report)
    for names in (
        (CATALOG, there.schema, "other"),
        (CATALOG, "other", there.table),
        ("other", "a", "b"),
    ):
        with pytest.raises(Refusal, match="Trino has no such table"):
            TrinoReader(TrinoSettings(trino.base, *names, "finops")).freeze(MAY)
