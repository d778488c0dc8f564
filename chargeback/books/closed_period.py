"""What the books hold of a closed period: its own close and every correction since.

In: books. Out: the postings, the delivery that they were last made from, and the params of the period with its
invoices as last entered. What always holds: each file that is read has the sha256 that a manifest recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import (
    Changed,
    Gone,
    checked_json,
    checked_manifest,
    checked_postings,
    checked_table,
    kept_keys,
    private_copy,
)
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.period import month_before
from chargeback.params import Invoice, Params, read_params
from chargeback.params.ratification import EarlierRules

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
    record = own_record(books, period)
    rollup = checked_table(books, period, "rollup.parquet")
    own = checked_postings(books, period)
    tables = [own.filter(pc.is_null(own["original_period"]))]
    for later in correcting:
        kept = kept_restatements(books, later)[period]
        params = params_after(params, kept)
        if kept["redelivered"]:
            record, rollup = kept_record(kept), kept_rollup(books, later, period)
        postings = checked_postings(books, later)
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
    return SourceRecord.from_json(json.dumps(checked_manifest(books, period)["sources"]))


def last_rollups(books: Books, period: str) -> Iterator[tuple[str, pa.Table]]:
    """The closed periods right before one, the last first, each with the rollup of its last delivery.

    It ends with the first period that is not closed, or whose evidence is gone.

    Raises:
        Changed: (exit 4) evidence is not what was closed.
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
                    else checked_table(books, period, "rollup.parquet")
                ),
            )
        except Gone:
            return


def has_evidence(books: Books, period: str) -> bool:
    """Whether what a close kept about the periods that it corrected can be read, if it kept anything."""
    try:
        kept_restatements(books, period)
    except Gone:
        return False
    return True


def last_totals(books: Books, period: str, known: Corrections | None = None) -> dict[str, Decimal]:
    """The invoices of a closed period with the totals that its last postings tie to."""
    known = known or read_corrections(books)
    totals = {
        invoice_id: Decimal(tie["total"])
        for invoice_id, tie in checked_manifest(books, period)["invoices"].items()
    }
    for later in known.of(period):
        kept = known.kept[later][period]
        totals |= {one["invoice_id"]: Decimal(one["total"]) for one in kept["invoices"]}
    return totals


def open_deferrals(books: Books, period: str, known: Corrections | None = None) -> dict[str, str]:
    """The invoices that a closed period left to a later one, with that one; without those charged since."""
    found = {
        one["invoice_id"]: one["deferred_to"]
        for one in checked_manifest(books, period).get("deferrals", [])
    }
    if not found:
        return {}
    known = known or read_corrections(books)
    for later in known.of(period):
        deferred = known.kept[later][period].get("deferred", [])
        found = {one: deferred_to for one, deferred_to in found.items() if one in deferred}
    return found


def kept_restatements(books: Books, period: str) -> dict[str, Kept]:
    """What a close kept about the periods that it corrected; nothing when it kept no such file."""
    if f"evidence/{RESTATEMENTS}" not in checked_manifest(books, period)["derived"]:
        return {}
    kept = checked_json(books, period, RESTATEMENTS)
    return {one["billing_period"]: one for one in kept}


def time_closed(books: Books, period: str) -> datetime | None:
    """When a period was closed, in UTC, as its evidence says; None when it does not."""
    try:
        run = checked_json(books, period, "run.json")
        return datetime.fromisoformat(run["closed_at"]).astimezone(UTC)
    except (Gone, ValueError, KeyError, TypeError):
        return None


def day_closed(books: Books, period: str) -> date | None:
    """The day on which a period was closed, in UTC; None when its evidence does not say."""
    closed = time_closed(books, period)
    return closed.date() if closed else None


def own_record(books: Books, period: str) -> SourceRecord:
    """The record of the delivery that a period was closed from."""
    return kept_record({"sources": checked_json(books, period, "sources.json")})


def kept_record(kept: Kept) -> SourceRecord:
    """The record of a delivery that a close corrected from."""
    return SourceRecord.from_json(json.dumps(kept["sources"]))


def kept_rollup(books: Books, period: str, original_period: str) -> pa.Table:
    """The rollup of a delivery that a close corrected from."""
    return rollup_of(checked_table(books, period, RESTATED_ROLLUP), original_period)


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
    with private_copy(books, period, "evidence/params") as folder:
        params = read_params(folder, period)
    return replace(params, folder=books.evidence(period) / "params")


def closed_rules(books: Books, before: str) -> Iterator[EarlierRules]:
    """The rules of the closed periods before one, newest first, as far as they are kept and can be read.

    Raises:
        Changed: (exit 4) they are not what was closed.
    """
    for period in reversed(books.closed_periods()):
        if period < before:
            try:
                params = kept_params(books, period)
            except Changed:
                raise
            except Refusal:
                continue
            yield EarlierRules(params, kept_keys(books, period), f"{period}, as it was closed")
