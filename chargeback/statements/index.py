"""The index of a month: a page of its project beside the statements, for those who may see all units.

In: the statements of all units. Out: `index.html` beside the units' folders, never in one of them, for each of
those may be handed out as it is.

The audit of a period that an earlier version closed makes none, because the period has none: whether there is
one is told by the SQL that is in force, which has the control on it or not (`has_index`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from chargeback.engine import has_sql
from chargeback.engine.controls import INDEX as CONTROL
from chargeback.statements.execute import execute_index
from chargeback.statements.month import MONTH_FILE, MonthIndex
from chargeback.statements.project import add_page
from chargeback.statements.render import Page
from chargeback.statements.sections.month import page_title

#: The page's name in a project. No unit's page is called so.
INDEX_PAGE = "index"


def has_index() -> bool:
    """Whether months have an index by the SQL that is in force."""
    return has_sql("controls", CONTROL)


def add_index(month: MonthIndex, own: Path, project: Path) -> Page:
    """Put the index, with its data, into the month's project.

    Args:
        own: a folder of its own to execute it in.

    Returns:
        the page to render.

    Raises:
        Refusal: it could not be made.
    """
    own.mkdir()
    (own / MONTH_FILE).write_text(month.to_json(), encoding="utf-8")
    add_page(project, INDEX_PAGE, execute_index(own), page_title(month))
    shutil.copyfile(own / MONTH_FILE, project / f"{INDEX_PAGE}.json")
    return Page(INDEX_PAGE, has_pdf=False)
