"""The index of a month: made beside the statements, for those who may see every unit.

In: the statements of all units. Out: `index.html` beside the units' folders, never in one of them, for each of
those may be handed out as it is; and its executed notebook.

The audit of a period that an earlier version closed makes none, because the period has none: whether there is
one is told by the SQL that is in force, which has the control on it or not (`has_index`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from chargeback.engine import has_sql
from chargeback.engine.controls import INDEX as CONTROL
from chargeback.statements.execute import execute_index
from chargeback.statements.extract import Charges
from chargeback.statements.extract.month import month_index
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.month import INDEX, MONTH_FILE
from chargeback.statements.render import Renderer
from chargeback.statements.sections.month import page_title

#: The executed notebook, among those of the statements.
INDEX_NOTEBOOK = "index.ipynb"


def has_index() -> bool:
    """Whether months have an index by the SQL that is in force."""
    return has_sql("controls", CONTROL)


def write_index(
    inputs: StatementInputs,
    charges: Charges,
    statements: Mapping[str, Statement],
    own: Path,
    folder: Path,
    evidence: Path,
    renderer: Renderer,
) -> None:
    """Write `folder/index.html`.

    Args:
        own: a folder of its own to make it in.
        evidence: where the executed notebook is kept.

    Raises:
        Refusal: it could not be made.
    """
    month = month_index(inputs, charges, statements)
    own.mkdir()
    (own / MONTH_FILE).write_text(month.to_json(), encoding="utf-8")
    executed = execute_index(own)
    renderer.render_page(executed, page_title(month), INDEX)
    shutil.move(own / INDEX, folder / INDEX)
    shutil.copyfile(executed, evidence / INDEX_NOTEBOOK)
