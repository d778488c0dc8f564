"""What a statement says, section by section: one function per cell of `reports/statement.ipynb`.

Comes in: the unit's `model.Statement`, as the notebook read it. Goes out: a `Section`, which Jupyter
shows as Markdown with one raw block per target. What is said is declared in `wording`; what it is
about comes from the statement, and so is of the unit at hand.
"""

from __future__ import annotations

from chargeback.statements.sections.budget import budget
from chargeback.statements.sections.by_cost_center import cost_centers
from chargeback.statements.sections.change import changes
from chargeback.statements.sections.direct import accounts, services
from chargeback.statements.sections.first_page import head, made_of
from chargeback.statements.sections.opened import open_statement
from chargeback.statements.sections.other_lines import corrections, other_lines
from chargeback.statements.sections.periods import trend
from chargeback.statements.sections.pools import shared
from chargeback.statements.sections.proof import invoices, verify
from chargeback.statements.sections.readers_help import readers_help
from chargeback.statements.sections.unit_cost import unit_cost
from chargeback.statements.sections.untagged_cost import untagged

__all__ = [
    "accounts",
    "budget",
    "changes",
    "corrections",
    "cost_centers",
    "head",
    "invoices",
    "made_of",
    "open_statement",
    "other_lines",
    "readers_help",
    "services",
    "shared",
    "trend",
    "unit_cost",
    "untagged",
    "verify",
]
