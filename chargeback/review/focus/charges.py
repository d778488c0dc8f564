"""Charges: every posting on a cost center, and what of a pool it was made from.

In: the postings of a closed period. Out: a stream of `Charge`. A posting that charges directly is one charge.
One of a pool's entry says only how much of the pool a cost center pays; FOCUS wants to know of what. So it
becomes one charge for each line that went into the pool on that invoice (its origins), through every pool
that passed it on.

What always holds: the charges of a posting sum to its cents, and the charges of an origin sum to its cents,
exactly. What recipient `j` pays of a pool's origin `i` is a rectangle of a table whose margins are both
known. With R(i) the sum of the first i origins, C(j) that of the first j recipients, T of all, and
F(i, j) = floor(R(i) × C(j) ÷ T) in units of 1e-10,

    amount(i, j) = F(i, j) − F(i−1, j) − F(i, j−1) + F(i−1, j−1)

so that rows and columns telescope to their margins, and each amount is within two units of its part. Ratios
are the weights' own, to eighteen decimals, and sum to 1 for each origin.

Drawback: where a pool holds 0.00 on an invoice, of lines that give and take, or its recipients are corrected
later, there is nothing in proportion to which lines could be told apart; such a posting stays one charge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from graphlib import TopologicalSorter
from typing import Any

from chargeback.allocation.apportion import divide
from chargeback.allocation.pools import ALLOCATED, POOL, POOLED
from chargeback.core.money import exact_amount, exact_units
from chargeback.ledger.splits import is_given

#: Decimals of a ratio.
RATIO_PLACES = 18
#: What fractions are scaled to before they are rounded to ratios.
_FINE = 10**30

Row = Mapping[str, Any]
Key = tuple[str, str]  # invoice, pool
Line = tuple[str, int]  # entry, line


@dataclass(frozen=True)
class Charge:
    """What a cost center is charged, by the line of the ledger, and of a pool by its origin.

    Args:
        row: the posting.
        amount: with ten decimals; the charges of a posting sum to its cents.
        origin: the posting that went into the pool, or none.
        ratio: the part of its origin that this is, where it has one.
    """

    row: Row
    amount: Decimal
    origin: Row | None = None
    ratio: Decimal | None = None

    @property
    def said(self) -> Row:
        """The posting that says which account, product and line item type were charged."""
        return self.origin or self.row


@dataclass(frozen=True)
class Held:
    """A part of an origin that a pool holds, in units of 1e-10."""

    origin: Row
    units: int


@dataclass
class Entry:
    """How a pool was emptied on an invoice."""

    takers: list[Row] = field(default_factory=list)

    @property
    def total(self) -> int:
        """What was given away, in units of 1e-10."""
        return sum(exact_units(one["amount"]) for one in self.takers)


def charges_of(postings: Iterable[Row]) -> Iterator[Charge]:
    """The charges of a period, posting by posting in the ledger's order of invoices and pools."""
    rows = list(postings)
    for row in rows:
        if row["cost_center_id"] and not (row["kind"] == ALLOCATED and not row["original_period"]):
            yield Charge(row, exact(row["amount"]))
    yield from shared_charges(rows)


def shared_charges(rows: Sequence[Row]) -> Iterator[Charge]:
    """The charges of all pools' entries."""
    held, entries = gathered(rows)
    order = in_order(entries)
    ratios = ratios_of(entries, order)
    for key in order:
        yield from emptied(key, entries[key], held, ratios)


def gathered(rows: Sequence[Row]) -> tuple[dict[Key, list[Held]], dict[Key, Entry]]:
    """What lies in each pool at first, and how each was emptied, by invoice and pool."""
    held: dict[Key, list[Held]] = {}
    entries: dict[Key, Entry] = {}
    for row in rows:
        if row["original_period"] or not row["pool_id"]:
            continue
        key = (row["invoice_id"] or "", row["pool_id"])
        if row["kind"] == POOLED and row["ledger_account"].startswith(POOL):
            held.setdefault(key, []).append(Held(row, exact_units(row["amount"])))
        elif row["kind"] == ALLOCATED and not is_given(row):
            entries.setdefault(key, Entry()).takers.append(row)
    return held, entries


