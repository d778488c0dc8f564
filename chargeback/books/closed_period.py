"""What the books hold of a closed period: its own close and every correction since.

In: books. Out: the postings, the delivery that they were last made from, and the params of the period with its
invoices as last entered. What always holds: each file that is read has the sha256 that a manifest recorded.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback.books.manifest import read_manifest
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import read_postings
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.period import month_before
from chargeback.params import Invoice, Params, digest_files, read_params

#: Evidence of a close that corrected earlier periods; both are there, and empty, when there were none.
RESTATEMENTS, RESTATED_ROLLUP = "restatements.json", "restated_rollup.parquet"

#: What a close keeps about one period that it corrected, as JSON.
Kept = dict[str, Any]


@dataclass(frozen=True)
class ClosedPeriod:
    """A closed period as the books have it.

    Args:
        params: as the period was closed, with the invoices as they were entered last, and without deferrals
            that a correction has charged since.
        record, rollup: of the delivery that its last postings were made from.
        postings: its own, without those that correct other periods, and those that correct it.
        corrected_in: the periods that posted the latter, in the order in which they were closed.
    """

    period: str
    params: Params
    record: SourceRecord
    rollup: pa.Table
    postings: pa.Table
    corrected_in: tuple[str, ...]


def read_closed_period(
    books: Books, period: str, corrected_in: Sequence[str] | None = None
) -> ClosedPeriod:
    """A closed period with its corrections.

    Args:
        corrected_in: the closes whose corrections count; by default all there are.

    Raises:
        Refusal: (exit 4) evidence is missing or is not what its manifest says.
    """
    correcting = corrections_of(books, period) if corrected_in is None else list(corrected_in)
    params = kept_params(books, period)
    record = SourceRecord.from_json(kept_bytes(books, period, "sources.json").decode())
    rollup = pq.read_table(io.BytesIO(kept_bytes(books, period, "rollup.parquet")))
    own = read_postings(books.ledger(period) / "postings.parquet")
    tables = [own.filter(pc.is_null(own["original_period"]))]
    for later in correcting:
        kept = kept_restatements(books, later)[period]
        params = params_after(params, kept)
        if kept["redelivered"]:
            record, rollup = kept_record(kept), kept_rollup(books, later, period)
        postings = read_postings(books.ledger(later) / "postings.parquet")
        tables.append(postings.filter(pc.equal(postings["original_period"], period)))
    return ClosedPeriod(
        period, params, record, rollup, pa.concat_tables(tables), tuple(correcting)
    )  # fmt: skip


def params_after(params: Params, kept: Kept) -> Params:
    """The params of a period as a correction of it left them: its invoices, and which are still deferred."""
    invoices = {one["invoice_id"]: invoice_of(one) for one in kept["invoices"]}
    deferred = kept.get("deferred", [])
    return replace(
        params,
        invoices={**params.invoices, **invoices},
        deferrals=tuple(one for one in params.deferrals if one.invoice_id in deferred),
    )


@dataclass(frozen=True)
class Corrections:
    """What each close kept about the periods that it corrected, by its period and theirs; read once for all."""

    kept: Mapping[str, Mapping[str, Kept]]

    @cached_property
    def by_period(self) -> dict[str, list[str]]:
        """The closes that corrected a period, in their order."""
        found: dict[str, list[tuple[int, str]]] = {}
        for later, those in self.kept.items():
            for period, kept in those.items():
                found.setdefault(period, []).append((len(kept["earlier"]), later))
        return {period: [later for _, later in sorted(those)] for period, those in found.items()}

    def of(self, period: str) -> list[str]:
        """The closed periods that corrected a period, in the order in which they were closed."""
        return self.by_period.get(period, [])


def read_corrections(books: Books) -> Corrections:
    """All corrections that the books hold (exit 4 where evidence is missing or another).

    Whoever asks about many periods reads them once, and hands them on.
    """
    return Corrections({one: kept_restatements(books, one) for one in books.closed_periods()})


def corrections_of(books: Books, period: str) -> list[str]:
    """The closed periods that corrected a period, in the order in which they were closed."""
    return read_corrections(books).of(period)


def last_record(books: Books, period: str, known: Corrections | None = None) -> SourceRecord:
    """The record of the delivery that a closed period's last postings were made from."""
    known = known or read_corrections(books)
    for later in reversed(known.of(period)):
        kept = known.kept[later][period]
        if kept["redelivered"]:
            return kept_record(kept)
    return SourceRecord.from_json(json.dumps(manifest_of(books, period)["sources"]))


