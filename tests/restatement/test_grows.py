"""Looking for redeliveries grows with the closed periods, not with their square."""

from __future__ import annotations

import pytest

from chargeback.books import closed_period
from chargeback.core.period import month_after
from chargeback.ledger.corrections import restate
from chargeback.rollup.redeliveries import find_redeliveries
from chargeback.signing.signing_key import signing_key
from chargeback.sources.readers import reader_of
from chargeback.sources.redeliveries import changed_lately
from tests.close.months import MAY, Month, month_in, write_month
from tests.made_once import made_once
from tests.verify.books import close_small, copy_books, copy_period


@pytest.fixture(scope="session")
def one_period(tmp_path_factory) -> Month:
    """May, closed; not to be changed."""
    return month_in(
        made_once(tmp_path_factory, "one-period", lambda one: close_small(write_month(one), MAY))
    )


@pytest.fixture
def reads(one_period, tmp_path, monkeypatch):
    """Counts the files of evidence that a look at books with so many closed periods reads."""
    real, read = closed_period.checked_json, []

    def counted(*arguments):
        read.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(closed_period, "checked_json", counted)

    def count(look, periods: int) -> int:
        books, last, copies = copy_books(one_period, tmp_path / str(periods)), MAY, []
        for _ in range(periods - 1):
            copies.append(last := month_after(last))
        copy_period(books, MAY, copies, signing_key(books))
        read.clear()
        look(books, month_after(last))
        return len(read)

    return count


@pytest.mark.parametrize("look", ["a close", "its corrections", "every day"])
def test_twice_the_periods_are_twice_the_work(one_period, reads, look):
    """Each closed period's restatements are read once, and the first ones' sources as well."""
    report = reader_of(one_period.report)
    looks = {
        "a close": lambda books, period: find_redeliveries(report, books, period),
        "its corrections": lambda books, period: restate(books, period, [], {}),
        "every day": lambda books, period: changed_lately(report, books, books.closed_periods()),
    }
    few, many = (reads(looks[look], periods) for periods in (4, 8))
    assert (few, many) == (4, 8)
