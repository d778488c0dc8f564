"""What a dashboard says of metrics: sums by sums of its own rows; and a wrong figure is found."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.leaks import DATA, HTML
from chargeback.dashboards.model import Dashboard, MetricCost
from chargeback.dashboards.proof import outcomes_of, require_true_pages
from chargeback.dashboards.run import rendered
from chargeback.dashboards.scope import Scope
from chargeback.statements.exact_json import from_json, to_json
from tests.close.months import JUNE, MAY, Month, month_in
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    WEB,
    close_months,
    gathered,
    write_months,
)
from tests.dashboards.test_proof import Files, with_page
from tests.made_once import made_once
from tests.params_folder import ALWAYS

CONTROL = "dashboards_tie_to_their_unit_costs"
HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
#: shop: May 80.00 for 400 orders, June 30.00 for 100; CC-1: 73.00 for 292 visits in May, none in June.
CLOSED_WITH = (
    f"{MAY},orders,shop,,390,shop,2026-06-01,no\n"
    f"{MAY},visits,,CC-1,292,web,2026-06-01,yes\n"
    f"{JUNE},visits,,CC-1,0,web,2026-07-01,yes\n"
)
LATER = f"{MAY},orders,shop,,400,shop,2026-07-01,yes\n{JUNE},orders,shop,,100,shop,2026-07-02,no\n"


def counted_months(folder) -> None:
    """May and June closed; what was counted later stands in today's metrics.csv."""
    month = write_months(folder, metrics_csv=HEAD + CLOSED_WITH)
    close_months(month, MAY, JUNE)
    (month.params / "metrics.csv").write_text(HEAD + CLOSED_WITH + LATER, encoding="utf-8")


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """The closed months."""
    return month_in(made_once(tmp_path_factory, "counted-months", counted_months))


@pytest.fixture(scope="module")
def found(month: Month) -> Gathered:
    """All that the pages are made of."""
    return gathered(month)


@pytest.fixture(scope="module")
def dashboards(found: Gathered) -> dict[Scope, Dashboard]:
    """The data of all pages."""
    return dict(found.dashboards())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, dashboards: dict[Scope, Dashboard]) -> Files:
    """The finished pages and their data."""
    html = rendered(dashboards, tmp_path_factory.mktemp("pages"), "embedded")
    return {DATA: {scope: to_json(one).encode() for scope, one in dashboards.items()}, HTML: html}


def costs(dashboards: dict[Scope, Dashboard], scope: Scope, metric: str) -> list[MetricCost]:
    """The months of a metric on a page."""
    return [one for one in dashboards[scope].metric_costs if one.metric == metric]


def test_a_later_count_replaces_what_a_month_was_closed_with(dashboards):
    may, june = costs(dashboards, SHOP, "orders")
    assert (may.quantity, may.cost, may.cost_of_one) == (400, Decimal("80.00"), Decimal("0.2000"))
    assert may.is_final and not june.is_final
    assert (june.quantity, june.cost, june.cost_of_one) == (
        100,
        Decimal("30.00"),
        Decimal("0.3000"),
    )
    # 300 orders fewer at 0.20 are 60.00 less; 100 at 0.10 more are 10.00.
    assert (june.volume, june.rate) == (Decimal("-60.00"), Decimal("10.00"))


def test_a_cost_center_has_its_own_and_zero_is_not_divided(dashboards):
    may, june = costs(dashboards, WEB, "visits")
    assert (may.cost, may.cost_of_one) == (Decimal("73.00"), Decimal("0.2500"))
    assert (june.quantity, june.cost_of_one, june.volume) == (0, None, None)
    assert costs(dashboards, CORE, "orders") == []


def test_all_units_together_are_sums_of_those_that_count(dashboards):
    [may, _] = costs(dashboards, EVERYBODY, "orders")
    assert (may.quantity, may.cost) == (400, Decimal("80.00")), "core counts none and is not in it"


def test_the_data_is_read_as_it_was_written(dashboards):
    for one in dashboards.values():
        assert from_json(Dashboard, to_json(one)) == one


@pytest.mark.slow
def test_good_pages_pass_and_say_what_is_not_divided(found, made):
    require_true_pages(found, made)
    assert "not divided" in made[HTML][WEB].decode()


CHANGES: dict[str, tuple[str, Callable[[str], str]]] = {
    "the quantity": (HTML, lambda page: page.replace(">400<", ">401<")),
    "the unit cost": (HTML, lambda page: page.replace("0.3000", "0.3001")),
    "an effect": (HTML, lambda page: page.replace("+10.00", "+10.01")),
    "the data": (DATA, lambda page: page.replace('"0.2000"', '"0.2001"')),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_another_figure_is_found(found, made, what):
    medium, change = CHANGES[what]
    files = with_page(made, medium, SHOP, change)
    [outcome] = [one for one in outcomes_of(found, files) if one.name == CONTROL]
    rows = outcome.rows.to_pylist()
    assert {(one["scope_id"], one["medium"], one["metric"]) for one in rows} == {
        ("shop", medium, "orders")
    }


@pytest.mark.parametrize(
    ("later", "centers"),
    [
        (
            f"{JUNE},orders,,CC-1,60,shop,2026-07-01,yes\n",
            "CC-1,Web,shop,2026-01,2026-05\nCC-1,Web,core,2026-06,\n",
        ),
        (f"{JUNE},orders,shop,,60,shop,2026-07-01,yes\n", "CC-1,Web,shop,2026-01,\n"),
    ],
    ids=["moved to another unit", "counted by its unit"],
)
def test_what_a_cost_center_counts_no_more_is_not_called_late(later, centers, tmp_path):
    files = {
        "metrics_csv": HEAD + f"{MAY},orders,,CC-1,100,shop,2026-06-01,yes\n" + later,
        "cost_centers_csv": ALWAYS["cost_centers.csv"].replace("CC-1,Web,shop,2026-01,\n", centers),
    }
    month = write_months(tmp_path, **files)
    close_months(month, MAY, JUNE)
    pages = dict(gathered(month).dashboards())
    months = {
        scope: [(one.billing_period, one.quantity) for one in costs(pages, scope, "orders")]
        for scope in (SHOP, CORE, WEB)
    }
    counted = [(MAY, 100), (JUNE, 60)]
    if "core" in centers:
        assert months == {SHOP: counted[:1], CORE: counted[1:], WEB: counted}
    else:
        assert months == {SHOP: counted, CORE: [], WEB: counted[:1]}
