"""What the statements notebook shows: each unit's total, and that the files say what the ledger says."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow.compute as pc

from chargeback.books.tables import statement_total
from chargeback.engine.control_view import control_lines
from chargeback.engine.controls import Outcome
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.statements.inputs import StatementInputs


def facts(inputs: StatementInputs, outcomes: list[Outcome]) -> str:
    """Units, the total that all statements come to, and the verdicts."""
    units = len(inputs.params.business_units)
    return (
        f"{units} statements, together {statement_total(inputs.postings)} {inputs.currency}\n"
        + control_lines(outcomes)
    )


def units_table(inputs: StatementInputs) -> pd.DataFrame:
    """What each business unit is charged, and what it was charged in the last closed period."""
    now = unit_totals(inputs, inputs.billing_period)
    before = unit_totals(inputs, inputs.previous_period)
    rows = [
        (unit.name, now.get(unit_id, Decimal("0.00")), before.get(unit_id))
        for unit_id, unit in inputs.params.business_units.items()
    ]
    table = pd.DataFrame(rows, columns=["business unit", "amount", "last closed period"])
    return table.sort_values(["amount", "business unit"], ascending=[False, True])


def unit_totals(inputs: StatementInputs, period: str | None) -> dict[str, Decimal]:
    """What each unit is charged in a period; nothing where it is not known."""
    if period is None:
        return {}
    current = period == inputs.billing_period
    postings = inputs.postings if current else inputs.history[period]
    charged = postings.filter(pc.is_valid(postings["business_unit_id"]))
    sums = grouped(charged, ["business_unit_id"], "amount")
    return dict(zip(sums["business_unit_id"], sums["amount"], strict=True))


def figure(inputs: StatementInputs) -> Chart:
    """What each unit is charged, as bars."""
    table = units_table(inputs)
    return bar(
        table["business unit"].tolist(), table["amount"].tolist(),
        f"Charged, {inputs.billing_period}", inputs.currency,
    )  # fmt: skip
