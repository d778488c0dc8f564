"""Dimensions: what charges can be looked at by, and where each is known.

the ledger      who pays what for which reason
the evidence    what the close knew when it decided: usage type, operation, the tag that may name an owner
the report      what only line items say: region, day, any tag; read again, and it must be the delivery that
                the period was closed from
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from chargeback.core.errors import bad_params
from chargeback.core.text import suggestion
from chargeback.sources.needs import BEHIND, Need, map_column
from chargeback.sources.report import DAY_COLUMN

LEDGER, EVIDENCE, REPORT = "ledger", "evidence", "report"

#: A dimension of any tag is written tag:<key>, the key as it stands in the report.
TAG = "tag:"

#: The column of the report that says in which region something was used.
REGION = "product_region_code"


@dataclass(frozen=True)
class Dimension:
    """Something that charges can be looked at by.

    Args:
        name: as it is written in a notebook's parameters, and the column of the charges.
        words: as a title says it.
        known: LEDGER, EVIDENCE or REPORT.
        column: of the rollup or of the line items, where it is not known to the ledger.
    """

    name: str
    words: str
    known: str = LEDGER
    column: str = ""


KNOWN = (
    Dimension("period", "month"),
    Dimension("business_unit", "business unit"),
    Dimension("cost_center", "cost center"),
    Dimension("kind", "kind of cost"),
    Dimension("pool", "pool"),
    Dimension("account", "account"),
    Dimension("service", "service"),
    Dimension("line_item_type", "line item type"),
    Dimension("invoice", "invoice"),
    Dimension("rule", "rule that decided"),
    Dimension("allocation_key", "allocation key"),
    Dimension("usage_type", "usage type", EVIDENCE, "usage_type"),
    Dimension("operation", "operation", EVIDENCE, "operation"),
    Dimension("cost_center_tag", "cost center tag", EVIDENCE, "cost_center_tag_1"),
    Dimension("region", "region", REPORT, REGION),
    Dimension("day", "day", REPORT, "usage_date"),
)
DIMENSIONS = (*(one.name for one in KNOWN), TAG + "<key>")


def dimension_of(name: str) -> Dimension:
    """A dimension by its name.

    Raises:
        Refusal: (exit 2) there is none of this name.
    """
    found = {one.name: one for one in KNOWN}
    if name in found:
        return found[name]
    key = name.removeprefix(TAG)
    if name.startswith(TAG) and key:
        return Dimension(name, f"tag {key}", REPORT, key)
    raise bad_params(
        "this is not a dimension to look at spend by", ", ".join(DIMENSIONS), repr(name),
        todo=[*suggestion(name, found), "write one of those as the dimension"],
    )  # fmt: skip


def needs_of(dimensions: Sequence[Dimension]) -> list[Need]:
    """The report's columns that dimensions need; the ledger's own need none."""
    needs: list[Need] = []
    for one in dimensions:
        if one.name.startswith(TAG):
            columns: tuple[str, ...] = (map_column(one.column),)
        elif one.known == REPORT:
            columns = (REGION if one.column == REGION else DAY_COLUMN,)
        else:
            columns = BEHIND.get(one.column, ())
        needs += [(column, f"the dimension {one.name}") for column in columns]
    return needs


def value_of(dimension: Dimension) -> exp.Expr:
    """What a line item has of a dimension, as an expression of `line_items` with its tags and region."""
    if dimension.name.startswith(TAG):
        key = exp.Literal.string(dimension.column)
        return exp.func("element_at", exp.column("resource_tags"), key, dialect="athena")
    return exp.column(dimension.column)


def deepest(dimensions: Sequence[Dimension]) -> str:
    """Where all of some dimensions are known."""
    places = {one.known for one in dimensions}
    return REPORT if REPORT in places else EVIDENCE if EVIDENCE in places else LEDGER
