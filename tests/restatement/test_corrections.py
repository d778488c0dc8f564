"""A closed month that AWS delivered again is corrected with the next one, and never changes itself."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from chargeback.books.work_folder import STAGES
from chargeback.close.resume import keep_fingerprint, stage_fingerprint
from chargeback.core.errors import CONTROL_FAILED, WOULD_CHANGE_CLOSED, Refusal
from chargeback.ledger import corrections
from chargeback.ledger.derive import derive_postings
from tests.close.months import state
from tests.reports import line_item
from tests.restatement.months import (
    APRIL,
    JUNE,
    MARCH,
    MAY,
    Estate,
    copied_estate,
    invoice_id,
    make_estate,
    run_stage,
    sums,
    usual,
)

pytestmark = pytest.mark.slow

HEADER_OF_ACCEPTANCES = "control,subject,valid_from,valid_to,reference,accepted_by\n"


@pytest.fixture
def estate(tmp_path, tmp_path_factory) -> Estate:
    """April, closed."""
    return copied_estate(tmp_path_factory, tmp_path, APRIL)


def credit(cost: float, owner: str = "", invoice: str = "900000014") -> dict:
    """A credit memo: line items of the closed month with an invoice of their own."""
    return line_item(cost, owner, bill_invoice_id=invoice, line_item_line_item_type="Credit")


def assert_conserved(estate: Estate, period: str) -> None:
    """Every entry of the corrections sums to zero, in cents and exactly."""
    entries: dict[str, list[Decimal]] = {}
    for row in estate.corrections(period):
        entry = entries.setdefault(row["entry_id"], [Decimal(0), Decimal(0)])
        entry[0] += row["amount"]
        entry[1] += row["exact_amount"]
        assert row["kind"] == "adjustment" and row["billing_period"] == period
    assert entries and all(entry == [0, 0] for entry in entries.values())


def test_without_a_restatement_nothing_is_corrected(estate):
    estate.close(MAY)
    assert estate.corrections(MAY) == []
    assert estate.kept(MAY) == []
    assert sums(estate.postings(MAY).to_pylist(), "cost_center_id") == {
        ("CC-1",): Decimal(70), ("CC-2",): Decimal(40), ("CC-9",): Decimal(20),
        ("",): Decimal(-130),
    }  # fmt: skip


def test_a_credit_memo_makes_a_cost_negative(estate):
    """90.00 back on CC-1's servers, which cost 60.00: the closed month pays it 20.00."""
    before = state(estate.books)
    estate.deliver(APRIL, usual(APRIL), [credit(-90.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-90.00", "900000014")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-90.00"}
    [charge, payable] = estate.corrections(MAY)
    assert charge["entry_id"] == "2026-05/adjustment/2026-04/direct/900000014/CC-1"
    assert (charge["ledger_account"], charge["amount"]) == ("cost-center:CC-1", Decimal("-90.00"))
    assert (charge["account_id"], charge["product_code"]) == ("012345678901", "AmazonEC2")
    assert (charge["line_item_type"], charge["rule"]) == ("Credit", "tag:user_cost_center")
    assert (payable["ledger_account"], payable["amount"]) == ("payable:900000014", Decimal("90.00"))
    assert_conserved(estate, MAY)
    after = state(estate.books)
    closed = {path: one for path, one in before.items() if "billing_period=2026-04" in path}
    assert closed and all(after[path] == one for path, one in closed.items())


def test_what_differs_is_reversed_and_booked_again_and_nothing_else(estate):
    """Support of 6.00 comes on day seven: untagged, so split; the tagged lines stay as they are."""
    cells = {"bill_invoice_id": invoice_id(APRIL)}
    support = line_item(6.0, line_item_product_code="AWSSupportBusiness", **cells)
    estate.deliver(APRIL, [*usual(APRIL), support], execution="e-2")
    estate.enter(APRIL, "136.00")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "2.00", "CC-2": "2.00", "CC-9": "2.00"}
    rows = estate.corrections(MAY)
    charged = [str(row["amount"]) for row in rows if row["cost_center_id"] == "CC-1"]
    assert charged == ["-10.00", "12.00"]
    assert not [row for row in rows if "/direct/" in row["entry_id"]]
    payable = {("payable:900000004",): Decimal(-6)}
    named = [row for row in rows if row["ledger_account"].startswith("payable:")]
    assert sums(named, "ledger_account") == payable
    assert sums([row for row in rows if row["ledger_account"] == "pool:untagged"], "pool_id") == {}
    assert_conserved(estate, MAY)


def test_two_restatements_in_a_row(estate):
    """The second is measured on the closed month and the first correction together."""
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-9.00"}
    both = [credit(-9.0, "CC-2"), credit(-1.0, "CC-9", "900000024")]
    estate.deliver(APRIL, usual(APRIL), both, execution="e-3")
    estate.enter(APRIL, "-1.00", "900000024")
    estate.deliver(JUNE, usual(JUNE))
    estate.enter(JUNE, "130.00")
    estate.close(JUNE)
    assert estate.corrected(JUNE, APRIL) == {"CC-1": "9.00", "CC-2": "-9.00", "CC-9": "-1.00"}
    assert estate.kept(JUNE)[0]["earlier"] == [MAY]
    assert_conserved(estate, JUNE)


def test_two_periods_at_once(tmp_path, tmp_path_factory):
    estate = copied_estate(tmp_path_factory, tmp_path, MARCH, APRIL)
    estate.deliver(MARCH, usual(MARCH), [credit(-5.0, "CC-1", "900000013")], execution="e-2")
    estate.enter(MARCH, "-5.00", "900000013")
    estate.deliver(APRIL, usual(APRIL), [credit(-6.0, "CC-2")], execution="e-2")
    estate.enter(APRIL, "-6.00", "900000014")
    said = estate.close(MAY)
    assert estate.corrected(MAY, MARCH) == {"CC-1": "-5.00"}
    assert estate.corrected(MAY, APRIL) == {"CC-2": "-6.00"}
    assert any("2026-03 was delivered again; 2026-04 was delivered again" in one for one in said)
    assert_conserved(estate, MAY)


def test_cost_moves_between_units_and_the_total_stays(estate):
    """Shared servers are billed on another account's tag: no invoice changes, two units do."""
    cells = {"bill_invoice_id": invoice_id(APRIL)}
    items = [line_item(45.0, "CC-1", **cells), line_item(25.0, "CC-9", **cells)]
    estate.deliver(APRIL, [*items, usual(APRIL)[1], usual(APRIL)[3]], execution="e-2")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-15.00", "CC-9": "15.00"}
    payables = [row for row in estate.corrections(MAY) if not row["cost_center_id"]]
    assert sums(payables, "ledger_account") == {}
    assert_conserved(estate, MAY)


def test_only_tags_change(estate):
    """A tag backfill (CUR fact 5.5): what was untagged and split belongs to CC-2."""
    cells = {"bill_invoice_id": invoice_id(APRIL)}
    estate.deliver(APRIL, [*usual(APRIL)[:3], line_item(30.0, "CC-2", **cells)], execution="e-2")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-10.00", "CC-2": "20.00", "CC-9": "-10.00"}
    assert_conserved(estate, MAY)


@pytest.mark.parametrize("order", [1, -1])
def test_the_same_content_delivered_again_posts_nothing(estate, order):
    """The same files under a new execution id, and the same line items in other files."""
    estate.deliver(APRIL, usual(APRIL)[::order], execution="e-2")
    estate.close(MAY)
    assert estate.corrections(MAY) == []
    assert [one["sources"]["execution_id"] for one in estate.kept(MAY)] == ["e-2"] * (order < 0)


COST_CENTERS = (
    "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
    "CC-1,Web,shop,2026-01,\nCC-2,Stock,shop,2026-01,2026-04\nCC-9,Platform,core,2026-01,\n"
)


def test_a_cost_center_that_has_ended_is_not_charged(tmp_path):
    """CC-2 ends with April: what it would pay or get back is taken by who takes the rounding of invoices."""
    estate = make_estate(tmp_path, APRIL, cost_centers_csv=COST_CENTERS)
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-2")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-9": "-9.00"}
    [rule] = [row["rule"] for row in estate.corrections(MAY) if row["cost_center_id"]]
    assert rule == "ended:CC-2:tag:user_cost_center"
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-3")
    estate.deliver(JUNE, usual(JUNE))
    estate.enter(JUNE, "130.00")
    estate.close(JUNE)
    assert estate.corrected(JUNE, APRIL) == {"CC-1": "-9.00", "CC-9": "9.00"}
    assert_conserved(estate, JUNE)


