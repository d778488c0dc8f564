"""Outline: whom and what a delivery bills, for whoever begins to describe it in params.

In: a report's folder and the record of a delivery. Out: a small table by account, payer, invoice, issuer,
currency, line item type and product. It reads columns that no close reads: names of accounts and issuers.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from chargeback.books.source_record import SourceRecord
from chargeback.engine import Engine
from chargeback.sources.report import open_report

NAMES = {
    "bill_invoicing_entity": "varchar", "bill_payer_account_id": "varchar",
    "bill_payer_account_name": "varchar", "line_item_net_unblended_cost": "double",
    "line_item_usage_account_name": "varchar",
}  # fmt: skip


def report_outline(report: Path, record: SourceRecord) -> pa.Table:
    """The rows of sql/sources/report_outline.sql: a column that the delivery lacks is null."""
    engine = Engine()
    try:
        open_report(engine, report, record, tag_keys=[], besides=NAMES)
        return engine.query("sources", "report_outline", {"period": record.billing_period})
    finally:
        engine.close()
