"""A credit memo that accounts payable nets in a later month is left to that month, once.

April bills 100.00 on invoice 900000004 (CC-1 60.00, CC-9 40.00) and gives 20.00 back on credit memo 900000014:
12.00 of CC-1's and 8.00 that nobody owns, which are split by what each spends directly, 60 - 12 = 48 to 40:

    April as AWS has it      CC-1     CC-9            left to May      CC-1     CC-9
    invoice                 60.00    40.00                            60.00    40.00
    memo                   -12.00
    memo, untagged          -4.36    -3.64   (8 x 48/88 = 4.3636…)
                            43.64    36.36                            60.00    40.00
    so that May corrects                                             -16.36    -3.64

May and June are 130.00 each, split by spend 60 : 30 : 10 into 78.00, 39.00 and 13.00.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.verify import verified_period
from chargeback.close.draft import draft
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, Refusal
from chargeback.params import read_params
from chargeback.review.audit.run import audit_period
from chargeback.review.restatements import restatements, show_restatements
from chargeback.review.trace.run import trace
from chargeback.review.what_if.replayed import replay_closed
from tests.params_folder import pool, write_params
from tests.reports import line_item
from tests.restatement.months import APRIL, JUNE, MAY, Estate, sums, usual

HEADER = "invoice_id,billing_period,deferred_to,reference,approved_by\n"
BILL, MEMO = {"bill_invoice_id": "900000004"}, {"bill_invoice_id": "900000014"}
CREDIT = {"line_item_line_item_type": "Credit", **MEMO}
BILLED = [line_item(60.0, "CC-1", **BILL), line_item(40.0, "CC-9", **BILL)]
GIVEN_BACK = [line_item(-12.0, "CC-1", **CREDIT), line_item(-8.0, **CREDIT)]
BY_SPEND = pool(key="direct_spend", more='fallback = "even"')


def deferred_to(period: str, invoice: str = "900000014") -> str:
    """deferrals.csv with one row."""
    return f"{HEADER}{invoice},{APRIL},{period},AP-77,Ann\n"


def three_months(folder: Path, until: str = MAY) -> Estate:
    """April with its memo, May and June; the memo's total is not entered."""
    estate = Estate(folder, {}, {"allocation_toml": BY_SPEND, "deferrals_csv": deferred_to(until)})
    estate.deliver(APRIL, BILLED, GIVEN_BACK)
    estate.enter(APRIL, "100.00")
    for period in (MAY, JUNE):
        estate.deliver(period, usual(period))
        estate.enter(period, "130.00")
    return estate


def charged(estate: Estate, period: str) -> dict[str, str]:
    """What each cost center is charged in a period."""
    rows = [row for row in estate.postings(period).to_pylist() if row["cost_center_id"]]
    return {key[0]: str(amount) for key, amount in sums(rows, "cost_center_id").items()}


def assert_audited(estate: Estate, *periods: str, render: bool = False) -> None:
    """The audit of each period finds no difference, and closing it again is identical."""
    for period in periods:
        audit = audit_period(period, estate.books, estate.report, render)
        found = [one.line for check in audit.checks for one in check.differences]
        assert found == [] and not any(one.undone for one in audit.checks), found
        assert any("identical" in one for one in estate.close(period))