def last_rollups(books: Books, period: str) -> Iterator[tuple[str, pa.Table]]:
    """The closed periods right before one, the last first, each with the rollup of its last delivery.

    It ends with the first period that is not closed, or whose evidence is gone or is not what was closed.
    """
    closed = [one for one in books.closed_periods() if one < period]
    kept = {
        later: kept_restatements(books, later) for later in closed if has_evidence(books, later)
    }
    while (period := month_before(period)) in kept:
        corrected = [
            (len(those[period]["earlier"]), later)
            for later, those in kept.items()
            if period in those and those[period]["redelivered"]
        ]
        try:
            yield (
                period,
                (
                    kept_rollup(books, max(corrected)[1], period)
                    if corrected
                    else pq.read_table(io.BytesIO(kept_bytes(books, period, "rollup.parquet")))
                ),
            )
        except Refusal:
            return


def has_evidence(books: Books, period: str) -> bool:
    """Whether what a close kept about the periods that it corrected can be read, if it kept anything."""
    try:
        kept_restatements(books, period)
    except Refusal:
        return False
    return True


def last_totals(books: Books, period: str, known: Corrections | None = None) -> dict[str, Decimal]:
    """The invoices of a closed period with the totals that its last postings tie to."""
    known = known or read_corrections(books)
    totals = {
        invoice_id: Decimal(tie["total"])
        for invoice_id, tie in manifest_of(books, period)["invoices"].items()
    }
    for later in known.of(period):
        kept = known.kept[later][period]
        totals |= {one["invoice_id"]: Decimal(one["total"]) for one in kept["invoices"]}
    return totals


def open_deferrals(books: Books, period: str, known: Corrections | None = None) -> dict[str, str]:
    """The invoices that a closed period left to a later one, with that one; without those charged since."""
    found = {
        one["invoice_id"]: one["deferred_to"]
        for one in manifest_of(books, period).get("deferrals", [])
    }
    if not found:
        return {}
    known = known or read_corrections(books)
    for later in known.of(period):
        deferred = known.kept[later][period].get("deferred", [])
        found = {one: deferred_to for one, deferred_to in found.items() if one in deferred}
    return found


def manifest_of(books: Books, period: str) -> dict[str, Any]:
    """The manifest of a closed period; that its signature holds was checked before."""
    return read_manifest(books, period)


def kept_restatements(books: Books, period: str) -> dict[str, Kept]:
    """What a close kept about the periods that it corrected; nothing when it kept no such file."""
    if f"evidence/{RESTATEMENTS}" not in manifest_of(books, period)["derived"]:
        return {}
    kept = json.loads(kept_bytes(books, period, RESTATEMENTS))
    return {one["billing_period"]: one for one in kept}


def kept_record(kept: Kept) -> SourceRecord:
    """The record of a delivery that a close corrected from."""
    return SourceRecord.from_json(json.dumps(kept["sources"]))


def kept_rollup(books: Books, period: str, original_period: str) -> pa.Table:
    """The rollup of a delivery that a close corrected from."""
    every = pq.read_table(io.BytesIO(kept_bytes(books, period, RESTATED_ROLLUP)))
    return rollup_of(every, original_period)


def rollup_of(every: pa.Table, original_period: str) -> pa.Table:
    """One period's rollup out of those of a close."""
    chosen = every.filter(pc.equal(every["original_period"], original_period))
    return chosen.drop_columns("original_period").combine_chunks()


def invoice_of(cells: Kept) -> Invoice:
    """An invoice as a close kept it."""
    return Invoice(cells["invoice_id"], cells["issuer"], cells["currency"], Decimal(cells["total"]))


def kept_params(books: Books, period: str) -> Params:
    """The params that a period was closed with.

    Raises:
        Refusal: (exit 4) they are not kept, or are not what the manifest says.
    """
    folder = books.evidence(period) / "params"
    if digest_files(folder) != manifest_of(books, period)["params"]:
        raise evidence_refusal(period, folder)
    return read_params(folder, period)


def kept_bytes(books: Books, period: str, name: str) -> bytes:
    """A file of a closed period's evidence, as its manifest says it is.

    Raises:
        Refusal: (exit 4) it is missing or another one.
    """
    path = books.evidence(period) / name
    content = path.read_bytes() if path.is_file() else b""
    if (
        hashlib.sha256(content).hexdigest()
        != manifest_of(books, period)["derived"][f"evidence/{name}"]
    ):
        raise evidence_refusal(period, path)
    return content


def evidence_refusal(period: str, path: Path) -> Refusal:
    """That a closed period cannot be corrected for want of its evidence."""
    return Refusal(
        CONTROL_FAILED, f"the evidence of {period} has changed since the close",
        "the file with the sha256 of its manifest", "another one" if path.exists() else "nothing", "",
        [str(path)],
        ["restore it from your backup: a correction is computed from what the period was closed with"],
    )  # fmt: skip