def test_an_invoice_without_a_total_is_refused_and_said_what_to_enter(estate):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    block = raised.value.block()
    assert raised.value.exit_code == CONTROL_FAILED
    assert "2026-04 was delivered again, and its invoices do not tie out" in block
    assert "900000014,2026-04,<issuer>,USD,<total as its PDF shows it>" in block
    assert "its line items sum to -9.00" in block
    assert estate.books.closed_periods() == [APRIL]
    estate.enter(APRIL, "-9.00", "900000014")
    said = estate.close(MAY)
    assert any("sources" in one and "done before" in one for one in said)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-9.00"}


def test_a_changed_invoice_needs_its_new_total(estate):
    estate.deliver(APRIL, [*usual(APRIL)[:3], line_item(33.0, bill_invoice_id="900000004")])
    with pytest.raises(Refusal, match="difference above the limit"):
        estate.close(MAY)
    estate.enter(APRIL, "133.01")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "1.00", "CC-2": "1.00", "CC-9": "1.01"}


def test_a_total_entered_late_is_corrected_without_a_new_delivery(estate):
    """Finance typed 130.00, the PDF says 130.02: the rounding of the closed month is two cents more."""
    estate.enter(APRIL, "130.02")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-9": "0.02"}
    [charge, _] = estate.corrections(MAY)
    assert charge["entry_id"] == "2026-05/adjustment/2026-04/rounding/900000004"


