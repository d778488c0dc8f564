"""Kept: what a drill remembers of a closed period before it is deleted, and how it differs afterwards.

All digests are of the files themselves. What always holds: a posting that is another, a total, a table or a row
of a statement is a difference. Only pages may be others without being one, and only where they must: they name
who signed, and the digests of params and SQL, so that other ones make other pages of the same figures. Where a
close had an engine read the report, the evidence of how it was read may be another too, not of what was read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.books.checked import checked_manifest, checked_postings
from chargeback.books.manifest import POSTINGS, SIGNATURES, file_path
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import statement_total
from chargeback.books.work_folder import BOUND_SQL
from chargeback.close.again import account_totals
from chargeback.core.books_folders import Books
from chargeback.core.files import sha256_of
from chargeback.core.money import shown
from chargeback.signing.pades import kept_signature

LEDGER = f"ledger/{POSTINGS}"
MOST_ACCOUNTS, MOST_FILES = 12, 20

#: What pages are rendered from, and what is a copy of params or SQL.
PROJECT = "evidence/statements/"

#: What says how a report was read: which files with which digests, and the SQL as it ran.
RECORD = "evidence/sources.json"
OF_READER = (RECORD, f"evidence/{BOUND_SQL}/")

OF_PARAMS, OF_PROGRAM = "evidence/params/", ("evidence/sql/", f"evidence/{BOUND_SQL}/")


@dataclass(frozen=True)
class Kept:
    """A closed period as a drill remembers it.

    Args:
        derived: sha256 of each file that the same inputs give again, by its name in the manifest.
        unsigned: sha256 of each PDF before it was signed.
        signed: sha256 of each PDF as it was handed out.
        program: the digest of its SQL, and what rendered its pages, by name and versions.
        record: what its delivery consists of.
    """

    period: str
    postings: pa.Table
    charged: Decimal
    derived: dict[str, str]
    unsigned: dict[str, str]
    signed: dict[str, str]
    signer: dict[str, Any]
    params: dict[str, str]
    program: dict[str, Any]
    record: SourceRecord

    @property
    def is_through_engine(self) -> bool:
        """Whether the report stayed in S3: then its files have no sha256."""
        return not all(one.sha256 for one in self.record.files)


@dataclass(frozen=True)
class Compared:
    """What came of a period.

    Args:
        differences: what did not come back, one line each; nothing where all did.
        remarks: what is other and had to be.
    """

    period: str
    differences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_kept(books: Books, period: str) -> Kept:
    """What there is of a closed period (exit 4 where its files are not what its manifest says)."""
    manifest = checked_manifest(books, period)
    postings = checked_postings(books, period)
    pdfs = manifest["unsigned_pdfs"]
    return Kept(
        period, postings, statement_total(postings),
        {name: sha256_of(file_path(books, period, name)) for name in manifest["derived"]},
        {
            name: sha256_of_first(file_path(books, period, name), one["bytes"])
            for name, one in pdfs.items()
        },
        {name: sha256_of(file_path(books, period, name)) for name in pdfs},
        manifest["signer"], manifest["params"],
        {"sql": manifest.get("sql_digest"), "renderer": manifest["run"].get("renderer")},
        SourceRecord.from_json(file_path(books, period, RECORD).read_text(encoding="utf-8")),
    )  # fmt: skip


def sha256_of_first(path: Path, size: int) -> str:
    """The sha256 of the first bytes of a file."""
    return hashlib.sha256(path.read_bytes()[:size]).hexdigest()


def compare(before: Kept, after: Kept) -> Compared:
    """What of a period did not come back as it was."""
    differences = posting_lines(before, after) + delivery_lines(before.record, after.record)
    others = {
        **changed_names(before.derived, after.derived),
        **changed_names(before.unsigned, after.unsigned),
    }
    others.pop(LEDGER, None)
    reasons = reasons_for_others(before, after)
    excused = {name for name in others if any(excuses(reason, name) for reason in reasons)}
    lines = [f"{name}: {others[name]}" for name in sorted(others.keys() - excused)]
    differences += shortened(lines, MOST_FILES, "files")
    remarks = list(reasons.values())
    if excused:
        remarks.append(f"{len(excused)} files are others for that reason alone")
    return Compared(before.period, tuple(differences), tuple(remarks))


def reasons_for_others(before: Kept, after: Kept) -> dict[str, str]:
    """Why pages must be others, by what is another; nothing where they must be the same."""
    found = {}
    if before.params != after.params:
        changed = ", ".join(sorted(changed_names(before.params, after.params)))
        found["params"] = (
            f"the params are not those of the close ({changed}); pages name their digest"
        )
    if before.program != after.program:
        found["program"] = (
            "another version of the program closed it; pages name the digest of its SQL"
        )
    if before.signer != after.signer:
        found["signer"] = "the drill signs with a key of its own; pages name who signed"
    if before.is_through_engine != after.is_through_engine:
        found["reader"] = (
            "the close read the report through Athena or Trino, the drill its files; the evidence says how"
        )
    return found


def excuses(reason: str, name: str) -> bool:
    """Whether a file must be another for a reason; a figure never."""
    own = {"params": (OF_PARAMS,), "program": OF_PROGRAM, "reader": OF_READER}.get(reason, ())
    return is_page(name) or name.startswith(own)


def is_page(name: str) -> bool:
    """Whether a file says who signed and with which params; a statement's rows, its CSV file, do not."""
    return name.startswith(PROJECT) or name.endswith((".html", ".pdf"))


