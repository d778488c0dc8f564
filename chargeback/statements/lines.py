"""`statement.csv`: every ledger line of one unit, flat, with the names a reader needs.

One row per posting that charges one of the unit's cost centers; no totals rows, so the sum of the
column `amount` is the statement's total. `total_weight` is blank where finance keeps a
pool's totals, and `weight` too where policy has shares only. Amounts and weights are plain
numbers; text that a spreadsheet would take for a formula gets a leading apostrophe (`core.csv_files`).
"""

from __future__ import annotations

from pathlib import Path

from chargeback.core.csv_files import open_csv
from chargeback.pages.vocabulary import service_name
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.params.published_totals import hides_weights
from chargeback.statements.extract import Charges
from chargeback.statements.inputs import StatementInputs

COLUMNS = (
    "status",
    "billing_period",
    "business_unit_id",
    "business_unit_name",
    "cost_center_id",
    "cost_center_name",
    "kind",
    "pool_id",
    "pool_name",
    "allocation_key",
    "weight",
    "total_weight",
    "invoice_id",
    "account_id",
    "account_name",
    "product_code",
    "product_name",
    "line_item_type",
    "rule",
    "exact_amount",
    "amount",
    "currency",
    "original_period",
    "entry_id",
    "line",
)
OPEN, CLOSED = "PROVISIONAL", "closed"
KINDS_OF_MONTH = {PRO_FORMA: ", pro forma", NO_INVOICE: ", no AWS invoice"}
STATUSES = [one + kind for one in (OPEN, CLOSED) for kind in ("", *KINDS_OF_MONTH.values())]


def write_lines(inputs: StatementInputs, charges: Charges, unit_id: str, path: Path) -> None:
    """Write the unit's lines, in the ledger's order, as UTF-8 with a header line."""
    params, names = inputs.params, inputs.product_names
    status = OPEN if inputs.provisional else CLOSED
    status += KINDS_OF_MONTH.get(params.policy.invoicing, "")
    pool_names = {pool.pool_id: pool.name for pool in params.pools}
    with open_csv(path, COLUMNS) as write:
        for row in charges.of_unit(unit_id):
            center = params.cost_centers.get(row["cost_center_id"])
            account = params.accounts.get(row["account_id"] or "")
            code = row["product_code"]
            pool = charges.pools.get(row["pool_id"] or "")
            is_shown = pool and charges.published.pool(row["pool_id"])
            shown = row | {
                "status": status,
                "business_unit_name": params.business_units[unit_id].name,
                "cost_center_name": center.name if center else None,
                "pool_name": pool_names.get(row["pool_id"] or ""),
                "account_name": account.name if account else None,
                "product_name": service_name(code, names.get(code, "")) if code else None,
                "weight": None if hides_weights(charges.published.policy) else row["weight"],
                "total_weight": pool.total_weight if pool and is_shown else None,
            }
            write([shown[name] for name in COLUMNS])
