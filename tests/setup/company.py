"""A small company's first report: three accounts, two teams that shop and one that does data, one invoice.

    shop-prod    shop 600.00 and Shop 20.00, search 180.00, untagged 40.00
    data-prod    data science 190.00, none 10.00
    harbor       AWS Support 100.00, tax 60.00, a credit of 50.00

In all 1,150.00 on invoice 1000000001.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.reports import write_report

HARBOR, SHOP, DATA = "111122223333", "222233334444", "333344445555"
NAMES = {HARBOR: "harbor", SHOP: "shop-prod", DATA: "data-prod"}
INVOICE = "1000000001"
ISSUER = "Amazon Web Services, Inc."


def line(account: str, cost: float, team: str = "", **cells: Any) -> dict[str, Any]:
    """A line item of an account; `team` is the value of its tag."""
    return {
        "line_item_usage_account_id": account,
        "line_item_usage_account_name": NAMES[account],
        "bill_payer_account_id": HARBOR,
        "bill_payer_account_name": NAMES[HARBOR],
        "bill_invoicing_entity": ISSUER,
        "bill_invoice_id": INVOICE,
        "line_item_unblended_cost": cost,
        "resource_tags": {"user_team": team} if team else {},
        **cells,
    }


def company_lines() -> list[dict[str, Any]]:
    """The company's month."""
    return [
        line(SHOP, 600.0, "shop"),
        line(SHOP, 20.0, "Shop"),
        line(SHOP, 180.0, "search"),
        line(SHOP, 40.0),
        line(DATA, 190.0, "data science"),
        line(DATA, 10.0, "none"),
        line(HARBOR, 100.0, line_item_product_code="AWSSupportBusiness"),
        line(HARBOR, 60.0, line_item_line_item_type="Tax"),
        line(HARBOR, -50.0, line_item_line_item_type="Credit"),
    ]


def write_company(folder: Path, period: str = "2026-05") -> Path:
    """The report."""
    return write_report(folder, company_lines(), period=period)
