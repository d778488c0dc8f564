"""What is known of the last closed month beside its charges, and what is open between people."""

from __future__ import annotations

import re
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.dashboards.scope import ALL
from chargeback.dashboards.sections.costs import bars_of
from chargeback.dashboards.sections.opened import ZERO, Opened
from chargeback.dashboards.sections.shown import (
    CHANGE,
    NOTHING,
    Cell,
    Head,
    Panel,
    Part,
    Shown,
    Table,
    Text,
    amount,
    change,
)
from chargeback.pages.figures import bars, over_time

_ADDRESS = re.compile(r"https?://[^\s]+")
_YEAR = re.compile("[0-9]{4}")


def month_title(opened: Opened, what: str) -> str:
    """A title with the last closed month, where there is one."""
    return f"{what}, {period_title(opened.last)}" if opened.last else what


def resources(opened: Opened) -> Shown:
    """The dearest resources and how their cost changed."""
    rows = [
        [
            Cell(one.resource_id or "without an id",
                 f"{opened.label('account_id', one.account_id)} · "
                 f"{opened.label('product_code', one.product_code)}"),
            Cell(opened.label("cost_center_id", one.cost_center_id)),
            amount(one.amount, "resource", one.resource_id, one.account_id, one.product_code, one.cost_center_id),
            change(None if one.previous is None else one.amount - one.previous,
                   "resource", one.resource_id, one.account_id, one.product_code, one.cost_center_id, CHANGE),
        ]
        for one in opened.dashboard.resources
    ]  # fmt: skip
    heads = [
        Head("Resource"),
        Head("Cost center", is_optional=True),
        Head("Direct cost", True),
        Head("Change", True),
    ]
    table = Table("Top resources", heads, rows, "No resource is known for this month.")
    return Shown([Panel("resources", month_title(opened, "Top resources"), [table], wide=True)])


def pools(opened: Opened) -> Shown:
    """What of shared cost came here, and how it was split."""
    shares = sorted(opened.dashboard.shares, key=lambda one: (-one.amount, one.pool_id))
    rows = [
        [
            Cell(one.name, one.pool_id if one.pool_id != one.name else ""), Cell(one.split_by),
            amount(one.amount, "pool", one.pool_id),
            Cell("kept by finance", tone="muted") if one.share is None
            else Cell(f"{shown(one.share * 100)}%", value=f"{one.share:f}", figure=("pool", one.pool_id, "share")),
        ]
        for one in shares
    ]  # fmt: skip
    total = sum((one.amount for one in shares), ZERO)
    heads = [
        Head("Pool"),
        Head("Split by", is_optional=True),
        Head("Amount", True),
        Head("Share of the pool", True),
    ]
    foot = [Cell("Total"), Cell(""), amount(total, "pool", "", "total"), Cell("")]
    table = Table("Shared cost", heads, rows, "No shared cost came here.", foot if rows else ())
    return Shown([Panel("pools", month_title(opened, "Shared cost"), [table])])


def untagged(opened: Opened) -> Shown:
    """Cost without a usable tag, and who is to fix it."""
    found = sorted(
        opened.dashboard.untagged, key=lambda one: (-one.amount, one.account_id, one.product_code)
    )
    rows = [
        [
            Cell(opened.label("account_id", one.account_id), one.account_id),
            Cell(opened.label("product_code", one.product_code)),
            Cell(one.owner or "nobody", one.taken_by),
            amount(one.amount, "untagged", one.account_id, one.product_code, one.taken_by),
        ]
        for one in found
    ]  # fmt: skip
    total = sum((one.amount for one in found), ZERO)
    heads = [Head("Account"), Head("Service"), Head("Who fixes it"), Head("Cost", True)]
    foot = [Cell("Total"), Cell(""), Cell(""), amount(total, "untagged", "", "total")]
    table = Table(
        "Untagged", heads, rows, "Everything that can carry a tag has one.", foot if rows else ()
    )
    note = "Cost without a usable tag in accounts of this page. Tag the resources and it stays where it belongs."
    return Shown(
        [
            Panel(
                "untagged",
                month_title(opened, "Untagged, to fix"),
                [table],
                note=note if rows else "",
            )
        ]
    )


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
    return Shown([Panel("budget", "Budget and forecast", [*parts, table], note=note)], drawn.figure)


def budget_name(period: str) -> str:
    """A year or a month for a reader."""
    return period if _YEAR.fullmatch(period) else period_title(period)


def left(budget: Decimal, used: Decimal, *key: str) -> Cell:
    """What is left of a budget."""
    return amount(budget - used, "budget", *key, "left")


