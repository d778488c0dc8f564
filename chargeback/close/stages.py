"""The stages of a close, in order: each by its notebook, or all of them in this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from chargeback.allocation import stage as allocation
from chargeback.attribution import stage as attribution
from chargeback.aws.report_location import show_report
from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.notebooks import run_stage_notebook
from chargeback.close.resume import forget_fingerprint, is_done, keep_fingerprint, stage_fingerprint
from chargeback.core.period import period_title
from chargeback.core.progress import Progress
from chargeback.ledger import stage as ledger
from chargeback.rollup import stage as rollup
from chargeback.sources import stage as sources
from chargeback.statements import stage as statements

#: What a stage does, without a notebook.
STAGE_FUNCTIONS: dict[str, Callable[[WorkFolder], object]] = {
    one.STAGE: one.run for one in (sources, rollup, attribution, allocation, ledger, statements)
}


def run_stages(work: WorkFolder, progress: Progress) -> None:
    """Run the stage notebooks in order, leaving out those whose work is done and still fits."""
    kind = "Drafting" if work.provisional else "Closing"
    progress(f"{kind} {period_title(work.period)} from {show_report(work.report)}")
    resumed = True
    for number, stage in enumerate(STAGES, start=1):
        started = time.monotonic()
        fingerprint = stage_fingerprint(work, stage)
        resumed = resumed and is_done(work, stage, fingerprint)
        if not resumed:
            forget_fingerprint(work, stage)
            run_stage_notebook(work, stage)
            keep_fingerprint(work, stage, fingerprint)
        took = "done before" if resumed else f"{time.monotonic() - started:.1f} s"
        summary = work.stage_record(stage)["summary"]
        progress(f"  {number}/{len(STAGES)} {stage:<12} {summary}  ({took})")
        for line in judged_lines(work, stage):
            progress(f"      {line}")


def judged_lines(work: WorkFolder, stage: str) -> list[str]:
    """What a stage relied on that people accepted, and what would stop the close of a draft."""
    lines = []
    for one in work.stage_record(stage)["controls"]:
        lines += [
            f"accepted    {one['control']}: {row['subject']} ({row['reference']}, {row['accepted_by']})"
            for row in one.get("accepted", ())
        ]
        lines += [f"would stop  {one['control']}: {row}" for row in one.get("warned", ())]
    return lines


def derive(work: WorkFolder, progress: Progress | None = None) -> None:
    """All stages up to the ledger in this process, without notebooks: how a closed period is derived again."""
    for stage in STAGES[:-1]:
        started = time.monotonic()
        STAGE_FUNCTIONS[stage](work)
        if progress:
            summary = work.stage_record(stage)["summary"]
            progress(f"  {stage:<12}{summary}  ({time.monotonic() - started:.1f} s)")
