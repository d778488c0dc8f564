"""A page's sections as its notebook shows them, without notebook and renderer; and pages rendered once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.runner import stop
from chargeback.dashboards import sections
from chargeback.dashboards.editions import PAGE, file_of
from chargeback.dashboards.model import ChargeRow, Dashboard, Name, Notice, TagCost
from chargeback.dashboards.pages import render_dashboards
from chargeback.dashboards.read_back import SeenDashboard, read_dashboard
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.dashboards.sections.opened import Opened
from tests.dashboards.made import MADE, for_all, for_center
from tests.dashboards.made import UNIT as CLAIMS
from tests.made_once import made_once
from tests.statements.hostile import FORMULA, MARKDOWN, RTL, SCRIPT

#: In the order of reports/dashboard.ipynb.
SECTIONS = (
    "head", "filters", "trend", "business_units", "cost_centers", "accounts", "services", "kinds", "by_tag",
    "resources", "pools", "untagged", "budgets", "unit_costs", "notices", "answers", "downloads", "remarks",
    "rows",
)  # fmt: skip

ENDS_A_SCRIPT = "</script><script>alert(1)</script><!--"
HOSTILE_TEXTS = (
    SCRIPT,
    ENDS_A_SCRIPT,
    '"><img src=x onerror=alert(1)>',
    FORMULA,
    RTL,
    MARKDOWN,
    "]]> & {{< env HOME >}}",
)


def html_of(dashboard: Dashboard) -> str:
    """The HTML of all sections of a page."""
    opened = Opened(dashboard)
    shown = (getattr(sections, name)(opened) for name in SECTIONS)
    return "\n".join(part.html() for one in shown for part in one.parts)


def seen(dashboard: Dashboard) -> SeenDashboard:
    """What a reader sees of a page's sections."""
    return read_dashboard(f"<main>{html_of(dashboard)}</main>".encode())


def hostile() -> Dashboard:
    """The page by hand, with texts of people who mean harm wherever people write."""
    names = tuple(
        Name("account", f"00000000000{at}", text) for at, text in enumerate(HOSTILE_TEXTS)
    )
    rows = tuple(
        ChargeRow("2026-05", CLAIMS, "CC-1", "direct", "", one.id, text, "", Decimal("10.00"))
        for one, text in zip(names, HOSTILE_TEXTS, strict=True)
    )
    added = Decimal("10.00") * len(rows)
    return replace(
        MADE, name=SCRIPT, owner=ENDS_A_SCRIPT, names=(*MADE.names, *names), rows=(*MADE.rows, *rows),
        months=tuple(
            replace(one, amount=one.amount + added) if one.billing_period == "2026-05" else one
            for one in MADE.months
        ),
        tags=tuple(TagCost("user_application", text, Decimal("5.00")) for text in HOSTILE_TEXTS),
        notices=tuple(
            Notice("untagged", text, Decimal("1.00"), "open", "", "", text, text, "javascript:alert(1)")
            for text in HOSTILE_TEXTS
        ),
        remarks=HOSTILE_TEXTS,
    )  # fmt: skip


PAGES = {
    Scope(UNIT, CLAIMS): MADE, Scope(ALL): for_all(), Scope(COST_CENTER, "CC-1"): for_center(),
    Scope(UNIT, "hostile"): hostile(),
}  # fmt: skip


def rendered(factory: pytest.TempPathFactory) -> dict[Scope, Path]:
    """The pages by hand, made once in a test run by the embedded renderer."""

    def make(folder: Path) -> None:
        try:
            render_dashboards(PAGES, folder, "embedded")
        finally:
            stop()

    folder = made_once(factory, "dashboard-pages", make)
    return {scope: folder / file_of(scope, PAGE) for scope in PAGES}
