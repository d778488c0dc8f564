"""`statement.csv`: every ledger line of one unit, flat, with the names a reader needs.

One row per posting that charges one of the unit's cost centers; no totals rows, so the sum of the
column `amount` is the statement's total. Amounts and weights are plain numbers; text that a spreadsheet would
take for a formula gets a leading apostrophe (`core.csv_files`).

What a part of a pool is computed from stands beside it (`split_cells`): pool_total × weight ÷ total_weight is
exact_amount, and so is pool_total × share. `pool_total` is what the pool held on the invoice of the line. These
cells are blank where finance keeps a pool's totals, but for the own weight, and all of them where policy has
shares only, for there the page has the unit's share, rounded.

`reference` is that of the page's line that a row is in (chargeback/ledger/references.py): the rows that have
the same one sum to that line. `line_reference` names the row alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.allocation.pools import ALLOCATED
from chargeback.core.csv_files import open_csv
from chargeback.ledger.references import References
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
    "pool_total",
    "total_weight",
    "weight",
    "share",
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
    "reference",
    "line_reference",
)
#: The columns of totals of all units together, which finance may keep.
TOTALS_OF_POOLS = ("pool_total", "total_weight", "share")

OPEN, CLOSED = "PROVISIONAL", "closed"
KINDS_OF_MONTH = {PRO_FORMA: ", pro forma", NO_INVOICE: ", no AWS invoice"}
STATUSES = [one + kind for one in (OPEN, CLOSED) for kind in ("", *KINDS_OF_MONTH.values())]

Row = Mapping[str, Any]


def write_lines(inputs: StatementInputs, charges: Charges, unit_id: str, path: Path) -> None:
    """Write the unit's lines, in the ledger's order, as UTF-8 with a header line."""
    params, names = inputs.params, inputs.product_names
    status = OPEN if inputs.provisional else CLOSED
    status += KINDS_OF_MONTH.get(params.policy.invoicing, "")
    pool_names = {pool.pool_id: pool.name for pool in params.pools}
    references = References.of(inputs.billing_period, unit_id, charges.of_unit(unit_id))
    with open_csv(path, COLUMNS) as write:
        for row in charges.of_unit(unit_id):
            center = params.cost_centers.get(row["cost_center_id"])
            account = params.accounts.get(row["account_id"] or "")
            code = row["product_code"]
            shown = row | {
                "status": status,
                "business_unit_name": params.business_units[unit_id].name,
                "cost_center_name": center.name if center else None,
                "pool_name": pool_names.get(row["pool_id"] or ""),
                "account_name": account.name if account else None,
                "product_name": service_name(code, names.get(code, "")) if code else None,
                "reference": references.of_page(row),
                "line_reference": references.of_posting(row),
                **split_cells(row, charges),
            }
            write([shown[name] for name in COLUMNS])


def split_cells(row: Row, charges: Charges) -> dict[str, Decimal | None]:
    """What a line's part of a pool is computed from: pool_total, total_weight, weight, share.

    All that statement.csv says of pools and weights is decided here: what a pool held on the line's invoice,
    the weights of all recipients, the line's own weight and its share between 0 and 1. None is a blank cell.
    """
    found: dict[str, Decimal | None] = dict.fromkeys(TOTALS_OF_POOLS)
    if hides_weights(charges.published.policy):
        return found | {"weight": None}
    found["weight"] = row["weight"]
    split = charges.pools.get(row["pool_id"] or "")
    if split is None or not charges.published.pool(row["pool_id"]):
        return found
    if row["kind"] != ALLOCATED or not split.total_weight:
        return found
    return found | {
        "pool_total": split.exact[row["invoice_id"] or ""],
        "total_weight": split.total_weight,
        "share": split.share(row["weight"]),
    }
