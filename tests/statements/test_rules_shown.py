"""A statement says which rule made cost the unit's, where pools passed it on, and why people moved it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.core.money import shown
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.model import PassedOn, Statement
from tests.statements.estate import business, estate, table
from tests.statements.rendered import Rendered


def statement_of(rendered: Rendered, unit_id: str) -> Statement:
    """What a unit's pages are made from."""
    return extract_units(rendered.inputs, read_charges(rendered.inputs))[unit_id]


def texts(rendered: Rendered, unit_id: str) -> str:
    """All that a unit's executed notebook shows, which both renderings are made from."""
    notebook = json.loads(rendered.notebook(unit_id).read_text(encoding="utf-8"))
    return "".join(
        "".join(output["data"]["text/markdown"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    )


@pytest.mark.parametrize("unit_id", ["claims", "pharmacy", "corporate"])
def test_direct_cost_is_told_apart_by_what_decided(rendered, unit_id):
    sums: Counter[str] = Counter()
    for row in rendered.inputs.postings.to_pylist():
        if (row["business_unit_id"], row["kind"]) == (unit_id, "direct"):
            sums[row["rule"]] += row["amount"]
    direct = statement_of(rendered, unit_id).direct
    assert {one.rule: one.amount for one in direct.rules} == sums
    assert set(sums) == {"tag:user_cost_center", "ownership:old-archive"}
    seen = texts(rendered, unit_id)
    assert "The tag user_cost_center, read as it is written" in seen
    assert "the ownership rule old-archive" in seen
    assert "buckets from before tags (approved, change CHG0031009)" in seen
    for amount in sums.values():
        assert shown(amount) in seen


def test_a_value_that_was_normalized_is_said_to_be(rendered):
    rows = rendered.inputs.postings.to_pylist()
    for row in rows:
        if row["product_code"] == "AmazonEC2":
            row["rule"] = "tag-normalized:user_cost_center"
    inputs = estate(business())
    inputs = replace(inputs, postings=table(rows))
    rules = extract_units(inputs, read_charges(inputs))["claims"].direct.rules
    assert "tag-normalized:user_cost_center" in {one.rule for one in rules}


def test_what_pools_passed_on_is_shown_to_those_who_pay_for_them(rendered):
    [step] = statement_of(rendered, "claims").steps
    assert step == PassedOn(
        giver="AWS Enterprise Support",
        receiver="Transit gateways and network",
        amount=Decimal("1234.56"),
    )
    assert "Pools that are charged for what other pools do for them" in texts(rendered, "claims")
    assert statement_of(rendered, "innovation").steps == ()
    assert "Pools that are charged" not in texts(rendered, "innovation")


def test_an_adjustment_gives_its_reason_on_both_statements(rendered):
    amounts = {}
    for unit_id in ("claims", "corporate"):
        [one] = statement_of(rendered, unit_id).adjustments
        assert (one.reference, one.reason) == ("CHG0039911", "licences were charged twice")
        assert (one.approved_by, one.approved_on) == ("Carla Reyes", "2026-05-28")
        assert "licences were charged twice" in texts(rendered, unit_id)
        amounts[unit_id] = one.amount
    assert amounts == {"claims": Decimal("-250.00"), "corporate": Decimal("250.00")}


def test_cost_that_a_rule_owns_stays_tag_debt():
    """Of the untagged list of an account: a third is the pool's, a third defaulted, a third ruled."""
    inputs = estate(business())
    owned = inputs.owned_costs.to_pylist()
    account = inputs.params.accounts[owned[0]["account_id"]]
    cost = Decimal("30.0000000001")
    three = [
        {**owned[0], "account_id": account.account_id, "unblended_cost": cost, "amortized_cost": cost, **more}
        for more in (
            {"rule": "ownership:old-archive", "cost_center_id": "CC-1", "pool_id": None},
            {"rule": "account-default", "cost_center_id": "CC-1", "pool_id": None},
            {"rule": "pool:untagged", "cost_center_id": None, "pool_id": "untagged"},
            {"rule": "tag:user_cost_center", "cost_center_id": "CC-1", "pool_id": None},
        )
    ]  # fmt: skip
    tables = type(inputs.owned_costs).from_pylist(three, schema=inputs.owned_costs.schema)
    inputs = replace(inputs, owned_costs=tables)
    unit_id = inputs.params.cost_centers[account.default_cost_center_id].business_unit_id
    found = extract_units(inputs, read_charges(inputs))[unit_id].untagged
    assert (found.pooled, found.defaulted, found.ruled) == (Decimal("30.00"),) * 3
    assert found.total == Decimal("90.00")
