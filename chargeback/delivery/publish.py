"""Publish: a derived period becomes a closed one, and its manifest says what it consists of.

    work folder -> statements, evidence -> ledger folder

Whole folders are moved into place, the ledger folder last: its rename is the commit point. Before it nothing
is closed, and the next run replaces what is there.

What always holds, even if the process is killed, the disk fills up or the power fails: a period is closed
completely or not at all, and nothing of a closed one is ever replaced, whoever holds the books. So everything
that a manifest names is on the disk, files and folders, before the rename, and the rename is on the disk
before anybody is told.
"""

from __future__ import annotations

import functools
import json
import platform
import shutil
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from chargeback import __version__
from chargeback.aws.report_location import shown_location
from chargeback.books.counted import counted_metrics
from chargeback.books.delivery_log import actor, read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.books.evidence import EVIDENCE_LIST, EVIDENCE_TABLES, PROJECT, missing_evidence
from chargeback.books.history import history_part, read_history
from chargeback.books.manifest import (
    CERTIFICATES,
    LOSS_RATIO,
    MANIFEST,
    MANIFEST_SIGNATURE,
    METRICS,
    OF_ONE_RUN,
    POSTINGS,
    RULES_CHANGE,
    SIGNATURES,
    recorded_files,
)
from chargeback.books.metrics_table import write_metrics
from chargeback.books.tables import read_postings, statement_total
from chargeback.books.work_folder import BOUND_SQL, STAGES, STATEMENT_PROJECT, WorkFolder
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params, unreachable
from chargeback.core.files import copy_folder, sha256_of, sync_tree
from chargeback.core.paths import sql_folder
from chargeback.delivery.moving import ASIDE, check_open, move_into_place
from chargeback.engine import sql_digest
from chargeback.ledger.deferred import deferred_invoices
from chargeback.ledger.invoices import invoice_ties
from chargeback.params import digest_files
from chargeback.params.invoicing import written
from chargeback.params.ratification import ratification_record, rules_digest
from chargeback.signing.cms import sign_detached
from chargeback.signing.level import asked_level
from chargeback.signing.pades import kept_signature
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import SigningKey, signing_key
from chargeback.signing.time_stamp import time_stamp_authority

#: Whose versions a manifest names: what derives, executes, renders and signs.
LIBRARIES = (
    "duckdb", "pyarrow", "sqlglot", "papermill", "typst", "pypandoc-binary", "pyhanko", "cryptography",
)  # fmt: skip


def publish(work: WorkFolder) -> None:
    """Move statements and evidence into place, then the ledger folder: the commit point.

    Raises:
        Refusal: (exit 5) the period is closed already, whether before this run or in the middle of it; (exit 2)
            params or key are not those that the stages had; (exit 4) the evidence is not complete; (exit 6) the
            tables are not those that the stages left, or a time stamp was asked for and not given.
    """
    books, period = work.books, work.period
    check_open(books, period)
    check_same_params(work)
    check_same_tables(work)
    key = signing_key(books)
    check_same_key(work, key)
    rooms = {name: work.path(name) for name in ("ledger", "statements", "evidence")}
    for name in ("ledger", "evidence"):
        shutil.rmtree(rooms[name], ignore_errors=True)
        rooms[name].mkdir()
    shutil.copyfile(work.path(POSTINGS), rooms["ledger"] / POSTINGS)
    write_metrics(counted_metrics(books, work.params), rooms["ledger"] / METRICS)
    write_evidence(work, rooms["evidence"], key)
    manifest = period_manifest(work, rooms, key)
    check_evidence(work, manifest)
    content = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    (rooms["ledger"] / MANIFEST).write_bytes(content)
    signature = sign_detached(content, key, authority=manifest["run"]["time_stamp"])
    (rooms["ledger"] / MANIFEST_SIGNATURE).write_bytes(signature)
    for room in rooms.values():
        sync_tree(room)
    move_into_place(books, period, rooms, work.path(ASIDE))
    shutil.rmtree(work.folder, ignore_errors=True)  # the period is closed, whatever happens here


