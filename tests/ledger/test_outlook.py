"""An open month's outlook: a whole month is its own estimate, units sum to the whole, examples by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.tables import read_postings, statement_total
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.sums import sum_of
from chargeback.ledger.carried_on import MonthSoFar, averaged, runs
from chargeback.ledger.derive import derive_postings
from chargeback.ledger.foresee import charged, foresee
from chargeback.ledger.outlook import NOT_AT_HAND, NOT_DATED, UNREADABLE, Outlook
from chargeback.params import read_params
from chargeback.rollup.days import AMOUNTS, data_through, read_days, rollup_of_days
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.readers import FolderReader
from tests.examples import examples
from tests.params_folder import pool, write_params
from tests.reports import line_item, write_report

PLAN, RESERVED = "arn:aws:savingsplans::1:savingsplan/sp1", "arn:aws:rds:us-east-1:1:ri:r1"
UNUSED = pool("unused", '{ line_item_type = ["SavingsPlanRecurringFee", "RIFee"] }') + pool()
WEEKDAYS_OF_JUNE, WEEKENDS_OF_JUNE = 22, 8


def at(day: int, month: int = 6, **cells: object) -> dict[str, object]:
    """Cells of an open line item of a day."""
    return {
        "line_item_usage_start_date": datetime(2026, month, day), "bill_invoice_id": "", **cells,
    }  # fmt: skip


def planned(days: int, fees_to: int = 30) -> list[dict]:
    """A plan of 36.00 a day of which 30.00 are used on each day that happened, its fees there to some day."""
    plan = {"savings_plan_savings_plan_a_r_n": PLAN}
    rows = []
    for day in range(1, max(days, fees_to) + 1):
        used = day <= days
        if used:
            rows += [
                line_item(50.0, "CC-9", line_item_line_item_type="SavingsPlanCoveredUsage",
                          savings_plan_savings_plan_effective_cost=30.0, **plan, **at(day)),
                line_item(-50.0, line_item_line_item_type="SavingsPlanNegation", **plan, **at(day)),
            ]  # fmt: skip
        rows.append(
            line_item(36.0, line_item_line_item_type="SavingsPlanRecurringFee",
                      savings_plan_total_commitment_to_date=36.0,
                      savings_plan_used_commitment=30.0 if used else 0.0, **plan, **at(day))
        )  # fmt: skip
    return rows


def reserved(days: int, unused: float) -> list[dict]:
    """A reservation of 300.00 a month, 8.00 of it used on each day, and what the report calls unused."""
    arn = {"reservation_reservation_a_r_n": RESERVED}
    rows = [
        line_item(0.0, "CC-1", line_item_line_item_type="DiscountedUsage",
                  reservation_effective_cost=8.0, **arn, **at(day))
        for day in range(1, days + 1)
    ]  # fmt: skip
    fee = line_item(
        300.0, line_item_line_item_type="RIFee", reservation_unused_recurring_fee=unused,
        reservation_unused_amortized_upfront_fee_for_billing_period=0.0, **arn, **at(1),
    )  # fmt: skip
    return [*rows, fee]


def used(days: range | list[int], cost: float, owner: str = "CC-1", month: int = 6) -> list[dict]:
    """A cost on each of some days."""
    return [line_item(cost, owner, **at(day, month)) for day in days]


@pytest.fixture
def drafted(tmp_path):
    """What drafts June from some line items, and gives its outlook; May's may lie beside them."""

    def make(*rows: list[dict], may: list[dict] | None = None, **files: str):
        report = write_report(
            tmp_path / "report", [one for some in rows for one in some], period="2026-06"
        )
        if may is not None:
            write_report(report, may, period="2026-05")
        params = write_params(tmp_path / "params", **{"allocation_toml": UNUSED, **files})
        folder = tmp_path / "work"
        folder.mkdir()
        work = WorkFolder(
            "2026-06", report, params, Books(tmp_path / "books"), folder, provisional=True
        )
        derive(work)
        return work, foresee(work, read_postings(work.path("postings.parquet")))

    return make