def test_what_is_not_on_an_invoice_yet_waits_for_the_next_close(estate):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1", "")], execution="e-2")
    said = estate.close(MAY)
    assert any("2026-04 was delivered again, not final yet" in one for one in said)
    assert estate.corrections(MAY) == []


def test_closing_again_confirms_whatever_aws_changes_later(estate):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    estate.close(MAY)
    before = state(estate.books)
    later = [credit(-9.0, "CC-2"), credit(-3.0, "CC-2", "900000024")]
    estate.deliver(APRIL, usual(APRIL), later, execution="e-3")
    estate.enter(APRIL, "-3.00", "900000024")
    said = estate.close(MAY)
    assert "already closed, and identical" in said[-1]
    assert state(estate.books) == before


def test_closing_the_changed_month_again_says_what_becomes_of_the_change(estate):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == WOULD_CHANGE_CLOSED
    said = "the close of the next open period posts the difference as corrections"
    assert said in raised.value.block()
    estate.close(MAY)
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == WOULD_CHANGE_CLOSED
    assert "the close of 2026-05 has posted the difference as corrections" in raised.value.block()


def test_a_close_that_stopped_does_not_resume_on_what_was_delivered_before(estate):
    """The stages are done, then AWS delivers April again: the month is not published without it."""
    closing = estate.closing(MAY)
    closing.folder.mkdir(parents=True)
    for stage in STAGES[:-1]:
        fingerprint = stage_fingerprint(closing, stage)
        run_stage(closing, stage)
        keep_fingerprint(closing, stage, fingerprint)
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-9.00"}


def test_a_gap_that_is_closed_late_is_measured_on_what_later_closes_posted(
    tmp_path, tmp_path_factory
):
    """May corrects March, then April is closed; March changes again: its corrections do not come twice."""
    estate = copied_estate(tmp_path_factory, tmp_path, MARCH)
    estate.deliver(MARCH, usual(MARCH), [credit(-5.0, "CC-1", "900000013")], execution="e-2")
    estate.enter(MARCH, "-5.00", "900000013")
    estate.close(MAY)
    more = [credit(-5.0, "CC-1", "900000013"), credit(-1.0, "CC-2", "900000023")]
    estate.deliver(MARCH, usual(MARCH), more, execution="e-3")
    estate.enter(MARCH, "-1.00", "900000023")
    estate.close(APRIL)
    assert estate.corrected(MAY, MARCH) == {"CC-1": "-5.00"}
    assert estate.corrected(APRIL, MARCH) == {"CC-2": "-1.00"}
    assert [estate.kept(one)[0]["earlier"] for one in (MAY, APRIL)] == [[], [MAY]]
    for period in (APRIL, MAY):
        assert "already closed, and identical" in estate.close(period)[-1]


