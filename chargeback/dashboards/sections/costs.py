"""The charges: the trend over all months, and tables of one month that a reader filters.

The tables show the last closed month as it was charged. The script makes them again for another month, cost
center, account, service or kind, from the rows that the page holds; so this module and reports/dashboard.js
say the same with the same words, and a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.dashboards.model import ChargeRow, Month
from chargeback.dashboards.on_pages import ROWS_ID
from chargeback.dashboards.sections.opened import DIMENSIONS, ZERO, Opened
from chargeback.dashboards.sections.shown import (
    BEFORE,
    CHANGE,
    NOTHING,
    Beside,
    Cell,
    Head,
    Markup,
    Panel,
    Part,
    Shown,
    Table,
    Text,
    amount,
    change,
)
from chargeback.pages.charts import Picture, bars_chart, trend_chart
from chargeback.pages.escaping import html_text
from chargeback.pages.figures import bar, over_time
from chargeback.pages.vocabulary import KINDS, share_text

#: How many bars a chart of a table has.
MOST_BARS = 10
#: What a plural of each dimension is called, in the title of its table.
TITLES = {
    "business_unit_id": "By business unit", "cost_center_id": "By cost center", "account_id": "By account",
    "product_code": "By service", "kind": "By kind of cost",
}  # fmt: skip


@dataclass(frozen=True)
class MonthParts:
    """A month's charges in the three parts that the trend shows."""

    billing_period: str
    direct: Decimal
    allocated: Decimal
    other: Decimal
    amount: Decimal


def trend(opened: Opened) -> Shown:
    """What each month came to, the open one with its mark."""
    months = [parts_of(opened, one) for one in opened.months]
    if not months:
        return Shown([Panel("trend", "Trend", [Text("No month is closed yet.")], wide=True)])
    rows = [
        [
            Cell(opened.title(one.billing_period), value=one.billing_period),
            *(
                amount(getattr(one, part), "trend", one.billing_period, part)
                if one.billing_period in opened.detailed
                else amount(None)
                for part in ("direct", "allocated", "other")
            ),
            amount(one.amount, "month", one.billing_period),
        ]
        for one in reversed(months)
    ]  # fmt: skip
    heads = [
        Head("Month"), Head("Direct cost", True, True), Head("Shared cost", True, True),
        Head("Other", True, True), Head("Total", True),
    ]  # fmt: skip
    says = ", ".join(f"{opened.title(one.billing_period)} {shown(one.amount)}" for one in months)
    drawn_months = [one for one in months if one.billing_period in opened.detailed]
    chart = figure_html(trend_chart(drawn_months), f"Charges of each month: {says}", "trend-chart")
    note = (
        "The open month has direct cost only; shared cost is spread when it closes."
        if opened.is_partial
        else ""
    )
    drawn = over_time(
        [one.billing_period for one in months],
        [("Total", [one.amount for one in months]), ("Direct cost", [one.direct for one in months])],
        "Charges of each month", opened.dashboard.currency,
    )  # fmt: skip
    parts = [Beside([Markup(chart), Table("Months", heads, rows)])]
    return Shown([Panel("trend", "Trend", parts, wide=True, note=note)], drawn)


def parts_of(opened: Opened, month: Month) -> MonthParts:
    """A month's charges in three parts, and in all."""
    kinds = opened.by_kind[month.billing_period]
    direct, allocated = kinds.get("direct", ZERO), kinds.get("allocated", ZERO)
    other = sum(
        (found for kind, found in kinds.items() if kind not in ("direct", "allocated")), ZERO
    )
    return MonthParts(month.billing_period, direct, allocated, other, month.amount)


def figure_html(picture: Picture, says: str, name: str) -> str:
    """A chart in its two forms, with its meaning in words."""
    return (
        f'<figure role="img" data-chart="{name}" aria-label="{html_text(says)}">{picture.wide}'
        f"{picture.narrow}</figure>"
    )