@pytest.mark.slow
def test_a_memo_is_left_out_and_then_charged_once(tmp_path):
    estate = three_months(tmp_path)
    april = estate.close(APRIL, statements=True)
    assert charged(estate, APRIL) == {"CC-1": "60.00", "CC-9": "40.00"}
    manifest = checked_manifest(estate.books, APRIL)
    assert manifest["deferrals"] == [
        {"invoice_id": "900000014", "deferred_to": MAY, "reference": "AP-77", "approved_by": "Ann",
         "rows_total": "-20.0000000000"},
    ]  # fmt: skip
    assert manifest["invoices"] == {"900000004": {"total": "100.00", "rounding": "0.00"}}
    [said] = [one for one in april if "900000014" in one and "not charged here" in one]
    assert "−20.00" in said and "left to 2026-05 (AP-77)" in said
    html = (estate.books.statements(APRIL) / "core" / "statement.html").read_text()
    left = "The invoice 900000014 is left to May 2026: nobody is charged for it here"
    assert html.count(left) == 2 and "20.00 USD" not in html
    assert_audited(estate, APRIL, render=True)

    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert raised.value.what == "an invoice of 2026-04 that 2026-05 corrects does not tie out"
    assert any(one.startswith("900000014,2026-04,") for one in raised.value.todo)
    estate.enter(APRIL, "-20.00", "900000014")
    may = estate.close(MAY, statements=True)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-16.36", "CC-9": "-3.64"}
    assert charged(estate, MAY) == {"CC-1": "61.64", "CC-2": "39.00", "CC-9": "9.36"}
    by_account = sums(estate.corrections(MAY), "ledger_account")
    assert by_account["payable:900000014",] == Decimal("20.00")
    assert {row["kind"] for row in estate.corrections(MAY)} == {"adjustment"}
    [said] = [one for one in may if "900000014" in one]
    assert "left to a later period by its close, and charged now" in said
    html = (estate.books.statements(MAY) / "core" / "statement.html").read_text()
    assert "Its close left the invoice 900000014 to a later period, which is this one" in html
    assert "is left to" not in html
    assert_audited(estate, APRIL, MAY, render=True)

    estate.close(JUNE, statements=True)
    assert estate.corrections(JUNE) == [] and estate.kept(JUNE) == []
    for period in (APRIL, MAY, JUNE):
        assert verified_period(estate.books, period).findings == []


@pytest.mark.slow
def test_whichever_period_is_closed_first_once_it_is_due_takes_it(tmp_path):
    estate = three_months(tmp_path)
    estate.enter(APRIL, "-20.00", "900000014")
    estate.close(APRIL, JUNE)
    assert estate.corrected(JUNE, APRIL) == {"CC-1": "-16.36", "CC-9": "-3.64"}
    estate.close(MAY)
    assert estate.corrections(MAY) == []
    assert_audited(estate, APRIL, JUNE, MAY)


@pytest.mark.slow
def test_before_it_is_due_nothing_is_taken_whatever_is_entered_or_delivered(tmp_path):
    """In May, April's bill is 101.00 (CC-9 41.00) and the memo 21.00; June takes the memo as it is then.

    Its own line is 13.00 of CC-1, so that 60 - 13 = 47 to 41 split the rest: 8 x 47/88 = 4.2727… and 3.7272….
    """
    estate = three_months(tmp_path, JUNE)
    estate.enter(APRIL, "-20.00", "900000014")
    estate.close(APRIL)
    billed = [BILLED[0], line_item(41.0, "CC-9", **BILL)]
    memo = [line_item(-13.0, "CC-1", **CREDIT), GIVEN_BACK[1]]
    estate.deliver(APRIL, billed, memo, execution="e-2")
    estate.enter(APRIL, "101.00")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-9": "1.00"}
    [kept] = estate.kept(MAY)
    assert kept["deferred"] == ["900000014"] and "taken" not in kept
    estate.enter(APRIL, "-21.00", "900000014")
    estate.close(JUNE)
    assert estate.corrected(JUNE, APRIL) == {"CC-1": "-17.27", "CC-9": "-3.73"}
    [kept] = estate.kept(JUNE)
    assert kept["taken"] == ["900000014"] and "deferred" not in kept and kept["earlier"] == [MAY]
    assert_audited(estate, MAY, JUNE)


@pytest.mark.slow
def test_a_memo_that_aws_withdraws_before_it_is_due_is_gone(tmp_path):
    estate = three_months(tmp_path, JUNE)
    estate.close(APRIL)
    estate.deliver(APRIL, BILLED, execution="e-2")
    estate.close(MAY, JUNE)
    assert estate.corrections(MAY) == estate.corrections(JUNE) == []
    assert_audited(estate, MAY, JUNE)


