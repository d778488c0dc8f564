"""Publish: a derived period becomes a closed one; what it consists of stands in its manifest.

    work folder -> statements, evidence -> ledger folder

Whole folders are moved into place, the ledger folder last: its rename is the commit point. Before it nothing
is closed, and the next run puts its own folders in the place of what is there.

What always holds, also when the process is killed, the disk is full or the power goes: a period is closed
wholly or not at all. So everything that a manifest names is on the disk, files and folders, before the rename,
and the rename before anybody is told.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from chargeback import __version__, ledger
from chargeback.closing import STAGES, Closing, invoice_ties, sha256_of
from chargeback.engine import sql_digest
from chargeback.errors import bad_params
from chargeback.manifest import (
    CERTIFICATES,
    MANIFEST,
    MANIFEST_SIGNATURE,
    OF_ONE_RUN,
    POSTINGS,
    SIGNATURES,
)
from chargeback.params import digest_files
from chargeback.places import SQL
from chargeback.ratification import ratification_record, rules_digest
from chargeback.report_engines import shown_place
from chargeback.signing.cms import sign_detached
from chargeback.signing.keys import SigningKey, signing_key
from chargeback.signing.pades import kept_signature
from chargeback.signing.pdf import check_pdf

#: The tables of a close that are kept as evidence and named in its manifest.
EVIDENCE_TABLES = (
    "sources.json", "rollup.parquet", "owned_costs.parquet", "split_costs.parquet",
    "owner_costs.parquet", "charges.parquet", "restated_rollup.parquet", "restatements.json",
)  # fmt: skip

#: Whose versions a manifest names: what derives, executes, renders and signs.
LIBRARIES = (
    "duckdb", "pyarrow", "sqlglot", "papermill", "typst", "pypandoc-binary", "pyhanko", "cryptography",
)  # fmt: skip


def publish(closing: Closing) -> None:
    """Move statements and evidence into place, then the ledger folder: the commit point."""
    books, period = closing.books, closing.period
    check_same_params(closing)
    key = signing_key(books)
    check_same_key(closing, key)
    rooms = {name: closing.path(name) for name in ("ledger", "statements", "evidence")}
    for name in ("ledger", "evidence"):
        shutil.rmtree(rooms[name], ignore_errors=True)
        rooms[name].mkdir()
    shutil.copyfile(closing.path(POSTINGS), rooms["ledger"] / POSTINGS)
    write_evidence(closing, rooms["evidence"], key)
    manifest = period_manifest(closing, rooms, key)
    content = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    (rooms["ledger"] / MANIFEST).write_bytes(content)
    (rooms["ledger"] / MANIFEST_SIGNATURE).write_bytes(sign_detached(content, key))
    for room in rooms.values():
        sync_tree(room)
    replace_folder(rooms["statements"], books.statements(period))
    replace_folder(rooms["evidence"], books.evidence(period))
    target = books.ledger(period)
    target.parent.mkdir(parents=True, exist_ok=True)
    sync(books.root)  # the rooms themselves, when this is the first period
    rooms["ledger"].rename(target)
    sync(target.parent)
    shutil.rmtree(closing.work, ignore_errors=True)  # the period is closed, whatever happens here


def write_evidence(closing: Closing, evidence: Path, key: SigningKey) -> None:
    """What it takes to do the period again, and what the run saw."""
    for name in EVIDENCE_TABLES:
        shutil.copyfile(closing.path(name), evidence / name)
    shutil.copytree(closing.path("notebooks"), evidence / "notebooks")
    shutil.copytree(closing.path("statement-notebooks"), evidence / "notebooks", dirs_exist_ok=True)
    (evidence / "params").mkdir()
    for name in closing.params.digests:
        shutil.copyfile(closing.params_folder / name, evidence / "params" / name)
    shutil.copytree(SQL, evidence / "sql")
    (evidence / "run.json").write_text(json.dumps(run_record(closing), indent=1) + "\n")
    (evidence / CERTIFICATES).write_bytes(key.certificates_pem)
    (evidence / SIGNATURES).mkdir()
    for name, rendered in unsigned_pdfs(closing).items():
        signed = (closing.path("statements") / name).read_bytes()
        kept = kept_signature(evidence / SIGNATURES, Path(name).parent.name)
        kept.write_bytes(signed[rendered["bytes"] :])


def period_manifest(closing: Closing, rooms: dict[str, Path], key: SigningKey) -> dict[str, Any]:
    """What a period consists of. Without `run` it is the same for the same inputs: no time and no path.

    Args:
        rooms: where the period's files lie until they are moved into place.
    """
    postings = ledger.read_postings(closing.path(POSTINGS))
    earlier = [one for one in closing.books.closed_periods() if one < closing.period]
    previous = None
    if earlier:
        folder = closing.books.ledger(earlier[-1])
        previous = {"billing_period": earlier[-1], "manifest_sha256": sha256_of(folder / MANIFEST)}
    controls = [
        record for stage in STAGES for record in closing.stage_record(stage)["controls"]
    ] + json.loads(closing.path("statements.json").read_text())["controls"]
    files = {
        f"{name}/{path.relative_to(room).as_posix()}": sha256_of(path)
        for name, room in rooms.items()
        for path in sorted(room.rglob("*"))
        if path.is_file()
    }
    unsigned = {f"statements/{name}": one for name, one in unsigned_pdfs(closing).items()}
    of_run = {name for name in files if name.startswith(OF_ONE_RUN) or name in unsigned}
    return {
        "billing_period": closing.period,
        "currency": closing.params.policy.currency,
        "cost_basis": closing.params.policy.cost_basis,
        "sources": json.loads(closing.source_record().to_json()),
        "sources_digest": closing.source_record().digest(),
        "params": closing.params.digests,
        "params_digest": closing.params.digest(),
        "rules_digest": rules_digest(closing.params),
        "ratification": ratification_record(closing.params),
        "sql_digest": sql_digest(),
        "controls": controls,
        "invoices": {
            tie["invoice_id"]: {"total": str(tie["total"]), "rounding": str(tie["rounding"])}
            for tie in invoice_ties(closing.table("owner_costs"), closing.params)
        },
        "postings": {
            "sha256": files[f"ledger/{POSTINGS}"],
            "rows": postings.num_rows,
            "charged": str(ledger.statement_total(postings)),
        },
        "previous": previous,
        "signer": key.signer.record(),
        "derived": {name: sha256 for name, sha256 in files.items() if name not in of_run},
        "unsigned_pdfs": unsigned,
        "run": {
            "files": {name: sha256 for name, sha256 in files.items() if name in of_run},
            "versions": versions(),
        },
    }


def unsigned_pdfs(closing: Closing) -> dict[str, dict[str, Any]]:
    """Size and sha256 of each statement PDF as it was rendered, by its path among the statements."""
    found: dict[str, dict[str, Any]] = json.loads(closing.path("statements.json").read_text()).get(
        "unsigned_pdfs", {}
    )
    return found


def check_same_key(closing: Closing, key: SigningKey) -> None:
    """Stop when the manifest would be signed with another certificate than the statements are."""
    own = key.certificate.public_bytes(Encoding.DER)
    for name, rendered in unsigned_pdfs(closing).items():
        path = closing.path("statements") / name
        signed_with = check_pdf(path.read_bytes(), rendered["bytes"]).certificates[0]
        if signed_with != own:
            raise bad_params(
                f"the signing key changed while {closing.period} was being closed",
                "one certificate throughout", "another one than the statements are signed with",
                [str(path)], ["nothing was published; run it again to close with the key as it is now"],
            )  # fmt: skip


def check_same_params(closing: Closing) -> None:
    """Stop when somebody edited the params while they were in use: stages may have read different ones."""
    now = digest_files(closing.params_folder)
    then = closing.params.digests
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if changed:
        raise bad_params(
            f"the params changed while {closing.period} was being closed", "the same files throughout",
            ", ".join(changed), [str(closing.params_folder)],
            ["nothing was published; run it again to close with the params as they are now"],
        )  # fmt: skip


def replace_folder(made: Path, target: Path) -> None:
    """Put a finished folder in the place of what an unfinished run may have left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
    sync(target.parent)


def replace_folder_copy(made: Path, target: Path) -> None:
    """As `replace_folder`, from another file system."""
    beside = target.parent / f".{target.name}.new"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(made, beside)
    sync_tree(beside)
    replace_folder(beside, target)


def sync_tree(folder: Path) -> None:
    """Have a folder on the disk with all that is below it: the files first, then what names them."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's entries, on the disk; a rename is only there with its folder's."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def run_record(closing: Closing) -> dict[str, Any]:
    """When, where and with what the close ran: evidence of the run, not part of what it derives."""
    return {
        "closed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "report": shown_place(closing.report),
        "scans": closing.stage_record("sources").get("scans", []),
        "params": str(closing.params_folder),
        **versions(),
    }


def versions() -> dict[str, Any]:
    """This package's version, and those of what it ran on."""
    return {
        "chargeback": __version__,
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }
