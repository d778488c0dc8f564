"""How long the interval of usage is: what an export's setting is called, and what cannot be told by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.books.source_record import DAILY, HOURLY, MONTHLY
from chargeback.cli import main
from chargeback.close.stages import derive
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE
from chargeback.sources.freeze import freeze_sources
from tests.reports import PERIOD, data_files, line_item, write_report
from tests.sources.legacy import write_legacy

ITEMS = [
    line_item(60.0, "CC-1"),
    line_item(40.0, "CC-9"),
    line_item(0.0, line_item_line_item_type="Tax"),
]
FIRST = datetime(2026, 5, 1)
MONTH = datetime(2026, 6, 1) - FIRST

#: The interval of each line item; what is no usage says nothing.
INTERVALS = {
    HOURLY: (timedelta(hours=1), timedelta(hours=5), timedelta(minutes=1)),
    DAILY: (timedelta(days=1), MONTH, timedelta(hours=1)),
    MONTHLY: (MONTH, MONTH, timedelta(hours=1)),
}


def add_interval(report: Path, lengths: tuple[timedelta, ...], as_text: bool = False) -> None:
    """Give the line items of a report's one file an interval, as times or as AWS's text of both."""
    [path] = data_files(report)
    table = pq.read_table(path)
    if as_text:
        texts = [f"{FIRST:%Y-%m-%dT%H:%M:%SZ}/{FIRST + one:%Y-%m-%dT%H:%M:%SZ}" for one in lengths]
        table = table.append_column("identity_time_interval", pa.array(texts))
    else:
        kind = pa.timestamp("ms")
        ends = pa.array([FIRST + one for one in lengths], kind)
        starts = pa.array([FIRST] * len(lengths), kind)
        table = table.append_column("line_item_usage_start_date", starts)
        table = table.append_column("line_item_usage_end_date", ends)
    pq.write_table(table, path)


@pytest.mark.parametrize("granularity", INTERVALS)
@pytest.mark.parametrize("as_text", [False, True])
def test_the_shortest_interval_of_usage_tells(granularity, as_text, make_report):
    report = make_report(ITEMS)
    add_interval(report, INTERVALS[granularity], as_text)
    assert freeze_sources(report, PERIOD).granularity == granularity


@pytest.mark.parametrize("granularity", INTERVALS)
@pytest.mark.parametrize("layout", ["csv", "cur2-csv", "zip"])
def test_csv_tells_the_same(granularity, layout, tmp_path):
    report = write_report(tmp_path / "report", ITEMS)
    add_interval(report, INTERVALS[granularity])
    written = write_legacy(report, tmp_path / "other", PERIOD, layout)
    assert freeze_sources(written, PERIOD).granularity == granularity


def test_what_says_nothing_is_not_guessed(make_report):
    assert freeze_sources(make_report(ITEMS), PERIOD).granularity == ""


def test_days_and_months_are_closed_as_hours_are(tmp_path, make_params, make_closing):
    posted = set()
    for granularity, lengths in INTERVALS.items():
        report = write_report(tmp_path / granularity, ITEMS)
        add_interval(report, lengths)
        closing = make_closing(report, make_params(), name=granularity)
        derive(closing)
        posted.add(closing.path("postings.parquet").read_bytes())
    assert len(posted) == 1


def test_months_do_not_say_what_a_day_cost(make_report, make_params, tmp_path, capsys):
    report = make_report(ITEMS)
    add_interval(report, INTERVALS[MONTHLY])
    options = ["--cur", str(report), "--params", str(make_params())]
    options += ["--books", str(tmp_path / "books")]
    assert main(["daily", "2026-05-09", *options]) == UNREACHABLE
    assert "monthly line items, which do not say what a day cost" in capsys.readouterr().err
    # By days the report would end on the 1st, and be late: its month counts as delivered up to the day.
    assert main(["freshness", "2026-05-09", *options]) == CONTROL_FAILED
    said = capsys.readouterr()
    assert "usage up to 2026-05-09, 0 days ago" in said.out
    assert "the day that usage reaches cannot be told" in said.out
    assert "the delivery: usage ends" not in said.err
