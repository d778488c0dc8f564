"""Explore: questions of an analyst to a closed period, answered from its own ledger and evidence.

In: the texts that an explore notebook has as parameters. Out: exact tables, a plain text of facts, figures.
What always holds: what is shown comes from the closed period, so that no figure differs from a statement's; the
line items of a line sum to the exact amount of its postings, or it is said by how much they do not. Nothing is
written. Drawback: the line items are read from the report, which must still be where it was; the digests of the
period's source record say whether it is the same delivery.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from chargeback.engine import Engine, read_sql, translate
from chargeback.errors import bad_params
from chargeback.ledger import read_postings
from chargeback.params import Params, read_params
from chargeback.period import check_period, period_title
from chargeback.places import ROOT, Books
from chargeback.sources import SourceRecord, line_item_parameters, open_report
from chargeback.stages_shown import bar, grouped

#: What spend can be looked at by, in the order in which it is offered.
DIMENSIONS = (
    "business_unit_id", "cost_center_id", "kind", "pool_id", "account_id", "product_code",
    "line_item_type", "invoice_id", "rule", "allocation_key",
)  # fmt: skip
NONE = "(none)"


@dataclass(frozen=True)
class ClosedPeriod:
    """A closed period, opened for reading."""

    period: str
    postings: pa.Table
    owned_costs: pa.Table
    record: SourceRecord
    params: Params


def place(text: str) -> Path:
    """A folder named in a notebook: as it is, or relative to the repository (or CHARGEBACK_EXPLORE_ROOT)."""
    return Path(os.environ.get("CHARGEBACK_EXPLORE_ROOT", str(ROOT))) / text


def open_period(period: str, books: str) -> ClosedPeriod:
    """A closed period with the params it was closed with.

    Raises:
        Refusal: (exit 2) the period is not closed in these books.
    """
    found = Books(place(books))
    closed = found.closed_periods()
    if check_period(period) not in closed:
        raise bad_params(
            f"{period} is not closed in these books", "one of: " + (", ".join(closed) or "none"),
            period, [str(found.root)], [f"close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip
    evidence = found.evidence(period)
    return ClosedPeriod(
        period,
        read_postings(found.ledger(period) / "postings.parquet"),
        pq.read_table(evidence / "owned_costs.parquet"),
        SourceRecord.from_json((evidence / "sources.json").read_text()),
        read_params(evidence / "params", period),
    )


def check_dimension(dimension: str) -> str:
    """The dimension as given, or a refusal (exit 2) that names those there are."""
    if dimension not in DIMENSIONS:
        raise bad_params(
            "spend cannot be looked at by this", ", ".join(DIMENSIONS), repr(dimension)
        )
    return dimension


def spend(month: ClosedPeriod, dimension: str, only: str = "") -> pd.DataFrame:
    """What cost centers are charged, in cents, by a dimension; largest first.

    Args:
        only: a business unit or cost center to look at; blank for all.
    """
    check_dimension(dimension)
    charged = month.postings.filter(pc.is_valid(month.postings["cost_center_id"]))
    if only:
        charged = charged.filter(
            pc.or_(pc.equal(charged["business_unit_id"], only), pc.equal(charged["cost_center_id"], only))
        )  # fmt: skip
    sums = grouped(charged, [dimension], "amount")
    return sums.assign(**{dimension: sums[dimension].fillna(NONE)})


def spend_facts(month: ClosedPeriod, dimension: str, only: str = "") -> str:
    """How much was charged, in how many parts, and that the parts are the whole."""
    sums = spend(month, dimension, only)
    parts = sum(sums["amount"], Decimal("0.00"))
    whole = sum(spend(month, "cost_center_id", only)["amount"], Decimal("0.00"))
    largest = f"{sums.iloc[0, 0]} {sums.iloc[0, 1]}" if len(sums) else NONE
    return (
        f"period {month.period}, charged {whole} {month.params.policy.currency}\n"
        f"{dimension}: {len(sums)} values, largest {largest}\n"
        f"parts less whole: {parts - whole}"
    )


def spend_figure(month: ClosedPeriod, dimension: str, only: str = "", most: int = 20) -> go.Figure:
    """The largest values of a dimension as bars."""
    sums = spend(month, dimension, only).head(most)
    title = f"Charged by {dimension}, {period_title(month.period)}"
    return bar(
        sums[dimension].tolist(), sums["amount"].tolist(), title, month.params.policy.currency
    )
