"""All statements of a period: extract once, then per unit CSV and notebook, several units at a time; then
HTML and PDF, the whole month as one project.

Each unit's notebook is executed in a folder of its own that has its data alone: shared folders have swapped
charts between reports before. The three files of a unit are moved to their place only when all of them are
there, so that no reader finds half a statement. What a killed run has left there the next one removes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from chargeback.core.runner import stop, warm
from chargeback.statements.execute import execute_notebook
from chargeback.statements.extract import Charges, extract_units, read_charges
from chargeback.statements.extract.month import month_index
from chargeback.statements.index import INDEX_PAGE, add_index, has_index
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.lines import write_lines
from chargeback.statements.model import Statement
from chargeback.statements.month import INDEX
from chargeback.statements.project import (
    RENDERED,
    add_page,
    begin_project,
    statement_page,
)
from chargeback.statements.render import Page, Renderer, renderer_text
from chargeback.statements.sections.first_page import file_title

CSV_FILE = "statement.csv"


@dataclass(frozen=True)
class Making:
    """Where statements are made: a folder for each unit, and the project that is rendered."""

    inputs: StatementInputs
    charges: Charges
    folder: Path

    @property
    def project(self) -> Path:
        """The month's project."""
        return self.folder / "project"

    def unit(self, number: int) -> Path:
        """A unit's own folder. It is called by a number, because any id may mean something to somebody."""
        return self.folder / str(number)


def write_statements(
    inputs: StatementInputs,
    folder: Path,
    evidence: Path,
    progress: Callable[[str], None],
    renderer: Renderer,
    processes: int = 2,
) -> None:
    """Write `folder/<business_unit_id>/statement.{html,pdf,csv}` for every business unit of the
    params, and `folder/index.html` over all of them.

    Args:
        evidence: where the project that was rendered is kept, without what was rendered: each unit's notebook
            as `statement-<business_unit_id>.ipynb`, and what it shows as `.json`; the index as `index.…`.
        progress: called with one line per finished unit.
        processes: how many units are made at the same time.

    Raises:
        Refusal: a statement could not be made; says which, where and the real error.
    """
    warm(0, ["chargeback.statements.sections"])
    charges = read_charges(inputs)
    statements = extract_units(inputs, charges)
    with making_in(folder) as made_in:
        making = Making(inputs, charges, made_in)
        begin_project(making.project)
        execute_units(making, statements, progress, processes)
        pages = [Page(statement_page(unit_id)) for unit_id in statements]
        if has_index():
            index = month_index(inputs, charges, statements)
            pages.append(add_index(index, making.folder / INDEX_PAGE, making.project))
        kept = sorted(one for one in making.project.iterdir() if one.is_file())
        renderer.render(making.project, pages, processes)
        progress(f"{len(statements)} statements rendered by {renderer_text(renderer.record)}")
        for number, unit_id in enumerate(statements):
            place_unit(making, number, unit_id, folder / unit_id)
        if INDEX_PAGE in {one.name for one in pages}:
            shutil.move(making.project / RENDERED / INDEX, folder / INDEX)
        evidence.mkdir(parents=True, exist_ok=True)
        for one in kept:
            shutil.move(one, evidence / one.name)


def execute_units(
    making: Making,
    statements: dict[str, Statement],
    progress: Callable[[str], None],
    processes: int,
) -> None:
    """Every unit's lines and executed notebook, several at a time; the first failure is the answer."""
    with ThreadPoolExecutor(max(1, processes)) as pool:
        work = {
            pool.submit(execute_unit, making, number, statement): unit_id
            for number, (unit_id, statement) in enumerate(statements.items())
        }
        try:
            for number, done in enumerate(as_completed(work), start=1):
                done.result()
                progress(f"statement {number} of {len(work)}: {work[done]}")
        except Exception:
            # Do not start more kernels.
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:
            stop()  # whoever interrupts does not wait for what is running either
            pool.shutdown(cancel_futures=True)
            raise


def execute_unit(making: Making, number: int, statement: Statement) -> None:
    """One unit's lines, and its executed notebook with what it shows in the project."""
    unit_id, own = statement.unit.business_unit_id, making.unit(number)
    own.mkdir()
    (own / "unit.json").write_text(statement.to_json(), encoding="utf-8")
    write_lines(making.inputs, making.charges, unit_id, own / CSV_FILE)
    page = statement_page(unit_id)
    add_page(making.project, page, execute_notebook(unit_id, own), file_title(statement))
    shutil.copyfile(own / "unit.json", making.project / f"{page}.json")


def place_unit(making: Making, number: int, unit_id: str, place: Path) -> None:
    """Move a unit's files to their place, once all of them are there."""
    place.mkdir(parents=True, exist_ok=True)
    page = Page(statement_page(unit_id))
    for name in page.files:
        shutil.move(making.project / RENDERED / name, place / f"statement{Path(name).suffix}")
    shutil.move(making.unit(number) / CSV_FILE, place / CSV_FILE)


@contextlib.contextmanager
def making_in(folder: Path) -> Iterator[Path]:
    """The folder in which the statements of another folder are made.

    Its name begins with no dot: Quarto leaves out what lies in a hidden folder.
    """
    making = folder.with_name(f"{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)
