"""The ledger's columns: the contract between posting, statements, audits and everyone else's tools."""

from __future__ import annotations

import pyarrow as pa

from chargeback.engine.tables import CENTS, EXACT

#: One row per line of a journal entry; the lines of one entry_id sum to zero, exactly and in cents.
POSTINGS = pa.schema(
    [
        # "<period>/<kind>/<invoice or '-'>/<owner>", readable and unique
        ("entry_id", pa.string()),
        ("line", pa.int32()),  # from 1 within the entry
        ("billing_period", pa.string()),
        ("kind", pa.string()),  # direct, pooled, allocated, commitment, rounding, adjustment
        ("ledger_account", pa.string()),  # payable:<invoice>, cost-center:<id>, pool:<id>
        ("business_unit_id", pa.string()),  # null on payable and pool lines
        ("cost_center_id", pa.string()),  # null on payable and pool lines
        ("pool_id", pa.string()),  # pooled lines, and both sides of allocated entries
        ("invoice_id", pa.string()),
        ("account_id", pa.string()),  # null on allocated and rounding lines
        ("product_code", pa.string()),
        ("line_item_type", pa.string()),
        # tag:<key>, account-default, pool:<id>, commitment, rounding, adjustment:<ref>
        ("rule", pa.string()),
        # allocated lines: direct_spend, even, fixed, driver:<name>
        ("allocation_key", pa.string()),
        ("weight", EXACT),  # allocated cost-center lines: this cost center's weight under the key
        ("exact_amount", EXACT),
        ("amount", CENTS),
        ("currency", pa.string()),
        ("original_period", pa.string()),  # the period a correction is about; null otherwise
    ]
)