def changed_names(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """The names whose digests differ, and how."""
    return {
        name: "not there any more" if name not in after
        else "was not there before" if name not in before
        else "other bytes"
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }  # fmt: skip


def posting_lines(before: Kept, after: Kept) -> list[str]:
    """Where postings are others: the file, the total that is charged, and each ledger account."""
    lines = []
    if before.derived[LEDGER] != after.derived.get(LEDGER):
        lines.append(
            f"{LEDGER}: {before.postings.num_rows:,} postings before, "
            f"{after.postings.num_rows:,} again, not byte for byte the same"
        )
        lines += account_lines(before.postings, after.postings)
    if before.charged != after.charged:
        lines.append(f"all statements: {moved(before.charged, after.charged)}")
    return lines


def delivery_lines(before: SourceRecord, after: SourceRecord) -> list[str]:
    """Where it is another delivery, however it was read: its execution, its files, its control totals."""
    found = []
    for what, was, now in (
        ("execution", before.execution_id, after.execution_id),
        ("files", named_files(before), named_files(after)),
        ("line items", before.line_items, after.line_items),
        ("cost", before.unblended_cost, after.unblended_cost),
    ):
        if was != now:
            found.append(
                f"the delivery has other {what}: {str(was)[:80]} before, {str(now)[:80]} again"
            )
    return found


def named_files(record: SourceRecord) -> str:
    """Names and sizes of a delivery's files; paths begin where the report does, which may be elsewhere."""
    return ", ".join(
        sorted(f"{one.path.rpartition('/')[2]} of {one.size} bytes" for one in record.files)
    )


def account_lines(before: pa.Table, after: pa.Table) -> list[str]:
    """The ledger accounts whose cents are others."""
    was, now = account_totals(before), account_totals(after)
    zero = Decimal("0.00")
    lines = [
        f"{one}: {moved(was.get(one, zero), now.get(one, zero))}"
        for one in sorted(was.keys() | now.keys())
        if was.get(one) != now.get(one)
    ]
    return shortened(lines, MOST_ACCOUNTS, "ledger accounts")


def moved(was: Decimal, now: Decimal) -> str:
    """An amount before and again."""
    return f"{shown(was)} before, {shown(now)} again, difference {shown(now - was)}"


def shortened(lines: list[str], most: int, of: str) -> list[str]:
    """The first lines, and how many there are more."""
    more = len(lines) - most
    return lines if more <= 0 else [*lines[:most], f"and {more} more {of}"]


def pdfs_with_kept_signatures(before: Kept, books: Books, evidence: Path) -> int:
    """How many signed PDFs are there again byte for byte, with the signatures that the evidence kept.

    Args:
        books: closed again.
        evidence: that of the period, as it was before.
    """
    sizes = {
        name: one["bytes"]
        for name, one in checked_manifest(books, before.period)["unsigned_pdfs"].items()
    }
    found = 0
    for name, sha256 in before.signed.items():
        kept = kept_signature(evidence / SIGNATURES, Path(name).parent.name)
        path = file_path(books, before.period, name)
        if name in sizes and kept.is_file() and path.is_file():
            whole = path.read_bytes()[: sizes[name]] + kept.read_bytes()
            found += hashlib.sha256(whole).hexdigest() == sha256
    return found
