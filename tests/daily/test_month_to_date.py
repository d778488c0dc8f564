"""The month to date by unit: it is every cost there is, and its expectation what was used a month ago."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from chargeback.core.csv_files import plain_text
from chargeback.daily import month_to_date
from chargeback.daily.anomalies.series import Cell
from chargeback.daily.dashboard import page
from chargeback.daily.day_files import write_files
from chargeback.daily.month_to_date import (
    SHARED,
    TOTAL,
    Compared,
    compared_days,
    units_to_date,
)
from chargeback.daily.page_charts import DaysChart, DaysLine, axis_text, marked, round_top
from chargeback.daily.page_units import days_text
from chargeback.daily.run import look
from chargeback.daily.today import Today
from tests.daily.anomalies.estate import LAST, USUAL, cost_of, write_estate
from tests.params_folder import write_params

DAY = LAST - timedelta(6)
UNITS = {"CC-1": "shop", "CC-9": "core", "": SHARED}


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Today:
    """A day in May, with April before it."""
    folder = tmp_path_factory.mktemp("day")
    report = write_estate(folder / "cur")
    write_params(folder / "params")
    return look(str(DAY), str(report), str(folder / "params"), str(folder / "books"), "")


def used(unit: str, first: date, last: date) -> Decimal:
    """What a unit used in some days, summed here."""
    days = (first + timedelta(at) for at in range((last - first).days + 1))
    return sum(
        (
            Decimal(str(cost_of(number, one, dollars)))
            for one in days
            for number, ((owner, _, _), dollars) in enumerate(USUAL.items())
            if UNITS[owner] == unit
        ),
        Decimal(0),
    )


def test_it_is_every_cost_and_the_rows_sum_to_it(today):
    *rows, whole = units_to_date(today)
    assert whole.business_unit_id == TOTAL
    assert whole.amount == sum(today.costs.table["amortized_cost"].to_pylist(), Decimal(0))
    for name in ("amount", "expected", "difference"):
        assert sum(getattr(one, name) for one in rows) == getattr(whole, name)
    assert [one.business_unit_id for one in rows] == ["shop", "core", SHARED]
    shared = rows[-1]
    assert shared.amount == used(SHARED, date(2026, 5, 1), DAY) + 5000


def test_what_is_expected_is_what_was_used_in_as_many_days_before(today):
    assert compared_days(today) == Compared(
        date(2026, 5, 1), DAY, date(2026, 4, 1), date(2026, 4, 14)
    )
    for one in units_to_date(today)[:-1]:
        unit = one.business_unit_id
        more = used(unit, date(2026, 5, 1), DAY) - used(unit, date(2026, 4, 1), date(2026, 4, 14))
        assert one.difference == more != 0


def looked_at(day: date, judged: date | None, known: list[date]) -> Today:
    """As much of a day as is asked for which days are compared."""
    sums = {one: {Cell("shop", "CC-1", "AmazonEC2"): Decimal(1)} for one in known}
    anomalies = SimpleNamespace(judged=judged, used=sums)
    return SimpleNamespace(day=day, anomalies=anomalies)  # type: ignore[return-value]


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(at) for at in range((last - first).days + 1)]


def test_a_shorter_month_before_reaches_back():
    known = days(date(2026, 1, 1), date(2026, 3, 31))
    found = compared_days(looked_at(date(2026, 3, 31), date(2026, 3, 31), known))
    assert found is not None
    assert (found.first_before, found.last_before) == (date(2026, 1, 29), date(2026, 2, 28))


def test_incomplete_days_are_not_compared():
    known = days(date(2026, 1, 1), date(2026, 3, 31))
    found = compared_days(looked_at(date(2026, 3, 15), date(2026, 3, 13), known))
    assert found == Compared(
        date(2026, 3, 1), date(2026, 3, 13), date(2026, 2, 1), date(2026, 2, 13)
    )


@pytest.mark.parametrize(
    ("judged", "known"),
    [
        (None, days(date(2026, 1, 1), date(2026, 3, 15))),
        (date(2026, 2, 28), days(date(2026, 1, 1), date(2026, 3, 15))),
        (date(2026, 3, 13), days(date(2026, 2, 2), date(2026, 3, 15))),
    ],
)
def test_nothing_is_expected_of_what_is_not_known(judged, known):
    assert compared_days(looked_at(date(2026, 3, 15), judged, known)) is None


def test_the_page_begins_with_it(today):
    text = page(today)
    whole = units_to_date(today)[-1]
    assert text.index(f"{whole.amount:,.2f}") < text.index("Month to date by business unit")
    headings = re.findall(r"<h2>([^<]+)</h2>", text)
    assert headings[0] == "Month to date by business unit"
    assert "Budget" not in text
    assert "what was used from 2026-04-01 to 2026-04-14" in text
    first_day = today.drift.window.first
    assert f"Untagged {first_day.day}–14 May" in text and "Untagged 1–14 May" in text


def test_a_budget_is_a_column(today, monkeypatch):
    budgets = {"shop": Decimal("100.00"), TOTAL: Decimal("100.00")}
    monkeypatch.setattr(
        month_to_date, "budget_to_date", lambda params, unit, day: budgets.get(unit)
    )
    [shop] = [one for one in units_to_date(today) if one.business_unit_id == "shop"]
    assert shop.over_budget == shop.amount - 100
    text = page(today)
    assert "Budget so far" in text and "above the budget so far" in text


def test_csv_has_plain_numbers(today, tmp_path):
    write_files(today, tmp_path)
    for path in tmp_path.glob("*.csv"):
        with path.open(newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [one for one in cells if re.fullmatch(r"-?[0-9.]+[eE][-+]?[0-9]+", one)], path
    assert not re.search(r'data-value="-?[0-9.]+E', (tmp_path / "dashboard.html").read_text())
    with (tmp_path / "month_to_date.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    *parts, whole = (Decimal(row["month_to_date"]) for row in rows)
    assert sum(parts) == whole == units_to_date(today)[-1].amount


def test_a_decimal_has_no_exponent():
    assert plain_text(Decimal("0E-10")) == "0.0000000000"
    assert plain_text(Decimal("1E+3")) == "1000"
    assert plain_text(date(2026, 5, 1)) == "2026-05-01"


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (11.0, 20.0), (201.0, 250.0), (98765.0, 100000.0)],
)
def test_an_axis_ends_at_a_round_amount(highest, top):
    assert round_top(highest) == pytest.approx(top)


def test_a_chart_says_amounts_and_dates():
    first = date(2026, 5, 1)
    chart = DaysChart(
        "Used", [DaysLine("<May>", [0.0, 150.0]), DaysLine("April", [1.0], is_dashed=True)],
        days(first, date(2026, 5, 2)), "USD",
    )  # fmt: skip
    text = chart.html()
    for words in ("200", "100", "0 USD", "1 May", "2 May", "&lt;May&gt;", "0.0,129.0 600.0,33.0"):
        assert words in text
    assert "nan" not in DaysChart("none", [DaysLine("", [])], [first], "USD").html()
    assert marked(31) == [0, 10, 20, 30]
    assert axis_text(0.5) == "0.50"
    assert days_text(date(2026, 5, 28), date(2026, 6, 3)) == "28 May–3 Jun"


def test_nothing_of_it_is_in_the_books_of_somebody_who_only_looks(today):
    assert not Path(today.settings.state_file).parent.exists()
