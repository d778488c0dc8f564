"""What is open between people: anomalies and tickets, answers to statements, statements to open, remarks."""

from __future__ import annotations

import re

from chargeback.core.period import period_title
from chargeback.dashboards.model import Notice
from chargeback.dashboards.scope import ALL, UNIT
from chargeback.dashboards.sections.opened import Opened
from chargeback.dashboards.sections.shown import (
    NOTHING,
    Cell,
    Head,
    Panel,
    Part,
    Served,
    Shown,
    Table,
    Text,
    amount,
)

OPEN = "open"
#: In which order the files of a statement are listed.
ENDINGS = "html pdf csv"
_ADDRESS = re.compile(r"https?://[^\s]+")


def notices(opened: Opened) -> Shown:
    """Anomalies and tickets of the open month."""
    found = sorted(
        opened.dashboard.notices, key=lambda one: (one.status != OPEN, -one.amount, one.title)
    )
    rows = [
        [
            Cell(one.title, standing(one)),
            Cell(one.owner or "nobody"),
            Cell(one.reference or "–", link=one.link if _ADDRESS.fullmatch(one.link) else ""),
            amount(one.amount, "notice", one.what, one.title, one.reference),
        ]
        for one in found
    ]  # fmt: skip
    heads = [
        Head("What"), Head("Owner", is_optional=True), Head("Ticket"), Head("Amount", True),
    ]  # fmt: skip
    table = Table("Anomalies and tickets", heads, rows, "Nothing is open.")
    return Shown([Panel("notices", "Anomalies and tickets", [table], wide=True)])


def standing(one: Notice) -> str:
    """How a ticket or an anomaly stands, in words."""
    due = f", due {one.due_on}" if one.due_on and one.status == OPEN else ""
    opened_on = f", opened {one.opened_on}" if one.opened_on else ""
    return f"{one.status}{due} · {one.what}{opened_on}"


def answers(opened: Opened) -> Shown:
    """What was answered to the statements: acknowledged, disputed, and how it stands."""
    rows = [
        [
            Cell(period_title(one.billing_period), unit_of(opened, one.business_unit_id), one.billing_period),
            Cell(", ".join(filter(None, (one.what, one.status))),
                 " · ".join(filter(None, (one.subject, one.line)))),
            Cell(one.by, one.at),
            amount(
                one.amount, "answer", one.billing_period, one.business_unit_id, one.what, one.subject, one.at
            ),
        ]
        for one in opened.dashboard.answers
    ]  # fmt: skip
    heads = [
        Head("Statement of"), Head("Answer"), Head("By", is_optional=True),
        Head("Amount", True),
    ]  # fmt: skip
    table = Table("Disputes and acknowledgements", heads, rows, "No statement was answered yet.")
    wide = not opened.dashboard.downloads  # no panel stands beside it
    scope = opened.dashboard
    parts: list[Part] = [table]
    if scope.scope_kind == UNIT:
        parts.append(Served("Acknowledge or dispute a statement", f"units/{scope.scope_id}"))
    return Shown([Panel("answers", "Disputes and acknowledgements", parts, wide=wide)])


def downloads(opened: Opened) -> Shown:
    """The statements that the portal serves; without a portal the list says which there are."""
    found = opened.dashboard.downloads
    if not found:
        return NOTHING
    endings: dict[tuple[str, str], list[str]] = {}
    for one in sorted(found, key=lambda one: ENDINGS.find(one.ending)):
        endings.setdefault((one.billing_period, one.business_unit_id), []).append(one.ending)
    most = max(len(one) for one in endings.values())
    rows = [
        [
            Cell(period_title(period), unit_of(opened, unit), period),
            *(Cell(ending.upper(), open=f"statements/{period}/{unit}/{ending}") for ending in own),
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
