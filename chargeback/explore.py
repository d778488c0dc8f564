"""Explore: questions of an analyst to a closed period, answered from its ledger and evidence.

In: the texts that an explore notebook has as parameters. Out: exact tables, a plain text of facts,
figures. What always holds: what is shown comes from the closed period, so that no figure differs
from a statement's; the line items of a line sum to the exact amount of its postings, or it is said
by how much they do not. Nothing is written. Drawback: line items are read from the report, which
must still be where it was.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback.bridge import Bridge, closed_month, explain_change
from chargeback.engine import Engine
from chargeback.errors import bad_params
from chargeback.ledger import read_postings
from chargeback.params import Params, read_params
from chargeback.period import check_period, period_title
from chargeback.places import ROOT, Books
from chargeback.sources import SourceRecord, line_item_parameters, open_report
from chargeback.stages_shown import Chart, bar, grouped, waterfall
from chargeback.statements.extract import detail_label
from chargeback.statements.names import CHANGES, REMARKS

#: What spend can be looked at by, in the order in which it is offered.
DIMENSIONS = (
    "business_unit_id", "cost_center_id", "kind", "pool_id", "account_id", "product_code",
    "line_item_type", "invoice_id", "rule", "allocation_key",
)  # fmt: skip
NONE = "(none)"

#: Owner (a cost center or a pool), account and product.
Line = tuple[str, str, str]


@dataclass(frozen=True)
class ClosedPeriod:
    """A closed period, opened for reading."""

    period: str
    postings: pa.Table
    owned_costs: pa.Table
    record: SourceRecord
    params: Params


def place(text: str) -> Path:
    """A folder named in a notebook, relative to the repository or to CHARGEBACK_EXPLORE_ROOT."""
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
        in_unit = pc.equal(charged["business_unit_id"], only)
        charged = charged.filter(pc.or_(in_unit, pc.equal(charged["cost_center_id"], only)))
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


def spend_figure(month: ClosedPeriod, dimension: str, only: str = "", most: int = 20) -> Chart:
    """The largest values of a dimension as bars."""
    sums = spend(month, dimension, only).head(most)
    title = f"Charged by {dimension}, {period_title(month.period)}"
    return bar(
        sums[dimension].tolist(), sums["amount"].tolist(), title, month.params.policy.currency
    )


def lines(month: ClosedPeriod) -> pd.DataFrame:
    """The lines that can be looked into: owner, account, product, exact amount."""
    taken = month.postings.filter(is_line(month.postings))
    owners = pc.coalesce(taken["cost_center_id"], taken["pool_id"])
    return grouped(
        taken.append_column("owner", owners),
        ["owner", "account_id", "product_code"],
        "exact_amount",
    )


def is_line(postings: pa.Table) -> pa.ChunkedArray:
    """Postings that charge line items to an owner: a cost center directly, or a pool."""
    accounts = postings["ledger_account"]
    return pc.or_(
        pc.and_(pc.equal(postings["kind"], "direct"), pc.starts_with(accounts, "cost-center:")),
        pc.and_(pc.equal(postings["kind"], "pooled"), pc.starts_with(accounts, "pool:")),
    )


def largest_line(month: ClosedPeriod, owner: str, account: str, product: str) -> Line:
    """The line that is meant: blanks are filled in from the largest line that fits.

    Raises:
        Refusal: (exit 2) no line fits.
    """
    wanted = (owner, account, product)
    for row in lines(month).itertuples(index=False):
        named = (str(row.owner), str(row.account_id), str(row.product_code))
        if all(want in ("", have) for want, have in zip(wanted, named, strict=True)):
            return named
    raise bad_params(
        "there is no such line in this period", "an owner, account and product with a posting",
        " / ".join(one or "any" for one in (owner, account, product)),
        todo=["choose one from explore.lines(month)"],
    )  # fmt: skip


def posted_exactly(month: ClosedPeriod, line: Line) -> Decimal:
    """The exact amount of a line's postings."""
    table = lines(month)
    return next(
        Decimal(row.exact_amount)
        for row in table.itertuples(index=False)
        if (row.owner, row.account_id, row.product_code) == line
    )


