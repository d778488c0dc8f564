"""A closed period: closing it again confirms it, and whatever would change it is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from chargeback.core.errors import DONE, WOULD_CHANGE_CLOSED
from tests.close.months import (
    MAY,
    MAY_FILES,
    assert_refused,
    digests,
    in_work,
    state,
)
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow


def test_it_is_confirmed_and_nothing_is_touched(month, run):
    before = state(month.books)
    for _ in range(2):
        ended = run("monthly-close", MAY, *month.options)
        assert (ended.exit_code, ended.refused) == (DONE, "")
        assert f"{MAY} is already closed, and identical: " in ended.said
        assert state(month.books) == before
        assert in_work(month.books) == []


def test_what_a_run_left_that_ended_just_after_publishing_is_removed(month, run):
    before = state(month.books)
    left = month.books.work(MAY)
    left.mkdir()
    (left / "postings.parquet").write_bytes(b"left")
    assert run("monthly-close", MAY, *month.options).exit_code == DONE
    assert (state(month.books), in_work(month.books)) == (before, [])


def spoil_a_statement(folder):
    path = folder / "core" / "statement.csv"
    path.write_text(path.read_text().replace("14.996", "14.995"))


@pytest.mark.parametrize(
    "lose", [shutil.rmtree, lambda folder: shutil.rmtree(folder / "shop"), spoil_a_statement]
)
def test_lost_statements_are_rendered_again_byte_for_byte(lose, month, run):
    recorded = digests(month.books.statements(MAY))
    invoices = month.params / "invoices.csv"  # params change every month; statements print them
    invoices.write_text(invoices.read_text() + "900000003,2026-07,AWS,USD,9.00,finance,PDF\n")
    ledger = digests(month.books.ledger(MAY))
    lose(month.books.statements(MAY))
    assert digests(month.books.statements(MAY)) != recorded
    ended = run("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE, ended.refused
    assert "other bytes" not in ended.said
    assert digests(month.books.statements(MAY)) == recorded
    assert digests(month.books.ledger(MAY)) == ledger
    names = [one.name for one in (month.books.root / "statements").iterdir()]
    assert (names, in_work(month.books)) == ([f"billing_period={MAY}"], [])


def assert_would_change(ended, month, before, *words):
    """The close is refused because it would change a closed period, and it did not."""
    assert_refused(ended, WOULD_CHANGE_CLOSED, "closing it again would change it", *words)
    assert "undo the change" in ended.refused and "adjustments.csv" in ended.refused
    assert (state(month.books), in_work(month.books)) == (before, [])


def test_an_alias_that_moves_an_owner_would_change_it(month, run):
    aliases, before = month.params / "tag_values.csv", state(month.books)
    aliases.write_text(aliases.read_text().replace("web,CC-1", "web,CC-9"))
    assert_would_change(
        run("monthly-close", MAY, *month.options), month, before,
        "cost-center:CC-1 direct: closed 70.00, now 60.00, difference −10.00",
        "cost-center:CC-9 direct: closed 15.00, now 25.00, difference 10.00",
        "differ in 2 ledger accounts",
    )  # fmt: skip


def test_a_cost_that_aws_changed_would_change_it(month, run, tmp_path):
    before = state(month.books)
    files = [MAY_FILES[0], [line_item(15.0), line_item(15.496, "CC-9")]]
    changed = replace(month, report=write_report(tmp_path / "later", *files))
    assert_would_change(
        run("monthly-close", MAY, *changed.options), month, before,
        "cost-center:CC-9 direct: closed 15.00, now 15.50, difference 0.50",
        "cost-center:CC-9 rounding: closed 0.01, now −0.49, difference −0.50",
    )  # fmt: skip


def test_a_change_below_a_cent_would_change_it(month, run, tmp_path):
    before = state(month.books)
    files = [MAY_FILES[0], [line_item(15.0), line_item(14.9961, "CC-9")]]
    changed = replace(month, report=write_report(tmp_path / "later", *files))
    assert_would_change(
        run("monthly-close", MAY, *changed.options), month, before,
        "no ledger account's total changes",
    )  # fmt: skip
