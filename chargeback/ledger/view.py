"""What the ledger notebook shows: what everybody is charged, and how it ties out to the invoices."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.tables import statement_total
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.ledger.corrections import Restated
from chargeback.ledger.invoices import DeferredInvoice, InvoiceTie
from chargeback.ledger.medical_loss_ratio import SplitRow
from chargeback.pages.figures import Chart, bars, grouped
from chargeback.pages.vocabulary import KINDS
from chargeback.params import Params
from chargeback.params.invoicing import INVOICED, NO_INVOICE, PRO_FORMA, written
from chargeback.params.medical_loss_ratio import CATEGORIES

#: What the kind of month means for the charges.
KINDS_OF_MONTH = {
    INVOICED: "AWS invoices every cost; charges tie to invoices.csv",
    NO_INVOICE: "AWS sends no invoice for what credits cover; that comes to 0.00",
    PRO_FORMA: "pro forma costs; charges tie to the report's own sum, not to an invoice",
}


def invoices_entered(params: Params) -> pd.DataFrame:
    """The invoices of the period as invoices.csv has them."""
    rows = [
        (one.invoice_id, one.issuer, one.total, one.currency, one.where)
        for one in params.invoices.values()
    ]
    return pd.DataFrame(rows, columns=["invoice", "issuer", "total", "currency", "entered at"])


def adjustments_table(params: Params) -> pd.DataFrame:
    """Charges that people move between cost centers in this period, and who approved each."""
    rows = [
        (
            one.from_cost_center_id, one.to_cost_center_id, one.amount, one.reason, one.reference,
            one.entered_by, one.approved_by, one.approved_on,
        )
        for one in params.adjustments
    ]  # fmt: skip
    approval = ["reason", "reference", "entered by", "approved by", "approved on"]
    return pd.DataFrame(rows, columns=["from", "to", "amount", *approval])


def policy_table(params: Params) -> pd.DataFrame:
    """Who holds commitments and takes rounding, and how much rounding an invoice may have."""
    policy = params.policy
    rows = [
        ("commitments_cost_center_id", policy.commitments_cost_center_id, "holds what was prepaid"),
        ("rounding_cost_center_id", policy.rounding_cost_center_id, "takes the cents of invoices"),
        ("invoice_rounding_limit", str(policy.invoice_rounding_limit), "per invoice; more stops the close"),
        ("invoicing", written(policy.invoicing), KINDS_OF_MONTH[policy.invoicing]),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["param", "value", "what it decides here"])


def deferrals_table(found: list[DeferredInvoice]) -> pd.DataFrame:
    """The invoices of the period that nobody is charged for in it; empty when it leaves none to a later one."""
    rows = [
        (one.invoice_id, one.rows_total, one.deferred_to, one.reference, one.approved_by)
        for one in found
    ]
    columns = ["invoice", "line items", "left to", "reference", "approved by"]
    return pd.DataFrame(rows, columns=columns)


def tie_facts(ties: list[InvoiceTie]) -> str:
    """Each invoice's total, its line items and the rounding between them."""
    return "\n".join(
        f"invoice {tie.invoice_id}: {tie.total:,f}, line items {tie.rows_total:,f}, rounding {tie.rounding}"
        for tie in ties
    )


def facts(postings: pa.Table) -> str:
    """Postings by kind, and what cost centers are charged together."""
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["kind"], "amount")
    lines = [f"  {row.kind:<12}{row.amount:>16,f}" for row in sums.itertuples(index=False)]
    total = f"{postings.num_rows:,} postings, charged {statement_total(postings):,f}"
    return "\n".join([total, *lines])


def unit_facts(postings: pa.Table, params: Params) -> str:
    """What each business unit is charged."""
    table = units_table(postings, params)
    return "\n".join(f"{plain(name):<28}{total:>16,f}" for name, total in table["total"].items())


def invoices_table(ties: list[InvoiceTie]) -> pd.DataFrame:
    """How each invoice ties out."""
    return pd.DataFrame(ties)


