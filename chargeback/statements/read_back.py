"""Statements read back the way their readers see them, as tables for the controls."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from chargeback.statements.budget_readback import budget_tables
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.extract.month import month_index
from chargeback.statements.index import has_index
from chargeback.statements.index_readback import index_differences, index_figures
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.leaks import find_leaks
from chargeback.statements.month import INDEX
from chargeback.statements.readback import read_figures
from chargeback.statements.seen_totals import find_isolated
from chargeback.statements.unit_cost_readback import unit_cost_tables


def read_statements(folder: Path, inputs: StatementInputs) -> dict[str, pa.Table]:
    """Read the rendered files back.

    Returns:
        What the controls on statements read: `postings`, the period `last_closed` before and the
        `previous_postings` that a change is from, `statement_figures`, `statement_leaks`,
        `isolated_units` and `statement_shares`; on the index of the month `statement_units`,
        `index_figures` and `index_differences`; and on budgets and unit costs what `budget_readback` and
        `unit_cost_readback` give.
    """
    previous = inputs.previous_period
    return {
        **read_index(folder, inputs),
        **budget_tables(folder, inputs),
        **unit_cost_tables(folder, inputs),
        "postings": inputs.postings,
        "last_closed": pa.table(
            {"billing_period": pa.array([previous] if previous else [], pa.string())}
        ),
        "previous_postings": inputs.history[previous] if previous else inputs.postings.slice(0, 0),
        "statement_figures": read_figures(folder, inputs),
        "statement_leaks": find_leaks(folder, inputs),
        "isolated_units": find_isolated(folder, inputs),
    }


def read_index(folder: Path, inputs: StatementInputs) -> dict[str, pa.Table]:
    """What the control on the index reads; nothing where months have none."""
    if not has_index():
        return {}
    charges = read_charges(inputs)
    month = month_index(inputs, charges, extract_units(inputs, charges))
    return {
        "statement_units": pa.table(
            {"business_unit_id": pa.array(sorted(inputs.params.business_units), pa.string())}
        ),
        "index_figures": index_figures(folder / INDEX),
        "index_differences": index_differences(folder / INDEX, month),
    }
