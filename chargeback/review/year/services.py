"""What charges are for, in the words of a statement: a service, a pool, or a kind of posting.

Direct cost goes by service and shared cost by pool, the largest first. Commitments, rounding, adjustments and
corrections of earlier months follow by kind. What always holds: each charge is in one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from chargeback.allocation.pools import ALLOCATED, DIRECT
from chargeback.pages.vocabulary import KINDS, service_name
from chargeback.review.year.gather import Charge, Names
from chargeback.review.year.views import summed

#: In place of a kind, for what is about an earlier month.
CORRECTION = "correction"
KIND_WORDS = {**KINDS, CORRECTION: "Corrections of earlier months"}

#: Kind, and service or pool where it has one.
Part = tuple[str, str]


def part_of_charge(charge: Charge) -> Part:
    """What a charge is for."""
    if charge.original_period:
        return (CORRECTION, "")
    if charge.kind == DIRECT:
        return (DIRECT, charge.product_code)
    return (charge.kind, charge.pool_id if charge.kind == ALLOCATED else "")


def service_rows(charges: Iterable[Charge], names: Names) -> list[tuple[str, str, Decimal]]:
    """The parts of some charges: how each is called, what identifies it, and its amount."""
    sums = summed(charges, part_of_charge)
    order = {kind: place for place, kind in enumerate(KIND_WORDS)}
    ranked = sorted(sums, key=lambda one: (order.get(one[0], len(order)), -sums[one], one))
    return [(said(one, names), " ".join(one).strip(), sums[one]) for one in ranked]


def said(part: Part, names: Names) -> str:
    """What a reader calls it."""
    kind, what = part
    if kind == DIRECT:
        return service_name(what, names.products.get(what, ""))
    if kind == ALLOCATED:
        return f"{KINDS[ALLOCATED]}: {names.pools.get(what, what)}"
    return KIND_WORDS.get(kind, kind)
