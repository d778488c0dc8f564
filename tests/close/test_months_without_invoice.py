"""Months that AWS sends no invoice for: pro forma costs, and what credits cover wholly.

April is a pro forma report: 66.00 of CC-1, 33.00 of CC-9 and a fee of 5.00 that nobody owns, split by direct
spend, no line item with an invoice id:

    CC-1 (shop)    66.00 + 5.00 x 66/99 = 69.3333…    69.33
    CC-9 (core)    33.00 + 5.00 x 33/99 = 34.6666…    34.67
                                                     104.00

March before it and May after it are invoiced, 130.00 each, of which 30.00 are split by spend, 60 : 30 : 10.
"""

from __future__ import annotations

import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.verify import verified_period
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, NOT_FINAL, Refusal
from chargeback.params import read_params
from chargeback.params.ratification import rules_digest
from chargeback.review.audit.run import audit_period
from chargeback.review.explore import look
from chargeback.review.explore.charges import charges_by
from chargeback.review.journal import export_journal
from chargeback.review.rules import rules_prose
from chargeback.review.trace.run import trace
from chargeback.review.what_if.replayed import replay_closed
from tests.params_folder import ALWAYS, pool, write_params
from tests.reports import line_item
from tests.restatement.months import APRIL, MARCH, MAY, Estate, invoice_id, sums, usual

pytestmark = pytest.mark.slow

BY_SPEND = pool(key="direct_spend", more='fallback = "even"')
OPEN = {"bill_invoice_id": ""}
CONDUCTOR = {
    "line_item_line_item_type": "Fee", "line_item_product_code": "AWSBillingConductor",
    "line_item_resource_id": None,
}  # fmt: skip
ON_A_DAY = {**OPEN, "line_item_usage_start_date": datetime(2026, 4, 3)}
PRO_FORMA = [
    line_item(66.0, "CC-1", **ON_A_DAY),
    line_item(33.0, "CC-9", **ON_A_DAY),
    line_item(5.0, **ON_A_DAY, **CONDUCTOR),
]
COVERED = [
    line_item(7.0, "CC-1", **OPEN),
    line_item(3.0, "CC-9", **OPEN),
    line_item(-10.0, "CC-1", line_item_line_item_type="Credit", **OPEN),
]


def declared(kind: str, *periods: str) -> str:
    """policy.toml in which some months, or all, are of a kind."""
    dated = ", ".join(
        f'{{ value = "{kind}", valid_from = "{one}", valid_to = "{one}", approved = "CHG7" }}'
        for one in periods
    )
    value = f"[{dated}]" if periods else f'"{kind}"'
    return ALWAYS["policy.toml"] + f"invoicing = {value}\n"


def advised(todo: str) -> str:
    """The line of policy.toml that a refusal says to put there."""
    return todo.partition(", put ")[2].removesuffix(" at the top of policy.toml") + "\n"


def three_months(folder: Path, april: list, **files: str) -> Estate:
    """March and May, invoiced, and an April of the caller's."""
    estate = Estate(folder, {}, {"allocation_toml": BY_SPEND, **files})
    for period in (MARCH, MAY):
        estate.deliver(period, usual(period))
        estate.enter(period, "130.00")
    estate.deliver(APRIL, april)
    return estate


def charged(estate: Estate, period: str) -> dict[str, str]:
    """What each cost center is charged in a period."""
    rows = [row for row in estate.postings(period).to_pylist() if row["cost_center_id"]]
    return {key[0]: str(amount) for key, amount in sums(rows, "cost_center_id").items()}


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> Estate:
    """March, a pro forma April, and May, closed with their statements."""
    estate = three_months(
        tmp_path_factory.mktemp("pro-forma"), PRO_FORMA,
        policy_toml=declared("pro-forma", APRIL),
    )  # fmt: skip
    estate.said = {one: estate.close(one, statements=True) for one in (MARCH, APRIL, MAY)}
    return estate


def test_a_pro_forma_month_is_charged_by_its_own_sum(closed):
    assert charged(closed, APRIL) == {"CC-1": "69.33", "CC-9": "34.67"}
    by_account = sums(closed.postings(APRIL).to_pylist(), "ledger_account")
    assert by_account["payable:pro-forma-2026-04",] == Decimal("-104.00")
    assert ("pool:untagged",) not in by_account
    manifest = checked_manifest(closed.books, APRIL)
    assert manifest["invoicing"] == "pro-forma"
    assert manifest["invoices"] == {"pro-forma-2026-04": {"total": "104.00", "rounding": "0.00"}}
    assert [checked_manifest(closed.books, one)["invoicing"] for one in (MARCH, MAY)] == [
        "invoiced", "invoiced",
    ]  # fmt: skip


