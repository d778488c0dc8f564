"""Draft: PROVISIONAL statements of a period, open or not."""

from __future__ import annotations

import shutil

from chargeback.books.work_folder import WorkFolder
from chargeback.close.hold import check_closed_periods, one_at_a_time, prepare_folders
from chargeback.close.stages import run_stages
from chargeback.core.files import replace_folder
from chargeback.core.progress import Progress
from chargeback.params.ratification import is_ratified
from chargeback.statements.stage import NOTEBOOKS, STATEMENTS


def draft(work: WorkFolder, progress: Progress) -> None:
    """PROVISIONAL statements of a period, open or not; posts nothing, replaces the last draft."""
    work.params  # noqa: B018
    prepare_folders(work.books)
    with one_at_a_time(work):
        check_closed_periods(work.books, work.period)
        if work.params.governed and not is_ratified(work.params):
            progress(f"The rules for {work.period} are not ratified yet: a close would stop")
        run_stages(work, progress)
        target = work.books.draft(work.period)
        target.parent.mkdir(parents=True, exist_ok=True)
        made = work.path("draft")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        work.path(STATEMENTS).rename(made / "statements")
        work.path(NOTEBOOKS).rename(made / "notebooks")
        replace_folder(made, target)
        shutil.rmtree(work.folder)
    progress("")
    progress(f"PROVISIONAL: {work.period} is a draft; nothing was posted")
    progress(f"  statements  {target / 'statements'}")
