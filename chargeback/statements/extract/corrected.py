"""Earlier periods that changed after they were closed: what is charged or given back for them now."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from chargeback.ledger.references import CORRECTED, References
from chargeback.params.account_ids import AWS
from chargeback.params.provider_accounts import providers_of
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.unit_rows import (
    UnitRows,
    account_name,
    cost_center_name,
    listed,
    pool_names,
    rows_of_kind,
    sum_of,
)
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Correction, CorrectionRow, InvoiceChange, Listed

ROWS_OF_CORRECTIONS = 30

#: The fields of a `CorrectionRow` before its amount.
About = tuple[str, str, str, str, str, str, str, str]


def corrections(inputs: StatementInputs, mine: UnitRows) -> tuple[Correction, ...]:
    """Per earlier period that is corrected: why, and what changes for whom and for what."""
    redelivered = {
        one["billing_period"]: one["sources"]["execution_id"] if one["redelivered"] else ""
        for one in inputs.restated
    }
    taken = {one["billing_period"]: tuple(one.get("taken", ())) for one in inputs.restated}
    others = {one["billing_period"]: tuple(one.get("delivered_by", ())) for one in inputs.restated}
    by_period: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of_kind(mine.rows, "adjustment"):
        if row["original_period"]:
            by_period[row["original_period"]].append(row)
    return tuple(
        Correction(
            original_period=period,
            execution_id=redelivered.get(period, ""),
            taken=taken.get(period, ()),
            delivered_by=others.get(period, ()),
            amount=sum_of(rows),
            rows=_corrected_rows(inputs, mine.references, rows),
            reference=mine.references.of_key(CORRECTED, period),
        )
        for period, rows in sorted(by_period.items())
    )


def _corrected_rows(
    inputs: StatementInputs, references: References, rows: list[Row]
) -> Listed[CorrectionRow]:
    """Correcting lines by what they are for, without those that cancel out."""
    groups: dict[About, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_corrected(inputs, row)].append(row)
    return listed(
        [
            CorrectionRow(
                *group,
                sum_of(groups[group]),
                references.of_rows(groups[group]),
                provider_told(inputs, groups[group]),
            )
            for group in sorted(groups)
            if sum_of(groups[group])
        ],
        ROWS_OF_CORRECTIONS,
    )


def provider_told(inputs: StatementInputs, rows: list[Row]) -> str:
    """Whose account lines are in, as far as that is not AWS; blank where it is."""
    found = providers_of((row["account_id"] for row in rows), inputs.params)
    return ", ".join(one for one in found if one != AWS)


def _corrected(inputs: StatementInputs, row: Row) -> About:
    """What a correcting line is for."""
    params, code = inputs.params, row["product_code"] or ""
    pool_id, account_id = row["pool_id"] or "", row["account_id"] or ""
    ended = (row["rule"] or "").split(":")
    return (
        row["cost_center_id"],
        cost_center_name(params, row["cost_center_id"]),
        row["entry_id"].split("/")[3],
        pool_names(params).get(pool_id, pool_id),
        code,
        inputs.product_names.get(code, ""),
        account_name(params, account_id) if account_id else "",
        ended[1] if ended[0] == "ended" else "",
    )


def invoice_changes(inputs: StatementInputs) -> tuple[InvoiceChange, ...]:
    """The invoices of corrected periods that changed, for all units together."""
    return tuple(
        InvoiceChange(
            original_period=one["billing_period"],
            invoice_id=change["invoice_id"],
            issuer=change["issuer"],
            line_items=Decimal(change["line_items"]),
            rounding=Decimal(change["rounding"]),
            total=Decimal(change["total"]),
        )
        for one in inputs.restated
        for change in one["invoice_changes"]
    )
