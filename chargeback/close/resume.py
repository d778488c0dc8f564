"""Resuming: does what a stage left still fit the inputs as they are now?

The fingerprint of a stage is one sha256 of everything that it is made from: period, delivery, closed periods,
params files, SQL and code. It is computed before the stage runs and kept once the stage is done. So if inputs
change while it runs, the next run notices. Before the stage runs its last fingerprint is forgotten: what a run
leaves that is killed in between is of no fingerprint, also when the inputs become again what they once were.
"""

from __future__ import annotations

import hashlib
import json

from chargeback.allocation import stage as allocation
from chargeback.attribution import stage as attribution
from chargeback.books.manifest import MANIFEST
from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close.notebooks import executed_notebook
from chargeback.core.code_digest import code_digest
from chargeback.core.files import sha256_of
from chargeback.engine import sql_digest
from chargeback.ledger import stage as ledger
from chargeback.rollup import stage as rollup
from chargeback.sources import stage as sources
from chargeback.sources.readers import reader_of
from chargeback.statements import stage as statements

#: The params files that each stage reads, beyond those of the stages before it.
STAGE_PARAMS = {
    one.STAGE: one.PARAMS for one in (sources, rollup, attribution, allocation, ledger, statements)
}

#: The fingerprints of the stages that are done.
FINGERPRINTS = "fingerprints.json"


def stage_fingerprint(work: WorkFolder, stage: str) -> str:
    """What a stage is made from, as one sha256."""
    parts = [work.period, str(work.provisional), sql_digest(), code_digest()]
    closed = work.books.closed_periods()
    parts += [sha256_of(work.books.ledger(one) / MANIFEST) for one in closed]
    reader = reader_of(work.report)
    if stage in STAGES[:2] or reader.state_is_free:
        parts += reader.state(work.period)
        for one in closed:
            if one < work.period and reader.has_period(one):
                parts += reader.state(one)
    else:  # asking AWS again for each stage would take time; the records name every object with its ETag
        parts += [sha256_of(work.path(name)) for name in ("sources.json", rollup.RESTATED_SOURCES)]
    for name in STAGES[: STAGES.index(stage) + 1]:
        parts += [work.params.digests.get(file, "") for file in STAGE_PARAMS[name]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_done(work: WorkFolder, stage: str, fingerprint: str) -> bool:
    """Whether a stage's tables and its executed notebook are there, of the inputs as they are now.

    Statements are always made again: who signs them may have changed.
    """
    record = work.stage_record(stage)
    return (
        stage != statements.STAGE
        and bool(record)
        and kept_fingerprints(work).get(stage) == fingerprint
        and executed_notebook(work, stage).is_file()
        and all(sha256_of(work.path(name)) == sha for name, sha in record["files"].items())
    )


def kept_fingerprints(work: WorkFolder) -> dict[str, str]:
    """The fingerprints of the stages that are done; none where a run was killed writing them."""
    try:
        return dict(json.loads(work.path(FINGERPRINTS).read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def forget_fingerprint(work: WorkFolder, stage: str) -> None:
    """A stage is about to be made again: until it is done, nothing of it counts."""
    kept = kept_fingerprints(work)
    if kept.pop(stage, None):
        work.path(FINGERPRINTS).write_text(json.dumps(kept, indent=1) + "\n")


def keep_fingerprint(work: WorkFolder, stage: str, fingerprint: str) -> None:
    """Remember what a stage was made from, once it is done."""
    work.path(FINGERPRINTS).write_text(
        json.dumps({**kept_fingerprints(work), stage: fingerprint}, indent=1) + "\n"
    )
