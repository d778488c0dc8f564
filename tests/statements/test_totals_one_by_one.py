"""Whether a total tells anything is the same in short as in full: of random ledgers, against `find_told`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import pytest

from chargeback.statements.isolation import (
    CHARGED_TOTAL,
    OneByOne,
    Unknowns,
    find_told,
    invoice_total,
    pool_total,
)
from chargeback.statements.isolation.unknowns import is_of_pool
from tests.statements.test_isolation import Ledger

KEYS = ("direct_spend", "driver:heads", "driver:claims", "even", "sql:mine")


def a_ledger(chance: random.Random) -> tuple[Ledger, list[str], list[tuple[str, str]]]:
    """Few units or several, a pool of all and pools of some, invoices of many and of few, and steps."""
    units = "abcdefgh"[: chance.randrange(2, 8)]
    centers = [f"{unit}{number}" for unit in units for number in range(chance.randrange(1, 3))]
    invoices = [f"I{number}" for number in range(chance.randrange(1, 6))]
    ledger, pools = Ledger(), [f"p{number}" for number in range(chance.randrange(4))]
    for invoice in invoices:
        often = chance.choice([0.2, 0.5, 0.9])
        for center in centers:
            if chance.random() < often:
                ledger.charge(center, "direct", chance.randrange(1, 40), invoice)
    if chance.random() < 0.4:
        ledger.charge(centers[0], "commitment", 3, chance.choice(invoices))
    for pool in pools:
        key = chance.choice(KEYS)
        taking = [one for one in centers if chance.random() < chance.choice([0.5, 1.0])]
        weights = {one: chance.randrange(0, 4) for one in taking}
        for center, weight in weights.items():
            more = {"pool_id": pool, "allocation_key": key, "weight": weight}
            ledger.charge(center, "allocated", weight * 2, chance.choice(invoices), **more)
    steps = [
        (giver, receiver)
        for at, giver in enumerate(pools)
        for receiver in pools[at + 1 :]
        if chance.random() < 0.2
    ]
    totals = [pool_total(one) for one in pools] + [CHARGED_TOTAL]
    return ledger, totals + [invoice_total(one) for one in invoices], steps


def payers_of(ledger: Ledger) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in ledger.rows:
        if row["pool_id"]:
            found.setdefault(pool_total(row["pool_id"]), set()).add(row["business_unit_id"])
    return found


def in_full(unknowns: Unknowns, seen: Mapping[str, Iterable[str]]) -> bool:
    """What is told, by every elimination there is."""
    seen = {reader: unknowns.seen_with(totals) for reader, totals in seen.items()}
    of_company = {
        reader: [one for one in totals if not is_of_pool(one)] for reader, totals in seen.items()
    }
    return bool(find_told(unknowns.by_cause, seen) or find_told(unknowns.by_charge, of_company))


@pytest.mark.parametrize("seed", range(6))
def test_one_after_the_other_is_as_all_at_once(seed):
    chance, answers = random.Random(seed), []
    for _ in range(60):
        ledger, totals, steps = a_ledger(chance)
        unknowns, payers = Unknowns.of(ledger.rows, steps), payers_of(ledger)
        readers = sorted({row["business_unit_id"] for row in ledger.rows} | {"z"})
        printed, shown = OneByOne(unknowns, readers, payers), []
        for total in totals:
            seen = {
                reader: [one for one in [*shown, total] if reader in payers.get(one, readers)]
                for reader in readers
            }
            told = in_full(unknowns, seen)
            assert unknowns.tells(seen) == bool(unknowns.told(seen)) == told
            assert printed.tells(total) == told, (total, shown)
            answers.append(told)
            if not told:
                printed.add(total)
                shown.append(total)
    assert 50 < sum(answers) < len(answers) - 50, "both answers are compared"