def test_it_is_said_on_every_page(closed):
    for unit, total in (("shop", "69.33"), ("core", "34.67")):
        folder = closed.books.statements(APRIL) / unit
        html = (folder / "statement.html").read_text()
        assert (
            '<p class="provisional" style="background: var(--accent)" role="note">PRO FORMA</p>'
            in html
        )
        assert "<title>PRO FORMA Statement of AWS charges" in html
        assert "What the pro forma report comes to" in html and total in html
        assert html.count("These are pro forma costs of AWS Billing Conductor.") == 2
        assert "<bdi>AWS invoiced</bdi>" not in html
        pages = list(pypdfium2.PdfDocument(folder / "statement.pdf"))
        assert len(pages) > 1
        assert all("PRO FORMA" in page.get_textpage().get_text_range() for page in pages)
        with (folder / "statement.csv").open(encoding="utf-8", newline="") as file:
            assert {row["status"] for row in csv.DictReader(file)} == {"closed, pro forma"}
        for invoiced in (MARCH, MAY):
            html = (closed.books.statements(invoiced) / unit / "statement.html").read_text()
            assert "PRO FORMA" not in html
            assert "What AWS invoiced and what all business units together are charged tie" in html
    said = "\n".join(closed.said[APRIL])
    assert "pro-forma-2026-04" in said and "AWS sends no invoice for it" in said
    assert "tied to the report's own sum, not to an invoice" in said
    assert "tied out to the cent" in "\n".join(closed.said[MAY])
    params = closed.closing(APRIL).params
    assert "pro forma costs of AWS Billing Conductor" in rules_prose(params)


@pytest.mark.parametrize("period", [APRIL, MAY])
def test_changes_from_invoiced_to_pro_forma_and_back_are_explained(closed, period):
    """The statements' controls held that the parts sum; here is that prices are named as well."""
    html = (closed.books.statements(period) / "shop" / "statement.html").read_text()
    assert "One of the two periods is charged at pro forma prices" in html
    [outcome] = [
        one
        for one in checked_manifest(closed.books, period)["controls"]
        if one["control"] == "statements_explain_every_change"
    ]
    assert outcome["broken_by_rows"] == 0


@pytest.mark.parametrize("period", [MARCH, APRIL, MAY])
def test_audit_verify_and_a_second_close_find_the_same(closed, period):
    audit = audit_period(period, closed.books, closed.report)
    assert audit.passed, [one for check in audit.checks for one in check.differences]
    assert verified_period(closed.books, period).findings == []
    assert any("already closed, and identical" in one for one in closed.close(period))


def test_the_audit_counts_pro_forma_by_itself(closed, monkeypatch):
    """A recount that does not know the declaration finds everything on another invoice."""
    from chargeback.review.audit import recount

    monkeypatch.setitem(recount.STAND_INS, "pro-forma", "other-")
    audit = audit_period(APRIL, closed.books, closed.report, render=False)
    [count] = [one for one in audit.checks if one.name == "recount by a second path"]
    assert any("no posting of other-2026-04 direct" in one.line for one in count.differences)


def test_the_journal_names_it(closed, tmp_path):
    export_journal(closed.books, tmp_path, lambda _: None)
    text = (tmp_path / "chargeback.beancount").read_text()
    assert "Liabilities:AWS:Pro-forma-2026-04" in text
    assert 'name: "Pro forma costs"' in text
    assert "balance Liabilities:AWS:Pro-forma-2026-04  -104.00 ~ 0.00 USD" in text


def test_a_pro_forma_line_is_traced_to_its_line_items(closed):
    told: list[str] = []
    trace(closed.books, APRIL, "shop/012345678901/AmazonEC2", lambda _: closed.report, told.append)
    assert any("66.00" in one and "1 line item" in one for one in told), told


def test_it_is_explored_down_to_line_items(closed):
    charges = charges_by(
        "tag:user_cost_center", "day", periods=APRIL,
        books=str(closed.books.root), report=str(closed.report),
    )  # fmt: skip
    said = look.facts(charges, "tag:user_cost_center", "day")
    assert "2026-04 closed: 104.00 USD" in said and "parts less whole 0.00" in said
    assert "the largest CC-1 66.00" in said
    assert set(charges.frame["day"].astype(str)) == {"2026-04-03", "(shared: untagged)"}