def write_evidence(work: WorkFolder, evidence: Path, key: SigningKey) -> None:
    """What it takes to do the period again, and what the run saw."""
    for name in EVIDENCE_TABLES:
        shutil.copyfile(work.path(name), evidence / name)
    for name in (RULES_CHANGE, LOSS_RATIO):
        if work.path(name).is_file():
            shutil.copyfile(work.path(name), evidence / name)
    copy_folder(work.path("notebooks"), evidence / "notebooks")
    if any(work.path(STATEMENT_PROJECT).iterdir()):  # no manifest names an empty folder
        copy_folder(work.path(STATEMENT_PROJECT), evidence / PROJECT)
    (evidence / "params").mkdir()
    for name in work.params.digests:
        shutil.copyfile(work.params_folder / name, evidence / "params" / name)
    copy_folder(sql_folder(), evidence / "sql")
    copy_folder(work.path(BOUND_SQL), evidence / BOUND_SQL)
    (evidence / "run.json").write_text(json.dumps(run_record(work), indent=1) + "\n")
    (evidence / CERTIFICATES).write_bytes(key.certificates_pem)
    (evidence / SIGNATURES).mkdir()
    for name, rendered in unsigned_pdfs(work).items():
        signed = (work.path("statements") / name).read_bytes()
        kept = kept_signature(evidence / SIGNATURES, Path(name).parent.name)
        kept.write_bytes(signed[rendered["bytes"] :])


def period_manifest(work: WorkFolder, rooms: dict[str, Path], key: SigningKey) -> dict[str, Any]:
    """What a period consists of. Without `run` it is the same for the same inputs: no time and no path.

    Args:
        rooms: where the period's files lie until they are moved into place.
    """
    postings = read_postings(work.path(POSTINGS))
    earlier = [one for one in work.books.closed_periods() if one < work.period]
    previous = None
    if earlier:
        folder = work.books.ledger(earlier[-1])
        previous = {"billing_period": earlier[-1], "manifest_sha256": sha256_of(folder / MANIFEST)}
    history = read_history(work.books)
    controls = [record for stage in STAGES for record in work.stage_record(stage)["controls"]]
    files = {
        f"{name}/{path.relative_to(room).as_posix()}": sha256_of(path)
        for name, room in rooms.items()
        for path in sorted(room.rglob("*"))
        if path.is_file()
    }
    unsigned = {f"statements/{name}": one for name, one in unsigned_pdfs(work).items()}
    of_run = {name for name in files if name.startswith(OF_ONE_RUN) or name in unsigned}
    return {
        "billing_period": work.period,
        "currency": work.params.policy.currency,
        "cost_basis": work.params.policy.cost_basis,
        "invoicing": written(work.params.policy.invoicing),
        "sources": json.loads(work.source_record().to_json()),
        "sources_digest": work.source_record().digest(),
        "params": work.params.digests,
        "params_digest": work.params.digest(),
        "rules_digest": rules_digest(work.params),
        "ratification": ratification_record(work.params),
        "sql_digest": sql_digest(),
        "controls": controls,
        "invoices": {
            tie.invoice_id: {"total": str(tie.total), "rounding": str(tie.rounding)}
            for tie in invoice_ties(work.table("owner_costs"), work.params)
        },
        "deferrals": [one.record() for one in deferred_invoices(work.table("rollup"), work.params)],
        "postings": {
            "sha256": files[f"ledger/{POSTINGS}"],
            "rows": postings.num_rows,
            "charged": str(statement_total(postings)),
        },
        "previous": previous,
        **history_part(history, read_log(delivery_room(work.books), history.books_id)),
        "evidence": EVIDENCE_LIST,
        "signer": asked_level().of(key.signer).record(),
        "derived": {name: sha256 for name, sha256 in files.items() if name not in of_run},
        "unsigned_pdfs": unsigned,
        "run": {
            "files": {name: sha256 for name, sha256 in files.items() if name in of_run},
            "versions": versions(),
            "place": work.books.place,
            "closed_by": actor(work.by),
            "time_stamp": time_stamp_authority(),
            "renderer": renderer_record(work),
        },
    }


