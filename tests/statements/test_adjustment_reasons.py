"""Why people moved cost is shown to those whose cost they moved, and to nobody else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa

from chargeback.allocation.pools import CHARGES
from chargeback.ledger.post import post_period
from chargeback.params import Params, read_params
from chargeback.params.adjustments import Adjustment
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.extract.totals import with_register_rows
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import AdjustmentAmount
from tests.params_folder import added, write_params
from tests.statements.estate import OWNED

PERIOD = "2026-05"
COSTS = pa.schema(
    [(name, pa.string()) for name in (
        "invoice_id", "kind", "cost_center_id", "pool_id", "account_id", "product_code",
        "line_item_type", "rule",
    )] + [("exact_amount", pa.decimal128(38, 10))]
)  # fmt: skip
FALCON = "Beta closes project Falcon"


def moved(source: str, target: str, amount: str, reason: str, reference: str) -> Adjustment:
    return Adjustment(source, target, Decimal(amount), reason, reference)


def shown(folder, *adjustments: Adjustment) -> dict[str, tuple[AdjustmentAmount, ...]]:
    """The adjustments on each unit's statement, of a ledger in which there is nothing else."""
    params = three_units(folder, adjustments)
    inputs = StatementInputs(
        billing_period=PERIOD, currency="USD", provisional=False,
        postings=post_period(COSTS.empty_table(), CHARGES.empty_table(), params),
        owned_costs=OWNED.empty_table(), history={}, invoices=[], params=params, digests={},
    )  # fmt: skip
    statements = extract_units(inputs, read_charges(inputs))
    return {unit_id: one.adjustments for unit_id, one in statements.items()}


def three_units(folder, adjustments) -> Params:
    """Alpha has A-1 and A-2, Beta B-1, Gamma G-1."""
    params = read_params(write_params(folder), PERIOD)
    unit, center = params.business_units["shop"], params.cost_centers["CC-1"]
    centers = {"A-1": "alpha", "A-2": "alpha", "B-1": "beta", "G-1": "gamma"}
    return replace(
        params,
        business_units={
            one: replace(unit, business_unit_id=one, name=one.title()) for one in set(centers.values())
        },
        cost_centers={
            key: replace(center, cost_center_id=key, name=key, business_unit_id=one)
            for key, one in centers.items()
        },
        invoices={}, pools=(), drivers=(), accounts={}, adjustments=tuple(adjustments),
    )  # fmt: skip


def reasons(found: tuple[AdjustmentAmount, ...]) -> list[tuple[str, str, str]]:
    return [(one.cost_center_id, one.reason, str(one.amount)) for one in found]


def test_two_adjustments_with_one_reference_keep_their_reasons_apart(tmp_path):
    found = shown(
        tmp_path,
        moved("A-1", "G-1", "5.00", "licences", "CHG1"),
        moved("B-1", "G-1", "7.00", FALCON, "CHG1"),
    )
    assert reasons(found["alpha"]) == [("A-1", "licences", "-5.00")]
    assert reasons(found["beta"]) == [("B-1", FALCON, "-7.00")]
    # Gamma is charged for both, so both are its own, each with its amount.
    assert reasons(found["gamma"]) == [("G-1", FALCON, "7.00"), ("G-1", "licences", "5.00")]


def test_the_same_amount_with_the_same_reference_is_told_apart_by_its_cost_centers(tmp_path):
    found = shown(
        tmp_path,
        moved("A-1", "G-1", "5.00", "licences", "CHG1"),
        moved("B-1", "G-1", "5.00", FALCON, "CHG1"),
        moved("G-1", "A-2", "-5.00", "storage", "CHG1"),
    )
    # A-2 is given -5.00 by the third row, which charges G-1 5.00.
    assert reasons(found["alpha"]) == [("A-1", "licences", "-5.00"), ("A-2", "storage", "-5.00")]
    assert reasons(found["beta"]) == [("B-1", FALCON, "-5.00")]
    assert reasons(found["gamma"]) == [
        ("G-1", FALCON, "5.00"), ("G-1", "licences", "5.00"), ("G-1", "storage", "5.00"),
    ]  # fmt: skip


def test_rows_that_differ_by_their_reason_alone_are_both_of_the_same_two_units(tmp_path):
    found = shown(
        tmp_path,
        moved("A-1", "B-1", "5.00", "second half", "CHG1"),
        moved("A-1", "B-1", "5.00", "first half", "CHG1"),
    )
    halves = ["first half", "second half"]
    assert [one.reason for one in found["alpha"]] == halves
    assert [one.reason for one in found["beta"]] == halves
    assert found["gamma"] == ()