def sums_hold(outlook: Outlook) -> None:
    """Centers and units each sum to the whole; nobody's estimate is outside its own range."""
    for name in ("to_date", "corrections", "ahead", "before", "estimate", "accrual"):
        whole = getattr(outlook.total, name)
        for parts in (outlook.centers, outlook.units):
            if whole is not None:
                assert sum(getattr(one.figures, name) for one in parts) == whole, name
    for one in (*outlook.centers, *outlook.units):
        low, high = one.figures.low, one.figures.high
        assert low is None or high is None or low <= one.figures.estimate <= high


def test_commitments_of_days_to_come_are_not_charged_and_go_on(drafted):
    """100.00 a day, and a plan of 36.00 a day of which 30.00 are used: the month comes to 30 x 136.00."""
    work, outlook = drafted(used(range(1, 11), 100.0), planned(10))
    assert outlook is not None
    assert (outlook.days.through, outlook.days.passed, outlook.days.in_month) == (
        "2026-06-10",
        10,
        30,
    )
    total = outlook.total
    assert total.to_date == Decimal("1360.00")
    assert total.estimate == total.low == total.high == Decimal("4080.00")
    assert total.accrual == Decimal("2720.00")
    month = MonthSoFar(work.table("days"), "2026-06", date(2026, 6, 10)).whole()
    fee = month.filter(pc.equal(month["line_item_type"], "SavingsPlanRecurringFee"))
    assert (sum_of(fee, "unblended_cost"), sum_of(fee, "amortized_cost")) == (1080, 180)
    sums_hold(outlook)


def test_a_plan_goes_on_as_on_its_last_day_however_far_its_fees_are_written(drafted):
    _, outlook = drafted(used(range(1, 11), 100.0), planned(10, fees_to=12))
    assert outlook.total.estimate == Decimal("4080.00")


def test_weekdays_and_weekends_go_on_by_themselves(drafted):
    """1 to 14 June has ten weekdays of 100.00 and four days of weekends of 10.00."""
    weekends = [6, 7, 13, 14]
    days = [one for one in range(1, 15) if one not in weekends]
    _, outlook = drafted(used(days, 100.0), used(weekends, 10.0, "CC-9"))
    by_unit = {one.business_unit_id: one.figures for one in outlook.units}
    assert by_unit["shop"].estimate == Decimal(100 * WEEKDAYS_OF_JUNE)
    assert by_unit["core"].estimate == Decimal(10 * WEEKENDS_OF_JUNE)
    sums_hold(outlook)


def test_the_range_is_that_of_halves_of_the_days_in_a_row(drafted):
    """Five weekdays of 100.00, then five of 200.00, weekends of nothing between."""
    _, outlook = drafted(used(range(1, 6), 100.0), used(range(8, 13), 200.0), used([14], 0.01))
    assert outlook.days.passed == 14
    assert (
        outlook.total.estimate > Decimal("3290")
        and outlook.total.low < outlook.total.estimate < outlook.total.high
    )
    assert outlook.total.low >= Decimal("1500") + 100 * 12
    assert outlook.total.high <= Decimal("1500.01") + 200 * 12 + 1


def test_fees_of_the_month_are_whole_and_those_ahead_tell_no_day(drafted):
    fee = line_item(70.0, "CC-9", line_item_line_item_type="Fee", **at(1))
    later = line_item(30.0, "CC-9", line_item_line_item_type="Fee", **at(28))
    zone = line_item(5.0, "CC-1", line_item_usage_type="HostedZone", **at(1))
    _, outlook = drafted(used(range(1, 11), 100.0), [fee, later, zone])
    assert outlook.days.through == "2026-06-10"
    assert outlook.total.estimate == Decimal("3000.00") + 70 + 30 + 5


def test_discounts_and_taxes_of_the_month_follow_its_usage(drafted):
    discount = line_item(-100.0, line_item_line_item_type="EdpDiscount", **at(1))
    tax = line_item(50.0, line_item_line_item_type="Tax", **at(1))
    _, outlook = drafted(used(range(1, 11), 100.0), [discount, tax])
    assert outlook.total.to_date == Decimal("950.00")
    assert outlook.total.estimate == Decimal("2850.00")


