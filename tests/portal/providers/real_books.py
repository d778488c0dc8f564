"""Small books as the portal serves them: two months that were handed out, with dashboards, and a policy.

May and June of tests/delivery/pack/months.py, with the units shop (CC-1, CC-2) and core (CC-9). May charges
shop 80.00 and core 20.01, June shop 30.00 and core 20.00.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.dashboards.run import make_dashboards
from chargeback.delivery.pack import PackTarget
from tests.close.months import JUNE, MAY, month_in
from tests.delivery.pack.months import deliver, make_months
from tests.made_once import made_once

#: Group, role, and what it sees.
POLICY = {
    "shop-people": ("viewer", 'business_units = ["shop"]'),
    "core-people": ("viewer", 'business_units = ["core"]'),
    "web-lead": ("viewer", 'cost_centers = ["CC-1"]'),
    "finance": ("finance", "all = true"),
    "audit": ("auditor", "all = true"),
}


def real_books(factory: pytest.TempPathFactory) -> Path:
    """The folder that holds report, params and books; to be copied where something is written."""
    return made_once(factory, "books-with-dashboards", make)


def make(folder: Path) -> None:
    """Close, hand out, and make the dashboards."""
    make_months(folder)
    month = month_in(folder)
    write_policy(month.params)
    (month.params / "delivery.toml").write_text('[disputes]\nowner = "finops"\n', encoding="utf-8")
    for period in (MAY, JUNE):
        deliver(month, PackTarget("embedded"), period=period)
    make_dashboards(month.books, month.params, lambda _: month.report, "embedded", lambda _: None)


def write_policy(params: Path) -> None:
    """viewers.toml."""
    entries = [
        f'[[viewer]]\ngroup = "{group}"\nrole = "{role}"\n{seen}\nvalid_from = "2026-01"\napproved = "REF-9"\n'
        for group, (role, seen) in POLICY.items()
    ]
    (params / "viewers.toml").write_text("\n".join(entries), encoding="utf-8")