def test_rows_with_one_reason_stay_one_line(tmp_path):
    found = shown(
        tmp_path,
        moved("A-1", "B-1", "5.00", "licences", "CHG1"),
        moved("A-1", "G-1", "2.00", "licences", "CHG1"),
    )
    assert reasons(found["alpha"]) == [("A-1", "licences", "-7.00")]


def test_what_moves_within_one_unit_or_one_cost_center(tmp_path):
    found = shown(
        tmp_path,
        moved("A-1", "A-2", "5.00", "teams merged", "CHG1"),
        moved("B-1", "B-1", "1.00", "nothing moves", "CHG1"),
    )
    assert reasons(found["alpha"]) == [
        ("A-1", "teams merged", "-5.00"), ("A-2", "teams merged", "5.00"),
    ]  # fmt: skip
    assert reasons(found["beta"]) == [("B-1", "nothing moves", "0.00")]


def test_a_line_that_the_register_does_not_have_gets_no_reason(tmp_path):
    """Of a reference that another unit's row has too: no reason is better than a foreign one."""
    params = three_units(tmp_path, [moved("A-1", "G-1", "5.00", "licences", "CHG1")])
    postings = post_period(COSTS.empty_table(), CHARGES.empty_table(), params)
    foreign = replace(params, adjustments=(moved("B-1", "G-1", "7.00", FALCON, "CHG1"),))
    inputs = StatementInputs(
        billing_period=PERIOD, currency="USD", provisional=False, postings=postings,
        owned_costs=OWNED.empty_table(), history={}, invoices=[], params=foreign, digests={},
    )  # fmt: skip
    found = extract_units(inputs, read_charges(inputs))
    assert reasons(found["alpha"].adjustments) == [("A-1", "", "-5.00")]
    assert reasons(found["gamma"].adjustments) == [("G-1", "", "5.00")]


def test_many_rows_of_one_register_are_read_in_any_order(tmp_path):
    """As a params folder has them: the register's order decides nothing."""
    rows = [
        "2026-05,CC-1,CC-2,2.00,licences,REF-2,Ann,Bob,2026-01-20",
        "2026-05,CC-2,CC-1,2.00,back again,REF-2,Ann,Bob,2026-01-20",
    ]
    seen = []
    for number, ordered in enumerate((rows, rows[::-1])):
        folder = write_params(
            tmp_path / str(number), adjustments_csv=added("adjustments.csv", *ordered)
        )
        params = read_params(folder, PERIOD)
        postings = post_period(
            COSTS.empty_table(), CHARGES.empty_table(), replace(params, invoices={})
        )
        inputs = StatementInputs(
            billing_period=PERIOD, currency="USD", provisional=False, postings=postings,
            owned_costs=OWNED.empty_table(), history={}, invoices=[], params=params, digests={},
        )  # fmt: skip
        found = extract_units(inputs, read_charges(inputs))
        seen.append({unit_id: reasons(one.adjustments) for unit_id, one in found.items()})
    assert seen[0] == seen[1]
    lines = [line for one in seen[0].values() for line in one]
    assert sorted(lines) == [
        ("CC-1", "back again", "2.00"), ("CC-1", "licences", "-2.00"),
        ("CC-2", "back again", "-2.00"), ("CC-2", "licences", "2.00"),
    ]  # fmt: skip


class Counted(tuple):
    """Adjustments that count how often one of them is looked at."""

    looked_at = 0

    def __iter__(self):
        for one in tuple.__iter__(self):
            type(self).looked_at += 1
            yield one


def test_rows_are_looked_up_and_not_searched_for_each_line(tmp_path):
    """A search for each line looked at 400 rows 400 times: it took with the square of their number."""
    rows = Counted(
        moved("A-1", "B-1", f"{one + 1}.00", "licences", f"ADJ-{one}") for one in range(400)
    )
    params = replace(three_units(tmp_path, ()), adjustments=rows)
    postings = post_period(COSTS.empty_table(), CHARGES.empty_table(), params).to_pylist()
    lines = [one for one in postings if one["cost_center_id"]]
    Counted.looked_at = 0
    found = with_register_rows(params, lines)
    assert len(found) == 800 and all(one for _, one in found)
    assert Counted.looked_at == 400
