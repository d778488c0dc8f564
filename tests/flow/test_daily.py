"""The daily flow as the cloud runs it: all its steps run, whichever of them fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.close.months import run_process
from tests.daily.month import write_month
from tests.params_folder import ALWAYS
from tests.posture.deployed import REPORT
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow

DAY = "2026-05-06"


@pytest.fixture
def places(tmp_path):
    """The first six days of May; nothing is closed, so that March is late."""
    return write_month(tmp_path, days=6)


def test_a_day_is_published_and_nothing_is_late(daily, places):
    close_april(places)  # which is due on the 10th of May
    flow = daily(places)
    ended = flow.run(date=f"{DAY}T23:59:00Z", scheduled="yes")
    assert ended["status"] == "SUCCEEDED", [one.said for one in flow.tasks]
    assert statuses(flow) == dict.fromkeys(("daily", "freshness", "posture"), ("done", "0"))
    assert "checks hold" in flow.tasks[-1].said
    assert (Path(places["books"]) / "daily" / DAY / "figures.json").is_file()
    assert flow.told("decisions") == flow.told("operations") == []


def test_a_close_that_is_late_is_told_and_the_day_is_published(daily, places):
    flow = daily(places)
    ended = flow.run(date=DAY)
    assert (ended["status"], ended["error"]) == ("FAILED", "step_failed")
    assert statuses(flow) == {
        "daily": ("done", "0"), "freshness": ("control_failed", "4"), "posture": ("done", "0"),
    }  # fmt: skip
    [message] = flow.told("decisions")
    assert message["Subject"] == f"Chargeback daily {DAY}: freshness stopped, control_failed"


def test_a_day_that_cannot_be_read_does_not_keep_freshness_from_being_looked_at(daily, places):
    flow = daily({**places, "report": places["report"] + "-is-not-here"}, retry_times="0")
    ended = flow.run(date=DAY)
    assert (ended["status"], ended["error"]) == ("FAILED", "step_failed")
    assert statuses(flow) == {
        "daily": ("unreachable", "6"), "freshness": ("unreachable", "6"), "posture": ("done", "0"),
    }  # fmt: skip
    told = {one["MessageAttributes"]["step"]["Value"] for one in flow.told("operations")}
    assert told == {"daily", "freshness"}


def test_what_has_drifted_is_told_to_those_who_repair_it(daily, places, made):
    close_april(places)
    flow = daily(places)
    made.s3.put_bucket_versioning(Bucket=REPORT, VersioningConfiguration={"Status": "Suspended"})
    try:
        ended = flow.run(date=DAY)
    finally:
        made.set_up_bucket(REPORT)
    assert (ended["status"], ended["error"]) == ("FAILED", "step_failed")
    assert statuses(flow) == {
        "daily": ("done", "0"), "freshness": ("done", "0"), "posture": ("needs_repair", "4"),
    }  # fmt: skip
    [message] = flow.told("operations")
    assert message["Subject"] == f"Chargeback daily {DAY}: posture stopped, needs_repair"
    assert "what is deployed has drifted" in message["Message"]
    assert flow.told("decisions") == []
    assert f"s3://{REPORT}: versions are kept, found" in flow.tasks[-1].said


def close_april(places):
    """Close a month of one line item."""
    items = [line_item(100.0, "CC-1", bill_invoice_id="900000004")]
    write_report(Path(places["report"]), items, period="2026-04")
    row = "900000004,2026-04,AWS,USD,100.00,finance,PDF\n"
    (Path(places["params"]) / "invoices.csv").write_text(ALWAYS["invoices.csv"] + row)
    options = ("--cur", places["report"], "--params", places["params"], "--books", places["books"])
    closed = run_process("monthly-close", "2026-04", *options)
    assert closed.exit_code == 0, closed.refused


def statuses(flow):
    """Status and exit code of each step of the day."""
    return {step: (one["status"], one["exit_code"]) for (_, step), one in flow.steps().items()}
