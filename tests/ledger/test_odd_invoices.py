"""Invoices whose line items sum to nothing, and invoices that have none: each total is charged, and visible.

The params of tests/params_folder.py: CC-9 takes the rounding of invoices, whose limit is 1.00.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from chargeback.close.stages import derive
from chargeback.core.errors import CONTROL_FAILED, Refusal
from tests.params_folder import accepted, added, any_month, pool
from tests.reports import line_item

ROW = "{},2026-05,AWS,USD,{},finance,PDF"
MEMO = "900000007"


@pytest.fixture
def posted(make_report, make_params, make_closing):
    """What a month posts besides payables: kind, account, invoice and amount; and what the stage says."""

    def close(items: list, invoices: dict[str, str], more: str = ""):
        header = added("invoices.csv").splitlines()[0]
        rows = "".join(ROW.format(*one) + "\n" for one in invoices.items())
        params = make_params(
            invoices_csv=f"{header}\n{rows}",
            acceptances_csv=any_month(pool()) + more,
        )
        closing = make_closing(make_report(items), params)
        derive(closing)
        postings = pq.read_table(closing.path("postings.parquet")).to_pylist()
        lines = [
            (row["kind"], row["ledger_account"], row["invoice_id"], str(row["amount"]))
            for row in postings if not row["ledger_account"].startswith("payable:")
        ]  # fmt: skip
        return lines, closing.stage_record("ledger")["summary"]

    return close


@pytest.mark.parametrize("total", ["0.01", "-0.02"])
@pytest.mark.parametrize("items", [
    pytest.param([line_item(0.0, "CC-1"), line_item(0.0)], id="every line item is free"),
    pytest.param([line_item(30.0, "CC-1"), line_item(-30.0, "CC-1")], id="a charge and its reversal"),
    pytest.param([line_item(0.0000000001, "CC-1"), line_item(-0.0000000001)], id="less than a cent"),
])  # fmt: skip
def test_what_an_invoice_asks_for_although_its_line_items_sum_to_nothing(posted, items, total):
    lines, _ = posted(items, {"900000001": total})
    assert ("rounding", "cost-center:CC-9", "900000001", total) in lines
    assert sum(Decimal(one[-1]) for one in lines if one[1].startswith("cost-center:")) == Decimal(
        total
    )


def test_a_charge_and_its_reversal_of_another_owner(posted):
    """CC-1 pays 30.00 and CC-2 gets them; the cent that the invoice asks for is CC-9's."""
    lines, summary = posted(
        [line_item(30.0, "CC-1"), line_item(-30.0, "CC-2")], {"900000001": "0.01"}
    )
    assert lines == [
        ("direct", "cost-center:CC-1", "900000001", "30.00"),
        ("direct", "cost-center:CC-2", "900000001", "-30.00"),
        ("rounding", "cost-center:CC-9", "900000001", "0.01"),
    ]
    assert summary.endswith("tied out to 1 invoice")


@pytest.mark.parametrize("total", ["0.60", "-1.00"])
def test_an_invoice_without_line_items_within_the_limit_is_rounding(posted, total):
    lines, summary = posted([line_item(5.0, "CC-1")], {"900000001": "5.00", MEMO: total})
    assert lines == [
        ("direct", "cost-center:CC-1", "900000001", "5.00"),
        ("rounding", "cost-center:CC-9", MEMO, total),
    ]
    assert summary.endswith("tied out to 2 invoices")


@pytest.mark.parametrize("total", ["-1.01", "4000.00"])
def test_above_the_limit_it_is_somebody_s_decision(posted, total):
    """Refused with the row to enter; with that row it is posted, and the close says whose decision it was."""
    items, invoices = [line_item(5.0, "CC-1")], {"900000001": "5.00", MEMO: total}
    with pytest.raises(Refusal) as raised:
        posted(items, invoices)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "every_invoice_has_line_items" in raised.value.what
    assert f"invoice_id {MEMO}" in raised.value.block()
    [row] = [one for one in raised.value.todo if one.startswith("every_invoice_has_line_items,")]
    assert row == f"every_invoice_has_line_items,{MEMO},2026-05,2026-05,<reference>,<accepted by>"


@pytest.mark.parametrize("total", ["-1.01", "4000.00"])
def test_what_is_accepted_is_posted_to_whom_takes_rounding(posted, total):
    row = accepted(every_invoice_has_line_items=MEMO).splitlines()[1]
    lines, _ = posted([line_item(5.0, "CC-1")], {"900000001": "5.00", MEMO: total}, row + "\n")
    assert lines == [
        ("direct", "cost-center:CC-1", "900000001", "5.00"),
        ("rounding", "cost-center:CC-9", MEMO, total),
    ]


def test_line_items_that_are_there_are_not_accepted_away(posted):
    """An invoice that has line items ties to them, whoever accepts what."""
    row = accepted(every_invoice_has_line_items="900000001").splitlines()[1]
    with pytest.raises(Refusal, match="sources_tie_to_invoices"):
        posted([line_item(0.0, "CC-1")], {"900000001": "-4.00"}, row + "\n")
