"""Drafted: what a draft of an open month was made from, as its folder keeps it."""

from __future__ import annotations

import pyarrow.parquet as pq

from chargeback.books.manifest import POSTINGS
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import read_postings
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.params import read_params
from chargeback.review.trace.origin import Origin
from chargeback.rollup.product_names import product_names


def draft_of(books: Books, period: str) -> Origin:
    """What a draft was made from.

    Raises:
        Refusal: (exit 2) it was drafted by an earlier version, which kept its statements only.
    """
    evidence = books.draft(period) / "evidence"
    if not (evidence / POSTINGS).is_file():
        raise bad_params(
            "this draft kept its statements only", "the tables that they were made from", "none",
            [str(books.draft(period))], [f"draft it again: make draft PERIOD={period}"],
        )  # fmt: skip
    kept = evidence / "rollup.parquet"  # which drafts of an earlier version do not have
    rollup = [pq.read_table(kept)] if kept.is_file() else []
    return Origin(
        period,
        read_params(evidence / "params", period),
        SourceRecord.from_json((evidence / "sources.json").read_text("utf-8")),
        pq.read_table(evidence / "owned_costs.parquet"),
        read_postings(evidence / POSTINGS),
        product_names(rollup),
    )
