"""Publish: run the daily notebook of a day, and move what it made into its place.

In: a day, a report, params and books. Out: BOOKS/daily/<date>/, replacing an earlier run of that day, whole or
not at all. What the notebook does stands in run.py; none of it is loaded here, because it works in a process of
its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from datetime import date
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.files import copy_folder
from chargeback.core.paths import NOTEBOOKS
from chargeback.core.period import check_day_text
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress, show_path
from chargeback.core.runner import Lines, NotebookFailed, run_notebook
from chargeback.daily.metrics import measured_day
from chargeback.secrets.agent import offering_secrets
from chargeback.servicenow.settings import SECRETS

NOTEBOOK = "daily.ipynb"
UNSENT = "unsent.json"
YES = "yes"
#: How the folder of a day is called that was only tried.
DRY = "DRY-"

#: How often a folder is moved again because another run's came in between.
TRIES = 5


def publish_day(made: Path, target: Path) -> None:
    """Move a finished folder into place; of two runs at once the later one's folder stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new, old = (target.with_name(f".{target.name}.{kind}.{os.getpid()}") for kind in ("new", "old"))
    copy_folder(made, new)
    for attempt in range(TRIES):
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
        try:
            new.rename(target)
            break
        except OSError:  # another run's folder came in between
            if attempt == TRIES - 1:
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


@measured_day
def run_daily(day_text: str, report: Path, params: Path, books: Books, progress: Progress) -> Path:
    """Run the daily notebook of a day and publish what it made; returns the day's folder.

    Raises:
        Refusal: as `look` and `carry_out` say, and nothing was published then; or (exit 6) messages could not
            be sent, and the day was published.
    """
    day = check_day_text(day_text)
    progress(f"Daily {day}")
    return run_and_publish(day, report, params, books, progress, books.daily(str(day)))


def try_daily(day_text: str, report: Path, params: Path, books: Books, progress: Progress) -> Path:
    """Say what a daily run would do: nothing is sent, no state and no metric is written.

    Its page and its files come under a name of their own, which no other run reads.

    Raises:
        Refusal: as `look` says, and nothing was published then.
    """
    day = check_day_text(day_text)
    progress(f"Daily {day}, a dry run: nothing is sent, and nothing is remembered")
    return run_and_publish(
        day, report, params, books, progress, books.daily(f"{DRY}{day}"), dry=YES
    )


def run_and_publish(
    day: date, report: Path, params: Path, books: Books, progress: Progress, target: Path,
    dry: str = "",
) -> Path:  # fmt: skip
    """Run the notebook in a folder of its own, and move that to its place."""
    parameters = {
        "day": str(day), "report": str(report), "params": str(params), "books": str(books.root),
        "folder": ".", "dry": dry,
    }  # fmt: skip
    with temporary_folder("daily", kept_on=NotebookFailed) as made:
        with offering_secrets(SECRETS) as told:
            run_notebook(
                NOTEBOOKS / NOTEBOOK, made / NOTEBOOK, parameters, made, Lines(progress), told=told,
                plain=True,
            )  # fmt: skip
        unsent = made / UNSENT
        refusal = Refusal(**json.loads(unsent.read_text("utf-8"))) if unsent.is_file() else None
        publish_day(made, target)
    progress("")
    for path in sorted(target.iterdir()):
        progress(f"  {show_path(path)}")
    if refusal:
        raise refusal
    return target
