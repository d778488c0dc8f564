"""What is decided is followed by an adjustment of the next close, of exactly that amount, linked both ways."""

from __future__ import annotations

import shutil
from decimal import Decimal

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.core.errors import CONTROL_FAILED, Refusal
from tests.delivery.disputes.estate import DECIDED, DIRECT, RAISED, dispute
from tests.params_folder import added
from tests.reports import line_item
from tests.restatement.months import APRIL, MAY, Estate, make_estate, usual

CONTROL = "adjustments_of_disputes_are_as_decided"
#: 6.67 of what CC-1 and CC-2 have half of each: 3.335, and the smaller id gets the cent.
ROWS = (
    "2026-05,CC-1,CC-9,3.34,dispute D-2026-04-001 about 2026-04,D-2026-04-001\n"
    "2026-05,CC-2,CC-9,3.33,dispute D-2026-04-001 about 2026-04,D-2026-04-001\n"
)


def adjust(estate: Estate, rows: str) -> None:
    """adjustments.csv of an estate, each row entered by Ann and approved by Bob."""
    moved = (f"{row},Ann,Bob,2026-01-20" for row in rows.splitlines())
    estate.write(adjustments_csv=added("adjustments.csv", *moved))


def refused_close(estate: Estate, *words: str) -> None:
    """May is not closed, by the control, and nothing of it is there."""
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    block = raised.value.block()
    assert raised.value.exit_code == CONTROL_FAILED and CONTROL in block
    for one in words:
        assert one in block, block
    assert MAY not in estate.books.closed_periods()


def charged(estate: Estate, period: str) -> dict[str, Decimal]:
    """What each cost center pays."""
    found: dict[str, Decimal] = {}
    for row in estate.postings(period).to_pylist():
        if row["cost_center_id"]:
            center = row["cost_center_id"]
            found[center] = found.get(center, Decimal(0)) + row["amount"]
    return found


def test_the_rows_to_add_are_printed_and_the_next_close_posts_them(estate, disputes):
    dispute(estate, DECIDED)
    said = disputes("2026-05-21").said
    for line in ROWS.splitlines():
        to_fill_in = ",<who enters it>,<who approves it>,<day of approval>"
        assert f"  {line.replace('CC-9', '<cost center that takes it>')}{to_fill_in}" in said
    adjust(estate, ROWS)
    assert "adjusted: entered for 2026-05\n" in disputes("2026-05-21").said
    assert not [line for line in estate.close(MAY) if "dispute" in line]
    assert charged(estate, MAY) == {
        "CC-1": Decimal("66.66"), "CC-2": Decimal("36.67"), "CC-9": Decimal("26.67"),
    }  # fmt: skip
    said = disputes("2026-06-10").said
    assert "adjusted: 2026-05/adjustment/0001, 2026-05/adjustment/0002\n" in said
    assert "To add" not in said
    rules = {row["rule"] for row in estate.postings(MAY).to_pylist() if row["kind"] == "adjustment"}
    assert rules == {"adjustment:D-2026-04-001"}


@pytest.mark.parametrize("recorded", [True, False], ids=["in the log", "in the register alone"])
def test_a_close_posts_what_was_decided_or_nothing(estate, disputes, recorded):
    dispute(estate, DECIDED)
    if recorded:
        disputes("2026-05-21")
    adjust(estate, ROWS.replace("3.33", "3.32"))
    refused_close(estate, "decided_amount 6.67", "adjusted_amount 6.66", "0.01 too little")
    adjust(estate, ROWS.replace("D-2026-04-001\n", "d-2026-04-001\n").replace("3.33", "3.34"))
    refused_close(estate, "0.01 too much")
    adjust(estate, "2026-05,CC-9,CC-1,6.67,the wrong way,D-2026-04-001\n")
    refused_close(estate, "taken from a cost center that is not the unit's")
    adjust(estate, "2026-05,CC-9,CC-1,-6.67,twice turned,D-2026-04-001\n")
    estate.close(MAY)
    assert charged(estate, MAY)["CC-1"] == Decimal("63.33")


@pytest.mark.parametrize(
    "cells", [{"decision": "rejected", "decided_amount": ""}, None], ids=["rejected", "undecided"]
)
def test_what_is_not_upheld_is_not_adjusted(estate, disputes, cells):
    dispute(estate, RAISED if cells is None else {**DECIDED, **cells})
    disputes("2026-05-07" if cells is None else "2026-05-21")
    adjust(estate, ROWS)
    refused_close(estate, "decided_amount 0.00", "rejected" if cells else "not decided")


