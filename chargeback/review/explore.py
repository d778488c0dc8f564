"""Explore: questions of an analyst to a closed period, answered from its ledger and evidence.

In: the texts that an explore notebook has as parameters. Out: exact tables, a plain text of facts,
figures. What always holds: what is shown comes from the closed period, so that no figure differs
from a statement's; the line items of a line sum to the exact amount of its postings, or it is refused.
Nothing is written. Drawback: line items are read from the report, which
must still be where it was.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.errors import bad_params
from chargeback.core.period import period_title
from chargeback.core.places import Books, place
from chargeback.pages.figures import Chart, bar, grouped, waterfall
from chargeback.pages.names import CHANGES, REMARKS
from chargeback.review.trace import Basis, LineItems, basis_of, choose, line_items_behind
from chargeback.review.trace.words import heading, rule_words
from chargeback.statements.bridge import Bridge, closed_month, explain_change
from chargeback.statements.extract import detail_label

#: What spend can be looked at by, in the order in which it is offered.
DIMENSIONS = (
    "business_unit_id", "cost_center_id", "kind", "pool_id", "account_id", "product_code",
    "line_item_type", "invoice_id", "rule", "allocation_key",
)  # fmt: skip
NONE = "(none)"


def open_period(period: str, books: str) -> Basis:
    """A closed period with the params it was closed with.

    Raises:
        Refusal: (exit 2) the period is not closed in these books; (exit 4) they are not as they were closed.
    """
    return basis_of(Books(place(books)), period)


def check_dimension(dimension: str) -> str:
    """The dimension as given, or a refusal (exit 2) that names those there are."""
    if dimension not in DIMENSIONS:
        raise bad_params(
            "spend cannot be looked at by this", ", ".join(DIMENSIONS), repr(dimension)
        )
    return dimension


def spend(month: Basis, dimension: str, only: str = "") -> pd.DataFrame:
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


def spend_facts(month: Basis, dimension: str, only: str = "") -> str:
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


def spend_figure(month: Basis, dimension: str, only: str = "", most: int = 20) -> Chart:
    """The largest values of a dimension as bars."""
    sums = spend(month, dimension, only).head(most)
    title = f"Charged by {dimension}, {period_title(month.period)}"
    return bar(
        sums[dimension].tolist(), sums["amount"].tolist(), title, month.params.policy.currency
    )


def lines(month: Basis) -> pd.DataFrame:
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


def line_named(month: Basis, line: str) -> str:
    """A line as it is named, or where none is named the largest one."""
    if line:
        return line
    largest = lines(month).iloc[0]
    return f"{largest.owner}/{largest.account_id}/{largest.product_code}"


def line_told(month: Basis, books: str, line: str) -> str:
    """The postings of a line, the statement they are on, and the rule with who approved it, as text."""
    rows = choose(month.postings, month.period, line).rows
    found = [*heading(Books(place(books)), month, rows), *rule_words(month.params, rows)]
    return "\n".join(found)


def line_items(month: Basis, report: str, line: str) -> LineItems:
    """The line items behind a line of direct or pooled cost, or of commitments.

    Raises:
        Refusal: (exit 4) they do not sum to it; (exit 6) the report is not the delivery that was recorded.
    """
    return line_items_behind(month, choose(month.postings, month.period, line).rows, place(report))


def line_facts(month: Basis, line: str, items: LineItems) -> str:
    """How many line items and resources the line has, and that they sum to what was posted."""
    rows = choose(month.postings, month.period, line).rows
    sums = items.sums()
    cost = sum((amount for _, amount in sums.values()), Decimal(0))
    posted = sum((Decimal(row["exact_amount"]) for row in rows), Decimal(0))
    ids = {one for one in items.resources()["resource_id"].to_pylist() if one}
    return (
        f"period {month.period}, {line}, {len(rows)} postings\n"
        f"{sum(count for count, _ in sums.values())} line items, {len(ids)} resources\n"
        f"line items {cost}, posted {posted}, difference {cost - posted}"
    )


def largest_line_items(items: LineItems, most: int = 20) -> pd.DataFrame:
    """The largest line items with their place in the report."""
    names = (
        "amount", "source_file", "source_row", "identity_line_item_id", "usage_date", "usage_type",
        "resource_id", "resource_tags",
    )  # fmt: skip
    return pd.DataFrame([{name: row[name] for name in names} for row in items.largest(most)])


def resources_figure(line: str, items: LineItems, most: int = 20) -> Chart:
    """The most expensive resources of a line as bars."""
    sums = grouped(items.resources(), ["resource_id"], "amount").head(most)
    labels = [one or "(no resource)" for one in sums["resource_id"]]
    return bar(labels, sums["amount"].tolist(), f"Resources of {line}")


def open_change(period: str, business_unit: str, books: str) -> tuple[Basis, Bridge]:
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


def change_details(month: Basis, bridge: Bridge) -> pd.DataFrame:
    """The largest of what each part is for: services in the unit's accounts, and pools."""
    rows = [
        (part.label, detail_label(month.params, one), one.amount)
        for part in bridge.parts
        for one in part.details
    ]
    return pd.DataFrame(rows, columns=["part", "for", "amount"])


def change_figure(month: Basis, bridge: Bridge) -> Chart:
    """The parts as a waterfall."""
    unit = month.params.business_units[bridge.business_unit_id].name
    title = f"{unit}: {period_title(bridge.previous_period)} to {period_title(bridge.period)}"
    steps = [(part.label, part.amount) for part in bridge.parts if part.amount]
    return waterfall(steps, title, month.params.policy.currency)
