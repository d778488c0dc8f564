"""The whole close by the command line, its notebooks in processes of their own, against the cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE, UNREACHABLE
from tests.close.months import MAY, assert_refused, in_work, manifest, sha256


@pytest.mark.slow
def test_it_closes_as_from_a_folder_and_says_what_it_was_billed(account, month, run, tmp_path):
    options = ["--params", str(month.params), "--books", str(month.books.root)]
    ended = run("monthly-close", MAY, *options, "--cur", "athena")
    assert (ended.exit_code, ended.refused) == (DONE, "")
    lines = ended.said.splitlines()
    table = f"{account.settings.database}.{account.settings.table}"
    assert lines[0].endswith(f"from Athena, {table} in workgroup {account.settings.workgroup}")
    scans = [line for line in lines if line.startswith("  athena  sql/") and " scanned, " in line]
    assert [line.split()[1].rstrip(":") for line in scans] == [
        "sql/sources/control_totals.sql", "sql/rollup/rollup_costs.sql",
    ]  # fmt: skip
    billed = [line for line in lines if line.startswith(("  1/6 sources", "  2/6 rollup"))]
    assert len(billed) == 2
    assert all("; 1 scan of " in line and " bytes, 0.000048 USD" in line for line in billed)
    evidence = json.loads((month.books.evidence(MAY) / "run.json").read_text())
    assert [one["query"] for one in evidence["scans"]] == [one.split()[1][:-1] for one in scans]
    assert all(one["query_id"] in account.cloud.athena.executions for one in evidence["scans"])
    assert all(one["bytes_scanned"] > 0 for one in evidence["scans"])
    metrics = (month.books.metrics / "close.prom").read_text()
    # Two queries of 10 MB at least, at 5 USD a terabyte: 0.0000477 each, rounded up.
    assert f'chargeback_close_athena_cost{{period="{MAY}"}} 9.6e-05\n' in metrics
    record = manifest(month.books)["sources"]
    assert record["location"] == f"s3://{account.bucket}/{account.prefix}"
    for one in [record["manifest"], *record["files"]]:
        head = account.cloud.s3.head_object(Bucket=account.bucket, Key=account.prefix + one["path"])
        assert (one["etag"], one["version_id"]) == (head["ETag"], head["VersionId"])
        assert one["size"] == head["ContentLength"] and one["sha256"] == ""
    again = run("monthly-close", MAY, *options, "--cur", "athena")
    assert again.exit_code == DONE and "is already closed, and identical" in again.said
    folder = replace(month, books=Books(tmp_path / "folder-books"))
    assert run("monthly-close", MAY, *folder.options).exit_code == DONE
    ours, theirs = month.books.ledger(MAY), folder.books.ledger(MAY)
    assert sha256(ours / "postings.parquet") == sha256(theirs / "postings.parquet")
    identical = run("monthly-close", MAY, *folder.options, "--books", str(month.books.root))
    assert identical.exit_code == DONE, "a folder with the same files confirms it"


@pytest.mark.slow
def test_ctrl_c_stops_the_running_query(account, month):
    account.cloud.athena.hold = True
    process = subprocess.Popen(
        [sys.executable, "-m", "chargeback", "monthly-close", MAY, "--cur", "athena",
         "--params", str(month.params), "--books", str(month.books.root)],
        env=dict(os.environ), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A test run in the background ignores the signal, and what it starts would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    mine = lambda: [  # noqa: E731
        one
        for one in account.cloud.athena.executions.values()
        if one.request["WorkGroup"] == account.settings.workgroup
    ]
    until = time.monotonic() + 60
    while not (mine() and mine()[0].state == "RUNNING") and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, refused = process.communicate(timeout=60)
    assert process.returncode == UNREACHABLE
    assert refused.startswith("STOPPED  ") and "Traceback" not in refused
    assert [one.state for one in mine()] == ["CANCELLED"]
    assert not month.books.ledger(MAY).exists()
    assert "running-query.json" not in in_work(month.books)


def test_settings_that_are_missing_are_refused_before_anything_is_asked(
    account, month, run, monkeypatch
):
    monkeypatch.delenv("CHARGEBACK_ATHENA_TABLE")
    ended = run("monthly-close", MAY, *month.options, "--cur", "athena")
    assert_refused(ended, 2, "reading with Athena needs the table", "CHARGEBACK_ATHENA_TABLE")
    assert not month.books.root.exists() and not account.cloud.door.calls
