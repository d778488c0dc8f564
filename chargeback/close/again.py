"""Closing again: a closed period is derived again and compared, and never written.

Either it is identical (exit 0), or it would change (exit 5). Only statements that are missing or altered are
rendered again.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.books.checked import Gone, checked_manifest, checked_postings, private_copy
from chargeback.books.manifest import LOSS_RATIO, POSTINGS, file_path, recorded_files
from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.errors import WOULD_CHANGE_CLOSED, Refusal
from chargeback.core.files import replace_folder_copy, sha256_of
from chargeback.core.money import shown
from chargeback.core.progress import Progress
from chargeback.core.sums import sums_by
from chargeback.ledger.medical_loss_ratio import is_declared_otherwise
from chargeback.signing import Signer
from chargeback.sources.readers import reader_of
from chargeback.sources.redeliveries import redelivery_hints
from chargeback.statements import stage as statements
from chargeback.statements.render import there


def confirm_closed(work: WorkFolder, progress: Progress) -> None:
    """Derive a closed period again and compare it with what was closed.

    Nothing that is closed is written, but statements that are missing or altered are rendered again.

    Raises:
        Refusal: (exit 5) the postings would be different; shows where and by how much.
    """
    progress(f"{work.period} is closed; deriving it again to compare")
    # What is there is of a run that was killed, or ended just after it had published.
    shutil.rmtree(work.folder, ignore_errors=True)
    again = replace(work, folder=work.path("again"))
    again.folder.mkdir(parents=True)
    try:
        derive(again, progress)
        closed = checked_postings(work.books, work.period)
        require_same_postings(work, again)
        if is_declared_otherwise(work, again):
            progress(f"  {LOSS_RATIO} splits it in another way now; it stays as it was closed")
        if changed_statements(work):
            restore_statements(work, again, progress)
    finally:
        shutil.rmtree(work.folder, ignore_errors=True)
    progress(f"{work.period} is already closed, and identical: {closed.num_rows:,} postings")


def require_same_postings(work: WorkFolder, again: WorkFolder) -> None:
    """Stop when a period that was derived again has other postings than when it was closed (exit 5)."""
    derived = again.path(POSTINGS)
    recorded = recorded_files(checked_manifest(work.books, work.period))[f"ledger/{POSTINGS}"]
    if recorded != sha256_of(derived):
        closed = checked_postings(work.books, work.period)
        raise posting_changes(work, closed, read_postings(derived))


def changed_statements(work: WorkFolder) -> list[str]:
    """The statement files of a closed period that are missing or not as its manifest says."""
    recorded = recorded_files(checked_manifest(work.books, work.period), "statements")
    return [
        name
        for name, sha256 in recorded.items()
        if sha256_of(file_path(work.books, work.period, name)) != sha256
    ]


def restore_statements(work: WorkFolder, again: WorkFolder, progress: Progress) -> None:
    """Render the statements of a closed period again, with the params that it was closed with.

    Those are in its evidence; statements print their digest, and params change every month. Without the
    evidence, the params of today have to do: they gave the same postings. The signatures that are kept are
    appended again, so that a PDF comes back byte for byte; one that is not there any more is made anew.
    """
    progress(f"  statements missing or altered: {', '.join(changed_statements(work))}")
    manifest = checked_manifest(work.books, work.period)
    rendered_by = manifest["run"].get("renderer", {}).get("name", "")
    again = replace(again, signer=Signer(**manifest["signer"]), renderer=there(rendered_by))
    with contextlib.ExitStack() as opened:
        if work.params.digests != manifest["params"]:
            with contextlib.suppress(Gone):
                kept = opened.enter_context(
                    private_copy(work.books, work.period, "evidence/params")
                )
                again = replace(again, params_folder=kept)
                derive(again)
                require_same_postings(work, again)
        statements.run(again)
    leave_out_unrecorded(again.path("statements"), manifest)
    replace_folder_copy(again.path("statements"), work.books.statements(work.period))
    other = changed_statements(work)
    if other:
        progress(
            "  rendered again with the same figures and other bytes than when the period was closed, "
            "which make verify will name: " + ", ".join(other)
        )


def leave_out_unrecorded(folder: Path, manifest: dict[str, Any]) -> None:
    """Remove what the close of a period did not make, such as the index where an earlier version closed it."""
    recorded = recorded_files(manifest, "statements")
    for path in folder.rglob("*"):
        if path.is_file() and f"statements/{path.relative_to(folder).as_posix()}" not in recorded:
            path.unlink()


def posting_changes(work: WorkFolder, closed: pa.Table, derived: pa.Table) -> Refusal:
    """What would change in a closed period, owner by owner, as a refusal (exit 5)."""
    before, after = account_totals(closed), account_totals(derived)
    changed = {
        account: (before.get(account, Decimal(0)), after.get(account, Decimal(0)))
        for account in sorted(before.keys() | after.keys())
        if before.get(account) != after.get(account)
    }
    where = [
        f"{account}: closed {shown(was)}, now {shown(now)}, difference {shown(now - was)}"
        for account, (was, now) in list(changed.items())[:12]
    ]
    if len(changed) > 12:
        where.append(f"and {len(changed) - 12} more ledger accounts")
    if not changed:
        where = ["no ledger account's total changes; single postings or their rules do"]
    return Refusal(
        WOULD_CHANGE_CLOSED, f"{work.period} is closed, and closing it again would change it",
        f"the {closed.num_rows:,} postings of the closed period, byte for byte",
        f"{derived.num_rows:,} postings that differ in {len(changed)} ledger accounts",
        "", where,
        [*redelivery_hints(reader_of(work.report), work.books, work.period),
         "a closed period never changes: undo the change of params or report, or post an adjustment "
         "in the next open period (adjustments.csv)",
         f"what it was closed with is kept in {work.books.evidence(work.period)}"],
    )  # fmt: skip


def account_totals(postings: pa.Table) -> dict[str, Decimal]:
    """Cents per ledger account and kind, each side of pools and payables apart from what it nets to."""
    sums = sums_by(postings, ["ledger_account", "kind"], "amount")
    return {f"{account} {kind}": total for (account, kind), total in sums.items()}
