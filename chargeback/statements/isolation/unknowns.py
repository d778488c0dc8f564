"""What totals are made of: the unknowns of each unit, and the totals that each of them is in.

In: the lines of a ledger that charge cost centers. Out: two sets of `Columns`, which are looked at apart.

`by_cause`, what the figures follow from:

- the direct cost of each cost center on each invoice;
- its weight by each driver, by fixed shares, or by each key in SQL. Keys in SQL may answer otherwise for
  each pool, so that pools have a weight in common only where they agree on it;
- the balance of commitments, on each invoice. Policy books it for the company on one cost center, so that it
  says nothing of what a unit used: it is unknown to all, and nobody's figure;
- what corrections of earlier periods charge it, on each invoice of these.

A weight of direct cost is the sum of the direct cost, so that the two are one unknown. What a cost center pays
of a pool is its weight times what the pool takes for each unit of weight, which every reader who takes part
knows from the own line: so a pool's total weight, its total and a share in percent tell the same, and are one
total here. What an invoice has of a pool likewise. Equal parts (`even`) are no secret.

`by_charge`, what a unit is charged on each invoice in all, for the totals of invoices and of the company alone.

The weights and the total of a pool that gives to later pools count those too (chargeback/ledger/splits.py).
What they tell together with other totals are the weights of the later pools, and so what is in these. So
whoever sees the totals of the one is taken to see those of all pools that it gives to, in one step or
several.

What everybody is taken to know: who takes part in a pool, whose weight is zero (a negative one counts as zero),
who is charged on an invoice, by what an invoice was rounded, and that adjustments sum to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from chargeback.statements.isolation.linear import Columns, Owner, Parts, Told, find_told
from chargeback.statements.isolation.sparse import tells

#: What all units together are charged.
CHARGED_TOTAL = "charged"
#: Whose the balance of commitments is.
COMPANY = ""
#: Keys whose weights everybody knows.
KNOWN_KEYS = ("even",)

Row = Mapping[str, Any]
Seen = dict[str, set[str]]
Sums = defaultdict[tuple[str, ...], Fraction]


def pool_total(pool_id: str) -> str:
    """The totals of a pool: all weights, what was split, and so each share in percent."""
    return f"pool:{pool_id}"


def is_of_pool(total: str) -> bool:
    """Whether a total is that of a pool."""
    return total.startswith("pool:")


def invoice_total(invoice_id: str) -> str:
    """The total of an invoice of the period."""
    return f"invoice:{invoice_id}"


def change_total(period: str, invoice_id: str) -> str:
    """What an invoice of an earlier period changed by."""
    return f"change:{period}:{invoice_id}"


@dataclass(frozen=True)
class Unknowns:
    """What a period's totals are made of, in two ways; see the head of this module.

    Args:
        gives: the totals of a pool that others are seen with: those of the pools that it gives to.
    """

    by_cause: Columns
    by_charge: Columns
    gives: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row], steps: Iterable[tuple[str, str]] = ()) -> Unknowns:
        """The unknowns of the ledger lines that charge cost centers.

        Args:
            steps: from which pool to which later one something was passed on.
        """
        counted = _Counted()
        for row in rows:
            counted.add(row)
        gives: dict[str, set[str]] = defaultdict(set)
        for giver, receiver in steps:
            gives[pool_total(giver)].add(pool_total(receiver))
        frozen = {giver: frozenset(receivers) for giver, receivers in gives.items()}
        return cls(counted.by_cause(), counted.by_charge(), frozen)

    def seen_with(self, totals: Iterable[str]) -> set[str]:
        """Totals, and those that are seen with them."""
        found, left = set[str](), list(totals)
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self.gives.get(one, ())
        return found

    def told(self, seen: Mapping[str, Iterable[str]]) -> list[Told]:
        """What totals tell their readers of other units.

        Args:
            seen: business unit -> the totals that its statement shows.
        """
        by_cause, by_charge = self._views(seen)
        found = find_told(self.by_cause, by_cause) if tells(self.by_cause, by_cause) else []
        known = {(one.reader, one.unit_id) for one in found}
        more = find_told(self.by_charge, by_charge) if tells(self.by_charge, by_charge) else []
        return found + [one for one in more if (one.reader, one.unit_id) not in known]

    def tells(self, seen: Mapping[str, Iterable[str]]) -> bool:
        """Whether totals tell anything, which is quicker to know than what."""
        by_cause, by_charge = self._views(seen)
        return tells(self.by_charge, by_charge) or tells(self.by_cause, by_cause)

    def _views(self, seen: Mapping[str, Iterable[str]]) -> tuple[Seen, Seen]:
        """What each reader sees by cause, and by charge, of which pools have no totals."""
        by_cause = {reader: self.seen_with(totals) for reader, totals in seen.items()}
        by_charge = {
            reader: {one for one in totals if not is_of_pool(one)}
            for reader, totals in by_cause.items()
        }
        return by_cause, by_charge


class _Counted:
    """Ledger lines, counted by what they are."""

    def __init__(self) -> None:
        self.unit_of: dict[str, str] = {}
        # What cost centers have, by (cost center, invoice); of corrections by (cost center, period, invoice).
        self.direct: Sums = defaultdict(Fraction)
        self.commitments: Sums = defaultdict(Fraction)
        self.corrections: Sums = defaultdict(Fraction)
        self.charged: Sums = defaultdict(Fraction)
        self.keys: dict[str, str] = {}  # pool -> key
        self.weights: dict[str, dict[str, Fraction]] = defaultdict(dict)
        self.split: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))

    def add(self, row: Row) -> None:
        """Count a line."""
        center, kind, invoice = row["cost_center_id"], row["kind"], row["invoice_id"] or ""
        amount = Fraction(row["amount"])
        self.unit_of[center] = row["business_unit_id"]
        if row["original_period"]:
            self.corrections[center, row["original_period"], invoice] += amount
            return
        if invoice:
            self.charged[center, invoice] += amount
        if kind == "direct":
            self.direct[center, invoice] += amount
        elif kind == "commitment":
            self.commitments[center, invoice] += amount
        elif kind == "allocated":
            pool_id = row["pool_id"]
            self.keys[pool_id] = row["allocation_key"] or ""
            self.weights[pool_id][center] = Fraction(row["weight"] or 0)
            self.split[pool_id][invoice] += amount

    def by_charge(self) -> Columns:
        """Who is charged on which invoice."""
        found: dict[Parts, set[Owner]] = defaultdict(set)
        for center, invoice in _known(self.charged):
            parts = {invoice_total(invoice): Fraction(1), CHARGED_TOTAL: Fraction(1)}
            _add(found, parts, self.unit_of[center], "what it is charged")
        self._add_corrections(found)
        return _frozen(found)

    def by_cause(self) -> Columns:
        """Direct cost, weights, commitments and corrections."""
        found: dict[Parts, set[Owner]] = defaultdict(set)
        for center, invoice in _known(self.direct):
            parts = self._parts_of_weight(self._pools_by_direct(center))
            for one in (invoice_total(invoice), CHARGED_TOTAL):
                parts[one] = parts.get(one, Fraction(0)) + 1
            _add(found, parts, self.unit_of[center], "direct_spend")
        for key, pools, weights in self._scales():
            for center in weights:
                parts = self._parts_of_weight(one for one in pools if center in self.weights[one])
                _add(found, parts, self.unit_of[center], key)
        for _, invoice in _known(self.commitments):
            parts = {invoice_total(invoice): Fraction(1), CHARGED_TOTAL: Fraction(1)}
            _add(found, parts, COMPANY, "commitments")
        self._add_corrections(found)
        return _frozen(found)

    def _add_corrections(self, found: dict[Parts, set[Owner]]) -> None:
        for center, period, invoice in _known(self.corrections):
            parts = {change_total(period, invoice): Fraction(1), CHARGED_TOTAL: Fraction(1)}
            _add(found, parts, self.unit_of[center], f"corrections of {period}")

    def _pools_by_direct(self, center: str) -> list[str]:
        return [
            pool_id
            for pool_id, key in self.keys.items()
            if key == "direct_spend" and self.weights[pool_id].get(center)
        ]

    def _parts_of_weight(self, pools: Iterable[str]) -> dict[str, Fraction]:
        """The totals that a weight is in: of pools as itself, of invoices and the company as what it costs."""
        parts: dict[str, Fraction] = defaultdict(Fraction)
        for pool_id in pools:
            parts[pool_total(pool_id)] += 1
            for invoice, price in self.prices.get(pool_id, {}).items():
                for one in (invoice_total(invoice), CHARGED_TOTAL):
                    parts[one] += price
        return parts

    @cached_property
    def prices(self) -> dict[str, dict[str, Fraction]]:
        """What each pool takes for each unit of weight, by invoice."""
        whole = {pool_id: sum(one.values(), Fraction(0)) for pool_id, one in self.weights.items()}
        return {
            pool_id: {invoice: amount / whole[pool_id] for invoice, amount in split.items()}
            for pool_id, split in self.split.items()
            if whole[pool_id]
        }

    def _scales(self) -> list[tuple[str, list[str], dict[str, Fraction]]]:
        """Pools that have their weights in common, with their key and all weights of it."""
        found: list[tuple[str, list[str], dict[str, Fraction]]] = []
        for pool_id, key in self.keys.items():
            if key == "direct_spend" or key in KNOWN_KEYS:
                continue
            pools = [pool_id]
            weights = {one: weight for one, weight in self.weights[pool_id].items() if weight}
            apart = []
            # A pool may join what had no cost center in common before it.
            for scale in found:
                known, its_pools, its_weights = scale
                both = weights.keys() & its_weights.keys()
                if known == key and both and all(weights[one] == its_weights[one] for one in both):
                    pools = [*its_pools, *pools]
                    weights |= its_weights
                else:
                    apart.append(scale)
            found = [*apart, (key, pools, weights)]
        return found


def _known(sums: Sums) -> list[tuple[str, ...]]:
    """Of what there is anything to know: what comes to nothing takes no part."""
    return [one for one, amount in sums.items() if amount]


def _add(
    found: dict[Parts, set[Owner]], parts: Mapping[str, Fraction], unit_id: str, quantity: str
) -> None:
    found[frozenset((total, one) for total, one in parts.items() if one)].add(
        Owner(unit_id, quantity)
    )


def _frozen(found: Mapping[Parts, set[Owner]]) -> Columns:
    return {parts: frozenset(owners) for parts, owners in found.items() if parts}
