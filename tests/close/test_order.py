"""A month that is closed while an earlier one is open says so first, because its statements never change."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.close.order import open_before, order_note, ranges
from chargeback.core.books_folders import Books
from chargeback.core.paths import PARAMS, SAMPLE_CUR
from tests.close.months import JULY, JUNE, MAY, Month, write_month
from tests.verify.books import close_small


def notes(said: list[str]) -> list[str]:
    """The lines about the order of closes."""
    at = next((number for number, line in enumerate(said) if line.startswith("NOTE  ")), None)
    return (
        [] if at is None else [said[at], *[line for line in said[at + 1 :] if line[:6] == " " * 6]]
    )


def closing(month: Month, period: str, *closed: str) -> WorkFolder:
    """A period to close in books that have these closed ones."""
    for one in closed:
        month.books.ledger(one).mkdir(parents=True)
    return WorkFolder(period, month.report, month.params, month.books, month.books.work(period))


def test_the_first_close_of_books_names_the_delivered_months_before_it(tmp_path):
    """The report has May, June and July; June is closed first."""
    said = close_small(write_month(tmp_path), JUNE)
    assert notes(said) == [
        "NOTE  2026-05 is delivered and not closed.",
        "      The statements of 2026-06 will call it the first period on record, and closed statements "
        "never change.",
        "      To close in order, stop now (Ctrl-C) and run: make monthly-close PERIOD=2026-05..2026-06",
        "      If these books begin with 2026-06, there is nothing to do.",
    ]
    assert said.index(notes(said)[0]) < said.index(
        next(one for one in said if "Closing June" in one)
    )


def test_closes_in_order_say_nothing_of_it(tmp_path):
    assert notes(close_small(write_month(tmp_path), MAY, JUNE)) == []


def test_months_before_the_first_closed_one_are_not_missed(tmp_path):
    month = write_month(tmp_path)
    assert open_before(closing(month, JULY, JUNE)) == []
    assert open_before(closing(month, MAY)) == []


def test_a_gap_is_said_with_the_month_that_will_be_compared_instead(tmp_path):
    note = order_note(closing(write_month(tmp_path), JULY, "2026-03", "2026-04"))
    assert note[0] == "NOTE  2026-05..2026-06 are delivered and not closed."
    assert "2026-07 will compare it with 2026-04, and" in note[1]
    assert note[2].endswith("make monthly-close PERIOD=2026-05..2026-07")
    assert len(note) == 3


def test_a_month_that_was_not_delivered_cannot_be_closed_and_is_not_named(tmp_path):
    """Books from January on; of the months between, the report has May and June only."""
    assert open_before(closing(write_month(tmp_path), JULY, "2026-01")) == [MAY, JUNE]


@pytest.mark.parametrize("period, earlier", [("2026-05", "2025-12..2026-04"), ("2025-12", "")])
def test_the_sample_has_all_its_months_although_they_are_written_when_needed(
    period, earlier, tmp_path
):
    books = Books(tmp_path / "books")
    work = WorkFolder(period, SAMPLE_CUR, PARAMS, books, Path(tmp_path / "work"))
    assert ", ".join(ranges(open_before(work))) == earlier