def in_order(entries: Mapping[Key, Entry]) -> list[Key]:
    """The entries so that a pool is emptied after all that give to it."""
    graph: dict[Key, set[Key]] = {key: set() for key in sorted(entries)}
    for key in sorted(entries):
        for pool in passed_on(key, entries[key]):
            graph.setdefault(pool, set()).add(key)
    return [key for key in TopologicalSorter(graph).static_order() if key in entries]


def passed_on(key: Key, entry: Entry) -> list[Key]:
    """The pools that take a part of a pool, on the same invoice."""
    return [(key[0], pool_of(one)) for one in entry.takers if not one["cost_center_id"]]


def pool_of(row: Row) -> str:
    """The pool of a ledger account."""
    return str(row["ledger_account"]).removeprefix(POOL)


def ratios_of(entries: Mapping[Key, Entry], order: Sequence[Key]) -> dict[Key, dict[Line, Decimal]]:
    """Of what is put into a pool, the part that each posting on a cost center is; they sum to 1."""
    parts: dict[Key, dict[Line, Fraction]] = {}
    for key in reversed(order):
        takers = [one for one in entries[key].takers if one["weight"]]
        whole = sum((Fraction(one["weight"]) for one in takers), Fraction(0))
        found: dict[Line, Fraction] = {}
        for one in takers:
            share = Fraction(one["weight"]) / whole
            if one["cost_center_id"]:
                found[line_of(one)] = found.get(line_of(one), Fraction(0)) + share
                continue
            for line, part in parts.get((key[0], pool_of(one)), {}).items():
                found[line] = found.get(line, Fraction(0)) + share * part
        parts[key] = found
    return {key: rounded(found) for key, found in parts.items() if found}


def rounded(parts: Mapping[Line, Fraction]) -> dict[Line, Decimal]:
    """Fractions as decimals that sum to 1."""
    whole = divide(10**RATIO_PLACES, {line: int(part * _FINE) for line, part in parts.items()})
    return {line: Decimal(units).scaleb(-RATIO_PLACES) for line, units in whole.items()}


def emptied(
    key: Key,
    entry: Entry,
    held: dict[Key, list[Held]],
    ratios: Mapping[Key, Mapping[Line, Decimal]],
) -> Iterator[Charge]:
    """The charges of a pool's entry; what it passes on is added to `held`."""
    origins, takers = merged(held.pop(key, [])), entry.takers
    total = entry.total
    if not total or sum(one.units for one in origins) != total:
        yield from (Charge(one, exact(one["amount"])) for one in takers if one["cost_center_id"])
        return
    for taker, cells in zip(takers, spread(origins, takers, total), strict=True):
        for one, units in zip(origins, cells, strict=True):
            if taker["cost_center_id"]:
                came_in = (one.origin["invoice_id"] or "", one.origin["pool_id"])
                ratio = ratios.get(came_in, {}).get(line_of(taker))
                yield Charge(taker, exact_amount(units), one.origin, ratio)
            else:
                pool = (key[0], pool_of(taker))
                held.setdefault(pool, []).append(replace(one, units=units))


def merged(held: Iterable[Held]) -> list[Held]:
    """One part of each origin, however many pools it came through."""
    found: dict[Line, Held] = {}
    for one in held:
        line = line_of(one.origin)
        before = found.get(line)
        found[line] = replace(one, units=one.units + (before.units if before else 0))
    return list(found.values())


def spread(origins: Sequence[Held], takers: Sequence[Row], total: int) -> Iterator[list[int]]:
    """For each recipient, what it takes of each origin, so that both margins are met exactly."""
    sums = [0]
    for one in origins:
        sums.append(sums[-1] + one.units)
    before, column = [0] * len(sums), 0
    for taker in takers:
        column += exact_units(taker["amount"])
        after = [row * column // total for row in sums]
        yield [after[i] - after[i - 1] - before[i] + before[i - 1] for i in range(1, len(sums))]
        before = after


def line_of(row: Row) -> Line:
    """A posting's place in the ledger."""
    return row["entry_id"], row["line"]


def exact(cents: Decimal) -> Decimal:
    """Cents with ten decimals."""
    return exact_amount(exact_units(cents))
