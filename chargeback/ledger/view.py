"""What the ledger notebook shows: what everybody is charged, and how it ties to the invoices."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.tables import statement_total
from chargeback.engine.control_view import control_lines
from chargeback.engine.controls import Outcome
from chargeback.ledger.invoices import InvoiceTie
from chargeback.pages.figures import Chart, bar, grouped


def facts(postings: pa.Table, ties: list[InvoiceTie], outcomes: list[Outcome]) -> str:
    """Postings, total, invoices and the verdicts."""
    lines = [
        f"invoice {tie.invoice_id}: {tie.total}, line items {tie.rows_total}, rounding {tie.rounding}"
        for tie in ties
    ]
    total = statement_total(postings)
    return "\n".join(
        [f"{postings.num_rows} postings, charged {total}", *lines, control_lines(outcomes)]
    )


def invoices_table(ties: list[InvoiceTie]) -> pd.DataFrame:
    """How each invoice ties out."""
    return pd.DataFrame(ties)


def units_table(postings: pa.Table) -> pd.DataFrame:
    """What each business unit is charged, by kind, with the total."""
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["business_unit_id", "kind"], "amount")
    table = sums.pivot(index="business_unit_id", columns="kind", values="amount")
    filled = table.astype(object).where(table.notna(), Decimal("0.00"))
    return filled.assign(total=[sum(row, Decimal("0.00")) for row in filled.to_numpy()])


def figure(postings: pa.Table, currency: str = "") -> Chart:
    """Charges by kind."""
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["kind"], "amount")
    return bar(
        sums["kind"].tolist(), sums["amount"].tolist(), "What cost centers are charged, by kind",
        currency,
    )  # fmt: skip
