"""The list of what the evidence of a closed period must hold, so that nothing of it can be left out unnoticed.

A manifest names every file that is there. What must be there is a list of its own, worked out of what the
manifest says of the period: its params, its units and their signed PDFs. A close checks it before it
publishes, and verify whenever it is asked. The manifest says by which version of the list it was closed
(`evidence`); periods of a version that had no list were not checked, and are not found wanting now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from chargeback.books.manifest import (
    CERTIFICATES,
    INDEX_PAGE,
    LOSS_RATIO,
    RULES_CHANGE,
    SIGNATURES,
    recorded_files,
)
from chargeback.books.work_folder import BOUND_SQL, STAGES
from chargeback.params.medical_loss_ratio import is_declared
from chargeback.params.ratification import change_number

#: The version of the list that this program's closes keep to.
EVIDENCE_LIST = 2

#: The first version in which statements are kept as the project that they were rendered from.
WITH_PROJECT = 2

#: Where the project lies that the statements were rendered from, in the evidence.
PROJECT = "statements"

#: What Quarto leaves in a project's folder when somebody renders or previews in it by hand.
LEFT_BY_QUARTO = ("_rendered", ".quarto", ".gitignore")

#: The tables of a close that are kept as evidence.
EVIDENCE_TABLES = (
    "sources.json", "rollup.parquet", "owned_costs.parquet", "split_costs.parquet",
    "owner_costs.parquet", "charges.parquet", "restated_rollup.parquet", "restatements.json",
)  # fmt: skip

#: The stages that always run SQL, and so keep it as it ran.
RUN_SQL = ("rollup", "attribution", "allocation", "ledger")


def stage_notebook(stage: str) -> str:
    """The notebook of a stage, of the numbered set that a controller reads top to bottom.

    >>> stage_notebook("allocation")
    '04-allocation.ipynb'
    """
    return f"{STAGES.index(stage) + 1:02}-{stage}.ipynb"


def evidence_list(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the evidence of a period must hold: names of files, and of folders with something in them (`/`)."""
    yield from EVIDENCE_TABLES
    yield from ("run.json", CERTIFICATES, "sql/")
    if change_number(str((manifest.get("ratification") or {}).get("reference", ""))):
        yield RULES_CHANGE
    if is_declared(manifest["params"]):
        yield LOSS_RATIO
    yield from (f"params/{name}" for name in sorted(manifest["params"]))
    yield from (f"{BOUND_SQL}/{stage}/" for stage in RUN_SQL)
    yield from (f"notebooks/{stage_notebook(stage)}" for stage in STAGES)
    for name in sorted(manifest["unsigned_pdfs"]):
        unit_id = PurePosixPath(name).parent.name
        if version_of(manifest) < WITH_PROJECT:
            yield f"notebooks/statement-{unit_id}.ipynb"
        else:
            yield f"{PROJECT}/statement-{unit_id}.ipynb"
            yield f"{PROJECT}/statement-{unit_id}.json"
        yield f"{SIGNATURES}/{unit_id}.pdf-signature"
    if INDEX_PAGE in manifest["derived"]:
        yield f"{PROJECT}/{PurePosixPath(INDEX_PAGE).stem}.ipynb"
        yield f"{PROJECT}/{PurePosixPath(INDEX_PAGE).stem}.json"


def is_by_hand(name: str) -> bool:
    """Whether a file or folder of the evidence came of rendering by hand, by its name there.

    >>> is_by_hand("statements/.quarto"), is_by_hand("statements/statement-it.html")
    (True, False)
    """
    room, _, rest = name.partition("/")
    return room == PROJECT and rest.partition("/")[0] in LEFT_BY_QUARTO


def version_of(manifest: Mapping[str, Any]) -> int:
    """By which version of the list a period was closed; the first, where its manifest does not say."""
    version = manifest.get("evidence")
    return version if isinstance(version, int) and version > 0 else 1


def missing_evidence(manifest: Mapping[str, Any]) -> list[str]:
    """What the manifest of a period must name and does not; the name of a folder ends with `/`.

    Every manifest with a history of closes is of a version with a list.
    """
    if not manifest.get("evidence") and "history" not in manifest:
        return []
    names = recorded_files(dict(manifest), "evidence")
    wanted = [f"evidence/{one}" for one in evidence_list(manifest)]
    return [
        one
        for one in wanted
        if not (any(name.startswith(one) for name in names) if one[-1] == "/" else one in names)
    ]