def unsigned_pdfs(work: WorkFolder) -> dict[str, dict[str, Any]]:
    """Size and sha256 of each statement PDF as it was rendered, by its path among the statements."""
    found: dict[str, dict[str, Any]] = work.stage_record("statements").get("unsigned_pdfs", {})
    return found


def renderer_record(work: WorkFolder) -> dict[str, str]:
    """Who rendered the statements, by name and versions."""
    found: dict[str, str] = work.stage_record("statements").get("renderer", {})
    return found


def check_evidence(work: WorkFolder, manifest: dict[str, Any]) -> None:
    """Stop when something is not there that evidence must hold, such as the notebook of a stage (exit 4)."""
    missing = missing_evidence(manifest)
    kept = {name for stage in STAGES for name in work.stage_record(stage)["files"]}
    named = recorded_files(manifest)
    missing += [
        f"evidence/{name}"
        for name in sorted(kept)
        if name.startswith(f"{BOUND_SQL}/") and f"evidence/{name}" not in named
    ]
    if missing:
        raise Refusal(
            CONTROL_FAILED, f"the evidence of {work.period} is not complete",
            "all that the evidence of a close must hold", f"{len(missing)} not there", "", missing,
            [f"nothing was published; remove {work.folder}, so that everything is made anew, and run it again"],
        )  # fmt: skip


def check_same_key(work: WorkFolder, key: SigningKey) -> None:
    """Stop when the manifest would be signed with another certificate than the statements are."""
    own = key.certificate.public_bytes(Encoding.DER)
    for name, rendered in unsigned_pdfs(work).items():
        path = work.path("statements") / name
        signed_with = check_pdf(path.read_bytes(), rendered["bytes"]).certificates[0]
        if signed_with != own:
            raise bad_params(
                f"the signing key changed while {work.period} was being closed",
                "one certificate throughout", "another one than the statements are signed with",
                [str(path)], ["nothing was published; run it again to close with the key as it is now"],
            )  # fmt: skip


def check_same_params(work: WorkFolder) -> None:
    """Stop when somebody edited the params while they were in use: stages may have read different ones."""
    now = digest_files(work.params_folder)
    then = work.params.digests
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if changed:
        raise bad_params(
            f"the params changed while {work.period} was being closed", "the same files throughout",
            ", ".join(changed), [str(work.params_folder)],
            ["nothing was published; run it again to close with the params as they are now"],
        )  # fmt: skip


def check_same_tables(work: WorkFolder) -> None:
    """Stop when what a stage left is not there any more as it left it: something else works in the folder."""
    changed = [
        name
        for stage in STAGES
        for name, sha256 in work.stage_record(stage)["files"].items()
        if sha256_of(work.path(name)) != sha256
    ]
    if changed:
        raise unreachable(
            f"what the stages made of {work.period} changed while it was being closed",
            "the files that they left", ", ".join(changed), [str(work.folder)],
            ["nothing was published; see that one run works on these books at a time, and run it again"],
        )  # fmt: skip


def run_record(work: WorkFolder) -> dict[str, Any]:
    """When, where and with what the close ran: evidence of the run, not part of what it derives."""
    return {
        "closed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "report": shown_location(work.report),
        "scans": [
            scan for stage in STAGES[:2] for scan in work.stage_record(stage).get("scans", [])
        ],
        "params": str(work.params_folder),
        "renderer": renderer_record(work),
        **versions(),
    }


def versions() -> dict[str, Any]:
    """This package's version, and those of what it ran on."""
    return {
        "chargeback": __version__,
        "python": platform.python_version(),
        "libraries": dict(library_versions()),
    }


@functools.cache
def library_versions() -> tuple[tuple[str, str], ...]:
    """The libraries' installed versions; each is a file to read and parse, so they are looked up once."""
    return tuple((name, metadata.version(name)) for name in LIBRARIES)
