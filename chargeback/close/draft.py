"""Draft: PROVISIONAL statements of a period, open or not, with what they were made from to be explored.

Nothing is posted: what is kept lies under drafts/, where no ledger is looked for, and `draft.json` says what it
is. A draft's evidence is neither signed nor named in a manifest.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from chargeback.books.manifest import POSTINGS
from chargeback.books.work_folder import BOUND_SQL, STATEMENT_PROJECT, WorkFolder
from chargeback.close.accrual import ACCRUAL, outlook_lines, write_accrual
from chargeback.close.hold import check_closed_periods, one_at_a_time, prepare_folders
from chargeback.close.stages import run_stages
from chargeback.core.books_folders import PROVISIONAL
from chargeback.core.files import copy_folder, replace_folder
from chargeback.core.progress import Progress
from chargeback.ledger.outlook import Outlook
from chargeback.params.adjustments import check_approved
from chargeback.params.metrics import check_counted
from chargeback.params.ratification import is_ratified
from chargeback.rollup.stage import LAST_DAY
from chargeback.statements import exact_json
from chargeback.statements.month import INDEX
from chargeback.statements.render import renderer_text
from chargeback.statements.stage import OUTLOOK, STAGE, STATEMENTS, require_renderer


def draft(work: WorkFolder, progress: Progress) -> None:
    """PROVISIONAL statements of a period, open or not; posts nothing, replaces the last draft."""
    check_approved(work.params.adjustments)
    check_counted(work.params.metrics)
    require_renderer(work)
    prepare_folders(work.books)
    with one_at_a_time(work):
        check_closed_periods(work.books, work.period)
        if work.params.governed and not is_ratified(work.params):
            progress(f"The rules for {work.period} are not ratified yet: a close would stop")
        run_stages(work, progress)
        rendered_by = work.stage_record(STAGE).get("renderer", {})
        outlook = read_outlook(work)
        target = keep_draft(work)
    progress("")
    progress(f"PROVISIONAL: {work.period} is a draft; nothing was posted")
    for line in outlook_lines(outlook, work.params):
        progress(f"  {line}" if line else "")
    progress(f"  statements  {target / 'statements'}")
    progress(f"  index       {target / 'statements' / INDEX}")
    if outlook is not None:
        progress(f"  accrual     {target / ACCRUAL}")
    progress(f"  renderer    {renderer_text(rendered_by)}")


def read_outlook(work: WorkFolder) -> Outlook | None:
    """What the statements were made with; None where the report tells no days."""
    path = work.path(OUTLOOK)
    return exact_json.from_json(Outlook, path.read_text("utf-8")) if path.is_file() else None


def keep_draft(work: WorkFolder) -> Path:
    """Put what the stages made in the place of the last draft of the period; its folder."""
    target = work.books.draft(work.period)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = work.path("draft")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    work.path(STATEMENTS).rename(made / "statements")
    work.path(STATEMENT_PROJECT).rename(made / "project")
    outlook = read_outlook(work)
    if outlook is not None:
        write_accrual(made / ACCRUAL, outlook, work.params)
    keep_evidence(work, made)
    replace_folder(made, target)
    shutil.rmtree(work.folder)
    return target


def keep_evidence(work: WorkFolder, made: Path) -> None:
    """Keep the tables, params and SQL of a draft beside its statements, marked as what they are."""
    evidence = made / "evidence"
    (evidence / "params").mkdir(parents=True)
    for name in ("sources.json", "rollup.parquet", "owned_costs.parquet", POSTINGS):
        shutil.copyfile(work.path(name), evidence / name)
    for name in work.params.digests:
        shutil.copyfile(work.params_folder / name, evidence / "params" / name)
    copy_folder(work.path(BOUND_SQL), evidence / BOUND_SQL)
    mark = {
        "billing_period": work.period, "status": PROVISIONAL, "posted": False, "as_of": last_day(work),
    }  # fmt: skip
    (made / "draft.json").write_text(json.dumps(mark, indent=1) + "\n")


def last_day(work: WorkFolder) -> str:
    """The last day of usage that a draft has, such as 2026-06-14; blank where the report names no days."""
    path = work.path(LAST_DAY)
    return path.read_text("utf-8").strip() if path.is_file() else ""
