"""What the statements notebook shows: each unit's total, and that the files say what the ledger says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc

from chargeback.books.tables import statement_total
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.params import Params
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.month import INDEX


def recipients_table(params: Params) -> pd.DataFrame:
    """Who gets a statement, as business_units.csv names them."""
    rows = [
        (one.business_unit_id, one.name, one.owner, one.email,
         sum(center.business_unit_id == one.business_unit_id for center in params.cost_centers.values()))
        for one in params.business_units.values()
    ]  # fmt: skip
    columns = ["business unit", "name", "owner", "email", "cost centers"]
    return pd.DataFrame(rows, columns=columns)


def ratification_table(inputs: StatementInputs) -> pd.DataFrame:
    """Which rules the statements state as approved, and by whom."""
    said = inputs.ratification or {"reference": "not ratified"}
    rows = [*said.items(), ("digest of the rules in force", inputs.digests["rules"])]
    return pd.DataFrame(rows, columns=["", "value"])


def facts(inputs: StatementInputs) -> str:
    """Units, the total that all statements come to, and what they are compared with."""
    units = len(inputs.params.business_units)
    return (
        f"{units} statements, together {statement_total(inputs.postings):,f} {inputs.currency}\n"
        f"compared with the last closed period: {inputs.previous_period or 'none'}"
    )


def unit_facts(inputs: StatementInputs) -> str:
    """What each unit is charged, and by how much more than in the last closed period."""
    rows = units_table(inputs).itertuples(index=False, name=None)
    return "\n".join(
        f"{plain(name):<28}{amount:>16,f}"
        + (f"{amount - before:>+16,f}" if before is not None else "")
        for name, amount, before in rows
    )


def files_table(folder: Path) -> pd.DataFrame:
    """The files that were made."""
    rows = [
        (
            path.parent.name if path.parent != folder else "all of them",
            path.name,
            path.stat().st_size,
        )
        for path in sorted([*folder.glob("*/statement.*"), *folder.glob(INDEX)])
    ]
    return pd.DataFrame(rows, columns=["business unit", "file", "bytes"])


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
        f"Charged by statement, {period_title(inputs.billing_period)}", inputs.currency,
    )  # fmt: skip
