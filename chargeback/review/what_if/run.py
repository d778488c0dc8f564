"""The verb `what-if`: check the books, run the what-if notebook, and move what it made into place.

The notebook replays, compares and writes; this module decides where. In the books, only one folder of
`what-if/` is written. Its name holds the periods and a digest of the proposed folder and the closed manifests,
so the same question has one answer in one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from chargeback.books.checked import checked_bytes, checked_manifest
from chargeback.close.hold import check_closed_periods
from chargeback.core.books_folders import Books
from chargeback.core.files import replace_folder_copy
from chargeback.core.paths import NOTEBOOKS
from chargeback.core.period import periods_between
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress, show_path
from chargeback.core.runner import Lines, NotebookFailed, run_notebook
from chargeback.review.what_if.page import FIGURES, PAGE
from chargeback.review.what_if.replayed import Question, open_questions

NOTEBOOK = "what-if.ipynb"

#: Finds the report of some periods when a replay needs it.
FindReport = Callable[[Sequence[str]], Path]


def run_what_if(
    text: str, params: Path, books: Books, find_report: FindReport, progress: Progress
) -> Path:
    """Replay closed periods under proposed params; returns the folder with page, figures and notebook.

    Args:
        text: one period or a range.
        params, books: absolute, because the notebook runs in a folder of its own.

    Raises:
        Refusal: (exit 2) a period is not closed or the params cannot be used; (exit 4) closed periods or their
            evidence are not what they were, or a replay breaks a control; (exit 6) the report is needed and
            not there, or the notebook failed. Nothing was written then.
    """
    periods = periods_between(text)
    check_closed_periods(books, periods[-1])
    for period in set(periods) & set(books.closed_periods()):
        check_evidence(books, period)
    questions = open_questions(text, str(params), str(books.root))
    needing = [one.month.period for one in questions if one.needs_report]
    report = str(find_report(needing)) if needing else ""
    progress(f"What if: {text} under the rules of {show_path(params)}")
    parameters = {
        "periods": text, "params": str(params), "books": str(books.root), "report": report, "folder": ".",
    }  # fmt: skip
    target = books.what_if(folder_name(questions))
    with temporary_folder("what-if", kept_on=NotebookFailed) as made:
        run_notebook(NOTEBOOKS / NOTEBOOK, made / NOTEBOOK, parameters, made, Lines(progress))
        replace_folder_copy(made, target)
    progress("")
    progress("Nothing was posted or changed. For the council:")
    for label, name in (("page", PAGE), ("figures", FIGURES), ("notebook", NOTEBOOK)):
        progress(f"  {label:<11} {show_path(target / name)}")
    return target


def folder_name(questions: Sequence[Question]) -> str:
    """First and last period, and what was asked of them as a short digest."""
    lines = [questions[0].proposed.digest(), *(one.manifest_sha256 for one in questions)]
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    return f"{questions[0].month.period}..{questions[-1].month.period}-{digest[:12]}"


def check_evidence(books: Books, period: str) -> None:
    """Stop when what a period would be replayed from is not what it was closed with (exit 4)."""
    manifest = checked_manifest(books, period)
    for name in manifest["derived"]:
        if name.startswith("evidence/"):
            checked_bytes(books, period, name, manifest)