def corrections_table(restated: list[Restated]) -> pd.DataFrame:
    """Closed periods that are corrected here; empty when AWS delivered none again."""
    rows = [(one.period, one.record.execution_id, one.after.postings.num_rows) for one in restated]
    return pd.DataFrame(rows, columns=["period", "delivery", "postings as they would be now"])


def commitments_table(lives: pa.Table) -> pd.DataFrame:
    """What was paid for each commitment so far, and what became of it; the rest is held.

    One that was not prepaid here was bought before the months that are added up, or is paid as it is used.
    """
    names = {
        "commitment_arn": "commitment", "standing": "standing", "first_period": "from",
        "last_period": "to", "upfront_cost": "paid upfront", "recurring_cost": "recurring fees",
        "refunded_cost": "given back", "used_cost": "used", "unused_cost": "unused",
        "held_cost": "held",
    }  # fmt: skip
    return lives.select(list(names)).to_pandas().rename(columns=names)


def commitment_facts(lives: pa.Table) -> str:
    """How commitments stand, with what is held of them."""
    sums = grouped(lives, ["standing"], "held_cost")
    lines = [f"  {row.standing:<18}{row.held_cost:>24,f}" for row in sums.itertuples(index=False)]
    return "\n".join([f"{lives.num_rows:,} commitments; held of those", *lines])


def units_table(postings: pa.Table, params: Params) -> pd.DataFrame:
    """What each business unit is charged, by kind, with the total; the largest first."""
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["business_unit_id", "kind"], "amount")
    table = sums.pivot(index="business_unit_id", columns="kind", values="amount")
    filled = table.astype(object).where(table.notna(), Decimal("0.00"))
    filled = filled[[kind for kind in KINDS if kind in filled.columns]]
    whole = filled.assign(total=[sum(row, Decimal("0.00")) for row in filled.to_numpy()])
    whole.index = pd.Index(
        [params.business_units[one].name for one in whole.index], name="business unit"
    )
    return whole.sort_values("total", ascending=False)


def figure(postings: pa.Table, params: Params) -> Chart:
    """What each business unit is charged, by kind."""
    table = units_table(postings, params)
    parts = [(KINDS[kind], table[kind].tolist()) for kind in table.columns if kind != "total"]
    return bars(
        table.index.tolist(), parts, f"Charged to business units by kind, {period_title(params.period)}",
        params.policy.currency,
    )  # fmt: skip


def split_table(rows: list[SplitRow] | None) -> pd.DataFrame:
    """What each business unit is charged by type of expense, for the medical loss ratio; the largest first.

    Empty where nothing is declared.
    """
    names = {one.business_unit_id: one.business_unit_name for one in rows or ()}
    parts = {unit: dict.fromkeys(CATEGORIES, Decimal("0.00")) for unit in names}
    for one in rows or ():
        parts[one.business_unit_id][one.category] += one.amount
    whole = {unit: sum(those.values(), Decimal(0)) for unit, those in parts.items()}
    table = [
        (plain(names[unit] or unit), *parts[unit].values(), whole[unit])
        for unit in sorted(parts, key=lambda unit: (-whole[unit], unit))
    ]
    return pd.DataFrame(table, columns=["business unit", *CATEGORIES, "charged"])


def split_facts(rows: list[SplitRow] | None) -> str:
    """What is charged by type of expense, and how many declarations that rests on."""
    if rows is None:
        return "no split is declared"
    declared = {(one.declared_for, one.valid_from) for one in rows}
    sums = {
        name: sum((one.amount for one in rows if one.category == name), Decimal(0))
        for name in CATEGORIES
    }
    lines = [f"  {name:<20}{amount:>16,f}" for name, amount in sums.items()]
    whole = f"{len(declared)} declarations split {sum(sums.values(), Decimal(0)):,f}"
    return "\n".join([whole, *lines])