def filters(opened: Opened) -> Shown:
    """What a reader chooses the month and the charges by; the script shows it, because it needs it."""
    months = "".join(
        f'<option value="{html_text(one)}"{selected(one == chosen(opened))}>'
        f"{html_text(opened.title(one))}</option>"
        for one in reversed(opened.detailed)
    )
    fields = [("month", "Month", months + '<option value="all">All months</option>')]
    for column in opened.dimensions:
        options = "".join(
            f'<option value="{html_text(found)}">{html_text(option_label(opened, column, found))}</option>'
            for found in values_of(opened, column)
        )
        fields.append((column, DIMENSIONS[column], f'<option value="*">All</option>{options}'))
    labels = "".join(
        f'<label><span>{label}</span><select name="{name}">{options}</select></label>'
        for name, label, options in fields
    )
    return Shown([
        Markup(
            '<form class="filters" id="filters" aria-label="Filter the charges" hidden>'
            f'{labels}<button type="reset">Show all</button>'
            '<output class="chosen" aria-live="polite"></output></form>'
        )
    ])  # fmt: skip


def selected(is_selected: bool) -> str:
    """The attribute of the option that is chosen."""
    return " selected" if is_selected else ""


def chosen(opened: Opened) -> str:
    """The month that the tables show: the last closed one, else the open one."""
    known = opened.detailed
    return opened.last if opened.last in known else (known[-1] if known else "")


def values_of(opened: Opened, column: str) -> list[str]:
    """What a column of the charges has, as it is listed: by name."""
    found = set(opened.frame[column]) if len(opened.frame) else set()
    if column == "kind":
        return [one for one in KINDS if one in found] + sorted(found - set(KINDS))
    return sorted(found, key=lambda one: (opened.label(column, one).lower(), one))


def option_label(opened: Opened, column: str, found: str) -> str:
    """A value in a list to choose from: its name, and its id where that says more."""
    sub = opened.sub(column, found)
    return opened.label(column, found) + (f" ({sub})" if sub else "")


def by(opened: Opened, column: str) -> Shown:
    """The chosen month by a column of the charges, the dearest first, beside the month before."""
    if column not in opened.dimensions:
        return NOTHING
    period = chosen(opened)
    before = earlier_month(opened, period)
    now = {key[0]: found for key, found in opened.sums([column], period).items()}
    then = {key[0]: found for key, found in opened.sums([column], before).items()} if before else {}
    listed = sorted(
        {*now, *then}, key=lambda one: (-now.get(one, ZERO), opened.label(column, one), one)
    )
    total, largest = sum(now.values(), ZERO), max([*now.values(), ZERO])
    rows = [
        [
            Cell(opened.label(column, one), opened.sub(column, one), bar=portion(now.get(one, ZERO), largest)),
            amount(now.get(one, ZERO), column, one),
            Cell(share_text(now.get(one, ZERO), total, 1), value=f"{now.get(one, ZERO):f}", tone="muted"),
            amount(then.get(one, ZERO), column, one, BEFORE, muted=True) if before else Cell(""),
            change(now.get(one, ZERO) - then.get(one, ZERO), column, one, CHANGE) if before else Cell(""),
        ]
        for one in listed
    ]  # fmt: skip
    earlier = sum(then.values(), ZERO)
    foot = [
        Cell("Total"), amount(total, column, "", "total"), Cell(""),
        amount(earlier, column, "", "total", BEFORE, muted=True) if before else Cell(""),
        change(total - earlier, column, "", "total", CHANGE) if before else Cell(""),
    ]  # fmt: skip
    heads = [
        Head(DIMENSIONS[column]), Head(short_title(opened, period), True), Head("Share", True, True),
        Head(short_title(opened, before) if before else "", True, True), Head("Change" if before else "", True),
    ]  # fmt: skip
    table = Table(TITLES[column], heads, rows, "No charge.", foot if rows else (), filtered=column)
    drawn = bar(
        [opened.label(column, one) for one in listed[:MOST_BARS]],
        [now.get(one, ZERO) for one in listed[:MOST_BARS]],
        f"{TITLES[column]}, {short_title(opened, period)}", opened.dashboard.currency,
    )  # fmt: skip
    alone = (
        column == opened.dimensions[-1] and len(opened.dimensions) % 2 == 1
    )  # no panel beside it
    panel = Panel(f"by-{column}", TITLES[column], [table], wide=alone)
    return Shown([panel], drawn if rows else None)


def earlier_month(opened: Opened, period: str) -> str:
    """The closed month right before one, where its charges are here; blank where they are not."""
    before = opened.before(period)
    return before if before in opened.detailed else ""


