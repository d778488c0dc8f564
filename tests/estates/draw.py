"""Draws an estate by its seed: params as plain rows and rules, and the line items of one month.

An estate is small and odd: a few units and accounts, pools in chains with keys of every sort, several invoices
of which some have no cost, only taxes, only credits or no line item at all, costs from 1e-10 to 1e12,
commitments, tags that name nobody, dated rows. What is drawn is valid as params; what the month should come to,
or why it must be refused, is worked out in tests/estates/plain.py.
"""

from __future__ import annotations

from tests.estates.delivery import draw_invoice, draw_month_kind
from tests.estates.estate import Chance, Estate
from tests.estates.rules import (
    draw_accounts,
    draw_adjustments,
    draw_drivers,
    draw_ownership,
    draw_policy,
    draw_pools,
    draw_tag_values,
    draw_units,
)


def draw_estate(seed: int, numeric_ids: bool = True) -> Estate:
    """The estate of a seed.

    Args:
        numeric_ids: whether cost centers may be numbers.
    """
    chance, estate = Chance(seed), Estate(seed)
    numbers = chance.often(30)
    draw_units(chance, estate, numbers and numeric_ids)
    draw_accounts(chance, estate)
    draw_policy(chance, estate)
    draw_tag_values(chance, estate)
    draw_drivers(chance, estate)
    draw_pools(chance, estate)
    draw_ownership(chance, estate)
    for number in range(chance.randint(1, 5)):
        draw_invoice(chance, estate, f"90000000{number + 1}")
    if not estate.items:
        draw_invoice(chance, estate, "900000009", "usual")
    draw_month_kind(chance, estate)
    draw_adjustments(chance, estate)
    draw_acceptances(estate)
    chance.shuffle(estate.items)
    return estate


def draw_acceptances(estate: Estate) -> None:
    """What a controller lets pass in months as odd as these: shares, tags nobody uses, commitments."""
    pools = dict.fromkeys(one["pool_id"] for one in estate.pools)
    arns = {
        one.get(name) for one in estate.items
        for name in ("reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n")
    }  # fmt: skip
    estate.accepted += [
        ("nobodys_share_is_within_its_limit", "untagged"),
        *(("tag_keys_are_carried", one) for one in estate.policy["cost_center_tags"]),
        *(("fallback_share_is_within_its_limit", one) for one in pools),
        *(("commitments_tie_out_over_their_life", one) for one in sorted(filter(None, arns))),
    ]
