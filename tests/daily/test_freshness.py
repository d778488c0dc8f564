"""Freshness: what is late is said on the day after it was due, and nothing before."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, DONE, UNREACHABLE
from chargeback.core.period import month_after
from chargeback.daily.freshness import (
    due_on,
    due_periods,
    first_day,
    freshness,
    last_delivered_day,
)
from chargeback.params.daily_policy import DailyPolicy
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import signing_key
from tests.daily.month import day, owned
from tests.params_folder import ALWAYS, write_params
from tests.reports import line_item, write_report
from tests.verify.books import bare_manifest


def closed(folder: Path, *periods: str, closed_at: str = "") -> Books:
    """Books in which some periods are closed."""
    books = Books(folder)
    for one in periods:
        books.ledger(one).mkdir(parents=True)
        books.evidence(one).mkdir(parents=True)
        if closed_at:
            run = json.dumps({"closed_at": closed_at}).encode()
            (books.evidence(one) / "run.json").write_bytes(run)
            files = {"evidence/run.json": hashlib.sha256(run).hexdigest()}
            content = json.dumps(bare_manifest(one, {}, files)).encode()
            signature = sign_detached(content, signing_key(books))
            (books.ledger(one) / "manifest.json").write_bytes(content)
            (books.ledger(one) / "manifest.json.p7s").write_bytes(signature)
    return books


@pytest.mark.parametrize(
    ("day_text", "late"),
    [
        ("2026-05-31", ()),
        ("2026-06-10", ()),  # the day on which May is due
        ("2026-06-11", ("2026-05",)),
        ("2026-07-11", ("2026-05", "2026-06")),
    ],
)
def test_a_close_is_late_on_the_day_after_it_was_due(tmp_path, day_text, late):
    books = closed(tmp_path, "2026-03", "2026-04")
    today = date.fromisoformat(day_text)
    found = freshness(today, DailyPolicy(), books, today)
    assert found.late_periods == late
    assert found.closed == "2026-04"
    assert len(found.late) == len(late)


def test_a_close_that_was_left_out_is_late(tmp_path):
    found = freshness(date(2026, 6, 5), DailyPolicy(), closed(tmp_path, "2026-02", "2026-04"), None)
    assert found.late_periods == ("2026-03",)


def test_a_close_that_came_late_is_said_and_is_late_no_more(tmp_path):
    books = closed(tmp_path, "2026-05", closed_at="2026-06-12T08:00:00+00:00")
    found = freshness(date(2026, 6, 15), DailyPolicy(), books, date(2026, 6, 14))
    assert found.late == ()
    assert found.notes == ("2026-05 was closed late: due on 2026-06-10",)
    assert (found.ledger_age_days, found.delivery_age_days) == (14, 1)


@pytest.mark.parametrize(("age", "is_late"), [(0, False), (2, False), (3, True)])
def test_a_delivery_is_late_when_it_ends_longer_ago_than_agreed(tmp_path, age, is_late):
    today = date(2026, 5, 9)
    books = closed(tmp_path, "2026-04")
    found = freshness(today, DailyPolicy(), books, today - timedelta(age))
    assert bool(found.late) is is_late


@given(first=st.integers(2, 11), day_number=st.integers(0, 400), due_day=st.integers(1, 31))
def test_the_due_periods_follow_one_another_and_are_over(first, day_number, due_day):
    start = f"2025-{first:02d}"
    today = date(2026, 1, 15) + timedelta(day_number)
    found = due_periods([start], today, due_day)
    assert [month_after(one) for one in found[:-1]] == found[1:]
    assert due_on(found[-1], due_day) < today <= due_on(month_after(found[-1]), due_day)
    assert first_day(found[-1]) < today


def test_fees_that_are_written_ahead_of_time_are_no_usage(make_report):
    ahead = owned(20, 5.0, line_item_line_item_type="SavingsPlanRecurringFee")
    found, _ = last_delivered_day(make_report([owned(12, 5.0), ahead]), date(2026, 6, 3))
    assert found == day(12)


def test_a_report_with_nothing_has_no_last_day(tmp_path):
    report = write_report(tmp_path / "cur", [line_item(5.0)], period="2024-01")
    assert last_delivered_day(report, date(2026, 5, 3)) == (None, "")


def ask(tmp_path: Path, report: Path, day_text: str, *closed_periods: str) -> int:
    params = write_params(
        tmp_path / "params",
        policy_toml=ALWAYS["policy.toml"] + '[daily]\nclose_due_day = "5"\n',
        drivers_csv=ALWAYS["drivers.csv"],
    )
    closed(tmp_path / "books", *closed_periods)
    (tmp_path / "books").mkdir(exist_ok=True)
    return main(
        ["freshness", day_text, "--cur", str(report), "--params", str(params),
         "--books", str(tmp_path / "books")]
    )  # fmt: skip


def test_the_verb_ends_with_0_when_all_is_here(make_report, tmp_path, capsys):
    assert ask(tmp_path, make_report([owned(12, 5.0)]), "2026-05-13", "2026-04") == DONE
    assert "usage up to 2026-05-12, 1 day ago" in capsys.readouterr().out
    text = (tmp_path / "books" / "metrics" / "freshness.prom").read_text()
    assert "chargeback_delivery_age_days 1.0" in text


def test_the_verb_ends_with_4_and_says_what_is_late(make_report, tmp_path, capsys):
    assert ask(tmp_path, make_report([owned(12, 5.0)]), "2026-06-06", "2026-04") == CONTROL_FAILED
    said = capsys.readouterr()
    assert said.err.startswith("STOPPED  a delivery or a close is late")
    assert "the close of 2026-05: due on 2026-06-05" in said.err
    assert "the delivery: usage ends on 2026-05-12, and 2 days are allowed" in said.err
    assert said.out.count("LATE") == 2


def test_a_report_without_days_cannot_be_judged(make_report, tmp_path, capsys):
    assert ask(tmp_path, make_report([line_item(5.0)]), "2026-05-13", "2026-04") == UNREACHABLE
    assert "the report has no column line_item_usage_start_date" in capsys.readouterr().err


def test_a_day_that_is_none_is_refused(make_report, tmp_path, capsys):
    assert ask(tmp_path, make_report([owned(12, 5.0)]), "yesterday") == 2
    assert "this is not a day" in capsys.readouterr().err
