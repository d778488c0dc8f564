"""Metrics: parsed by the format's own parser, received on a real socket, and never in the way."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from chargeback.books.schema import POSTINGS
from chargeback.close.metrics import measured, money_metrics, timeliness
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, DONE, NOT_FINAL, UNREACHABLE, Refusal
from chargeback.core.metrics import (
    AGENT,
    AGENT_PORT,
    STATSD,
    count,
    emit,
    gauge,
    open_metrics,
    run_metrics,
    send_metrics,
    statsd_place,
    write_metrics,
)
from chargeback.daily.metrics import FIGURES, measured_day, write_figures
from tests.statements.hostile import SCRIPT

SOME = [
    gauge("close_seconds", "How long.", Decimal("12.5"), period="2026-05"),
    gauge("daily_anomalies", "How many.", 2, business_unit="claims"),
    gauge("close_stage_seconds", "Each.", 1.0, stage="1-sources"),
    gauge("close_stage_seconds", "Each.", 2.0, stage="2-attribution"),
]


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels, as the strict parser of the format reads them."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_file_is_what_was_measured():
    assert parsed(open_metrics(SOME)) == {
        ("chargeback_close_seconds", (("period", "2026-05"),)): 12.5,
        ("chargeback_daily_anomalies", (("business_unit", "claims"),)): 2.0,
        ("chargeback_close_stage_seconds", (("stage", "1-sources"),)): 1.0,
        ("chargeback_close_stage_seconds", (("stage", "2-attribution"),)): 2.0,
    }


@given(text=st.text(), value=st.floats(allow_nan=False))
def test_any_text_and_number_survive(text, value):
    text = text.replace("\r", "").replace("\x00", "")
    [(key, found)] = parsed(open_metrics([gauge("late", text, value, unit=text)])).items()
    assert key == ("chargeback_late", (("unit", text),))
    assert found == value


def test_nothing_is_a_file_too():
    assert parsed(open_metrics([])) == {}


@pytest.fixture
def agent():
    """A real UDP socket, as an agent has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening


def test_an_agent_hears_each_gauge(agent):
    hostile = gauge("late", "…", 1, unit=f"a|b,c#d\n{SCRIPT}")
    send_metrics([*SOME, hostile], agent.getsockname())
    packets = [agent.recv(9000).decode().strip() for _ in range(5)]
    assert packets[:2] == [
        "chargeback.close.seconds:12.5|g|#period:2026-05",
        "chargeback.daily.anomalies:2.0|g|#business_unit:claims",
    ]
    assert packets[4].startswith("chargeback.late:1.0|g|#unit:a_b_c_d_")
    assert packets[4].count("|") == 2
    assert "\n" not in packets[4]


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, None),
        ({STATSD: "127.0.0.1:9125"}, ("127.0.0.1", 9125)),
        ({STATSD: "agent"}, ("agent", 8125)),
        ({AGENT: "10.0.0.1"}, ("10.0.0.1", 8125)),
        ({AGENT: "10.0.0.1", AGENT_PORT: "9000"}, ("10.0.0.1", 9000)),
    ],
)
def test_nothing_is_sent_unless_somebody_says_where_to(environment, place):
    assert statsd_place(environment) == place


def closing(folder: Path) -> SimpleNamespace:
    folder.mkdir()
    return SimpleNamespace(period="2026-05", books=Books(folder))


def test_a_close_that_stops_leaves_its_exit_code(tmp_path, agent, monkeypatch):
    monkeypatch.setenv(STATSD, "{}:{}".format(*agent.getsockname()))

    @measured
    def close(closing, progress):
        raise Refusal(CONTROL_FAILED, "stopped")

    with pytest.raises(Refusal):
        close(closing(tmp_path / "books"), print)
    found = parsed((tmp_path / "books" / "metrics" / "close.prom").read_text())
    assert found["chargeback_close_exit_code", (("period", "2026-05"),)] == CONTROL_FAILED
    assert counts(found, "close") == {"runs": 1, "waits": 0, "failures": 1}
    assert 0 <= found["chargeback_close_seconds", (("period", "2026-05"),)] < 60
    ended = found["chargeback_close_ended_timestamp_seconds", (("period", "2026-05"),)]
    assert abs(ended - time.time()) < 60
    assert agent.recv(9000).decode().startswith("chargeback.close.seconds:")


def test_metrics_that_fail_stop_nothing(tmp_path, monkeypatch, capsys):
    """The close is done and its books have no ledger to measure: a line says so."""
    close = measured(lambda closing, progress: "done")
    assert close(closing(tmp_path / "books"), print) == "done"
    assert "what this run did was not measured" in capsys.readouterr().out
    found = parsed((tmp_path / "books" / "metrics" / "close.prom").read_text())
    assert found["chargeback_close_exit_code", (("period", "2026-05"),)] == 0
    monkeypatch.setenv(STATSD, "agent:no-port")
    emit(SOME, Books(tmp_path / "books"), "close", print)
    assert "metrics of this run were not kept: ValueError" in capsys.readouterr().out


def counts(found, what):
    """The counts of a kind of run."""
    names = ("runs", "waits", "failures")
    return {one: found[f"chargeback_{what}_{one}_total", ()] for one in names}


