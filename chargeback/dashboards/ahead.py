"""Ahead of the pages: what their kernels have done before they are given a notebook.

The process that kernels are forked from rehearses a page of one charge, once for all pages: pandas loads some
of itself when it is first used, not when it is imported. plotly's figures are for JupyterLab, and not drawn.
"""

from __future__ import annotations

from decimal import Decimal

from chargeback.dashboards import sections
from chargeback.dashboards.model import CLOSED, ChargeRow, Dashboard, Month
from chargeback.dashboards.on_pages import OF_PAGES
from chargeback.dashboards.scope import ALL
from chargeback.dashboards.sections.opened import Opened

PERIOD = "2026-05"


def rehearse() -> None:
    """Show every section of a page of one charge."""
    opened = Opened(rehearsed())
    for name in sections.__all__:
        if name != sections.open_dashboard.__name__:
            getattr(sections, name)(opened)._repr_mimebundle_(OF_PAGES)


def rehearsed() -> Dashboard:
    """A page of one charge of one dollar."""
    one = Decimal("1.00")
    row = ChargeRow(PERIOD, "unit", "center", "direct", "", "account", "AmazonEC2", "", one)
    month = Month(PERIOD, CLOSED, "", one)
    return Dashboard(
        ALL, "", "Rehearsal", "", "USD", PERIOD, (month,), (row,), (), (), (), (), (), (), None,
        (), (), (), (), (),
    )  # fmt: skip
