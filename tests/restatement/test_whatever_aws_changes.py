"""Whatever AWS delivers in the place of a closed month: its corrections lead to the last delivery."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st

from chargeback.books.closed_period import ClosedPeriod
from chargeback.books.source_record import SourceFile, SourceRecord
from chargeback.core.errors import Refusal
from chargeback.ledger.corrections import correct, do_again, without_end
from chargeback.ledger.derive import Derived, derive_postings
from chargeback.params import Invoice, Params
from chargeback.rollup.redeliveries import Redelivery
from tests.bridge.months import APRIL, MAY, ROLLUP
from tests.bridge.test_whatever_changed import MONTHS, organizations
from tests.examples import examples

Rows = list[dict[str, Any]]
Sums = dict[tuple[str, str], tuple[Decimal, Decimal]]

INVOICES = st.dictionaries(st.sampled_from(("1", "2", "3")), st.integers(-9999, 9999), max_size=3)
RECORD = SourceRecord(
    APRIL, "tiny", "e-2", "CUR 2.0", SourceFile("manifest", 0, "", 0), (), (), (), 0, "0"
)


def delivered(rows: Rows) -> Redelivery:
    """A delivery of April, rolled up."""
    numbered = [{**row, "rollup_id": number} for number, row in enumerate(rows, start=1)]
    return Redelivery(RECORD, pa.Table.from_pylist(numbered, schema=ROLLUP))


def entered(totals: dict[str, int]) -> dict[str, Invoice]:
    """Invoices as finance enters them."""
    return {
        one: Invoice(one, "AWS", "USD", Decimal(total).scaleb(-2)) for one, total in totals.items()
    }


def closed(redelivery: Redelivery, params: Params) -> Derived:
    """A month as a close posts it; one whose pools cannot be split was never closed."""
    try:
        return derive_postings(redelivery.rollup, params)
    except Refusal:
        assume(False)
        raise


def sums(*ledgers: pa.Table) -> Sums:
    """Exact amounts and cents by ledger account and invoice, what has ended as if it had not."""
    exact: Counter[tuple[str, str]] = Counter()
    cents: Counter[tuple[str, str]] = Counter()
    for ledger in ledgers:
        for row in ledger.to_pylist():
            own = without_end({"rule": row["rule"] or ""}) if row["original_period"] else {}
            at = (own.get("ledger_account", row["ledger_account"]), row["invoice_id"] or "")
            exact[at] += row["exact_amount"]
            cents[at] += row["amount"]
    return {at: (exact[at], cents[at]) for at in sorted(exact) if exact[at] or cents[at]}


def assert_balanced(postings: pa.Table) -> None:
    """Every entry sums to zero, exactly and in cents, and names the entry that it corrects."""
    entries: dict[str, list[Decimal]] = {}
    for row in postings.to_pylist():
        entry = entries.setdefault(row["entry_id"], [Decimal(0), Decimal(0)])
        entry[0] += row["exact_amount"]
        entry[1] += row["amount"]
        assert row["entry_id"].startswith(f"{MAY}/adjustment/{APRIL}/")
        assert (row["billing_period"], row["original_period"]) == (MAY, APRIL)
    assert all(entry == [0, 0] for entry in entries.values())


@examples(12)
@given(
    MONTHS,
    st.lists(st.tuples(MONTHS, INVOICES), min_size=1, max_size=3),
    organizations(APRIL),
    organizations(MAY),
)
def test_what_was_closed_and_its_corrections_are_what_was_delivered_last(
    first, deliveries, april, may
):
    """At every step, on every ledger account and invoice: with cost centers that have ended since."""
    made = closed(delivered(first), april)
    closed_period = ClosedPeriod(APRIL, april, RECORD, delivered(first).rollup, made.postings, ())
    for number, (rows, totals) in enumerate(deliveries):
        redelivery = delivered(rows)
        closed(redelivery, april)
        restated = do_again(closed_period, redelivery, entered(totals))
        corrections = correct([restated], may)
        assert_balanced(corrections)
        assert sums(closed_period.postings, corrections) == sums(restated.after.postings)
        changed = sum((Decimal(one["total"]) for one in restated.invoice_changes()), Decimal(0))
        paid = [row for row in corrections.to_pylist() if row["cost_center_id"]]
        assert sum((row["amount"] for row in paid), Decimal(0)) == changed
        assert {row["cost_center_id"] for row in paid} <= may.cost_centers.keys()
        closed_period = ClosedPeriod(
            APRIL, restated.params, RECORD, redelivery.rollup,
            pa.concat_tables([closed_period.postings, corrections]), (*closed_period.corrected_in, str(number)),
        )  # fmt: skip


@examples(8)
@given(MONTHS, MONTHS, organizations(APRIL))
def test_where_nobody_ended_each_is_charged_as_if_the_last_delivery_were_the_only_one(
    first, last, april
):
    """Per cost center, to the cent, and nothing is posted when the same is delivered again."""
    may = replace(april, period=MAY)
    made = closed(delivered(first), april)
    alone = closed(delivered(last), april)
    closed_period = ClosedPeriod(APRIL, april, RECORD, delivered(first).rollup, made.postings, ())
    corrections = correct([do_again(closed_period, delivered(last), {})], may)
    assert charged(made.postings, corrections) == charged(alone.postings)
    again = replace(
        closed_period,
        rollup=delivered(last).rollup,
        postings=pa.concat_tables([closed_period.postings, corrections]),
        corrected_in=(MAY,),
    )
    assert correct([do_again(again, delivered(last[::-1]), {})], may).num_rows == 0


def charged(*ledgers: pa.Table) -> dict[str, Decimal]:
    """What each cost center is charged, where it is not nothing."""
    found: Counter[str] = Counter()
    for ledger in ledgers:
        for row in ledger.to_pylist():
            if row["cost_center_id"]:
                found[row["cost_center_id"]] += row["amount"]
    return {center: amount for center, amount in sorted(found.items()) if amount}
