"""What the ledgers charge to cost centers: this period's lines, and earlier periods in sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED
from chargeback.ledger.splits import Split, splits_of
from chargeback.statements.extract.published import Published, published
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO

#: A row of the ledger, by its column names.
Row = dict[str, Any]
#: Earlier charges, summed to what statements compare: unit -> period -> rows.
History = dict[str, dict[str, list[Row]]]

_HISTORY_COLUMNS = [
    "business_unit_id", "kind", "cost_center_id", "pool_id", "account_id", "product_code",
]  # fmt: skip


@dataclass(frozen=True)
class Charges:
    """The ledger lines that charge a cost center, by unit; what each pool was in all; what is printed of it."""

    by_unit: dict[str, list[Row]]
    pools: dict[str, Split]
    passed_on: dict[tuple[str, str], Decimal]  # from a pool to a later one: cents
    total: Decimal
    published: Published

    def of_unit(self, unit_id: str) -> list[Row]:
        """A unit's lines, in the ledger's order."""
        return self.by_unit.get(unit_id, [])


def read_charges(inputs: StatementInputs, printed: Published | None = None) -> Charges:
    """The period's charges, in the ledger's order.

    Args:
        printed: the totals that are printed, where that is known already.
    """
    rows = inputs.postings.filter(pc.is_valid(inputs.postings["cost_center_id"])).to_pylist()
    by_unit: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_unit[row["business_unit_id"]].append(row)
    total = sum((row["amount"] for row in rows), ZERO)
    steps = passed_on(inputs.postings)
    printed = printed or published(inputs, by_unit, steps)
    splits = splits_of(_pool_rows(inputs.postings))
    pools = {key: one for key, one in splits.items() if one.pays_centers}
    return Charges(dict(by_unit), pools, steps, total, printed)


def _pool_rows(postings: pa.Table) -> list[Row]:
    """The lines of all entries that split pools."""
    found: list[Row] = postings.filter(pc.equal(postings["kind"], ALLOCATED)).to_pylist()
    return found


def passed_on(postings: pa.Table) -> dict[tuple[str, str], Decimal]:
    """What each pool gave to later pools, in the ledger's order."""
    steps = postings.filter(
        pc.and_(
            pc.equal(postings["kind"], "allocated"),
            pc.starts_with(postings["ledger_account"], pattern="pool:"),
        )
    )
    found: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in steps.to_pylist():
        receiver = row["ledger_account"].removeprefix("pool:")
        if receiver != row["pool_id"]:
            found[row["pool_id"], receiver] += row["amount"]
    return dict(found)


def history(inputs: StatementInputs) -> History:
    """The charges of the periods before this one, summed by what statements compare."""
    found: History = defaultdict(dict)
    for period, postings in sorted(inputs.history.items()):
        if period >= inputs.billing_period:
            continue
        charges = postings.filter(pc.is_valid(postings["cost_center_id"]))
        sums = (
            charges.select([*_HISTORY_COLUMNS, "amount", "exact_amount"])
            .group_by(_HISTORY_COLUMNS)
            .aggregate([("amount", "sum"), ("exact_amount", "sum")])
        )
        for row in sums.rename_columns(
            [name.removesuffix("_sum") for name in sums.column_names]
        ).to_pylist():
            found[row["business_unit_id"]].setdefault(period, []).append(row)
    return found
