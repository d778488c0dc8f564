"""Budgets with the forecast, and what one of a driver cost."""

from __future__ import annotations

import re
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.dashboards.sections.costs import bars_of
from chargeback.dashboards.sections.metric_costs import metric_parts
from chargeback.dashboards.sections.opened import ZERO, Opened
from chargeback.dashboards.sections.shown import Cell, Head, Panel, Part, Shown, Table, Text, amount
from chargeback.pages.figures import Chart, bars, over_time
from chargeback.pages.vocabulary import key_name

_YEAR = re.compile("[0-9]{4}")


def budgets(opened: Opened) -> Shown:
    """Budgets, what was charged against them, and the forecast."""
    found = opened.dashboard.budgets
    if not found:
        return Shown([Panel("budget", "Budget and forecast", [Text("No budget is set.")])])
    rows = []
    for one in found:
        what, key = budget_name(one.period), (one.period, one.cost_center_id)
        center = opened.label("cost_center_id", one.cost_center_id) if one.cost_center_id else "all"
        rows.append([
            Cell(center, what, value=f"{center} {one.period}"), amount(one.budget, "budget", *key),
            amount(one.charged, "budget", *key, "charged"), amount(one.forecast, "budget", *key, "forecast"),
            left(one.budget, one.forecast if one.forecast is not None else one.charged, *key),
        ])  # fmt: skip
    heads = [
        Head("Cost center"), Head("Budget", True), Head("Charged", True, True), Head("Forecast", True, True),
        Head("Left", True),
    ]  # fmt: skip
    names = [f"{row[0].text}, {row[0].sub}" for row in rows]
    drawn = bars(
        names,
        [("Forecast or charged", [one.charged if one.forecast is None else one.forecast for one in found])],
        "Against the budget", opened.dashboard.currency,
    )  # fmt: skip
    years = [
        (name, one.charged, one.budget) for name, one in zip(names, found, strict=True)
        if _YEAR.fullmatch(one.period)
    ][:8]  # fmt: skip
    says = "Charged so far, with a mark at the budget of the year: " + ", ".join(
        f"{name} {shown(charged)} of {shown(budget)}" for name, charged, budget in years
    )
    parts: list[Part] = [bars_of(years, says)] if years else []
    note = "Left is the budget less the forecast, or less what was charged where nothing can be forecast."
    if years:
        note += " The bars are what was charged this year; the marks are budgets."
    table = Table("Budgets", heads, rows)
    return Shown([Panel("budget", "Budget and forecast", [*parts, table], note=note)], drawn)


def budget_name(period: str) -> str:
    """A year or a month for a reader."""
    return period if _YEAR.fullmatch(period) else period_title(period)


def left(budget: Decimal, used: Decimal, *key: str) -> Cell:
    """What is left of a budget."""
    return amount(budget - used, "budget", *key, "left")


def unit_costs(opened: Opened) -> Shown:
    """What one of a metric, and of a driver, cost, month by month."""
    metrics = metric_parts(opened)
    drivers, chart = driver_parts(opened)
    if not metrics and not drivers:
        nothing = "No metric and no driver is known for this page."
        return Shown([Panel("unit-cost", "Unit cost", [Text(nothing)])])
    return Shown([Panel("unit-cost", "Unit cost", [*metrics, *drivers], wide=bool(metrics))], chart)


def driver_parts(opened: Opened) -> tuple[list[Part], Chart | None]:
    """What one of a driver cost, and its chart; nothing without drivers."""
    found = opened.dashboard.unit_costs
    if not found:
        return [], None
    rows = [
        [
            Cell(key_name(f"driver:{one.driver}"), period_title(one.billing_period),
                 value=f"{one.driver} {one.billing_period}"),
            Cell(f"{one.quantity:,f}", value=f"{one.quantity:f}",
                 figure=("unit-cost", one.driver, one.billing_period, "quantity")),
            amount(one.cost, "unit-cost", one.driver, one.billing_period, "cost", muted=True),
            cost_of_one(one.cost_of_one, one.driver, one.billing_period),
        ]
        for one in sorted(found, key=lambda one: one.billing_period, reverse=True)
    ]  # fmt: skip
    heads = [
        Head("Driver"),
        Head("Quantity", True, True),
        Head("Cost", True, True),
        Head("Cost of one", True),
    ]
    circular = sorted({key_name(f"driver:{one.driver}") for one in found if one.is_circular})
    notes: list[Part] = [
        Text(
            f"{', '.join(circular)}: part of this cost is split by the same quantity, so the cost of one moves "
            "less than the business does. Read it with care.", "warning",
        )
    ] if circular else []  # fmt: skip
    periods = sorted({one.billing_period for one in found})
    known = {(one.driver, one.billing_period): one.cost_of_one for one in found}
    drivers = sorted({one.driver for one in found})
    drawn = over_time(
        periods,
        [(key_name(f"driver:{one}"), [known.get((one, at)) or ZERO for at in periods]) for one in drivers],
        "Cost of one", opened.dashboard.currency,
    )  # fmt: skip
    return [*notes, Table("Unit cost", heads, rows)], drawn


def cost_of_one(value: Decimal | None, driver: str, period: str) -> Cell:
    """What one came to, with four decimals; what cannot be said is said in words."""
    if value is None:
        return Cell("none counted", value="-1", tone="muted")
    return Cell(shown(value, 4), value=f"{value:f}", figure=("unit-cost", driver, period, "one"))
