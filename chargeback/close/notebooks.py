"""Stage notebooks: the parameters they take from a work folder, and where executed copies are kept."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

from chargeback.books.evidence import stage_notebook
from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.core.paths import NOTEBOOKS
from chargeback.core.progress import say
from chargeback.core.runner import Lines, run_notebook
from chargeback.params.trino_settings import SECRETS as TRINO_SECRETS
from chargeback.params.trino_settings import TrinoSettings
from chargeback.secrets.agent import offering_secrets
from chargeback.signing.agent import offering_signatures
from chargeback.signing.signing_key import signing_key
from chargeback.sources.readers import stop_left_running
from chargeback.sources.stage import RUNNING, query_line
from chargeback.statements.stage import TOLD

#: The numbered set that a controller reads top to bottom, by stage.
STAGE_NOTEBOOKS = {stage: stage_notebook(stage) for stage in STAGES}

#: Where their executed copies are kept, in the work folder.
EXECUTED = "notebooks"


def notebook_parameters(work: WorkFolder) -> dict[str, str]:
    """A work folder as the texts that a stage notebook takes."""
    return {
        "period": work.period,
        "report": str(work.report),
        "params": str(work.params_folder),
        "books": str(work.books.root),
        "work": str(work.folder),
        "provisional": "yes" if work.provisional else "no",
        "signed": "yes" if work.signer else "no",
    }


def stage_parameters(work: WorkFolder, stage: str) -> dict[str, str]:
    """The same with what only one stage's notebook takes."""
    own = {"renderer": work.renderer} if stage == STAGES[-1] else {}
    return {**notebook_parameters(work), **own}


def executed_notebook(work: WorkFolder, stage: str) -> Path:
    """Where the executed copy of a stage's notebook is kept."""
    return work.path(EXECUTED) / STAGE_NOTEBOOKS[stage]


def run_stage_notebook(work: WorkFolder, stage: str) -> None:
    """Execute a stage's notebook; its executed copy stays in the work folder's notebooks/.

    Raises:
        Refusal: what the stage itself refused; or (exit 6) that the notebook failed otherwise.
    """
    source = NOTEBOOKS / STAGE_NOTEBOOKS[stage]
    target = executed_notebook(work, stage)
    target.parent.mkdir(exist_ok=True)
    parameters = stage_parameters(work, stage)
    handed_on = [] if isinstance(work.report, Path) else [query_line(work.report)]
    handed_on += [TOLD] if stage == STAGES[-1] else []
    printed = Lines(say, tuple(handed_on)) if handed_on else None
    try:
        with offered(work, stage) as told:
            run_notebook(source, target, parameters, work.folder, printed, told=told)
    finally:
        stop_left_running(work.report, work.path(RUNNING))


@contextlib.contextmanager
def offered(work: WorkFolder, stage: str) -> Iterator[dict[str, str]]:
    """What a stage's kernel is told, so that it can do its part without secrets in its environment.

    Stages that ask Trino are told who we are there. The stage that signs does it without the key; a development
    key lies with the books, and is made by whoever signs first.
    """
    if stage in STAGES[:2] and isinstance(work.report, TrinoSettings):
        with offering_secrets(TRINO_SECRETS) as told:
            yield told
        return
    if stage != STAGES[-1] or work.signer is None or work.signer.development:
        yield {}
        return
    with offering_signatures(functools.cache(lambda: signing_key(work.books))) as told:
        yield told