def line_resources(month: ClosedPeriod, report: str, line: Line) -> pa.Table:
    """The line items behind a line, by resource, largest first (sql/explore/line_resources.sql)."""
    owned = month.owned_costs
    owners = pc.coalesce(owned["cost_center_id"], owned["pool_id"])
    matches = pc.equal(owners, line[0])
    matches = pc.and_(matches, pc.equal(owned["account_id"], line[1]))
    keys = owned.filter(pc.and_(matches, pc.equal(owned["product_code"], line[2])))
    policy = month.params.policy
    engine = Engine()
    open_report(engine, place(report), month.record)
    engine.create_view("line_items", "sources", line_item_parameters(month.params))
    engine.register("line_keys", keys)
    found = engine.query("explore", "line_resources", {"cost_basis": policy.cost_basis})
    engine.close()
    return found.sort_by([("charged_cost", "descending"), ("resource_id", "ascending")])


def line_facts(month: ClosedPeriod, line: Line, resources: pa.Table) -> str:
    """How many line items and resources the line has, and that they sum to what was posted."""
    cost = sum(resources["charged_cost"].to_pylist(), Decimal(0))
    posted = posted_exactly(month, line)
    ids = {one for one in resources["resource_id"].to_pylist() if one}
    return (
        f"period {month.period}, owner {line[0]}, account {line[1]}, product {line[2]}\n"
        f"{pc.sum(resources['line_items']).as_py() or 0} line items, {len(ids)} resources\n"
        f"line items {cost}, posted {posted}, difference {cost - posted}"
    )


def resources_figure(line: Line, resources: pa.Table, most: int = 20) -> Chart:
    """The most expensive resources of a line as bars."""
    sums = grouped(resources, ["resource_id"], "charged_cost").head(most)
    labels = [one or "(no resource)" for one in sums["resource_id"]]
    return bar(labels, sums["charged_cost"].tolist(), "Resources of " + " / ".join(line))


def open_change(period: str, business_unit: str, books: str) -> tuple[ClosedPeriod, Bridge]:
    """A closed period, and why a unit's total changed from the closed period before it.

    Raises:
        Refusal: (exit 2) the period is not closed, is the first one, or has no such unit.
    """
    month = open_period(period, books)
    found = Books(place(books))
    earlier = [one for one in found.closed_periods() if one < period]
    if not earlier:
        raise bad_params(
            f"{period} is the first closed period of these books", "a period with one before it",
            "closed: " + ", ".join(found.closed_periods()), [str(found.root)],
            ["a change is from one closed period to the next: choose a later one"],
        )  # fmt: skip
    if business_unit not in month.params.business_units:
        raise bad_params(
            "there is no such business unit in this period",
            ", ".join(sorted(month.params.business_units)), repr(business_unit),
        )  # fmt: skip
    now = replace(closed_month(found, period), params=month.params)
    return month, explain_change(closed_month(found, earlier[-1]), now)[business_unit]


def change_facts(bridge: Bridge) -> str:
    """The totals, each part, and that the parts are the change."""
    parts = [f"{part.code}: {part.amount}" for part in bridge.parts]
    whole = sum((part.amount for part in bridge.parts), Decimal("0.00"))
    return "\n".join(
        [
            f"{bridge.business_unit_id}: {bridge.previous_period} {bridge.before}, "
            f"{bridge.period} {bridge.after}, change {bridge.change}",
            *parts,
            f"parts less change: {whole - bridge.change}",
            *(REMARKS[remark] for remark in bridge.remarks),
        ]
    )


def change_table(bridge: Bridge) -> pd.DataFrame:
    """The parts of a change with what they mean."""
    rows = [(part.label, part.amount, CHANGES[part.code][1]) for part in bridge.parts]
    return pd.DataFrame(rows, columns=["part", "amount", "what it is"])


def change_details(month: ClosedPeriod, bridge: Bridge) -> pd.DataFrame:
    """The largest of what each part is for: services in the unit's accounts, and pools."""
    rows = [
        (part.label, detail_label(month.params, one), one.amount)
        for part in bridge.parts
        for one in part.details
    ]
    return pd.DataFrame(rows, columns=["part", "for", "amount"])


def change_figure(month: ClosedPeriod, bridge: Bridge) -> Chart:
    """The parts as a waterfall."""
    unit = month.params.business_units[bridge.business_unit_id].name
    title = f"{unit}: {period_title(bridge.previous_period)} to {period_title(bridge.period)}"
    steps = [(part.label, part.amount) for part in bridge.parts if part.amount]
    return waterfall(steps, title, month.params.policy.currency)
