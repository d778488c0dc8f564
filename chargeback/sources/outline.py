"""Outline: whom and what a delivery bills, for whoever describes it in params or asks why it does not tie.

In: a report's folder and the record of a delivery. Out: a small table by account, payer, invoice, issuer,
currency, line item type and product. It reads columns that no close reads: names of accounts and issuers.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from chargeback.aws.report_location import ReportLocation
from chargeback.books.source_record import SourceRecord
from chargeback.core.sums import sums_by
from chargeback.sources.report import asked

NET = "line_item_net_unblended_cost"

NAMES = {
    "bill_invoicing_entity": "varchar", "bill_payer_account_id": "varchar",
    "bill_payer_account_name": "varchar", NET: "double",
    "line_item_usage_account_name": "varchar",
}  # fmt: skip


def report_outline(report: Path, record: SourceRecord) -> pa.Table:
    """The rows of sql/sources/report_outline.sql: a column that the delivery lacks is null."""
    return asked(report, record, "report_outline", tag_keys=[], besides=NAMES)


def net_costs(report: ReportLocation, record: SourceRecord) -> dict[str, Decimal]:
    """What each invoice's line items cost net of discounts that the export has in columns, in currency units.

    An export without INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY has negotiated discounts in columns, and its invoice
    is net (CUR fact 1.8). A close charges what stands on lines, and does not tie out there; this says why.
    Nothing for a delivery without the column, or one that only Athena can read.
    """
    if NET not in record.columns or not isinstance(report, Path):
        return {}
    sums = sums_by(report_outline(report, record), ["invoice_id"], "net_cost")
    return {invoice_id: cost for (invoice_id,), cost in sums.items() if invoice_id}
