"""What a unit put into the pool for untagged cost stands beside what it pays of it, on its own statement."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.core.money import shown
from chargeback.params.published_totals import ALL, NONE, PROTECTED, SHARES
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.independence import dependences
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.sections import untagged
from tests.statements.estate import UNITS, business, estate
from tests.statements.rendered import TIE, Rendered


def statements(inputs: StatementInputs) -> dict[str, Statement]:
    return extract_units(inputs, read_charges(inputs))


def paid_by_ledger(inputs: StatementInputs, unit_id: str) -> Decimal:
    return sum(
        (
            row["amount"]
            for row in inputs.postings.to_pylist()
            if row["kind"] == "allocated"
            and row["pool_id"] == "untagged"
            and row["business_unit_id"] == unit_id
        ),
        Decimal("0.00"),
    )


def test_both_figures_are_the_unit_s_own():
    inputs = estate()
    for unit_id, one in statements(inputs).items():
        found = one.untagged_pool
        assert found is not None, unit_id
        pooled = [row for row in one.untagged.rows.rows if row.owner == "pool"]
        assert found.put_in == sum((row.amount for row in pooled), Decimal("0.00"))
        assert found.paid == paid_by_ledger(inputs, unit_id)
        said = untagged(one).markdown()
        assert shown(found.put_in) in said and shown(found.paid) in said


def test_a_unit_that_takes_no_part_sees_what_it_put_in():
    found = statements(estate())["corporate"]
    beside = found.untagged_pool
    assert beside is not None and beside.put_in > 0 and beside.paid == 0 and beside.split_by == ""
    said = untagged(found).markdown()
    assert "You take no part in this pool." in said and "whoever put it in" not in said
    assert "−" + shown(beside.put_in) in said
    assert 'data-key="untagged"' not in said, "the ledger has no such figure, so none is read back"


def test_a_unit_without_either_has_no_such_line():
    units = {name: UNITS[name] for name in ("claims", "pharmacy", "corporate")}
    units |= {"innovation": ("Innovation Lab", [])}
    found = statements(estate(business(units)))["innovation"]
    assert found.untagged_pool is None and "You put in" not in untagged(found).markdown()


def test_a_unit_that_tagged_everything_still_sees_what_it_pays():
    inputs = estate()
    none = replace(inputs, owned_costs=inputs.owned_costs.slice(0, 0))
    said = untagged(statements(none)["claims"]).markdown()
    assert "You put in" in said and shown(paid_by_ledger(inputs, "claims")) in said


@pytest.mark.parametrize(
    ("policy", "is_shown"), [(ALL, True), (PROTECTED, False), (SHARES, False), (NONE, False)]
)
def test_the_pool_s_total_is_there_where_the_policy_prints_it(policy: str, is_shown: bool):
    inputs = replace(estate(), published_totals=policy)
    one = statements(inputs)["claims"]
    assert one.untagged_pool is not None
    total = one.untagged_pool.pool_total
    assert (total is not None) == is_shown
    assert ("Pool total" in untagged(one).markdown()) == is_shown


@pytest.mark.parametrize("policy", [PROTECTED, SHARES, NONE])
def test_no_statement_depends_on_what_another_unit_put_in(policy: str):
    inputs = replace(estate(), published_totals=policy)
    charges = read_charges(inputs)
    assert dependences(inputs, charges.published, extract_units(inputs, charges)) == []


def test_another_amount_on_the_page_is_found(altered: Rendered):
    one = altered.statement("claims").untagged_pool
    assert one is not None
    path = altered.file("claims", "html")
    before, mark, after = path.read_text(encoding="utf-8").partition("You put in")
    assert mark and shown(one.paid) in after
    path.write_text(before + mark + after.replace(shown(one.paid), "1.23", 1), encoding="utf-8")
    [row] = altered.broken()[TIE]
    assert (row["business_unit_id"], row["medium"], row["section"], row["key"]) == (
        "claims", "html", "pool", "untagged",
    )  # fmt: skip
    assert (row["shown_amount"], row["ledger_amount"]) == (Decimal("1.23"), one.paid)
