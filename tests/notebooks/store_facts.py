"""Store the facts that notebooks print, after the sample or a formula changed on purpose.

    python -m tests.notebooks.store_facts [NOTEBOOK ...]

Runs all notebooks on the built-in sample, in order, and writes the printed facts into those named
(explore/spend), or into all. Every other cell is left without output. Read the difference before
committing it: it is what nbval compares.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.notebooks.workplace import (
    code_cells,
    is_fact,
    make_workplace,
    name_of,
    notebook_paths,
    run_in,
)


def store_facts(source: Path, executed: Path) -> None:
    """Write the printed facts of an executed copy into its source, and nothing else."""
    content = json.loads(source.read_text())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for cell, done in zip(cells, code_cells(executed), strict=True):
        # nbval refuses a stored output without the count of its run.
        cell["execution_count"] = done["execution_count"] if is_fact(cell) else None
        cell["outputs"] = [
            one for one in done["outputs"] if is_fact(cell) and one.get("name") == "stdout"
        ]
    source.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def main(names: list[str]) -> int:
    """Execute copies of all notebooks, then store the facts of the named ones."""
    with tempfile.TemporaryDirectory(prefix="chargeback-facts-") as temporary:
        folder = Path(temporary)
        make_workplace(folder)
        copies = [str(folder / "notebooks" / name_of(source)) for source in notebook_paths()]
        done = run_in(folder, "nbconvert", ["--execute", "--to", "notebook", "--inplace", *copies])
        if done.returncode:
            print(done.stderr[-3000:], file=sys.stderr)
            return 1
        for source in notebook_paths():
            name = name_of(source)
            if not names or name in names or name.removesuffix(".ipynb") in names:
                store_facts(source, folder / "notebooks" / name)
                print(f"stored {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
