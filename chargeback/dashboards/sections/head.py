"""The top of the page: whose it is, the last closed month, and the open one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.dashboards.model import PROVISIONAL
from chargeback.dashboards.scope import ALL, COST_CENTER
from chargeback.dashboards.sections.opened import ZERO, Opened
from chargeback.dashboards.sections.shown import CHANGE, Shown, classes, figure_attribute, tone_of
from chargeback.pages.escaping import html_text
from chargeback.pages.parts import signed
from chargeback.pages.vocabulary import KINDS

KICKERS = {ALL: "AWS cost of all business units", COST_CENTER: "AWS cost of a cost center"}
KICKER = "AWS cost of a business unit"

#: Where the links at the top of the page lead.
PLACES = (
    ("trend", "Trend"), ("filters", "Costs"), ("resources", "Resources"), ("pools", "Shared cost"),
    ("untagged", "Untagged"), ("budget", "Budget"), ("unit-cost", "Unit cost"), ("notices", "Open points"),
    ("answers", "Answers"), ("downloads", "Statements"), ("remarks", "Remarks"),
)  # fmt: skip


@dataclass(frozen=True)
class Box:
    """A figure in large letters.

    Args:
        lines: what is said about it, quieter.
        amounts: label, amount and what it is, of amounts below it.
    """

    label: str
    value: Decimal
    figure: tuple[str, ...]
    currency: str
    lines: Sequence[str] = ()
    amounts: Sequence[tuple[str, Decimal, tuple[str, ...]]] = ()
    sign: bool = False
    mark: str = ""

    def html(self) -> str:
        text = signed(self.value) if self.sign else shown(self.value)
        mark = f' <span class="flag">{html_text(self.mark)}</span>' if self.mark else ""
        lines = "".join(f'<p class="line">{html_text(one)}</p>' for one in self.lines)
        tone = tone_of(self.value)
        amounts = "".join(amount_line(*one) for one in self.amounts)
        if amounts:
            lines += f'<dl class="amounts">{amounts}</dl>'
        return (
            f'<div class="box"><p class="label">{html_text(self.label)}{mark}</p>'
            f'<p class="total"><span{classes([tone] if tone else [])}'
            f"{figure_attribute(self.figure)}>{html_text(text)}</span> "
            f'<span class="currency">{html_text(self.currency)}</span></p>{lines}</div>'
        )


def amount_line(label: str, value: Decimal, figure: tuple[str, ...]) -> str:
    """A label and its amount."""
    tone = tone_of(value)
    return (
        f"<div><dt>{html_text(label)}</dt><dd{classes([tone] if tone else [])}"
        f"{figure_attribute(figure)}>{html_text(shown(value))}</dd></div>"
    )


@dataclass(frozen=True)
class Masthead:
    """Whose page it is, and the months it tells of."""

    opened: Opened

    def html(self) -> str:
        one = self.opened.dashboard
        facts = [("Owner", one.owner)] if one.owner else []
        if one.scope_id and one.scope_id != one.name:
            facts.append(("Id", one.scope_id))
        facts.append(
            ("Last closed month", period_title(one.last_closed) if one.last_closed else "none yet")
        )
        month = self.opened.open_month
        if month:
            as_of = f", up to {month.as_of}" if month.as_of else ""
            facts.append(("Open month", f"{period_title(month.billing_period)}{as_of}"))
        pairs = "".join(
            f"<div><dt>{html_text(label)}</dt><dd><bdi>{html_text(text)}</bdi></dd></div>"
            for label, text in facts
        )
        return (
            f'<header class="masthead"><p class="kicker">{html_text(KICKERS.get(one.scope_kind, KICKER))}</p>'
            f"<h1><bdi>{html_text(one.name)}</bdi></h1><dl>{pairs}</dl></header>\n{navigation()}"
        )


@dataclass(frozen=True)
class Boxes:
    """Figures in large letters, side by side."""

    boxes: Sequence[Box]

    def html(self) -> str:
        return f'<div class="boxes">{"".join(one.html() for one in self.boxes)}</div>'


def navigation() -> str:
    """Links to the parts of the page; the script takes those away that lead nowhere."""
    links = "".join(f'<li><a href="#{place}">{label}</a></li>' for place, label in PLACES)
    return f'<nav class="places" aria-label="Parts of this page"><ul>{links}</ul></nav>'


def head(opened: Opened) -> Shown:
    """Whose page it is; the last closed month, its change and what it is made of; the open month."""
    boxes = [*closed_boxes(opened), *open_boxes(opened)]
    return Shown([Masthead(opened), *([Boxes(boxes)] if boxes else [])])


def closed_boxes(opened: Opened) -> list[Box]:
    """The last closed month and its change."""
    month, currency = opened.month(opened.last), opened.dashboard.currency
    if month is None:
        return []
    kinds = opened.by_kind[opened.last]
    made_of = [
        (label, kinds[kind], ("kind", opened.last, kind))
        for kind, label in KINDS.items()
        if kinds.get(kind, ZERO)
    ]
    boxes = [
        Box(
            f"{period_title(opened.last)}, charged", month.amount, ("month", opened.last), currency,
            amounts=made_of,
        )
    ]  # fmt: skip
    before = opened.month(opened.before(opened.last))
    if before:
        delta = month.amount - before.amount
        percent = [f"{signed(delta * 100 / before.amount, 1)}%"] if before.amount > 0 else []
        earlier = period_title(before.billing_period)
        boxes.append(
            Box(f"Change from {earlier}", delta, ("month", opened.last, CHANGE), currency, percent,
                [(f"{earlier}, charged", before.amount, ("month", before.billing_period))], sign=True)
        )  # fmt: skip
    return boxes


def open_boxes(opened: Opened) -> list[Box]:
    """The open month so far, and what it comes to at that rate."""
    month, currency = opened.open_month, opened.dashboard.currency
    if month is None:
        return []
    title = period_title(month.billing_period)
    what = "all cost, not final" if month.status == PROVISIONAL else "direct cost only"
    up_to = f"up to {month.as_of}, {what}" if month.as_of else what
    mark = "provisional" if month.status == PROVISIONAL else "to date"
    boxes = [
        Box(
            f"{title} so far",
            month.amount,
            ("month", month.billing_period),
            currency,
            [up_to],
            mark=mark,
        )
    ]
    forecast = opened.dashboard.forecast
    if forecast:
        boxes.append(
            Box(f"{period_title(forecast.billing_period)}, forecast", forecast.expected,
                ("forecast", forecast.billing_period), currency, [forecast.method])
        )  # fmt: skip
    return boxes
