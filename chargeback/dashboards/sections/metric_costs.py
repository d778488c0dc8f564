"""What one piece of a metric cost, month by month: a chart and a table for each metric of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.dashboards.model import MetricCost
from chargeback.dashboards.sections.costs import figure_html
from chargeback.dashboards.sections.opened import ZERO, Opened
from chargeback.dashboards.sections.shown import (
    Beside,
    Cell,
    Head,
    Markup,
    Part,
    Stacked,
    Table,
    Text,
    amount,
    change,
    tone_of,
)
from chargeback.ledger.unit_costs import PLACES
from chargeback.pages.charts import unit_cost_chart

NOTE = (
    "Loaded is all that is charged. Volume and rate effect sum to the change of the cost since the month "
    "before: more or fewer pieces at what one cost then, and another cost of one."
)


def metric_parts(opened: Opened) -> list[Part]:
    """The parts of all metrics; none where the page has none."""
    found = opened.dashboard.metric_costs
    charged = {one.billing_period: one.amount for one in opened.dashboard.months}
    parts: list[Part] = []
    for metric in sorted({one.metric for one in found}):
        parts += one_metric([one for one in found if one.metric == metric], charged)
    return [Text(NOTE), *parts] if parts else []


def one_metric(months: Sequence[MetricCost], charged: Mapping[str, Decimal]) -> list[Part]:
    """One metric: what is to be known of it, its chart and its months, the last one first.

    Args:
        charged: all that the page is charged, by period.
    """
    last = months[-1]
    title = f"{last.name}: cost per {last.piece}"
    said = [Text(about(title, last, charged)), *warnings(months)]
    known = [one for one in months if one.cost_of_one is not None]
    table = Table(title, heads_of(last), [row_of(one) for one in reversed(months)])
    if len(known) < 2:
        return [*said, table]
    says = ", ".join(
        f"{period_title(one.billing_period)} {shown(one.cost_of_one or ZERO, PLACES)}"
        for one in known
    )
    picture = unit_cost_chart(
        [
            (
                one.billing_period,
                one.direct_of_one or ZERO,
                one.cost_of_one or ZERO,
                "" if one.cost_of_one is None else shown(one.cost_of_one, PLACES),
            )
            for one in months
        ]
    )
    chart = Markup(figure_html(picture, f"{title}: {says}", f"unit-cost-{last.metric}"))
    return [Beside([chart, Stacked(said)]), table]


def about(title: str, last: MetricCost, charged: Mapping[str, Decimal]) -> str:
    """What is counted, and what is charged to those who do not count it."""
    if last.quantity is None:
        return f"{title}."
    text = f"{title}. Counted for {period_title(last.billing_period)}: {quantity_of(last)}."
    without = charged.get(last.billing_period, last.cost) - last.cost
    if not without:
        return text
    return f"{text} {shown(without)} is charged to those who count none, and is not in it."


def heads_of(one: MetricCost) -> list[Head]:
    """The columns of a metric."""
    return [
        Head(one.name), Head("Quantity", True), Head("Direct", True, True), Head("Direct, each", True, True),
        Head("Loaded", True, True), Head(f"Per {one.piece}", True), Head("Volume effect", True, True),
        Head("Rate effect", True, True),
    ]  # fmt: skip


def row_of(one: MetricCost) -> list[Cell]:
    """A month of a metric; what cannot be said is said in words."""
    key = ("metric", one.metric, one.billing_period)
    counted = f"as of {one.as_of}{'' if one.is_final else ', provisional'}" if one.as_of else ""
    month = Cell(period_title(one.billing_period), counted, value=one.billing_period)
    if one.quantity is None:
        return [month, Cell("not in yet", value="-1", tone="muted"), *[amount(None)] * 6]
    return [
        month,
        Cell(quantity_of(one), value=f"{one.quantity:f}", figure=(*key, "quantity")),
        amount(one.direct, *key, "direct"),
        of_one(one.direct_of_one, *key, "direct-one"),
        amount(one.cost, *key, "loaded"),
        of_one(one.cost_of_one, *key, "loaded-one"),
        change(one.volume, *key, "volume"),
        change(one.rate, *key, "rate"),
    ]


def quantity_of(one: MetricCost) -> str:
    """A quantity for a reader, without zeros that say nothing."""
    text = f"{one.quantity or 0:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def of_one(value: Decimal | None, *key: str) -> Cell:
    """A unit cost with its decimals; of a quantity of zero there is none."""
    if value is None:
        return Cell("not divided", value="-1", tone="muted")
    return Cell(shown(value, PLACES), value=f"{value:f}", figure=key, tone=tone_of(value))


def warnings(months: Sequence[MetricCost]) -> list[Part]:
    """That a metric is circular, late, provisional or nothing."""
    last = months[-1]
    said: list[Part] = []
    if any(one.is_circular for one in months):
        circular = (
            f"{last.name}: part of this cost is split by the same quantity, so the cost of one moves "
            "less than the business does. Read it with care."
        )
        said.append(Text(circular, "warning"))
    if last.by_parts:
        parts = (
            f"{last.name}: {period_title(last.billing_period)} is the sum of what is counted within, for want "
            "of a count of all. Months are not alike where such a sum counts the same twice."
        )
        said.append(Text(parts, "warning"))
    if last.quantity is None:
        counted = [one for one in months if one.quantity is not None][-1]
        said.append(
            Text(
                f"{last.name}: the count of {period_title(last.billing_period)} is not in yet; the last is of "
                f"{period_title(counted.billing_period)}, as of {counted.as_of}.",
                "warning",
            )
        )
    return said