def portion(part: Decimal, largest: Decimal) -> Decimal:
    """How long a bar is beside the longest."""
    return part / largest if largest > 0 and part > 0 else Decimal(0)


def short_title(opened: Opened, period: str) -> str:
    """A month at the head of a column."""
    return opened.title(period) if period else "Amount"


def by_tag(opened: Opened) -> Shown:
    """Direct cost of the last closed month by the values of each tag."""
    tags = opened.dashboard.tags
    keys = list(dict.fromkeys(one.tag_key for one in tags))
    tables = []
    for key in keys:
        own = sorted(
            (one for one in tags if one.tag_key == key),
            key=lambda one: (-one.amount, one.tag_value),
        )
        total, largest = sum((one.amount for one in own), ZERO), max(one.amount for one in own)
        rows = [
            [
                Cell(one.tag_value or "without this tag", bar=portion(one.amount, largest),
                     tone="" if one.tag_value else "muted"),
                amount(one.amount, "tag", key, one.tag_value),
                Cell(share_text(one.amount, total, 1), value=f"{one.amount:f}", tone="muted"),
            ]
            for one in own
        ]  # fmt: skip
        heads = [Head(key), Head("Direct cost", True), Head("Share", True, True)]
        foot = [Cell("Total"), amount(total, "tag", key, "", "total"), Cell("")]
        tables.append(Table(f"By tag {key}", heads, rows, total=foot))
    none = Text("Nothing is known of tags in this month.")
    parts: list[Part] = [Beside(tables)] if tables else [none]
    title = f"By tag, {period_title(opened.last)}" if opened.last else "By tag"
    note = "Direct cost, by what its resources are tagged with."
    return Shown([Panel("tags", title, parts, wide=True, note=note)])


def rows(opened: Opened) -> Shown:
    """The charges as the script reads them: each value once, rows by their places, amounts whole numbers.

    `scale` is how many decimals the amounts have. Nothing in it can end the element that it stands in.
    """
    columns = [*DIMENSIONS, "pool_id", "original_period"]
    values = {one: sorted(set(opened.frame[one])) if len(opened.frame) else [] for one in columns}
    places = {one: {value: at for at, value in enumerate(values[one])} for one in columns}
    months = opened.detailed
    found = {
        "scope": [opened.dashboard.scope_kind, opened.dashboard.scope_id],
        "currency": opened.dashboard.currency,
        "scale": opened.places,
        "chosen": chosen(opened),
        "months": [[one, opened.title(one), earlier_month(opened, one)] for one in months],
        "dimensions": opened.dimensions,
        "columns": columns,
        "values": {
            one: [
                [value, plain(opened.label(one, value)), plain(opened.sub(one, value))]
                for value in values[one]
            ]
            if one in DIMENSIONS
            else [[value] for value in values[one]]
            for one in columns
        },
        "rows": [
            [months.index(row.billing_period), *(places[one][getattr(row, one)] for one in columns),
             whole(row, opened.places)]
            for row in opened.dashboard.rows
        ],
    }  # fmt: skip
    text = json.dumps(found, separators=(",", ":"))
    for character in "<>&`":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Shown([Markup(f'<script type="application/json" id="{ROWS_ID}">{text}</script>')])


def whole(row: ChargeRow, places: int) -> str:
    """An amount as a whole number of its smallest part, as text: a browser's numbers are not exact."""
    scaled = row.amount.scaleb(places)
    assert scaled == int(scaled)
    return str(int(scaled))


def business_units(opened: Opened) -> Shown:
    """By business unit; on the page over all of them."""
    return by(opened, "business_unit_id")


def cost_centers(opened: Opened) -> Shown:
    """By cost center."""
    return by(opened, "cost_center_id")


def accounts(opened: Opened) -> Shown:
    """By account."""
    return by(opened, "account_id")


def services(opened: Opened) -> Shown:
    """By service."""
    return by(opened, "product_code")


def kinds(opened: Opened) -> Shown:
    """By kind of cost."""
    return by(opened, "kind")


def bars_of(rows: Sequence[tuple[str, Decimal, Decimal | None]], says: str) -> Markup:
    """A chart of bars with marks."""
    return Markup(figure_html(bars_chart(rows), says, "bars"))
