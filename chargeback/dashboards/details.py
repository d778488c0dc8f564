"""Details: what only the report knows of the last closed month: the largest resources, and values of tags.

In: the delivery that the month was closed from, and that of the month before. Out: `Details`, for all cost
centers together, from one pass over the line items of each month. Who owns a line item is what the close
decided. They are kept under BOOKS/dashboards/details/, named by the manifests that they were made for, so that
pages are made again without the report.

What always holds: what each cost center's line items sum to is what the close took from them; where they do
not, nothing is shown. Amounts are exact, of the month's own delivery, before cents and without corrections.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from chargeback.books.checked import signed_manifest
from chargeback.books.delivery_room import Room
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.json_text import read_json
from chargeback.core.sums import sums_by
from chargeback.dashboards.model import OTHER_VALUES
from chargeback.dashboards.months import FindReport
from chargeback.engine import Engine, sql_digest
from chargeback.review.trace import Origin, origin_of
from chargeback.review.trace.line_items import require_sizes
from chargeback.sources.report import open_report, tag_value, view_line_items

FOLDER = "details"

#: So many resources are kept of each cost center, and so many values of each tag.
MOST_RESOURCES, MOST_VALUES = 50, 200

#: Between the values of tags; no tag of AWS has it.
APART = "\x1f"

SQL = "dashboards"
OWNER = ("cost_center_id", "account_id", "product_code", "resource_id")


@dataclass(frozen=True)
class Resource:
    """A resource of a cost center; `previous` is None where there is no month before."""

    cost_center_id: str
    account_id: str
    product_code: str
    resource_id: str
    cost: Decimal
    previous: Decimal | None


@dataclass(frozen=True)
class TagValueCost:
    """What a cost center's line items with a value of a tag cost; the value is blank where they have none."""

    cost_center_id: str
    tag_key: str
    tag_value: str
    cost: Decimal


@dataclass(frozen=True)
class Details:
    """What the report says of the last closed month; empty where it could not be asked.

    Args:
        remarks: why not, in sentences.
    """

    resources: tuple[Resource, ...] = ()
    tags: tuple[TagValueCost, ...] = ()
    remarks: tuple[str, ...] = ()


def read_details(
    books: Books, room: Room, period: str, before: str | None, find: FindReport
) -> Details:
    """The details of a closed month, kept or read now.

    Args:
        room: of the dashboards.
        before: the closed month before, which resources are compared with.
    """
    name = kept_name(books, [one for one in (period, before) if one])
    kept = kept_details(room, name)
    if kept:
        return kept
    try:
        report = find([one for one in (period, before) if one])
        found = look(books, period, before, report)
    except Refusal as refusal:
        return Details(remarks=(f"Resources and tags are not shown: {refusal.what}.",))
    if not found.remarks:
        room.put(name, content_of(found))
    return found


def kept_details(room: Room, name: str) -> Details | None:
    """Details that were kept; None where there are none that can be read."""
    content = room.read(name)
    if content is None:
        return None
    try:
        return details_of(read_json(content))
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return None


def kept_name(books: Books, periods: Sequence[str]) -> str:
    """What details of some closed periods are kept under: their manifests, and the SQL that reads them."""
    digest = hashlib.sha256(sql_digest().encode())
    for one in periods:
        digest.update(hashlib.sha256(signed_manifest(books, one).content).digest())
    return f"{FOLDER}/{periods[0]}-{digest.hexdigest()[:32]}.json"


def look(books: Books, period: str, before: str | None, report: Path) -> Details:
    """The details of a closed month, from its report.

    Raises:
        Refusal: (exit 6) the report is not the delivery that the month was closed from.
    """
    origin = origin_of(books, period)
    resources, tags = read_month(origin, report)
    if resources is None:
        return Details(remarks=(not_summing(period),))
    previous = resources.slice(0, 0)
    if before:
        earlier, _ = read_month(origin_of(books, before), report)
        if earlier is None:
            return Details(remarks=(not_summing(before),))
        previous = earlier
    engine = Engine()
    engine.register("resource_costs", resources)
    engine.register("previous_costs", previous)
    largest = engine.query(SQL, "largest_resources", {"most": exp.Literal.number(MOST_RESOURCES)})
    engine.close()
    found = tuple(
        Resource(
            **{one: row[one] or "" for one in OWNER},
            cost=row["charged_cost"],
            previous=row["previous_cost"] if before else None,
        )
        for row in largest.to_pylist()
    )
    return Details(found, tuple(tag_costs(tags, origin.params.policy.mandatory_tags)))


