"""The page as Chromium shows it: on a phone nothing is cut, too small or off the screen; nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.period import period_title
from chargeback.review.year.chart import Month, ticks, year_chart
from chargeback.review.year.page import PAGE
from chargeback.review.year.views import ZERO
from tests.chromium import running
from tests.phone import hold_as_a_phone, look_at
from tests.restatement.months import Estate
from tests.year.conftest import MONTHS


@pytest.mark.slow
def test_the_page_is_legible_on_a_phone(two_years: Estate, tmp_path: Path) -> None:
    verb = ["year", "2026..2027", "--books", str(two_years.books.root)]
    assert main([*verb, "--params", str(two_years.params), "--to", str(tmp_path / "y")]) == 0
    page = tmp_path / "y" / PAGE
    with running() as browser:
        hold_as_a_phone(browser)
        drawn, troubles = look_at(browser, page)
        assert not troubles, troubles[:8]
        assert drawn >= 30  # names of months and steps of the axes
        asked = browser.execute_script("return performance.getEntriesByType('resource').length")
        assert asked == 0 and not browser.get_log("browser")


@pytest.mark.parametrize(
    ("amounts", "steps"),
    [
        (["0.00"], [0, 1]), (["99.00"], [0, 50, 100]), (["2924800.70"], [0, 1e6, 2e6, 3e6]),
        (["-40.00", "60.00"], [-50, 0, 50, 100]), (["-7.00"], [-8, -6, -4, -2, 0]),
    ],
)  # fmt: skip
def test_the_axis_has_round_steps_around_all_amounts(
    amounts: list[str], steps: list[float]
) -> None:
    months = [Month("2026-01", ZERO + type(ZERO)(one), None) for one in amounts]
    assert ticks(months) == steps


def test_the_chart_says_its_amounts_and_which_months_are_open() -> None:
    chart = year_chart([Month(MONTHS[0], ZERO + 5, ZERO - 3), Month(MONTHS[1], None, None)], "USD")
    assert f"{period_title(MONTHS[0])} 5.00 and −3.00" in chart.says
    assert period_title(MONTHS[1]) not in chart.says
    assert ">open<" in chart.svg and "open" in chart.narrow
    again = year_chart([Month(MONTHS[0], ZERO + 5, ZERO - 3), Month(MONTHS[1], None, None)], "USD")
    assert (chart.svg, chart.narrow) == (again.svg, again.narrow)
