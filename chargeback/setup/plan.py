"""Plan: what params are begun with, decided from what a report says before anything is written.

In: what was found. Out: `Plan`: cost centers and who means them, pools, policy. What always holds: ids differ
from each other and from those of pools; there is one business unit, which a person splits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chargeback.params.rules import UNTAGGED
from chargeback.setup.found import Found
from chargeback.setup.guess import (
    Center,
    Centers,
    Ids,
    KeyGuess,
    centers_of,
    guess_key,
    guess_mandatory,
    guess_normalization,
    made_id,
)

#: Who "approved" what a program wrote; statements show it until somebody has.
NOT_APPROVED = "nobody yet: make init wrote it"

UNIT = Center("company", "Company")

#: Product codes of AWS's support plans.
SUPPORT = re.compile("support", re.IGNORECASE)


@dataclass(frozen=True)
class BegunPool:
    """A pool to begin with.

    Args:
        words: comments above it, one line each: what it is, and what is to be decided.
    """

    pool_id: str
    name: str
    condition: str
    values: tuple[str, ...]
    overrides_tags: bool
    words: tuple[str, ...]


#: Pools by the line item types that occur.
BY_TYPE = (
    BegunPool(
        "unused-commitments", "Unused Savings Plans and reservations", "line_item_type",
        ("SavingsPlanRecurringFee", "RIFee"), True,
        ("What Savings Plans and reservations cost while nobody used them.",
         "Decide: does everybody carry it who spends, or the team that bought too much (recipients)?"),
    ),
    BegunPool(
        "credits-and-refunds", "Credits and refunds", "line_item_type", ("Credit", "Refund"), True,
        ("AWS books a credit or a refund on some account, often on the one that spends most.",
         "Decide: does everybody have a part of it, or whoever it was given for (an ownership rule)?"),
    ),
    BegunPool(
        "negotiated-discounts", "Negotiated discounts", "line_item_type",
        ("EdpDiscount", "PrivateRateDiscount", "SppDiscount", "Discount"), True,
        ("Discounts that the company negotiated as a whole, on lines of their own.",
         "Decide: in proportion to spend, or does a central team keep them?"),
    ),
    BegunPool(
        "tax", "Tax", "line_item_type", ("Tax",), False,
        ("AWS charges tax by account and product, without tags.",
         "Decide: in proportion to spend, or to whoever the account belongs to (leave the pool out then)?"),
    ),
)  # fmt: skip

AWS_SUPPORT = BegunPool(
    "aws-support", "AWS Support", "product_code", (), True,
    ("The support plan is bought once for all; AWS computes its fee from what everybody's usage costs.",
     "Decide: by all direct spend, as here, or by the spend that counts for the fee (key sql:support_base)?"),
)  # fmt: skip

UNTAGGED_POOL = BegunPool(
    UNTAGGED, "Untagged and untaggable", "", (), False,
    ("Whatever is left: nobody's tag, nobody's account. It must stand last, and it must exist.",
     "Decide: by direct spend, or give accounts a default cost center in accounts.csv, which then owns it?"),
)  # fmt: skip

RESERVED = (UNTAGGED, AWS_SUPPORT.pool_id, UNIT.cost_center_id, *(one.pool_id for one in BY_TYPE))


@dataclass(frozen=True)
class Plan:
    """What a params folder is begun with.

    Args:
        account_centers: the cost center that each account is taken for, where tags own too little.
        basis_why: what amortized cost lacks in the export; blank where it lacks nothing.
    """

    found: Found
    key: KeyGuess
    normalization: tuple[str, ...]
    mandatory: tuple[str, ...]
    of_values: Centers
    account_centers: dict[str, Center]
    commitments: Center
    pools: tuple[BegunPool, ...]
    basis_why: str = ""

    @property
    def centers(self) -> tuple[Center, ...]:
        """All cost centers."""
        return (*self.of_values.centers, *self.account_centers.values(), self.commitments)


def make_plan(found: Found, by_account: bool = False, basis_why: str = "") -> Plan:
    """What to begin with.

    Args:
        by_account: take each account for a cost center, which owns what no tag does.
        basis_why: what amortized cost lacks in the export.
    """
    ids = Ids()
    for one in RESERVED:
        ids.take(one)
    key = guess_key(found.tags)
    values = found.tags.get(key.key, {})
    rules = guess_normalization(values)
    of_values = centers_of(values, rules, ids, key.key)
    accounts = {}
    for account in found.accounts if by_account else ():
        accounts[account.account_id] = Center(
            ids.take(made_id(account.name, account.account_id)), account.name
        )
    commitments = Center(ids.take("commitments"), "Commitments and rounding")
    return Plan(
        found, key, rules, guess_mandatory(found.tags, key.key), of_values, accounts, commitments,
        tuple(pools_for(found)), basis_why,
    )  # fmt: skip


def pools_for(found: Found) -> list[BegunPool]:
    """The pools that a report needs, `untagged` left out."""
    support = tuple(
        sorted(one for one in found.product_codes if SUPPORT.search(one) and "\0" not in one)
    )  # params hold no NUL
    pools = [with_values(AWS_SUPPORT, support)]
    for pool in BY_TYPE:
        pools.append(
            with_values(pool, tuple(one for one in pool.values if one in found.line_item_types))
        )
    return [one for one in pools if one.values]


def with_values(pool: BegunPool, values: tuple[str, ...]) -> BegunPool:
    """A pool that takes other values of its condition."""
    return BegunPool(
        pool.pool_id, pool.name, pool.condition, values, pool.overrides_tags, pool.words
    )
