"""Net costs: what line items come to after discounts that an export has in columns instead of on lines.

An export without `INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY` has negotiated discounts in the columns `discount` and
line_item_net_unblended_cost, and its invoice is net (CUR fact 1.8). A close charges what stands on lines, and
does not tie out there; what is asked here says why.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from chargeback.books.source_record import SourceRecord
from chargeback.engine import Engine
from chargeback.sources.report import open_report

NET = "line_item_net_unblended_cost"


def net_costs(report: object, record: SourceRecord) -> dict[str, tuple[Decimal, Decimal]]:
    """By invoice: unblended and net cost; nothing for a report without the column, or that is no folder."""
    if NET not in record.columns or not isinstance(report, Path):
        return {}
    engine = Engine()
    try:
        open_report(engine, report, record, besides={NET: "double"})
        rows = engine.query("sources", "net_costs", {"period": record.billing_period}).to_pylist()
    finally:
        engine.close()
    return {row["invoice_id"]: (row["unblended_cost"], row["net_cost"]) for row in rows}