@pytest.mark.parametrize(
    ("unused", "told", "ahead"),
    [(220.0, "for the whole month", "200.00"), (20.0, "to date", "200.00")],
)
def test_what_reservations_leave_unused(drafted, unused, told, ahead):
    """10 days used 80.00 of 300.00: 220.00 are left of the month, or 20.00 of the days so far."""
    work, outlook = drafted(used(range(1, 11), 100.0), reserved(10, unused))
    assert outlook.total.to_date == Decimal("1300.00"), told
    assert outlook.total.ahead == Decimal(ahead)
    assert outlook.total.estimate == Decimal("3300.00")
    month = MonthSoFar(work.table("days"), "2026-06", date(2026, 6, 10))
    assert month.reports_whole == (unused > 100)
    for rollup, left in ((month.whole(), 60), (month.so_far(), 20)):
        fee = rollup.filter(pc.equal(rollup["line_item_type"], "RIFee"))
        assert sum_of(fee, "amortized_cost") == left
    sums_hold(outlook)


def test_the_same_days_before_are_those_of_its_own_report(drafted):
    """May cost 50.00 a day to its 10th and 900.00 after; its discount of the month is of its usage."""
    may = [
        *used(range(1, 11), 50.0, month=5),
        line_item(900.0, "CC-9", **at(20, 5)),
        line_item(-140.0, line_item_line_item_type="EdpDiscount", **at(1, 5)),
    ]
    _, outlook = drafted(used(range(1, 11), 100.0), may=may)
    assert (outlook.days.before_period, outlook.days.before_days) == ("2026-05", 10)
    assert outlook.total.before == Decimal("450.00")
    assert outlook.total.comparable == Decimal("1000.00")
    sums_hold(outlook)


def test_support_is_expected_as_it_was_and_not_compared(drafted):
    support = line_item(60.0, line_item_line_item_type="Fee",
                        line_item_product_code="AWSSupportEnterprise", **at(1, 5))  # fmt: skip
    _, outlook = drafted(
        used(range(1, 11), 100.0), may=[*used(range(1, 32), 50.0, month=5), support]
    )
    assert outlook.days.awaited == ("AWSSupportEnterprise",)
    assert (outlook.total.before, outlook.total.estimate) == (Decimal("500.00"), Decimal("3060.00"))


def test_nothing_is_compared_where_the_month_before_is_not_at_hand(drafted):
    _, outlook = drafted(used(range(1, 11), 100.0))
    assert (outlook.days.before_days, outlook.days.why_not) == (0, NOT_AT_HAND)
    assert outlook.total.before is None and outlook.total.estimate == Decimal("3000.00")


def test_nothing_is_compared_where_the_month_before_has_no_days(drafted):
    undated = [{**one, "line_item_usage_start_date": None} for one in used([1], 5.0, month=5)]
    _, outlook = drafted(used(range(1, 11), 100.0), may=undated)
    assert outlook.days.why_not == NOT_DATED and outlook.total.before is None


def test_a_month_before_that_cannot_be_used_stops_nothing(drafted):
    wrong = pool("unused", '{ line_item_type = ["Usage"] }', "driver:heads") + pool()
    drivers = "billing_period,driver,cost_center_id,quantity,source\n2026-06,heads,CC-1,1,HR\n"
    _, outlook = drafted(
        used(range(1, 11), 100.0, ""), may=used(range(1, 11), 50.0, "", 5),
        allocation_toml=wrong, drivers_csv=drivers,
    )  # fmt: skip
    assert outlook.days.why_not == UNREADABLE and outlook.said
    assert outlook.total.before is None and outlook.total.estimate == Decimal("3000.00")


def test_without_days_there_is_no_outlook(drafted):
    _, outlook = drafted([line_item(5.0, "CC-1", bill_invoice_id="")])
    assert outlook is None


KINDS = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
         "SavingsPlanRecurringFee", "RIFee", "Fee", "Tax", "Credit", "EdpDiscount")  # fmt: skip
