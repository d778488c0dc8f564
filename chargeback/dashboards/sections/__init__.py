"""What a page says, part by part: one function per cell of `reports/dashboard.ipynb`.

Comes in: the data of the page, as the notebook opened it. Goes out: a `Shown`, one raw block of HTML, with a
plotly figure where JupyterLab can show one.
"""

from __future__ import annotations

from chargeback.dashboards.sections.costs import (
    accounts,
    business_units,
    by_tag,
    cost_centers,
    filters,
    kinds,
    rows,
    services,
    trend,
)
from chargeback.dashboards.sections.details import pools, resources, untagged
from chargeback.dashboards.sections.head import head
from chargeback.dashboards.sections.open_points import answers, downloads, notices, remarks
from chargeback.dashboards.sections.opened import open_dashboard
from chargeback.dashboards.sections.plan import budgets, unit_costs

__all__ = [
    "accounts", "answers", "budgets", "business_units", "by_tag", "cost_centers", "downloads", "filters",
    "head", "kinds", "notices", "open_dashboard", "pools", "remarks", "resources", "rows", "services", "trend",
    "unit_costs", "untagged",
]  # fmt: skip
