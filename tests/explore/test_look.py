"""Tables and figures of charges: exact at both edges, whole, with labels that are not cut."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.core.errors import Refusal
from chargeback.review import explore

pytestmark = pytest.mark.slow


def test_two_dimensions_are_exact_at_both_edges(books):
    charges = explore.charges_by("business_unit", "service", periods="2026-05")
    table = explore.two(charges, "business_unit", "service")
    whole = charges.charged["2026-05"]
    assert table.loc["total", "total"] == whole
    assert sum(table["total"].drop("total"), Decimal(0)) == whole
    assert sum(table.loc["total"].drop("total"), Decimal(0)) == whole
    units = explore.spend(charges, "business_unit").set_index("business_unit")["amount"]
    assert {name: table.loc[name, "total"] for name in units.index} == dict(units)


def test_months_stand_in_their_order_and_the_change_leaves_the_draft_out(books):
    charges = explore.charges_by("business_unit")
    table = explore.trend(charges, "business_unit")
    assert list(table.columns) == ["2026-04", "2026-05", "2026-06 PROVISIONAL", "change"]
    assert table.loc["total", "change"] == charges.charged["2026-05"] - charges.charged["2026-04"]
    crossed = explore.two(explore.charges_by("period", "kind"), "period", "kind")
    assert list(crossed.index) == ["2026-04", "2026-05", "2026-06", "total"]


@pytest.mark.parametrize("dimension", ["service", "usage_type", "account"])
def test_a_figure_draws_the_whole(books, dimension):
    charges = explore.charges_by(dimension, periods="2026-05")
    [drawn] = explore.spend_figure(charges, dimension).figure.data
    assert sum(drawn.x) == pytest.approx(float(charges.charged["2026-05"]))
    assert len(set(drawn.y)) == len(drawn.y)


def test_the_figures_of_two_dimensions_and_of_months_draw_the_whole(books):
    charges = explore.charges_by("business_unit", "service", periods="2026-05")
    whole = float(charges.charged["2026-05"])
    [grid] = explore.two_figure(charges, "business_unit", "service").figure.data
    assert sum(sum(row) for row in grid.z) == pytest.approx(whole)
    bars = explore.stacked_figure(charges, "business_unit", "service").figure.data
    assert sum(sum(one.x) for one in bars) == pytest.approx(whole)
    months = explore.charges_by("business_unit")
    lines = explore.trend_figure(months, "business_unit").figure.data
    assert [sum(one.y[at] for one in lines) for at in range(3)] == pytest.approx(
        [float(amount) for amount in months.charged.values()]
    )


def test_a_title_says_by_what_when_for_whom_and_in_which_unit(books):
    charges = explore.charges_by("service", only="claims")
    figure = explore.spend_figure(charges, "service").figure
    assert figure.layout.title.text == (
        "Charged by service, claims, April 2026 to June 2026 (2026-06 PROVISIONAL), USD"
    )


def test_resources_that_begin_alike_can_be_told_apart(books):
    month = explore.open_period("2026-05")
    line = explore.line_named(month, "")
    items = explore.line_items(month, "", line)
    chart = explore.resources_figure(month, line, items)
    ids = {one for one in items.resources()["resource_id"].to_pylist() if one}
    drawn = {one.replace("<br>", "").rstrip("\u00a0") for one in chart.figure.data[0].y}
    assert drawn - {"(no resource)"} <= ids and len(drawn) > 2
    assert "…" not in chart.svg


def test_a_dimension_that_was_not_asked_for_is_refused(books):
    charges = explore.charges_by("service", periods="2026-05")
    with pytest.raises(Refusal, match="were not opened by this dimension"):
        explore.spend(charges, "usage_type")
    with pytest.raises(Refusal, match="the same one"):
        explore.two(charges, "service", "service")