def test_other_rules_are_tried_on_it_and_the_declaration_stays(closed, tmp_path):
    """By even shares the fee is 5/3 each: CC-1 67.67, CC-2 1.67, CC-9 34.66 (the cent that is over)."""
    proposed = write_params(tmp_path / "proposed", allocation_toml=pool(key="even"))
    places = (str(proposed), str(closed.books.root), str(closed.report))
    [month] = replay_closed(APRIL, *places, progress=lambda _: None).periods
    assert sum(one.difference for one in month.differences) == 0
    after: dict[str, Decimal] = {}
    for one in month.differences:
        after[one.cost_center_id] = after.get(one.cost_center_id, Decimal(0)) + one.after
    assert sum(after.values()) == Decimal("104.00")
    assert all(
        abs(after[center] - Decimal(exact)) < Decimal("0.01")
        for center, exact in (("CC-1", "67.6667"), ("CC-2", "1.6667"), ("CC-9", "34.6667"))
    )


def test_a_pro_forma_month_delivered_again_is_corrected_by_its_new_sum(tmp_path):
    """CC-9's 33.00 become 39.00: 110.00 in all, of which the fee is 5 x 66/105 and 5 x 39/105."""
    estate = three_months(tmp_path, PRO_FORMA, policy_toml=declared("pro-forma", APRIL))
    estate.close(MARCH, APRIL)
    again = [PRO_FORMA[0], line_item(39.0, "CC-9", **ON_A_DAY), PRO_FORMA[2]]
    estate.deliver(APRIL, again, execution="e-2")
    estate.close(MAY)
    # 66 + 3.142857 = 69.14, was 69.33; 39 + 1.857142 = 40.86, was 34.67
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-0.19", "CC-9": "6.19"}
    [kept] = estate.kept(MAY)
    assert [(one["invoice_id"], one["issuer"], one["total"]) for one in kept["invoice_changes"]] == [
        ("pro-forma-2026-04", "Pro forma costs", "6.00"),
    ]  # fmt: skip
    audit = audit_period(MAY, estate.books, estate.report, render=False)
    [count] = [one for one in audit.checks if one.name.startswith("recount of 2026-04")]
    assert count.verdict == "passed" and count.compared
    assert any("identical" in one for one in estate.close(MAY))


def test_without_the_declaration_the_refusal_names_it(tmp_path):
    estate = three_months(tmp_path, PRO_FORMA)
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == NOT_FINAL
    assert (
        "no line item of the report has one; 1 are of AWS Billing Conductor" in raised.value.found
    )
    wait, advice = raised.value.todo
    assert wait.startswith("wait until AWS has invoiced")
    estate.write(policy_toml=advised(advice) + ALWAYS["policy.toml"])
    estate.close(APRIL)
    assert charged(estate, APRIL) == {"CC-1": "69.33", "CC-9": "34.67"}


def test_an_ordinary_open_month_is_not_taken_for_another_kind(tmp_path):
    """Some line items are on an invoice and what is open costs something: wait is all there is to say."""
    items = [*usual(APRIL), line_item(5.0, "CC-1", **OPEN)]
    estate = three_months(tmp_path, items)
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == NOT_FINAL and len(raised.value.todo) == 1


def test_an_invoice_on_a_pro_forma_report_stops(tmp_path):
    items = [*PRO_FORMA, line_item(1.0, "CC-1", bill_invoice_id="900000004")]
    estate = three_months(tmp_path, items, policy_toml=declared("pro-forma"))
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "pro_forma_costs_have_no_invoice" in raised.value.what
    assert "invoice_id 900000004" in raised.value.block()


