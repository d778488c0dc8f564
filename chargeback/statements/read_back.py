"""Statements read back the way their readers see them, as tables for the controls."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from chargeback.statements.inputs import StatementInputs
from chargeback.statements.leaks import find_leaks
from chargeback.statements.readback import read_figures
from chargeback.statements.seen_totals import find_isolated


def read_statements(folder: Path, inputs: StatementInputs) -> dict[str, pa.Table]:
    """Read the rendered files back.

    Returns:
        What the controls on statements read: `postings`, the period `last_closed` before and the
        `previous_postings` that a change is from, `statement_figures`, `statement_leaks` and
        `isolated_units`.
    """
    previous = inputs.previous_period
    return {
        "postings": inputs.postings,
        "last_closed": pa.table(
            {"billing_period": pa.array([previous] if previous else [], pa.string())}
        ),
        "previous_postings": inputs.history[previous] if previous else inputs.postings.slice(0, 0),
        "statement_figures": read_figures(folder, inputs),
        "statement_leaks": find_leaks(folder, inputs),
        "isolated_units": find_isolated(folder, inputs),
    }
