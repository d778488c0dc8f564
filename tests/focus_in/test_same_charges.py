"""A month in FOCUS charges what the same month in CUR 2.0 charges: a small one by hand, and the sample's."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from chargeback.books.source_record import SourceRecord
from chargeback.close.stages import derive
from chargeback.core.paths import PARAMS
from chargeback.sample import write_estate
from tests.focus_in.exports import PLAN, RESERVED, charge, write_focus
from tests.focus_in.posted import ABOUT, differing, postings_in, sums
from tests.params_folder import pool
from tests.reports import line_item, write_report

RULES = (
    pool("unused", '{ line_item_type = ["SavingsPlanRecurringFee", "RIFee"] }')
    + pool("credits", '{ line_item_type = ["Credit", "Refund"] }')
    + pool("tax", '{ line_item_type = ["Tax"] }')
    + pool("discount", '{ line_item_type = ["EdpDiscount"] }')
    + pool()
)
INVOICES = {
    "invoices_csv": (
        "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
        '900000001,2026-05,"Amazon Web Services, Inc.",USD,100.00,finance,PDF\n'
    )
}
OF_PLAN = {
    "CommitmentDiscountId": PLAN,
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountType": "Savings Plan",
}  # fmt: skip
OF_RESERVATION = {
    "CommitmentDiscountId": RESERVED, "CommitmentDiscountCategory": "Usage",
    "CommitmentDiscountType": "Reserved Instance",
}  # fmt: skip
FEE = {"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring", "ResourceId": None}
ONCE = {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", "ResourceId": None}

#: 100.00 in all: 60 + 10 + 8 + 15 + 12 + 3 − 5 − 2 − 1.
CHARGES = [
    charge(60.0, owner="CC-1"),
    charge(10.0, 0.0, **OF_PLAN, **FEE),
    charge(0.0, 6.0, owner="CC-2", CommitmentDiscountStatus="Used", **OF_PLAN),
    charge(0.0, 4.0, CommitmentDiscountStatus="Unused", **OF_PLAN),
    charge(8.0, 0.0, **OF_RESERVATION, **FEE),
    charge(0.0, 5.0, owner="CC-1", CommitmentDiscountStatus="Used", **OF_RESERVATION),
    charge(0.0, 3.0, CommitmentDiscountStatus="Unused", **OF_RESERVATION),
    charge(15.0, 0.0, **OF_PLAN, **ONCE),
    charge(12.0, owner="CC-2", PublisherName="Beacon Metrics LLC", x_ServiceCode="8zk3", **FEE),
    charge(3.0, ChargeCategory="Tax"),
    charge(-5.0, ChargeCategory="Credit"),
    charge(-2.0, ChargeClass="Correction"),
    charge(-1.0, ChargeCategory="Adjustment", x_Discounts={"EdpDiscount": -1.0}),
]
LINE_ITEMS = [
    line_item(60.0, "CC-1"),
    line_item(
        10.0, line_item_line_item_type="SavingsPlanRecurringFee", savings_plan_savings_plan_a_r_n=PLAN,
        savings_plan_total_commitment_to_date=10.0, savings_plan_used_commitment=6.0,
    ),
    line_item(
        9.0, "CC-2", line_item_line_item_type="SavingsPlanCoveredUsage", savings_plan_savings_plan_a_r_n=PLAN,
        savings_plan_savings_plan_effective_cost=6.0,
    ),
    line_item(-9.0, line_item_line_item_type="SavingsPlanNegation", savings_plan_savings_plan_a_r_n=PLAN),
    line_item(
        8.0, line_item_line_item_type="RIFee", reservation_reservation_a_r_n=RESERVED,
        reservation_unused_amortized_upfront_fee_for_billing_period=1.0, reservation_unused_recurring_fee=2.0,
    ),
    line_item(
        0.0, "CC-1", line_item_line_item_type="DiscountedUsage", reservation_reservation_a_r_n=RESERVED,
        reservation_effective_cost=5.0,
    ),
    line_item(
        15.0, line_item_line_item_type="SavingsPlanUpfrontFee", savings_plan_savings_plan_a_r_n=PLAN
    ),
    line_item(
        12.0, "CC-2", line_item_line_item_type="Fee", line_item_product_code="8zk3",
        bill_billing_entity="AWS Marketplace",
    ),
    line_item(3.0, line_item_line_item_type="Tax"),
    line_item(-5.0, line_item_line_item_type="Credit"),
    line_item(-2.0, line_item_line_item_type="Refund"),
    line_item(-1.0, line_item_line_item_type="EdpDiscount"),
]  # fmt: skip

#: Rows of FOCUS have no negation, so the covered usage beside it says what is left of both.
OTHERWISE = {"SavingsPlanNegation", "SavingsPlanCoveredUsage"}


@pytest.fixture
def posted(make_params, make_closing):
    """Derives a report; returns its postings."""
    params = make_params(allocation_toml=RULES, **INVOICES)

    def derive_it(report, name):
        closing = make_closing(report, params, name=name)
        derive(closing)
        return postings_in(closing.path("postings.parquet")), SourceRecord.from_json(
            closing.path("sources.json").read_text()
        )

    return derive_it


def test_each_kind_of_charge_is_charged_as_its_line_item(posted, make_report, tmp_path):
    own, record = posted(write_focus(tmp_path / "focus", CHARGES), "focus")
    of_cur, _ = posted(make_report(LINE_ITEMS), "cur")
    assert (record.layout, record.line_items, record.unblended_cost) == (
        "FOCUS 1.2", len(CHARGES), "100.0000000000"
    )  # fmt: skip
    different = differing(sums(own, *ABOUT), sums(of_cur, *ABOUT))
    assert {(one[1], one[5]) for one in different} == {("commitment", one) for one in OTHERWISE}
    assert sums(own, "invoice_id", "kind", "ledger_account") == sums(
        of_cur, "invoice_id", "kind", "ledger_account"
    )


def test_the_worked_month_by_hand(posted, tmp_path):
    own, _ = posted(write_focus(tmp_path / "focus", CHARGES), "focus")
    direct = sums([row for row in own if row["kind"] == "direct"], "ledger_account")
    assert direct[("cost-center:CC-1",)][1] == Decimal("65.00")  # 60, and 5 of the reservation
    assert direct[("cost-center:CC-2",)][1] == Decimal(
        "18.00"
    )  # 6 of the plan, and the product of 12
    pooled = sums([row for row in own if row["kind"] == "pooled"], "pool_id")
    assert {one: cents for (one,), (_, cents) in pooled.items() if one} == {
        "unused": Decimal("7.00"), "credits": Decimal("-7.00"), "tax": Decimal("3.00"),
        "discount": Decimal("-1.00"),
    }  # fmt: skip
    prepaid = sums([row for row in own if row["kind"] == "commitment"], "ledger_account")
    # 33 were billed for commitments, 18 of them were used or lost this month.
    assert prepaid[("cost-center:CC-9",)][1] == Decimal("15.00")


def test_csv_is_read_as_parquet_is(posted, tmp_path):
    own, _ = posted(write_focus(tmp_path / "parquet", CHARGES[:7], CHARGES[7:]), "parquet")
    packed = write_focus(tmp_path / "csv", CHARGES[:7], CHARGES[7:], as_csv=True)
    of_csv, record = posted(packed, "csv")
    assert record.layout == "FOCUS 1.2, CSV"
    assert of_csv == own


def test_one_zero_is_read_as_one_two_is(posted, tmp_path):
    own, _ = posted(write_focus(tmp_path / "new", CHARGES), "new")
    of_old, record = posted(write_focus(tmp_path / "old", CHARGES, form="focus-1.0"), "old")
    assert (record.layout, "bill_invoice_id" in record.absent_columns) == ("FOCUS 1.0", True)
    assert of_old == own


def sample_params(folder):
    """The sample's params, with the pool that split cost decides by another key in their place."""
    text = (PARAMS / "allocation.toml").read_text()
    named = '[[key]]\nkey = "sql:split_cost"\nname = "Cost of pods and tasks"\nunit = "USD"\n\n'
    decided = 'key = "sql:split_cost"\nrecipients = ["*"]\nfallback = "direct_spend"\n'
    assert named in text and decided in text
    text = text.replace(named, "").replace(decided, 'key = "even"\nrecipients = ["*"]\n')
    folder.mkdir()
    for one in PARAMS.iterdir():
        if one.is_file() and one.name != "ratifications.csv":
            (folder / one.name).write_bytes(one.read_bytes())
    (folder / "allocation.toml").write_text(text)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("period", "form"),
    [
        ("2026-01", "focus-1.2"),
        ("2026-03", "focus-1.2"),
        ("2026-04", "focus-1.2"),
        ("2026-05", "focus-1.2"),
    ],
)
def test_a_month_of_the_sample_posts_the_same(make_closing, tmp_path, period, form):
    """Purchases, a returned plan, credit memos, Marketplace, tax: each cost center pays the same cents."""
    params = sample_params(tmp_path / "own-params")
    rows = {}
    for one in ("cur-2.0", form):
        report = tmp_path / one
        write_estate(report, [period], line_items=60_000, form=one)
        closing = make_closing(report, params, period, one)
        derive(closing)
        rows[one] = postings_in(closing.path("postings.parquet"))
    own, of_cur = rows[form], rows["cur-2.0"]
    different = differing(sums(own, *ABOUT), sums(of_cur, *ABOUT))
    kinds = Counter((about[1], about[5]) for about in different)
    assert {kind for kind, _ in kinds} == {"commitment"}, kinds
    exact = {about for about in different if about[5] not in OTHERWISE}
    for about in exact:  # a cent of the commitments' holder may stand on another of its lines
        ours, theirs = sums(own, *ABOUT)[about], sums(of_cur, *ABOUT)[about]
        assert ours[0] == theirs[0] and abs(ours[1] - theirs[1]) <= Decimal("0.01"), about
    assert sums(own, "invoice_id", "kind", "ledger_account") == sums(
        of_cur, "invoice_id", "kind", "ledger_account"
    )
    assert len(own) > 500


def test_an_export_in_focus_stands_beside_one_in_cur(make_params, make_closing, tmp_path):
    """Two payers, one of whom has FOCUS delivered: each account is charged from its own export."""
    whole = tmp_path / "both"
    write_focus(whole / "focus", [charge(60.0, owner="CC-1", SubAccountId="111122223333")])
    write_report(whole / "cur", [line_item(40.0, "CC-2")])
    accounts = (
        "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to\n"
        "012345678901,work,core,,2026-01,\n111122223333,more,core,,2026-01,\n"
    )
    closing = make_closing(whole, make_params(accounts_csv=accounts, **INVOICES))
    derive(closing)
    record = SourceRecord.from_json(closing.path("sources.json").read_text())
    assert {one.layout for one in record.exports} == {"FOCUS 1.2", "CUR 2.0"}
    posted = sums(postings_in(closing.path("postings.parquet")), "ledger_account", "account_id")
    assert posted[("cost-center:CC-1", "111122223333")][1] == Decimal("60.00")
    assert posted[("cost-center:CC-2", "012345678901")][1] == Decimal("40.00")
