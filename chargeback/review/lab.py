"""Lab: JupyterLab on copies of the notebooks, which all look at one report, params folder and set of books.

    the places      CHARGEBACK_CUR, CHARGEBACK_PARAMS and CHARGEBACK_BOOKS, which each kernel inherits
    the copies      BOOKS/lab/notebooks, so that saving one is nobody's change of the repository
    the work        BOOKS/lab/work, where the stage notebooks leave their tables; nothing publishes it

With GROUPS= it is a lab for others, on an extract (chargeback/review/explore/extract.py): CHARGEBACK_EXTRACT
takes the place of report, params and books, and only notebooks that run on it are copied.

What always holds: a copy that somebody changed is never written over. It is recognized by its cells: a run that
only left outputs in it is no change.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from chargeback.core.books_folders import Books
from chargeback.core.confidential import without_secrets
from chargeback.core.errors import bad_params
from chargeback.core.paths import (
    BOOKS_VARIABLE,
    CUR_VARIABLE,
    EXTRACT_VARIABLE,
    NOTEBOOKS,
    PARAMS_VARIABLE,
)
from chargeback.core.progress import Progress, show_path
from chargeback.params.viewers import Sight
from chargeback.review.explore.extract import write_extract

#: Options for JupyterLab, as a shell would read them; what `make lab LAB="…"` sets.
OPTIONS_VARIABLE = "CHARGEBACK_LAB"

#: Notebooks that run on an extract; the others need evidence, params or the report.
ON_EXTRACTS = ("explore/spend.ipynb", "explore/trend.ipynb", "explore/two-dimensions.ipynb")

#: Which copies were made, with the digest of each.
COPIED = ".copied.json"


def cells_digest(path: Path) -> str:
    """sha256 of what a notebook says, its outputs left out; that of its bytes when it is no notebook."""
    content = path.read_bytes()
    try:
        cells = [
            (one["cell_type"], "".join(one["source"]), one["metadata"].get("tags", []))
            for one in json.loads(content)["cells"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def copy_notebooks(
    folder: Path, say: Progress, source: Path = NOTEBOOKS, only: Sequence[str] = ()
) -> None:
    """Bring copies of all notebooks up to date, those left alone that somebody changed.

    Args:
        only: names of notebooks, such as "explore/spend.ipynb"; none for all.
        say: takes a line for each copy that was kept although the repository's notebook is a newer one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = read_copied(folder)
    for path in sorted(source.rglob("*.ipynb")):
        name = path.relative_to(source).as_posix()
        if ".ipynb_checkpoints" in path.parts or (only and name not in only):
            continue
        copy, newest = folder / name, cells_digest(path)
        if copy.is_file():
            mine = cells_digest(copy)
            if mine == newest:
                copied[name] = newest
                continue
            if mine != copied.get(name):
                if newest != copied.get(name):
                    say(f"  kept your {name}: the repository's has changed; delete yours to get it")
                continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copied[name] = newest
    (folder / COPIED).write_text(json.dumps(copied, indent=1, sort_keys=True) + "\n")


def read_copied(folder: Path) -> dict[str, str]:
    """The digests of the copies as they were made; none when nobody made any."""
    try:
        return dict(json.loads((folder / COPIED).read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def lab_options() -> list[str]:
    """Options for JupyterLab, as the environment has them.

    Raises:
        Refusal: (exit 2) they have a quotation mark that is not closed.
    """
    text = os.environ.get(OPTIONS_VARIABLE, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise bad_params(
            "the options for JupyterLab cannot be read", 'as a shell would, such as LAB="--port 8899"',
            f"{text!r}: {error}", [f"LAB= of make, or the variable {OPTIONS_VARIABLE}"],
        ) from None  # fmt: skip


def lab_command(options: Sequence[str]) -> list[str]:
    """How JupyterLab is started; as root it has to be told that it may."""
    root = ["--allow-root"] if os.geteuid() == 0 and "--allow-root" not in options else []
    return [sys.executable, "-m", "jupyter", "lab", *root, *options]


def lab_environment(report: str, params: Path, books: Books) -> dict[str, str]:
    """The environment that every notebook's kernel inherits, without secrets."""
    return {
        **without_secrets(os.environ),
        CUR_VARIABLE: report,
        PARAMS_VARIABLE: str(params),
        BOOKS_VARIABLE: str(books.root),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def extract_environment(extract: Path) -> dict[str, str]:
    """The environment of kernels that get an extract: neither books, params nor report, and no credentials."""
    kept = without_secrets(os.environ, aws=False)
    for name in (CUR_VARIABLE, PARAMS_VARIABLE, BOOKS_VARIABLE):
        kept.pop(name, None)
    return {**kept, EXTRACT_VARIABLE: str(extract), "JUPYTER_PLATFORM_DIRS": "1"}


def start_lab_for(
    books: Books,
    sight: Sight,
    periods: Sequence[str],
    groups: Sequence[str],
    folder: Path,
    say: Progress,
) -> NoReturn:
    """Give this process to JupyterLab on what some groups see; does not return.

    Args:
        periods: closed ones that they may see something of.
        folder: gets the extract and the copies of the notebooks.

    Raises:
        Refusal: (exit 4) a closed period is not as it was closed.
    """
    command = lab_command(lab_options())
    extract, notebooks = folder / "extract", folder / "notebooks"
    write_extract(books, sight, groups, periods, extract)
    copy_notebooks(notebooks, say, only=ON_EXTRACTS)
    say("")
    say(f"JupyterLab on {show_path(notebooks)}, for {', '.join(groups)}")
    say(f"  extract {extract}: what they see, and nothing else")
    say(
        "Its kernels run as you: to serve it to others, give them this folder on a machine of their own."
    )
    say("It prints its address below; Ctrl-C ends it.")
    sys.stdout.flush()
    os.chdir(notebooks)
    os.execve(command[0], command, extract_environment(extract))


def start_lab(report: str, params: Path, books: Books, say: Progress) -> None:
    """Give this process to JupyterLab on copies of the notebooks; does not return."""
    command = lab_command(lab_options())
    folder = books.lab / "notebooks"
    copy_notebooks(folder, say)
    say("")
    say(f"JupyterLab on {show_path(folder)}: copies of your own, in no version control")
    say(f"  report  {report}")
    say(f"  params  {params}")
    say(f"  books   {books.root}")
    say("It prints its address below; Ctrl-C ends it.")
    sys.stdout.flush()
    os.chdir(folder)
    os.execve(command[0], command, lab_environment(report, params, books))
