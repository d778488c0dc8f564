"""All statements of a period: extract once, then per unit CSV, notebook, HTML and PDF, several
units at a time.

Each unit is made in a folder of its own beside the statements, and its three files are moved to
their place only when all of them are there, so that no reader finds half a statement. What a killed
run has left there the next one removes. Units share no file while they are made: shared folders have
swapped charts between reports before.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from chargeback.core.runner import stop, warm
from chargeback.statements.execute import execute_notebook
from chargeback.statements.extract import Charges, extract_units, read_charges
from chargeback.statements.index import has_index, write_index
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.lines import write_lines
from chargeback.statements.model import Statement
from chargeback.statements.render import Renderer, find_renderer
from chargeback.statements.sections.first_page import file_title

FILES = ("statement.html", "statement.pdf", "statement.csv")


def write_statements(
    inputs: StatementInputs,
    folder: Path,
    evidence: Path,
    progress: Callable[[str], None],
    processes: int = 2,
) -> None:
    """Write `folder/<business_unit_id>/statement.{html,pdf,csv}` for every business unit of the
    params, and `folder/index.html` over all of them.

    Args:
        evidence: where the executed notebooks are kept, as `statement-<business_unit_id>.ipynb` and
            `index.ipynb`.
        progress: called with one line per finished unit.
        processes: how many units are made at the same time.

    Raises:
        Refusal: a statement could not be made; says which, where and the real error.
    """
    warm(processes)
    charges = read_charges(inputs)
    statements = extract_units(inputs, charges)
    renderer = find_renderer()
    evidence.mkdir(parents=True, exist_ok=True)
    with making_in(folder) as making, ThreadPoolExecutor(max(1, processes)) as pool:
        work = {
            pool.submit(
                _write_unit,
                inputs,
                charges,
                statement,
                making / str(number),
                folder,
                evidence,
                renderer,
            ): unit_id
            for number, (unit_id, statement) in enumerate(statements.items())
        }
        try:
            for number, done in enumerate(as_completed(work), start=1):
                done.result()
                progress(f"statement {number} of {len(work)}: {work[done]} ({renderer.name})")
        except Exception:
            # The first failure is the answer; do not start more kernels.
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:
            stop()  # whoever interrupts does not wait for what is running either
            pool.shutdown(cancel_futures=True)
            raise
        if has_index():
            own = making / "index"
            write_index(inputs, charges, statements, own, folder, evidence, renderer)


@contextlib.contextmanager
def making_in(folder: Path) -> Iterator[Path]:
    """The folder in which the statements of another folder are made."""
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write_unit(
    inputs: StatementInputs,
    charges: Charges,
    statement: Statement,
    own: Path,
    folder: Path,
    evidence: Path,
    renderer: Renderer,
) -> None:
    unit_id = statement.unit.business_unit_id
    own.mkdir()
    (own / "unit.json").write_text(statement.to_json(), encoding="utf-8")
    write_lines(inputs, charges, unit_id, own / "statement.csv")
    executed = execute_notebook(unit_id, own)
    renderer.render(executed, file_title(statement))
    place = folder / unit_id
    place.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.move(own / name, place / name)
    shutil.copyfile(executed, evidence / f"statement-{unit_id}.ipynb")
