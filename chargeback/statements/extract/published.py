"""Which totals of all units together statements print: as policy says, and the same in every statement.

In: the period's charges. Out: `Published`. What always holds where policy says nothing else: no unit's
statement tells its reader another unit's figure, by whatever combination of the totals in it
(`statements.isolation`). Pools come first, in their order, then the company's total, then invoices: each is
published when it tells nothing together with those before it.

Where policy has shares only, no total is printed and no weight, but the rounded share of each pool whose totals
would be printed. What was split of the others stays what finance keeps: a share of them would tell, nearly, the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from chargeback.ledger.invoices import InvoiceTie
from chargeback.params.published_totals import ALL, NONE, SHARES
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.isolation import (
    CHARGED_TOTAL,
    OneByOne,
    Unknowns,
    change_total,
    invoice_total,
    pool_total,
)
from chargeback.statements.isolation.unknowns import Row
from chargeback.statements.model import InvoiceChange

#: A share that is printed alone has so many decimals: a tenth of a percent.
SHARE_PLACES = Decimal("0.001")


@dataclass(frozen=True)
class Published:
    """The totals that statements print.

    Args:
        policy: "" (protected), "shares", "all" or "none", as the params have it.
        totals: of `statements.isolation`; nothing where all are.
        shares: the totals of pools of which the rounded share is printed, and nothing else.
    """

    policy: str
    totals: frozenset[str]
    shares: frozenset[str] = frozenset()

    def has(self, total: str) -> bool:
        """Whether a total is printed."""
        return self.policy == ALL or total in self.totals

    def pool(self, pool_id: str) -> bool:
        """Whether a pool's total weight, its total and the shares of it are printed."""
        return self.has(pool_total(pool_id))

    def share(self, pool_id: str) -> bool:
        """Whether the rounded share of a pool is printed, and nothing else of it."""
        return pool_total(pool_id) in self.shares

    @property
    def company(self) -> bool:
        """Whether what all units together are charged is printed."""
        return self.has(CHARGED_TOTAL)

    def invoice(self, one: InvoiceTie) -> bool:
        """Whether an invoice's total is printed."""
        return self.has(invoice_total(one.invoice_id))

    def change(self, one: InvoiceChange) -> bool:
        """Whether what an earlier invoice changed by is printed."""
        return self.has(change_total(one.original_period, one.invoice_id))


def published(
    inputs: StatementInputs,
    by_unit: Mapping[str, Iterable[Row]],
    steps: Iterable[tuple[str, str]] = (),
) -> Published:
    """The totals that are printed of a period.

    Args:
        by_unit: the ledger lines that charge cost centers, by business unit.
        steps: from which pool to which later one something was passed on.
    """
    policy = inputs.published_totals
    if policy in (ALL, NONE):
        return Published(policy, frozenset())
    unknowns = Unknowns.of((row for rows in by_unit.values() for row in rows), steps)
    readers = sorted(inputs.params.business_units)
    payers: dict[str, set[str]] = {}
    for unit_id, rows in by_unit.items():
        for row in rows:
            if row["kind"] == "allocated":
                payers.setdefault(pool_total(row["pool_id"]), set()).add(unit_id)
    printed = OneByOne(unknowns, readers, payers)
    pools = _pools_in_order(inputs, payers)
    for total in pools if policy == SHARES else [*pools, *_others_in_order(inputs)]:
        if not printed.tells(total):
            printed.add(total)
    found = list(printed.totals)
    if policy == SHARES:
        return Published(policy, frozenset(), frozenset(found))
    # What nobody pays for, because it was passed on whole, is in no statement but as what was passed on.
    found += sorted({pool_total(one.pool_id) for one in inputs.params.pools} - payers.keys())
    return Published(policy, frozenset(found))


def rounded_share(weight: Decimal, total_weight: Decimal) -> Decimal:
    """A weight's part of all weights, between 0 and 1, in steps of `SHARE_PLACES`.

    >>> rounded_share(Decimal("733631.13"), Decimal("2571025.06"))
    Decimal('0.285')
    """
    return (weight / total_weight).quantize(SHARE_PLACES, ROUND_HALF_EVEN)


def _pools_in_order(inputs: StatementInputs, payers: Mapping[str, set[str]]) -> list[str]:
    """The pools that somebody pays for, in the order in which their totals are published."""
    pools = [pool_total(one.pool_id) for one in inputs.params.pools]
    return [*(one for one in pools if one in payers), *sorted(payers.keys() - set(pools))]


def _others_in_order(inputs: StatementInputs) -> list[str]:
    """The totals of no pool, in the order in which they are published."""
    return [
        CHARGED_TOTAL,
        *sorted(invoice_total(one.invoice_id) for one in inputs.invoices),
        *sorted(
            change_total(restated["billing_period"], change["invoice_id"])
            for restated in inputs.restated
            for change in restated["invoice_changes"]
        ),
    ]
