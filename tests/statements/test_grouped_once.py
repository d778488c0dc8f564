"""What is grouped once for all units is what going through everything for each of them gives."""

from __future__ import annotations

import random
from dataclasses import replace

from chargeback.statements.accounts import accounts_of_units, unit_accounts
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.pieces import canonical, is_same
from chargeback.statements.readback import known_id
from chargeback.statements.tagged_pdf import LOST
from tests.statements.estate import PERIODS, business, estate, owned


def by_going_through_all(shown: str, ids: set[str]) -> str:
    """The id that a row shows, compared with each."""
    found = [one for one in ids if is_same(canonical(shown), canonical(one))]
    return found[0] if len(found) == 1 else shown


def test_an_id_on_a_page_is_the_one_that_comparing_with_each_finds():
    chance, known, unknown = random.Random(3), 0, 0
    signs = ["a", "b", "1", "-", " ", "é", "e\u0301", "\U0001f691", "ع", LOST]
    for _ in range(400):
        ids = {"".join(chance.choices(signs[:-1], k=chance.randrange(1, 5))) for _ in range(12)}
        for text in [*ids, *("".join(chance.choices(signs, k=3)) for _ in range(6))]:
            expected = by_going_through_all(text, ids)
            assert known_id(text, ids) == expected
            known, unknown = known + (expected in ids), unknown + (expected not in ids)
    assert known > 100 and unknown > 100


def test_an_account_is_the_unit_s_by_its_default_or_by_all_who_own_cost_in_it():
    params = business()
    costs = owned(params, ["x"])
    for account_id, account in list(params.accounts.items())[::3]:
        params.accounts[account_id] = replace(account, default_cost_center_id=None)
    centers = {key: one.business_unit_id for key, one in params.cost_centers.items()}
    owners: dict[str, set[str]] = {}
    for row in costs.to_pylist():
        if row["cost_center_id"]:
            owners.setdefault(row["account_id"], set()).add(centers[row["cost_center_id"]])
    expected: dict[str, set[str]] = {}
    for account_id, account in params.accounts.items():
        default = account.default_cost_center_id
        units = {centers[default]} if default else owners.get(account_id, set())
        if len(units) == 1:
            expected.setdefault(*units, set()).add(account_id)
    assert accounts_of_units(params, costs) == expected  # type: ignore[arg-type]
    for unit_id in params.business_units:
        assert unit_accounts(params, costs, unit_id) == expected.get(unit_id, set())  # type: ignore[arg-type]


def test_a_few_statements_are_those_of_all():
    inputs = estate(periods=PERIODS[-1:])
    charges = read_charges(inputs)
    every = extract_units(inputs, charges)
    few = extract_units(inputs, charges, {"claims", "data"})
    assert few == {unit_id: every[unit_id] for unit_id in ("claims", "data")}