def test_counts_add_up_over_runs_and_a_month_that_is_not_final_is_no_failure(tmp_path):
    books = Books(tmp_path)
    for outcome in (DONE, NOT_FINAL, CONTROL_FAILED, UNREACHABLE, DONE):
        emit(run_metrics("close", 0.0, outcome, "2026-05"), books, "close", print)
    found = parsed((tmp_path / "metrics" / "close.prom").read_text())
    assert counts(found, "close") == {"runs": 5, "waits": 1, "failures": 2}
    (tmp_path / "metrics" / "close.prom").write_text("no metrics {{{\n")
    emit(run_metrics("close", 0.0, DONE, "2026-05"), books, "close", print)
    found = parsed((tmp_path / "metrics" / "close.prom").read_text())
    assert counts(found, "close") == {"runs": 1, "waits": 0, "failures": 0}


def test_an_agent_is_sent_counts_to_add_up(agent):
    send_metrics(
        [count("close_runs", "Runs.", 1), count("close_failures", "Failed.", 0)],
        agent.getsockname(),
    )
    packets = [agent.recv(9000).decode().strip() for _ in range(2)]
    assert packets == ["chargeback.close.runs:1.0|c", "chargeback.close.failures:0.0|c"]


@given(times=st.lists(st.integers(0, 5)))
def test_a_count_in_the_file_is_the_sum_of_what_an_agent_was_sent(tmp_path_factory, times):
    path = tmp_path_factory.mktemp("metrics") / "close.prom"
    for one in times:
        write_metrics([count("close_failures", "Failed.", one)], path)
    if times:
        assert parsed(path.read_text()) == {("chargeback_close_failures_total", ()): sum(times)}


@pytest.mark.parametrize(
    ("closed", "started", "days", "late"),
    [
        ("2026-06-10T23:59:59", "2026-06-10T23:59:00.9", 9, 0),  # on the day that it is due
        ("2026-06-11T00:00:00", "2026-06-10T23:59:00.9", 10, 1),
        (
            "2026-06-11T08:00:00",
            "2026-06-11T08:00:00.9",
            10,
            1,
        ),  # within the second that it began in
        ("2026-06-11T08:00:00", "2026-06-12T08:00:00", 10, 0),  # another run had closed it
        ("2026-06-03T08:00:00", "2026-06-12T08:00:00", 2, 0),
    ],
)
def test_a_close_after_its_day_counts_as_late_once(closed, started, days, late):
    times = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (closed, started))
    closed_at, started_at = times
    found = timeliness("2026-05", closed_at, 10, started_at)
    assert {one.name: one.value for one in found} == {"close_days": days, "close_late_runs": late}
    assert timeliness("2026-05", None, 10, started_at) == []


def test_without_books_nothing_is_made(tmp_path):
    emit(SOME, Books(tmp_path / "none"), "close", print)
    assert not (tmp_path / "none").exists()


def posting(amount: str, unit: str = "", kind: str = "direct", account: str = "cost-center:CC-1"):
    return {
        "amount": Decimal(amount), "business_unit_id": unit or None, "kind": kind,
        "ledger_account": account, "cost_center_id": "CC-1" if unit else None,
    }  # fmt: skip


def test_the_ratios_of_a_ledger():
    rows = [
        posting("60.00", "shop"), posting("40.00", "core", "allocated"),
        posting("25.00", kind="pooled", account="pool:untagged"),
        posting("15.00", kind="pooled", account="pool:support"),
        posting("-40.00", kind="allocated", account="pool:untagged"),
    ]  # fmt: skip
    before = [posting("50.00", "shop")]
    ledgers = (pa.Table.from_pylist(one, schema=POSTINGS) for one in (rows, before))
    found = {(one.name, one.labels.get("business_unit")): one.value
             for one in money_metrics(*ledgers, "2026-05")}  # fmt: skip
    assert found == {
        ("close_untagged_ratio", None): 0.25,
        ("close_pool_ratio", None): 0.4,
        ("close_unit_charged", "core"): 40.0,
        ("close_unit_charged", "shop"): 60.0,
        ("close_unit_change_ratio", "shop"): pytest.approx(0.2),
    }


def test_a_day_leaves_what_it_showed_and_how_it_ended(tmp_path):
    @measured_day
    def run(day, report, params, books, progress):
        books.daily(day).mkdir(parents=True)
        write_figures(SOME[1:2], books.daily(day))
        return books.daily(day)

    run("2026-05-14", tmp_path, tmp_path, Books(tmp_path / "books"), print)
    found = parsed((tmp_path / "books" / "metrics" / "daily.prom").read_text())
    assert found["chargeback_daily_exit_code", (("period", "2026-05"),)] == 0
    assert found["chargeback_daily_anomalies", (("business_unit", "claims"),)] == 2


def test_a_day_that_was_refused_sends_no_figures_of_an_earlier_run(tmp_path):
    books = Books(tmp_path / "books")
    books.daily("2026-05-14").mkdir(parents=True)
    write_figures(SOME[1:2], books.daily("2026-05-14"))
    os.utime(books.daily("2026-05-14") / FIGURES, (1, 1))

    @measured_day
    def run(day, report, params, books, progress):
        raise Refusal(CONTROL_FAILED, "stopped")

    with pytest.raises(Refusal):
        run("2026-05-14", tmp_path, tmp_path, books, print)
    found = parsed((books.metrics / "daily.prom").read_text())
    assert found["chargeback_daily_exit_code", (("period", "2026-05"),)] == CONTROL_FAILED
    assert not [name for name, _ in found if name == "chargeback_daily_anomalies"]
