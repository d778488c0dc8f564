"""Statements read back the way their readers see them, as tables for the controls."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from chargeback.statements.budget_readback import budget_tables
from chargeback.statements.extract import Charges, extract_units, read_charges
from chargeback.statements.extract.month import month_index
from chargeback.statements.index import has_index
from chargeback.statements.index_readback import index_differences, index_figures
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.leaks import leaks_table
from chargeback.statements.model import Statement
from chargeback.statements.month import INDEX
from chargeback.statements.readback import figures_table
from chargeback.statements.seen_totals import isolated_table
from chargeback.statements.unit_cost_readback import unit_cost_tables
from chargeback.statements.unit_reading import Files, read_all


def read_statements(folder: Path, inputs: StatementInputs) -> dict[str, pa.Table]:
    """Read the rendered files back.

    Returns:
        What the controls on statements read: `postings`, the period `last_closed` before and the
        `previous_postings` that a change is from, `statement_figures`, `statement_leaks`,
        `isolated_units` and `statement_shares`; on the index of the month `statement_units`,
        `index_figures` and `index_differences`; and on budgets and unit costs what `budget_readback` and
        `unit_cost_readback` give.
    """
    charges = read_charges(inputs)
    statements = extract_units(inputs, charges)
    read = read_all(Files(folder, inputs, charges, statements))
    units, previous = read.units, inputs.previous_period
    strange = {unit_id: one.strange for unit_id, one in units.items()}
    return {
        **read_index(folder, inputs, charges, statements),
        **budget_tables(inputs, {unit_id: one.budget for unit_id, one in units.items()}),
        **unit_cost_tables(
            inputs, statements, {unit_id: one.unit_costs for unit_id, one in units.items()}
        ),
        "postings": inputs.postings,
        "last_closed": pa.table(
            {"billing_period": pa.array([previous] if previous else [], pa.string())}
        ),
        "previous_postings": inputs.history[previous] if previous else inputs.postings.slice(0, 0),
        "statement_figures": figures_table(
            {unit_id: one.figures for unit_id, one in units.items()}
        ),
        "statement_leaks": leaks_table(inputs, charges, statements, read.depending, strange),
        "isolated_units": isolated_table(
            inputs, {unit_id: one.totals for unit_id, one in units.items()}
        ),
    }


def read_index(
    folder: Path, inputs: StatementInputs, charges: Charges, statements: dict[str, Statement]
) -> dict[str, pa.Table]:
    """What the control on the index reads; nothing where months have none."""
    if not has_index():
        return {}
    month = month_index(inputs, charges, statements)
    return {
        "statement_units": pa.table(
            {"business_unit_id": pa.array(sorted(inputs.params.business_units), pa.string())}
        ),
        "index_figures": index_figures(folder / INDEX),
        "index_differences": index_differences(folder / INDEX, month),
    }
