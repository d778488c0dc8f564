"""A close that reads with Trino gives what a close of the same files in a folder gives, byte for byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from chargeback.books.work_folder import BOUND_SQL
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE, UNREACHABLE
from chargeback.sources.trino.reader import TrinoReader
from tests.close.months import MAY, MAY_FILES, assert_refused, in_work, manifest, sha256
from tests.reports import line_item, write_report


def test_every_table_is_the_same(closing, month):
    trino, folder = closing("trino"), replace(closing("folder"), report=month.report)
    derive(trino)
    derive(folder)
    for name in ("rollup", "owned_costs", "owner_costs", "charges", "postings"):
        assert sha256(trino.path(f"{name}.parquet")) == sha256(folder.path(f"{name}.parquet")), name
    ours, theirs = trino.source_record(), folder.source_record()
    assert (ours.line_items, ours.unblended_cost) == (theirs.line_items, theirs.unblended_cost)
    assert ours.location == f"{month.report}/"
    assert [(one.path, one.size, one.line_items) for one in ours.files] == [
        (one.path, one.size, one.line_items) for one in theirs.files
    ]


def test_what_is_sent_is_one_delivery_with_the_period_as_a_value(service, closing):
    derive(closing("a"))
    assert len(service.on_report()) == 2, "control totals and rollup"
    for one in service.on_report():
        assert one.values == ("'2026-05'",) and "2026-05'" not in one.text.replace(
            "BILLING_PERIOD=2026-05", ""
        )
        assert one.text.count(".parquet'") == len(MAY_FILES)
        assert one.headers["X-Trino-Time-Zone"] == "UTC" and one.headers["X-Trino-User"] == "finops"
        assert one.headers["X-Trino-Session"] == "query_max_scan_physical_bytes=107374182400B"


def test_a_redelivery_is_seen(settings, closing, month):
    made = closing("a")
    derive(made)
    reader, record = TrinoReader(settings), made.source_record()
    assert reader.holds(record) and reader.changed(record) == []
    [first, *_] = sorted((month.report / "data" / f"BILLING_PERIOD={MAY}").glob("*.parquet"))
    other = write_report(month.report.parent / "other", [line_item(61.0, "CC-1")])
    [new] = (other / "data" / f"BILLING_PERIOD={MAY}").glob("*.parquet")
    first.write_bytes(new.read_bytes())
    assert not reader.holds(record)
    assert reader.changed(record) == [first.relative_to(month.report).as_posix()]


@pytest.mark.slow
def test_it_closes_as_from_a_folder_and_says_what_was_read(
    service, month, run, tmp_path, monkeypatch
):
    """With a password, which the notebooks' own processes have from the one that started them."""
    monkeypatch.setenv("CHARGEBACK_TRINO_PASSWORD", "a password of finops")
    service.authorization = "Basic Zmlub3BzOmEgcGFzc3dvcmQgb2YgZmlub3Bz"
    options = ["--params", str(month.params), "--books", str(month.books.root), "--cur", "trino"]
    ended = run("monthly-close", MAY, *options)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    lines = ended.said.splitlines()
    assert lines[0].endswith(f"from Trino, lake.billing.cur2 on {service.url}")
    scans = [line for line in lines if line.startswith("  trino  sql/")]
    assert [line.split()[1].rstrip(":") for line in scans] == [
        "sql/sources/control_totals.sql", "sql/rollup/rollup_costs.sql",
    ]  # fmt: skip
    assert all(line.endswith(" bytes scanned") for line in scans), "Trino bills no bytes"
    evidence = json.loads((month.books.evidence(MAY) / "run.json").read_text())
    assert all(one["query_id"] in service.queries for one in evidence["scans"])
    assert all(one["bytes_scanned"] > 0 for one in evidence["scans"])
    sent = (month.books.evidence(MAY) / BOUND_SQL / "rollup" / "rollup_costs.sql").read_text()
    assert sent.startswith("-- As Trino ran it; the values of its question marks: '2026-05'")
    assert all(one["sha256"] == "" for one in manifest(month.books)["sources"]["files"])
    again = run("monthly-close", MAY, *options)
    assert again.exit_code == DONE and "is already closed, and identical" in again.said
    folder = replace(month, books=Books(tmp_path / "folder-books"))
    assert run("monthly-close", MAY, *folder.options).exit_code == DONE
    ours, theirs = month.books.ledger(MAY), folder.books.ledger(MAY)
    assert sha256(ours / "postings.parquet") == sha256(theirs / "postings.parquet")
    audit = run("audit", MAY, *folder.options, "--books", str(month.books.root))
    assert audit.exit_code == DONE and "as Trino ran it" in audit.said


@pytest.mark.slow
def test_ctrl_c_cancels_the_running_query(service, month):
    service.hold = True
    process = subprocess.Popen(
        [sys.executable, "-m", "chargeback", "monthly-close", MAY, "--cur", "trino",
         "--params", str(month.params), "--books", str(month.books.root)],
        env=dict(os.environ), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A test run in the background ignores the signal, and what it starts would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.monotonic() + 60
    while (
        not any(one.state == "RUNNING" for one in service.on_report()) and time.monotonic() < until
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, refused = process.communicate(timeout=60)
    assert process.returncode == UNREACHABLE
    assert refused.startswith("STOPPED  ") and "Traceback" not in refused
    assert [one.state for one in service.on_report()] == ["CANCELED"]
    assert not month.books.ledger(MAY).exists()
    assert "running-query.json" not in in_work(month.books)


@pytest.mark.parametrize("verb", ["daily", "init", "check-params", "freshness"])
def test_a_verb_that_reads_folders_says_so(verb, service, month, run, tmp_path):
    options = ["--params", str(month.params), "--cur", "trino"]
    period = {"daily": ["2026-05-09"], "freshness": []}.get(verb, [MAY])
    if verb == "init":
        options[1] = str(tmp_path / "new")
    else:
        options += ["--books", str(month.books.root)] if verb != "check-params" else []
    ended = run(verb, *period, *options)
    assert_refused(ended, 2, "this verb reads reports from folders", "CUR=trino")
    assert not service.calls