def test_it_is_adjusted_once_over_all_closed_periods(estate, disputes):
    dispute(estate, DECIDED)
    disputes("2026-05-21")
    adjust(estate, ROWS)
    estate.close(MAY)
    june = [{**one, "bill_invoice_id": "900000006"} for one in usual(MAY)]
    estate.deliver("2026-06", june)
    estate.enter("2026-06", "130.00", "900000006")
    adjust(estate, ROWS + ROWS.replace("2026-05,", "2026-06,"))
    with pytest.raises(Refusal) as raised:
        estate.close("2026-06")
    block = raised.value.block()
    assert "adjusted_amount 13.34" in block and "first_period 2026-05" in block, block


def test_the_decision_may_name_another_reference_and_the_id_counts_as_well(estate, disputes):
    dispute(estate, {**DECIDED, "adjustment_reference": "JE 4711"})
    assert ",JE 4711,<who enters it>," in disputes("2026-05-21").said
    adjust(estate, ROWS.replace(",D-2026-04-001\n", ",JE 4711\n", 1))
    estate.close(MAY)
    assert "INSTEAD" not in disputes("2026-06-10").said


def test_what_was_decided_and_is_not_adjusted_is_said_by_the_close_which_goes_on(estate, disputes):
    dispute(estate, DECIDED)
    disputes("2026-05-21")
    said = estate.close(MAY)
    [note] = [line for line in said if "D-2026-04-001" in line]
    assert note == (
        "NOTE  6.67 USD of the dispute D-2026-04-001 of shop, about 2026-04, are to be given back, "
        "and no adjustment follows yet."
    )
    assert MAY in estate.books.closed_periods()
    assert "for the close of 2026-06" in disputes("2026-06-10").said


def test_an_adjustment_of_another_reference_is_none_of_a_dispute(estate, disputes):
    dispute(estate, DECIDED)
    disputes("2026-05-21")
    adjust(estate, "2026-05,CC-9,CC-1,1.00,licences,REF-1\n" + ROWS)
    estate.close(MAY)


def test_within_a_unit_cost_moves_from_one_cost_center_to_another(estate, disputes):
    """The line is CC-1's alone, and CC-2 of the same unit takes it."""
    dispute(estate, {
        **DECIDED, "line": DIRECT, "amount": "60.00", "decision": "upheld", "decided_amount": "",
    })  # fmt: skip
    said = disputes("2026-05-21").said
    assert "2026-05,CC-1,<cost center that takes it>,60.00," in said
    adjust(estate, "2026-05,CC-1,CC-2,60.00,dispute,D-2026-04-001\n")
    estate.close(MAY)
    assert charged(estate, MAY)["CC-1"] == Decimal("10.00")


def test_a_cost_center_that_has_ended_is_named_and_who_took_over_may_be_charged(estate, disputes):
    """CC-1 and CC-2 ended with April; CC-3 of core took over."""
    estate.write(cost_centers_csv=(
        "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
        "CC-1,Web,shop,2026-01,2026-04\nCC-2,Stock,shop,2026-01,2026-04\n"
        "CC-3,New,core,2026-05,\nCC-9,Platform,core,2026-01,\n"
    ))  # fmt: skip
    dispute(estate, DECIDED)
    said = disputes("2026-05-21").said
    assert "CC-1 is not in force in 2026-05: name who has taken it over instead" in said
    items = [line_item(amount, center, bill_invoice_id="900000005")
             for amount, center in ((90.0, "CC-3"), (40.0, "CC-9"))]  # fmt: skip
    estate.deliver(MAY, items)
    adjust(estate, "2026-05,CC-3,CC-9,6.67,dispute,D-2026-04-001\n")
    estate.close(MAY)
    assert charged(estate, MAY)["CC-3"] == Decimal("83.33")


def test_a_register_that_is_wrong_stops_the_close_and_one_that_is_right_changes_nothing(
    estate, tmp_path
):
    """The same close without a register, and with one that no adjustment follows."""
    other = Estate(tmp_path / "other", dict(estate.totals), {})
    for name in ("report", "params", "books"):
        shutil.copytree(estate.folder / name, other.folder / name)
    estate.close(MAY)
    dispute(other, {**RAISED, "amount": "0"})
    with pytest.raises(Refusal) as raised:
        other.close(MAY)
    assert "not more than nothing" in raised.value.block()
    dispute(other, RAISED)
    other.close(MAY)
    ours, theirs = (one.books.ledger(MAY) / "postings.parquet" for one in (estate, other))
    assert ours.read_bytes() == theirs.read_bytes()
    assert manifest_of(estate) == manifest_of(other)


def manifest_of(estate: Estate) -> dict:
    """What a manifest derives, without what is of one run."""
    found = dict(checked_manifest(estate.books, MAY))
    return {key: found[key] for key in ("derived", "params", "controls", "postings", "sql_digest")}


def test_nothing_is_looked_for_before_the_first_close(tmp_path):
    estate = make_estate(tmp_path)
    dispute(estate, RAISED)
    estate.close(APRIL)
    assert estate.books.closed_periods() == [APRIL]
