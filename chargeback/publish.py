"""Publish: a derived period becomes a closed one; what it consists of stands in its manifest.

    work folder -> statements, evidence -> ledger folder

Whole folders are moved into place, the ledger folder last: its rename is the commit point. Before it nothing
is closed, and the next run puts its own folders in the place of what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from chargeback import __version__, ledger
from chargeback.closing import STAGES, Closing, invoice_ties, sha256_of
from chargeback.engine import sql_digest
from chargeback.errors import bad_params
from chargeback.params import digest_files
from chargeback.places import SQL
from chargeback.ratification import ratification_record, rules_digest
from chargeback.report_engines import shown_place

POSTINGS, MANIFEST = "postings.parquet", "manifest.json"

#: The tables of a close that are kept as evidence and named in its manifest.
EVIDENCE_TABLES = (
    "sources.json", "rollup.parquet", "owned_costs.parquet", "split_costs.parquet",
    "owner_costs.parquet", "charges.parquet", "restated_rollup.parquet", "restatements.json",
)  # fmt: skip


def publish(closing: Closing) -> None:
    """Move statements and evidence into place, then the ledger folder: the commit point."""
    books, period = closing.books, closing.period
    check_same_params(closing)
    manifest = period_manifest(closing)
    entry, evidence = closing.path("ledger"), closing.path("evidence")
    for folder in (entry, evidence):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    shutil.copyfile(closing.path(POSTINGS), entry / POSTINGS)
    (entry / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    for name in EVIDENCE_TABLES:
        shutil.copyfile(closing.path(name), evidence / name)
    shutil.copytree(closing.path("notebooks"), evidence / "notebooks")
    shutil.copytree(closing.path("statement-notebooks"), evidence / "notebooks", dirs_exist_ok=True)
    (evidence / "params").mkdir()
    for name in closing.params.digests:
        shutil.copyfile(closing.params_folder / name, evidence / "params" / name)
    shutil.copytree(SQL, evidence / "sql")
    (evidence / "run.json").write_text(json.dumps(run_record(closing), indent=1) + "\n")
    for path in [*entry.rglob("*"), *evidence.rglob("*"), *closing.path("statements").rglob("*")]:
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    replace_folder(closing.path("statements"), books.statements(period))
    replace_folder(evidence, books.evidence(period))
    target = books.ledger(period)
    target.parent.mkdir(parents=True, exist_ok=True)
    entry.rename(target)
    shutil.rmtree(closing.work, ignore_errors=True)  # the period is closed, whatever happens here


def period_manifest(closing: Closing) -> dict[str, Any]:
    """What a period consists of; the same inputs give the same manifest, so it holds no time and no path."""
    postings = ledger.read_postings(closing.path(POSTINGS))
    earlier = [one for one in closing.books.closed_periods() if one < closing.period]
    previous = None
    if earlier:
        folder = closing.books.ledger(earlier[-1])
        previous = {"billing_period": earlier[-1], "manifest_sha256": sha256_of(folder / MANIFEST)}
    controls = [
        record for stage in STAGES for record in closing.stage_record(stage)["controls"]
    ] + json.loads(closing.path("statements.json").read_text())["controls"]
    statements = closing.path("statements")
    manifest: dict[str, Any] = {
        "billing_period": closing.period,
        "currency": closing.params.policy.currency,
        "cost_basis": closing.params.policy.cost_basis,
        "package_version": __version__,
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
            "sha256": sha256_of(closing.path(POSTINGS)),
            "rows": postings.num_rows,
            "charged": str(ledger.statement_total(postings)),
        },
        "statements": {
            path.relative_to(statements).as_posix(): sha256_of(path)
            for path in sorted(statements.rglob("statement.*"))
        },
        "evidence": {name: sha256_of(closing.path(name)) for name in EVIDENCE_TABLES},
        "previous": previous,
    }
    manifest["seal"] = manifest_seal(manifest)
    return manifest


def manifest_seal(manifest: dict[str, Any]) -> str:
    """sha256 of a manifest without its seal: one changed figure in it is noticed even in the last period."""
    content = {name: value for name, value in manifest.items() if name != "seal"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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


def replace_folder_copy(made: Path, target: Path) -> None:
    """As `replace_folder`, from another file system."""
    beside = target.parent / f".{target.name}.new"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(made, beside)
    replace_folder(beside, target)


def run_record(closing: Closing) -> dict[str, Any]:
    """When, where and with what the close ran: evidence beside the manifest, not part of what it derives."""
    libraries = ("duckdb", "pyarrow", "sqlglot", "papermill", "typst", "pypandoc-binary")
    return {
        "closed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "report": shown_place(closing.report),
        "scans": closing.stage_record("sources").get("scans", []),
        "params": str(closing.params_folder),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in libraries},
    }
