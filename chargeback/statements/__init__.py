"""Statements: what each business unit receives, as HTML, PDF and CSV, and the proof that they tie
to the ledger.

    inputs -> extract (one small `model.Statement` per unit) -> notebook (papermill) ->
    render (HTML, PDF) -> readback

One unit, one folder, one statement: the notebook of a unit is started in a folder of its own and
sees `unit.json`, which holds that unit's data and a few allowed totals (pool totals, invoice
totals).
`read_statements` reads the finished files back, the way their readers see them, for the controls
`statements_tie_to_ledger` and `statements_show_only_their_own_unit`.

Heavy imports happen inside the functions: every unit's kernel imports this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from chargeback.ledger.invoices import InvoiceTie
    from chargeback.params import Params
    from chargeback.signing import Signer
    from chargeback.statements.bridge import Bridge

__all__ = ["StatementInputs", "read_statements", "write_statements"]


@dataclass(frozen=True)
class StatementInputs:
    """All a period's statements are made from.

    Args:
        billing_period: "2026-05".
        provisional: the period is open; every page says so.
        postings: the period's ledger, `chargeback.books.schema.POSTINGS`.
        owned_costs: one row per group of line items with its owner; for what was untagged.
        history: postings of earlier closed periods, by period.
        invoices: how the period's invoices tie out; none of a period that is not invoiced yet.
        digests: label -> hex digest, printed on every statement in this order.
        bridges: business unit -> why its total changed; empty for the first closed period.
        governed: rules must be ratified where the params are kept.
        ratification: who approved the rules, with reference, approved_by, approved_on and valid_from.
        signer: whose key will sign the PDFs; None where nobody signs.
        restated: what the close kept about the earlier periods that it corrects, as restatements.json has it.
    """

    billing_period: str
    currency: str
    provisional: bool
    postings: pa.Table
    owned_costs: pa.Table
    history: dict[str, pa.Table]
    invoices: list[InvoiceTie]
    params: Params
    digests: dict[str, str]
    bridges: dict[str, Bridge] = field(default_factory=dict)
    governed: bool = False
    ratification: dict[str, str] | None = None
    signer: Signer | None = None
    restated: list[dict[str, Any]] = field(default_factory=list)

    @property
    def previous_period(self) -> str | None:
        """The last closed period before this one."""
        earlier = [period for period in self.history if period < self.billing_period]
        return max(earlier, default=None)


def write_statements(
    inputs: StatementInputs,
    folder: Path,
    evidence: Path,
    progress: Callable[[str], None],
    processes: int = 2,
) -> None:
    """Write `folder/<business_unit_id>/statement.{html,pdf,csv}` for every business unit of the
    params.

    Args:
        evidence: where the executed notebooks are kept, as `statement-<business_unit_id>.ipynb`.
        progress: called with one line per finished unit.
        processes: how many units are made at the same time.

    Raises:
        Refusal: a statement could not be made; says which, where and the real error.
    """
    from chargeback.statements.write import write_all

    write_all(inputs, folder, evidence, progress, processes)


def read_statements(folder: Path, inputs: StatementInputs) -> dict[str, pa.Table]:
    """Read the rendered files back.

    Returns:
        What the controls on statements read: `postings`, the `previous_postings` that a change is
        from, `statement_figures` and `statement_leaks`.
    """
    from chargeback.statements.leaks import find_leaks
    from chargeback.statements.readback import read_figures

    previous = inputs.previous_period
    return {
        "postings": inputs.postings,
        "previous_postings": inputs.history[previous] if previous else inputs.postings.slice(0, 0),
        "statement_figures": read_figures(folder, inputs),
        "statement_leaks": find_leaks(folder, inputs),
    }