@pytest.mark.slow
def test_what_reads_closed_periods_knows_of_it(tmp_path):
    estate = three_months(tmp_path)
    estate.close(APRIL)
    places = (str(estate.params), str(estate.books.root), str(estate.report))
    [month] = replay_closed(APRIL, *places, progress=lambda _: None).periods
    assert not any(one.difference for one in month.differences)
    [due], others = restatements(estate.books, estate.report, estate.params)
    told: list[str] = []
    show_restatements([due], others, told.append)
    assert "its close left the invoice 900000014 to a period that is due" in told[0]
    assert due.without_total == {"900000014": Decimal("-20.00")}
    assert due.by_cost_center() == {"CC-1": Decimal("-16.36"), "CC-9": Decimal("-3.64")}
    assert sum(due.by_service().values()) == Decimal("-20.00")
    draft(estate.closing(MAY, provisional=True), lambda _: None)
    html = (estate.books.draft(MAY) / "statements/core/statement.html").read_text()
    assert "Its close left the invoice 900000014" in html

    estate.enter(APRIL, "-20.00", "900000014")
    estate.close(MAY)
    line = next(
        f"{row['entry_id']}:{row['line']}"
        for row in estate.corrections(MAY)
        if row["cost_center_id"] == "CC-1" and "/direct/" in row["entry_id"]
    )
    traced: list[str] = []
    trace(estate.books, MAY, line, lambda _: estate.report, traced.append)
    assert any("−12.00" in one and "1 line item" in one for one in traced), traced
    [month] = replay_closed(MAY, *places, progress=lambda _: None).periods
    assert not any(one.difference for one in month.differences)
    assert restatements(estate.books, estate.report, estate.params) == ([], [])


def test_an_invoice_that_the_report_does_not_have_cannot_be_left(tmp_path):
    estate = three_months(tmp_path)
    estate.write(deferrals_csv=deferred_to(MAY, "900000041"))
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "deferred_invoices_are_delivered" in raised.value.what
    assert "invoice_id 900000041, deferred_to 2026-05" in raised.value.block()


def test_what_a_closed_period_was_closed_with_is_settled(tmp_path):
    """The memo was charged by April's close, so it cannot be left to June any more."""
    estate = three_months(tmp_path)
    (estate.params / "deferrals.csv").unlink()
    del estate.files["deferrals_csv"]
    estate.enter(APRIL, "-20.00", "900000014")
    estate.close(APRIL)
    assert charged(estate, APRIL) == {"CC-1": "43.64", "CC-9": "36.36"}
    estate.write(deferrals_csv=deferred_to(JUNE))
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == BAD_USAGE
    assert raised.value.what == "deferrals.csv is about 2026-04, which was closed otherwise"
    assert "deferrals.csv line 2" in raised.value.where[0]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (f"900000014,{APRIL},{APRIL},AP-77,Ann", "deferred to a period that is not later"),
        (f"900000014,{APRIL},{MAY},,Ann", "a deferral lacks its reference"),
        (f"900000014,{APRIL},{MAY},AP-77,", "a deferral lacks its approved_by"),
        (f"900000014,{APRIL},May,AP-77,Ann", "period"),
        (f"900000014,{APRIL},{MAY},AP-77,Ann\n900000014,{APRIL},{JUNE},AP-77,Ann", "two rows"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(tmp_path, row, what):
    folder = write_params(tmp_path, deferrals_csv=f"{HEADER}{row}\n")
    with pytest.raises(Refusal) as raised:
        read_params(folder, APRIL)
    assert raised.value.exit_code == BAD_USAGE and what in raised.value.what
    assert any("deferrals.csv line 2" in one for one in raised.value.where)


def test_params_of_other_periods_do_not_know_it(tmp_path):
    folder = write_params(tmp_path, deferrals_csv=deferred_to(MAY))
    assert read_params(folder, APRIL).deferred_ids == {"900000014"}
    assert read_params(folder, MAY).deferred_ids == frozenset()