def test_an_invoice_that_aws_took_back_is_entered_as_nothing(estate):
    """All of April is billed again on another invoice."""
    again = [{**item, "bill_invoice_id": "900000034"} for item in usual(APRIL)]
    estate.deliver(APRIL, again, execution="e-2")
    estate.enter(APRIL, "130.00", "900000034")
    with pytest.raises(Refusal, match="no line items in the report"):
        estate.close(MAY)
    estate.enter(APRIL, "0.00")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {}
    payables = [row for row in estate.corrections(MAY) if row["ledger_account"][:4] == "paya"]
    assert sums(payables, "invoice_id") == {
        ("900000004",): Decimal(130), ("900000034",): Decimal(-130),
    }  # fmt: skip
    assert_conserved(estate, MAY)


MEMO = "every_invoice_has_line_items,900000044,2026-05,2026-05,CHG7,controller\n"


def test_a_credit_memo_without_line_items_is_charged_once_it_is_accepted(estate):
    """AWS gives 12.00 of April back and its report never says so: 12.00 less for CC-9, which takes rounding."""
    estate.enter(APRIL, "-12.00", "900000044")
    with pytest.raises(Refusal, match="every_invoice_has_line_items") as raised:
        estate.close(MAY)
    assert MEMO.replace("CHG7,controller", "<reference>,<accepted by>").strip() in raised.value.todo
    estate.write(acceptances_csv=HEADER_OF_ACCEPTANCES + MEMO)
    said = estate.close(MAY)
    assert any(
        "accepted    every_invoice_has_line_items: 900000044 (CHG7, controller)" in one
        for one in said
    )
    assert estate.corrected(MAY, APRIL) == {"CC-9": "-12.00"}
    assert_conserved(estate, MAY)
    estate.deliver(JUNE, usual(JUNE))
    estate.enter(JUNE, "130.00")
    estate.close(JUNE)
    assert estate.corrections(JUNE) == []
    assert "already closed, and identical" in estate.close(MAY)[-1]


def test_what_was_charged_of_it_needs_no_second_decision(estate):
    """The acceptance holds in May only; in June another invoice of April changes, the memo stays as it is."""
    estate.enter(APRIL, "-12.00", "900000044")
    estate.write(acceptances_csv=HEADER_OF_ACCEPTANCES + MEMO)
    estate.close(MAY)
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    estate.deliver(JUNE, usual(JUNE))
    estate.enter(JUNE, "130.00")
    estate.close(JUNE)
    assert estate.corrected(JUNE, APRIL) == {"CC-1": "-9.00"}


def test_a_draft_does_not_know_an_invoice_whose_line_items_are_not_there_yet(estate):
    estate.enter(MAY, "500.00", "900000045")
    draft = pq.read_table(estate.draft(MAY).path("postings.parquet")).to_pylist()
    assert {row["invoice_id"] for row in draft} == {"900000005"}


def test_a_delivery_that_would_not_be_closed_is_refused_with_its_period(estate):
    mystery = line_item(1.0, line_item_line_item_type="Mystery", bill_invoice_id="900000004")
    estate.deliver(APRIL, [*usual(APRIL), mystery], execution="e-2")
    estate.enter(APRIL, "131.00")
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    block = raised.value.block()
    assert raised.value.exit_code == CONTROL_FAILED
    assert "every_line_item_type_is_known" in block
    assert "2026-04, derived again from what AWS delivered and finance entered last" in block


@pytest.mark.parametrize("name", ["rollup.parquet", "sources.json", "params/policy.toml"])
def test_without_its_evidence_a_period_cannot_be_corrected(estate, name):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    (estate.books.evidence(APRIL) / name).unlink()
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "the evidence of 2026-04 has changed since the close" in raised.value.block()


def test_what_the_software_would_post_otherwise_is_not_posted_as_a_change_by_aws(
    estate, monkeypatch
):
    estate.deliver(APRIL, usual(APRIL), [credit(-9.0, "CC-1")], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")

    def replayed(rollup, params):
        """As a later version might: whom the even pool charges has changed."""
        pools = tuple(replace(one, recipients=("CC-1",)) for one in params.pools)
        return derive_postings(rollup, replace(params, pools=pools))

    monkeypatch.setattr(corrections, "derive_postings", replayed)
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "the ledger of 2026-04 cannot be replayed" in raised.value.block()