def unit_costs(opened: Opened) -> Shown:
    """What one of a driver cost, month by month."""
    found = opened.dashboard.unit_costs
    if not found:
        return Shown([Panel("unit-cost", "Unit cost", [Text("No driver is known for this page.")])])
    rows = [
        [
            Cell(driver_name(one.driver), period_title(one.billing_period), value=f"{one.driver} {one.billing_period}"),
            Cell(f"{one.quantity:,f}", value=f"{one.quantity:f}", figure=("unit-cost", one.driver, one.billing_period, "quantity")),
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
    circular = sorted({driver_name(one.driver) for one in found if one.is_circular})
    notes = [
        Text(
            f"{', '.join(circular)}: part of this cost is split by the same quantity, so the cost of one moves less "
            "than the business does. Read it with care.", "warning",
        )
    ] if circular else []  # fmt: skip
    periods = sorted({one.billing_period for one in found})
    known = {(one.driver, one.billing_period): one.cost_of_one for one in found}
    drivers = sorted({one.driver for one in found})
    drawn = over_time(
        periods,
        [(driver_name(one), [known.get((one, at)) or ZERO for at in periods]) for one in drivers],
        "Cost of one", opened.dashboard.currency,
    )  # fmt: skip
    return Shown(
        [Panel("unit-cost", "Unit cost", [*notes, Table("Unit cost", heads, rows)])], drawn.figure
    )


def cost_of_one(value: Decimal | None, driver: str, period: str) -> Cell:
    """What one came to, with four decimals; what cannot be said is said in words."""
    if value is None:
        return Cell("none counted", value="-1", tone="muted")
    return Cell(shown(value, 4), value=f"{value:f}", figure=("unit-cost", driver, period, "one"))


def driver_name(driver: str) -> str:
    """A driver in words."""
    words = driver.replace("_", " ")
    return words[:1].upper() + words[1:]


def notices(opened: Opened) -> Shown:
    """Anomalies and tickets of the open month."""
    found = sorted(
        opened.dashboard.notices, key=lambda one: (one.status != "open", -one.amount, one.title)
    )
    rows = [
        [
            Cell(one.title, f"{one.what}, opened {one.opened_on}" if one.opened_on else one.what),
            Cell(one.status, f"due {one.due_on}" if one.due_on and one.status == "open" else ""),
            Cell(one.owner or "nobody"),
            Cell(one.reference or "–", link=one.link if _ADDRESS.fullmatch(one.link) else ""),
            amount(one.amount, "notice", one.what, one.title, one.reference),
        ]
        for one in found
    ]  # fmt: skip
    heads = [
        Head("What"), Head("Status"), Head("Owner", is_optional=True), Head("Ticket"), Head("Amount", True),
    ]  # fmt: skip
    table = Table("Anomalies and tickets", heads, rows, "Nothing is open.")
    return Shown([Panel("notices", "Anomalies and tickets", [table], wide=True)])


def answers(opened: Opened) -> Shown:
    """What was answered to the statements: acknowledged, disputed, and how it stands."""
    rows = [
        [
            Cell(period_title(one.billing_period), unit_of(opened, one.business_unit_id), one.billing_period),
            Cell(one.what, " · ".join(filter(None, (one.subject, one.line)))), Cell(one.by, one.at),
            Cell(one.status),
            amount(one.amount, "answer", one.billing_period, one.business_unit_id, one.what, one.subject, one.at),
        ]
        for one in opened.dashboard.answers
    ]  # fmt: skip
    heads = [
        Head("Statement of"), Head("Answer"), Head("By", is_optional=True), Head("Status"), Head("Amount", True),
    ]  # fmt: skip
    table = Table("Disputes and acknowledgements", heads, rows, "No statement was answered yet.")
    return Shown([Panel("answers", "Disputes and acknowledgements", [table])])


def downloads(opened: Opened) -> Shown:
    """The statements that the portal serves; without a portal the list says which there are."""
    found = opened.dashboard.downloads
    if not found:
        return NOTHING
    endings: dict[tuple[str, str], list[str]] = {}
    for one in found:
        endings.setdefault((one.billing_period, one.business_unit_id), []).append(one.ending)
    most = max(len(one) for one in endings.values())
    rows = [
        [
            Cell(period_title(period), unit_of(opened, unit), period),
            *(Cell(ending.upper(), open=f"{period}/{unit}/{ending}") for ending in own),
            *([Cell("")] * (most - len(own))),
        ]
        for (period, unit), own in sorted(endings.items(), key=lambda one: (one[0][0], one[0][1]), reverse=True)
    ]  # fmt: skip
    heads = [Head("Statement of"), *([Head("File")] + [Head("")] * (most - 1))]
    return Shown([Panel("downloads", "Statements", [Table("Statements", heads, rows)])])


def unit_of(opened: Opened, unit: str) -> str:
    """Whose it is, where the page is of several units."""
    return opened.label("business_unit_id", unit) if opened.dashboard.scope_kind == ALL else ""


def remarks(opened: Opened) -> Shown:
    """What could not be looked at, and why."""
    found = opened.dashboard.remarks
    if not found:
        return NOTHING
    return Shown([Panel("remarks", "Remarks", [Text(one, "remark") for one in found], wide=True)])