ITEMS = st.lists(
    st.builds(
        lambda kind, day, cents, owner, arn: line_item(
            cents / 100, owner, line_item_line_item_type=kind,
            savings_plan_savings_plan_a_r_n=arn, reservation_reservation_a_r_n=arn,
            savings_plan_savings_plan_effective_cost=abs(cents) / 150,
            savings_plan_total_commitment_to_date=abs(cents) / 100,
            savings_plan_used_commitment=abs(cents) / 200,
            reservation_effective_cost=abs(cents) / 300,
            reservation_unused_recurring_fee=abs(cents) / 400,
            reservation_unused_amortized_upfront_fee_for_billing_period=0.0, **at(day),
        ),
        st.sampled_from(KINDS), st.sampled_from((1, 1, 2, 6, 15, 29, 30)),
        st.integers(-50_000, 200_000), st.sampled_from(("", "CC-1", "CC-2", "CC-9")),
        st.sampled_from(("arn:a", "arn:b")),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder for the reports of a property, each in its own."""
    return tmp_path_factory.mktemp("whole")


def days_of(folder: Path, rows: list[dict]) -> tuple[pa.Table, Path]:
    """The days of June of some line items, and params."""
    place = folder / f"report-{len(list(folder.iterdir()))}"
    report = write_report(place, rows, period="2026-06")
    params = write_params(place / "params", allocation_toml=UNUSED)
    record = freeze_sources(report, "2026-06")
    return read_days(FolderReader(report), record, read_params(params, "2026-06")), params


@given(rows=ITEMS)
@examples(30)
def test_a_whole_month_is_its_own_estimate(place, rows):
    """With its last day there, what is carried on, and its part, are the rollup, posting for posting."""
    days, folder = days_of(place, [*rows, *used([30], 1.0)])
    params = read_params(folder, "2026-06")
    rollup, _ = rollup_of_days(days)
    month = MonthSoFar(days, "2026-06", date(2026, 6, 30))
    own = derive_postings(rollup, params).postings
    for made in (month.whole(), month.part(True), month.part(False)):
        for amount in AMOUNTS:
            assert sum_of(made, amount) == sum_of(rollup, amount)
    assert derive_postings(month.whole(), params).postings.equals(own)


@given(rows=ITEMS, through=st.integers(1, 29))
@examples(30)
def test_estimates_of_units_sum_to_what_the_month_is_charged(place, rows, through):
    """Whatever is carried on is owned and split to the cent, and does not depend on the order of rows."""
    days, folder = days_of(place, [*rows, *used([through], 1.0)])
    params = read_params(folder, "2026-06")
    month = MonthSoFar(days, "2026-06", date(2026, 6, through))
    whole = month.whole()
    postings = derive_postings(whole, params).postings
    billed = sum_of(whole, "unblended_cost")
    assert abs(statement_total(postings) - billed) <= Decimal("0.005")
    assert sum(charged(postings).values()) == statement_total(postings)
    turned = replace(month, days=days.take(pa.array(range(days.num_rows - 1, -1, -1)))).whole()
    assert derive_postings(turned, params).postings.equals(postings)


def test_halves_of_days_and_their_averages():
    june = [date(2026, 6, one) for one in range(1, 31)]
    assert runs(june[:1]) == [] and [len(one) for one in runs(june[:2])] == [1, 1]
    assert all(len(one) == 15 for one in runs(june)) and len(runs(june)) == 5
    # A first week without its weekend goes by all of its days.
    found = averaged(june[:5], june[5:])
    assert found == {(False, 17): june[:5], (True, 8): june[:5]}


def test_the_last_day_is_told_by_usage(tmp_path):
    days, _ = days_of(
        tmp_path, [*planned(10), line_item(1.0, line_item_line_item_type="Tax", **at(29))]
    )
    record = freeze_sources(next(tmp_path.glob("report-*")), "2026-06")
    assert data_through(days, record) == date(2026, 6, 10)
    assert sum(days["is_ahead"].to_pylist()) == 20


@pytest.mark.slow
def test_the_real_month_cut_off(workshop, tmp_path):
    """Of a real month up to its 20th, the estimate is near what it came to; whole, it is what it came to."""
    params = read_params(workshop.params, workshop.period)
    days = read_days(
        FolderReader(workshop.report), freeze_sources(workshop.report, workshop.period), params
    )
    rollup, _ = rollup_of_days(days)
    whole = MonthSoFar(days, workshop.period, date(2018, 10, 31)).whole()
    assert (
        sum_of(whole, "unblended_cost")
        == sum_of(rollup, "unblended_cost")
        == Decimal("4064.4831315379")
    )
    cut = MonthSoFar(days, workshop.period, date(2018, 10, 20))
    assert sum_of(replace(cut, is_known=True).part(False), "unblended_cost") < Decimal("4064.48")
    to_date = sum_of(cut.so_far(), "unblended_cost")
    estimated = sum_of(cut.whole(), "unblended_cost")
    assert to_date < estimated
    assert abs(estimated - Decimal("4064.48")) < Decimal("400")