def test_a_month_that_credits_cover_is_closed_when_declared(tmp_path):
    """7.00 + 3.00 - 10.00: CC-1 -3.00, CC-9 3.00, nothing owed, and a second month ties as always."""
    estate = three_months(tmp_path, COVERED)
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == NOT_FINAL and "it sums to 0.00" in raised.value.found
    [advice] = [one for one in raised.value.todo if 'value = "none"' in one]
    estate.write(policy_toml=advised(advice) + ALWAYS["policy.toml"])
    said = estate.close(APRIL, MAY, statements=True)
    assert charged(estate, APRIL) == {"CC-1": "-3.00", "CC-9": "3.00"}
    assert any("no-invoice-2026-04" in one and "0.00 AWS sends no invoice" in one for one in said)
    folder = estate.books.statements(APRIL) / "shop"
    html = (folder / "statement.html").read_text()
    assert ">NO AWS INVOICE</p>" in html and "because credits cover what has none" in html
    # Of two units, what both are charged would tell each what the other is.
    assert "tie: the difference is 0.00 USD. Finance keeps the two totals." in html
    with (folder / "statement.csv").open(encoding="utf-8", newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {"closed, no AWS invoice"}
    for period in (APRIL, MAY):
        audit = audit_period(period, estate.books, estate.report)
        assert audit.passed, [one for check in audit.checks for one in check.differences]
        assert any("identical" in one for one in estate.close(period))
    assert "AWS sends no invoice for this month" in rules_prose(estate.closing(APRIL).params)
    assert "no invoice" not in rules_prose(estate.closing(MAY).params)


def test_what_is_invoiced_in_such_a_month_still_ties(tmp_path):
    """A Marketplace invoice of 20.00 beside usage that credits cover."""
    items = [*COVERED, line_item(20.0, "CC-2", bill_invoice_id="900000004")]
    estate = three_months(tmp_path, items, policy_toml=declared("none", APRIL))
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert "sources_tie_to_invoices" in raised.value.what
    estate.enter(APRIL, "20.01")
    said = estate.close(APRIL)
    assert charged(estate, APRIL) == {"CC-1": "-3.00", "CC-2": "20.00", "CC-9": "3.01"}
    assert any("tied out to 1 invoice" in one and "sends no invoice" in one for one in said)
    assert any("20.01 tied out to the cent" in one for one in said)


def test_what_is_left_over_stops_a_month_that_is_declared(tmp_path):
    items = [*COVERED, line_item(0.006, "CC-2", **OPEN)]
    estate = three_months(tmp_path, items, policy_toml=declared("none", APRIL))
    with pytest.raises(Refusal) as raised:
        estate.close(APRIL)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "what_is_on_no_invoice_sums_to_nothing" in raised.value.what
    assert raised.value.difference == "0.006 too much"


def test_an_invoice_that_comes_all_the_same_is_a_correction(tmp_path):
    """AWS takes half of the credit back: 5.00 on an invoice, which May charges as April's."""
    estate = three_months(tmp_path, COVERED, policy_toml=declared("none", APRIL))
    estate.close(APRIL)
    half = {**COVERED[2], "line_item_unblended_cost": -5.0}
    estate.deliver(APRIL, [COVERED[0], COVERED[1], half], execution="e-2")
    estate.close(MARCH)  # before April: nothing to correct there
    said = estate.close(MAY)
    assert any("2026-04 was delivered again, not final yet" in one for one in said)
    assert estate.corrected(MAY, APRIL) == {}


def test_the_same_with_its_invoice(tmp_path):
    estate = three_months(tmp_path, COVERED, policy_toml=declared("none", APRIL))
    estate.close(APRIL)
    cells = {"bill_invoice_id": invoice_id(APRIL)}
    half = {**COVERED[2], "line_item_unblended_cost": -5.0}
    estate.deliver(APRIL, [{**one, **cells} for one in (*COVERED[:2], half)], execution="e-2")
    estate.enter(APRIL, "5.00")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "5.00"}
    by_account = sums(estate.corrections(MAY), "ledger_account")
    assert by_account["payable:900000004",] == Decimal("-5.00")
    audit = audit_period(MAY, estate.books, estate.report, render=False)
    [count] = [one for one in audit.checks if one.name.startswith("recount of 2026-04")]
    assert count.verdict == "passed" and count.compared
    assert any("identical" in one for one in estate.close(MAY))


def test_a_draft_of_a_pro_forma_month_says_both(tmp_path):
    from chargeback.close.draft import draft

    estate = three_months(tmp_path, PRO_FORMA, policy_toml=declared("pro-forma"))
    draft(estate.closing(APRIL, provisional=True), lambda _: None)
    folder = estate.books.draft(APRIL)
    html = (folder / "statements" / "shop" / "statement.html").read_text()
    assert '<p class="provisional" role="note">PROVISIONAL, PRO FORMA</p>' in html
    assert json.loads((folder / "draft.json").read_text())["posted"] is False


def test_the_declaration_is_read_checked_and_part_of_what_is_ratified(tmp_path):
    """ "invoiced" is what holds without the key, so that digests that were ratified stay what they are."""
    plain = read_params(write_params(tmp_path / "a"), APRIL)
    said = read_params(write_params(tmp_path / "b", policy_toml=declared("invoiced")), APRIL)
    other = read_params(write_params(tmp_path / "c", policy_toml=declared("none", MARCH)), APRIL)
    two = declared("none", MARCH, MAY)
    none = read_params(write_params(tmp_path / "d", policy_toml=two), MAY)
    assert rules_digest(plain) == rules_digest(said) == rules_digest(other)
    assert none.policy.invoicing == "none" and rules_digest(none) != rules_digest(plain)
    assert read_params(tmp_path / "d", APRIL).policy.invoicing == ""
    with pytest.raises(Refusal) as raised:
        read_params(write_params(tmp_path / "e", policy_toml=declared("proforma")), APRIL)
    assert raised.value.exit_code == BAD_USAGE and raised.value.what == "unknown invoicing"
    with pytest.raises(Refusal, match="overlap"):
        read_params(write_params(tmp_path / "f", policy_toml=declared("none", MAY, MAY)), MAY)