def not_summing(period: str) -> str:
    """That a report says something else than what was closed from it."""
    return (
        f"Resources and tags are not shown: the line items of {period} do not sum to what was charged, so "
        "this version reads them differently than the one that closed it."
    )


def read_month(origin: Origin, report: Path) -> tuple[pa.Table | None, pa.Table]:
    """Cost by resource and by values of tags; no resources where owners' sums are not the close's."""
    require_sizes(origin, report)
    policy = origin.params.policy
    engine = Engine()
    try:
        open_report(engine, report, origin.record, besides={}, params=origin.params)
        view_line_items(engine, origin.params, carried=("resource_tags",))
        engine.register("owned_costs", origin.owned_costs)
        engine.create_table(
            "explored_line_items", "explore", {
                "cost_basis": policy.cost_basis, "value_1": exp.column("resource_id"),
                "value_2": joined_values(policy.mandatory_tags),
            },
        )  # fmt: skip
        resources = engine.query(SQL, "resource_costs")
        tags = engine.query(SQL, "tag_costs")
    finally:
        engine.close()
    owned = origin.owned_costs.filter(pc.is_valid(origin.owned_costs["cost_center_id"]))
    expected, found = (
        {key: cost for key, cost in sums_by(one, ["cost_center_id"], "charged_cost").items() if cost}
        for one in (owned, tags)
    )  # fmt: skip
    return (resources if expected == found else None), tags


def joined_values(keys: Sequence[str]) -> exp.Expr:
    """The values of some tags of a line item as one text, as an expression."""
    joined: exp.Expr = exp.Literal.string("")
    for key in keys:
        value = exp.func("coalesce", tag_value(key), exp.Literal.string(""), dialect="athena")
        joined = exp.DPipe(
            this=joined, expression=exp.DPipe(this=value, expression=exp.Literal.string(APART))
        )
    return joined


def tag_costs(table: pa.Table, keys: Sequence[str]) -> list[TagValueCost]:
    """Cost by cost center, tag and value; the smallest of very many values together."""
    sums: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in table.to_pylist():
        values = row["tag_values"].split(APART)[: len(keys)]
        for key, value in zip(keys, values, strict=True):
            of_key = sums.setdefault((row["cost_center_id"], key), {})
            value = "" if value == "NULL" else value
            of_key[value] = of_key.get(value, Decimal(0)) + row["charged_cost"]
    return [
        TagValueCost(*owner, value, cost)
        for owner, of_key in sorted(sums.items())
        for value, cost in largest_values(of_key, MOST_VALUES)
    ]


def largest_values(costs: dict[str, Decimal], most: int) -> list[tuple[str, Decimal]]:
    """The largest of some values, what has none among them whatever it comes to, and the others as one."""
    ordered = sorted(costs.items(), key=lambda one: (one[0] == OTHER_VALUES, -one[1], one[0]))
    kept = [one for at, one in enumerate(ordered) if at < most or one[0] == ""]
    rest = [one for one in ordered if one not in kept]
    if not rest:
        return kept
    return [*kept, (OTHER_VALUES, sum((cost for _, cost in rest), Decimal(0)))]


def content_of(details: Details) -> bytes:
    """Details as they are kept."""
    rows = {
        "resources": [list(map(text_of, vars(one).values())) for one in details.resources],
        "tags": [list(map(text_of, vars(one).values())) for one in details.tags],
    }
    return (json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def text_of(value: Decimal | str | None) -> str | None:
    """A cell as JSON has it."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def details_of(found: Any) -> Details:
    """The inverse of `content_of`."""
    return Details(
        tuple(
            Resource(center, account, product, resource, Decimal(cost),
                     Decimal(previous) if previous is not None else None)
            for center, account, product, resource, cost, previous in found["resources"]
        ),
        tuple(
            TagValueCost(center, key, value, Decimal(cost)) for center, key, value, cost in found["tags"]
        ),
    )  # fmt: skip
