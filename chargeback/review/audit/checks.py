"""Checks: what an audit looks at, in the order of its page.

    source files     each file of the source record, and of deliveries that earlier periods were corrected from
    files, chain     every file against the signed manifest; the manifests before this one, and the one after it
    derived again    rollup row for row, postings and every table byte for byte, the manifest's own figures
    statements       HTML, CSV and the PDF before it was signed, byte for byte
    controls         all of them, run again, with the outcomes that were recorded
    recount          chargeback/review/audit/recount.py

If the source files are not those of the close, checks that need them are not done, and the audit does not
pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.evidence import EVIDENCE_TABLES
from chargeback.books.history import read_history
from chargeback.books.manifest import LOSS_RATIO, MANIFEST, METRICS, POSTINGS, recorded_files
from chargeback.books.verify import Finding, VerifiedPeriod, verified_ledger
from chargeback.books.verify.closes import history_findings
from chargeback.books.verify.findings import distinct
from chargeback.books.work_folder import BOUND_SQL
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.files import sha256_of
from chargeback.engine import is_same, parse_statement, sql_digest, sql_files
from chargeback.params import digest_files, read_params
from chargeback.params.invoicing import written
from chargeback.params.ratification import ratification_record, rules_digest
from chargeback.review.audit.delivered_rows import Row, exact_as
from chargeback.review.audit.findings import UNREADABLE, Check, Difference, Notes
from chargeback.review.audit.pages import BYTES
from chargeback.review.audit.recount import Rules, count_rows, recount
from chargeback.sources.lake.statement import ran_by

#: Rows of a table that are named one by one.
MOST_ROWS = 50

ROLLUP, EVIDENCE_SQL = "evidence/rollup.parquet", "sql"


def check_sources(report: Path, records: Sequence[Mapping[str, Any]]) -> Check:
    """Each file of the records with its sha256; a file that only has an ETag with that, where it is an MD5."""
    notes = Notes()
    files = size = 0
    for record in records:
        exports = record.get("exports") or [record]
        for one in (*(part["manifest"] for part in exports), *record["files"]):
            files, size = files + 1, size + one["size"]
            compare_source(report, record, one, notes)
    periods = ", ".join(one["billing_period"] for one in records)
    return notes.check("source files", f"{files} files, {size:,} bytes, of {periods}, in {report}")


def compare_source(
    report: Path, record: Mapping[str, Any], one: Mapping[str, Any], notes: Notes
) -> None:
    """One file. A manifest that a newer delivery replaced may lie in the folder of its own execution."""
    if PurePosixPath(one["path"]).is_absolute() or ".." in PurePosixPath(one["path"]).parts:
        notes.expect(one["path"], "", "a file of the report's folder", "a file outside of it")
        return
    path, recorded = report / one["path"], one["sha256"]
    if path.name.endswith("-Manifest.json") and recorded and sha256_of(path) != recorded:
        kept = [
            two
            for two in sorted(path.parent.rglob("*-Manifest.json"))
            if sha256_of(two) == recorded
        ]
        if kept:
            notes.remarks.append(
                f"{one['path']} is of a newer delivery; the one of the close is {kept[0].relative_to(report)}"
            )
            return
    if recorded or not path.is_file():
        notes.expect(one["path"], "", f"sha256 {recorded}", said(sha256_of(path), "sha256"))
        return
    etag = str(one.get("etag", "")).strip('"')
    notes.expect(one["path"], "size", f"{one['size']:,}", f"{path.stat().st_size:,}")
    if len(etag) == 32:
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        notes.expect(
            one["path"], "", f"ETag {etag}", f"MD5 {md5}" if md5 != etag else f"ETag {etag}"
        )
    else:
        notes.remarks.append(
            f"{one['path']}: only its size could be compared; S3 kept no digest of it"
        )


def said(digest: str, kind: str) -> str:
    """A digest with its kind; empty for a file that is missing."""
    return f"{kind} {digest}" if digest else ""


def check_files(found: VerifiedPeriod) -> Check:
    """What `make verify` says of the period: files, signatures, certificates, entries, link."""
    notes = Notes()
    for one in found.findings:
        name = one.path.replace(f"/billing_period={found.period}/", "/")
        notes.differences.append(Difference(name, "", one.recorded or "no such file", one.found))
    manifest = found.manifest
    count = len(recorded_files(manifest)) + 2 if manifest else 0
    pdfs = len(manifest["unsigned_pdfs"]) if manifest else 0
    by = found.signature.certificate.subject.rfc4514_string() if found.signature else "nobody"
    if manifest and manifest["signer"]["development"]:
        notes.remarks.append("signed with a development key, which does not say who signed")
    return notes.check(
        "files and signatures",
        f"{count} files and {pdfs + 1} signatures of {by}, with the manifest",
    )


def check_chain(books: Books, period: str) -> Check:
    """The manifests, postings and links of all earlier periods, the link from the next one, and the history."""
    notes = Notes()
    periods = books.closed_periods()
    after = [one for one in periods if one > period][:1]
    findings: list[Finding] = []
    for one in [*(one for one in periods if one < period), *after]:
        findings += verified_ledger(books, one).findings
    history = read_history(books)
    findings += history_findings(books, history)
    for finding in distinct(findings):
        notes.differences.append(
            Difference(finding.path, "", finding.recorded or "no such file", finding.found)
        )
    earlier = len([one for one in periods if one < period])
    words = (
        f"{earlier} earlier manifest{'s' if earlier != 1 else ''}, each with its link and signature"
    )
    words += f", and that of {after[0]}" if after else ""
    return notes.check(
        "chain of manifests",
        f"{words}; {history.line}",
    )


def check_tables(books: Books, period: str, work: Path) -> list[Check]:
    """The rollup row for row, the postings and every kept table byte for byte."""
    evidence = books.evidence(period)
    rollup, kept = Notes(), Notes()
    rows = compare_tables(evidence / "rollup.parquet", work / "rollup.parquet", ROLLUP, rollup)
    posted = books.ledger(period) / POSTINGS
    postings = Notes()
    count = compare_tables(posted, work / POSTINGS, f"ledger/{POSTINGS}", postings)
    names = [one for one in EVIDENCE_TABLES if one not in ("sources.json", "rollup.parquet")]
    names += [one for one in (LOSS_RATIO,) if (evidence / one).is_file() or (work / one).is_file()]
    for name in names:
        compare_tables(evidence / name, work / name, f"evidence/{name}", kept)
    compare_sql(evidence / BOUND_SQL, work / BOUND_SQL, kept)
    counted = books.ledger(period) / METRICS
    if counted.is_file():  # the quantities of unit costs; a version without them kept none
        compare_tables(counted, work / METRICS, f"ledger/{METRICS}", kept)
        names.append(METRICS)
    return [
        rollup.check("rollup, derived again", f"{rows:,} rows, each with its line items and costs"),
        postings.check("postings, derived again", f"{count:,} postings, byte for byte"),
        kept.check("tables in evidence, derived again", f"{', '.join(names)}, byte for byte"),
    ]


def compare_sql(kept: Path, derived: Path, notes: Notes) -> None:
    """Remark which statements were run otherwise than by the close: the tables that they gave are compared.

    Statements are compared as they are understood, because versions lay them out differently. What
    Athena or Trino ran names the objects that it read, and is not run again.
    """
    for path in sorted(kept.rglob("*.sql")):
        name, text = path.relative_to(kept), path.read_text(encoding="utf-8")
        now = derived / name
        engine = ran_by(text)
        if engine:
            notes.remarks.append(f"evidence/{BOUND_SQL}/{name.as_posix()}: as {engine} ran it")
        elif not now.is_file() or not is_same(
            now.read_text(encoding="utf-8"), parse_statement(text)
        ):
            notes.remarks.append(f"evidence/{BOUND_SQL}/{name.as_posix()}: run otherwise here")


def compare_tables(kept: Path, derived: Path, name: str, notes: Notes) -> int:
    """Compare two files; where they differ, the rows that do. Returns the rows of the derived one."""
    same = sha256_of(kept) == sha256_of(derived)
    if not kept.is_file() or not name.endswith(".parquet"):
        notes.expect(name, "", "the bytes derived again", "the bytes derived again" if same else
                     "other bytes" if kept.is_file() else "")  # fmt: skip
        return 0
    now = pq.read_table(derived)
    if same:
        return now.num_rows
    before = len(notes.differences)
    try:
        compare_rows(pq.read_table(kept).to_pylist(), now.to_pylist(), name, notes)
    except (pa.ArrowException, OSError) as error:
        notes.expect(name, "", "a table", f"{type(error).__name__}")
    if len(notes.differences) == before:
        notes.expect(name, "", "the bytes derived again", "other bytes of the same rows")
    return now.num_rows


def compare_rows(kept: Sequence[Row], derived: Sequence[Row], name: str, notes: Notes) -> None:
    """The rows that differ, by what they are about; amounts that differ in one row are told by how much."""
    then, now = by_name(kept), by_name(derived)
    differing = [one for one in sorted(then.keys() | now.keys()) if then.get(one) != now.get(one)]
    for row in differing[:MOST_ROWS]:
        was, is_ = then.get(row), now.get(row)
        if was is None or is_ is None:
            notes.expect(name, row, "a row" if is_ else "", "a row" if was else "")
            continue
        for column in is_.keys() | was.keys():
            found, expected = was.get(column), is_.get(column)
            if isinstance(found, Decimal) and isinstance(expected, Decimal):
                notes.expect_amount(name, f"{row}, {column}", expected, found)
            else:
                notes.expect(name, f"{row}, {column}", str(expected), str(found))
    if len(differing) > MOST_ROWS:
        notes.expect(name, f"{len(differing) - MOST_ROWS} more rows", "the same", "others")


def by_name(rows: Sequence[Row]) -> dict[str, Row]:
    """Rows by what they are about: a posting by its id, others by their texts; equal names are numbered."""
    found: dict[str, Row] = {}
    for row in rows:
        if "entry_id" in row:
            name = f"{row['entry_id']} line {row['line']}"
        else:
            texts = {column: one for column, one in row.items() if isinstance(one, (str, bool))}
            name = ", ".join(f"{column} {one}" for column, one in texts.items())
        number = 1
        while (known := name if number == 1 else f"{name} ({number})") in found:
            number += 1
        found[known] = {column: one for column, one in row.items() if column != "rollup_id"}
    return found


def check_manifest(books: Books, period: str, manifest: Mapping[str, Any]) -> Check:
    """What the manifest says of params, rules, SQL and invoices, worked out of the evidence again."""
    notes = Notes()
    folder = books.evidence(period)
    name = f"ledger/{MANIFEST}"
    digests = digest_files(folder / "params")
    recorded: dict[str, str] = manifest["params"]
    for one in sorted(digests.keys() | recorded.keys()):
        notes.expect(
            f"evidence/params/{one}", "", said(recorded.get(one, ""), "sha256"),
            said(digests.get(one, ""), "sha256"),
        )  # fmt: skip
    sql = folder / EVIDENCE_SQL
    compared = (
        f"{len(digests)} params files and {len(sql_files(sql))} SQL files, with the manifest's digests, "
        "rules, ratification and invoices"
    )
    try:
        params = read_params(folder / "params", period)
    except Refusal as refusal:
        notes.expect("evidence/params", "; ".join(refusal.where), "params", refusal.what)
        return notes.check("params and SQL in evidence", compared)
    for row, expected, found in (
        ("params_digest", params.digest(), manifest["params_digest"]),
        ("rules_digest", rules_digest(params, sql), manifest["rules_digest"]),
        ("sql_digest", sql_digest(sql), manifest["sql_digest"]),
        ("ratification", ratification_record(params), manifest["ratification"]),
        # One that comes to nothing may have no total, or no line items; the recount looks at those.
        ("invoices",
         {one: str(known.total) for one, known in params.invoices.items() if known.total},
         {one: tie["total"] for one, tie in manifest["invoices"].items()
          if one != params.stand_in and Decimal(tie["total"])}),
        ("invoicing", written(params.policy.invoicing), manifest.get("invoicing", "invoiced")),
        ("deferrals", {one.invoice_id: one.deferred_to for one in params.deferrals},
         {one["invoice_id"]: one["deferred_to"] for one in manifest.get("deferrals", [])}),
    ):  # fmt: skip
        notes.expect(
            name, row, json.dumps(expected, sort_keys=True), json.dumps(found, sort_keys=True)
        )
    return notes.check("params and SQL in evidence", compared)


def check_statements(compared: Mapping[str, Any]) -> Check:
    """Each statement as it is rendered again, with the one that was handed out (`pages.Compared`)."""
    notes = Notes()
    for name, row, expected, found in compared["differences"]:
        notes.differences.append(Difference(f"statements/{name}", row, expected, found))
    if compared["remark"]:
        notes.remarks.append(compared["remark"])
    other = len(compared["other_bytes"])
    files = f"{compared['files']} files as HTML, CSV and PDF before it was signed"
    if compared["how"] == BYTES:
        return notes.check("statements, rendered again", f"{files}, byte for byte")
    return notes.check(
        "statements, rendered again",
        f"{files}: {compared['files'] - other} byte for byte, {other} by their {compared['how']}",
    )


def check_controls(
    manifest: Mapping[str, Any], derived: Mapping[str, Any], rendered: bool
) -> Check:
    """Every control, run again, with its recorded outcome."""
    notes = Notes()
    name = f"ledger/{MANIFEST}"
    refusal = derived["refusal"]
    if refusal:
        for line in refusal["where"][:MOST_ROWS] or [""]:
            notes.differences.append(
                Difference("evidence", line, "what was closed, derived again", refusal["what"])
            )
        return notes.check("controls, run again", "stopped")
    recorded = {one["control"]: one["broken_by_rows"] for one in manifest["controls"]}
    again = {one["control"]: one["broken_by_rows"] for one in derived["controls"]}
    statements = {one for one in recorded if one.startswith("statements_")}
    for one in sorted(again.keys() | recorded.keys() - (set() if rendered else statements)):
        notes.expect(
            name, f"control {one}", outcome_words(again.get(one)), outcome_words(recorded.get(one))
        )
    for one, rows in again.items():
        if rows and recorded.get(one) == rows:
            notes.expect(name, f"control {one}", outcome_words(0), outcome_words(rows))
    checked = notes.check(
        "controls, run again", f"{len(again)} controls, each with no rows that break it"
    )
    more = tuple(
        Difference("statements", line, "", "a row that breaks it") for line in derived["broken"]
    )
    return Check(checked.name, checked.compared, checked.differences + more, checked.remarks)


def outcome_words(rows: int | None) -> str:
    """An outcome for a reader."""
    return "not run" if rows is None else "holds" if rows == 0 else f"broken by {rows} rows"


def check_recount(books: Books, period: str, report: Path, record: Mapping[str, Any]) -> Check:
    """The second path, of the period's own postings; those that correct others are checked with those."""
    notes = Notes()
    name = "recount by a second path"
    try:
        postings = pq.read_table(books.ledger(period) / POSTINGS).to_pylist()
        rules = Rules(books.evidence(period) / "params", period)
        counted = count_rows(report, record, rules, exact_as(books.evidence(period)))
        own = [row for row in postings if row["original_period"] is None]
        compared = recount(counted, rules, own, record, rules.invoices(), notes)
    except UNREADABLE as error:
        notes.expect("evidence", "", "what can be read", f"{type(error).__name__}: {error}")
        return notes.check(name, "stopped")
    return notes.check(name, compared)
