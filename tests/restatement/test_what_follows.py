"""What looks at a month that contains corrections: statements, why charges changed, other rules."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.review.what_if.replayed import replay_closed
from chargeback.statements.bridge import closed_month, explain_change
from tests.params_folder import pool, write_params
from tests.reports import line_item
from tests.restatement.months import APRIL, MAY, Estate, copied_estate, invoice_id, usual

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corrected(tmp_path_factory) -> Estate:
    """May, closed after AWS gave 9.00 back on CC-1's servers in April and charged 6.00 of support."""
    estate = copied_estate(tmp_path_factory, tmp_path_factory.mktemp("corrected"), APRIL)
    cells = {"bill_invoice_id": "900000014"}
    support = line_item(6.0, line_item_product_code="AWSSupportBusiness", **cells)
    estate.deliver(APRIL, usual(APRIL), [line_item(-9.0, "CC-1", **cells), support])
    estate.enter(APRIL, "-3.00", "900000014")
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == {"CC-1": "-7.00", "CC-2": "2.00", "CC-9": "2.00"}
    return estate


def test_corrections_are_a_part_of_the_change_that_still_sums(corrected):
    before, now = (closed_month(corrected.books, period) for period in (APRIL, MAY))
    found = explain_change(before, replace(now, params=corrected.closing(MAY).params))
    parts = {
        unit_id: {part.code: str(part.amount) for part in bridge.parts if part.amount}
        for unit_id, bridge in found.items()
    }
    assert parts == {"shop": {"correction": "-5.00"}, "core": {"correction": "2.00"}}
    [part] = [one for one in found["shop"].parts if one.code == "correction"]
    assert [(one.product_code, one.pool_id, str(one.amount)) for one in part.details] == [
        ("AmazonEC2", "", "-9.00"), ("", "untagged", "4.00"),
    ]  # fmt: skip


def ask(estate: Estate, params) -> dict[str, str]:
    """What May would have charged otherwise, by cost center."""
    places = (str(params), str(estate.books.root), str(estate.report))
    [month] = replay_closed(MAY, *places, progress=lambda _: None).periods
    sums: dict[str, Decimal] = {}
    for one in month.differences:
        sums[one.cost_center_id] = sums.get(one.cost_center_id, Decimal(0)) + one.difference
    return {center: str(amount) for center, amount in sums.items() if amount}


def test_the_rules_in_force_replay_a_month_that_contains_corrections(corrected):
    assert ask(corrected, corrected.params) == {}


def test_other_rules_move_the_month_and_not_its_corrections(corrected, tmp_path):
    invoices = (corrected.params / "invoices.csv").read_text()
    proposed = write_params(
        tmp_path / "proposed",
        invoices_csv=invoices,
        allocation_toml=pool(more='recipients = ["CC-1"]'),
    )
    assert ask(corrected, proposed) == {"CC-1": "20.00", "CC-2": "-10.00", "CC-9": "-10.00"}


def test_a_draft_shows_corrections_that_no_invoice_backs_yet(tmp_path, tmp_path_factory):
    """An open month: the new line items count as they are, whatever finance has entered so far."""
    estate = copied_estate(tmp_path_factory, tmp_path, APRIL)
    cells = {"bill_invoice_id": invoice_id(APRIL)}
    estate.deliver(APRIL, [*usual(APRIL), line_item(-9.0, "CC-1", **cells)])
    closing = estate.draft(MAY)
    rows = closing.table("postings").to_pylist()
    about = [row for row in rows if row["original_period"] and row["cost_center_id"]]
    assert sum(row["amount"] for row in about) == Decimal("-9.00")


@pytest.mark.slow
def test_statements_show_corrections_and_tie_to_the_ledger(tmp_path, tmp_path_factory):
    """A close with everything: what is rendered is read back, and its controls hold."""
    estate = copied_estate(tmp_path_factory, tmp_path, APRIL)
    cells = {"bill_invoice_id": "900000014"}
    estate.deliver(APRIL, usual(APRIL), [line_item(-9.0, "CC-1", **cells)], execution="e-2")
    estate.enter(APRIL, "-9.00", "900000014")
    said = estate.close(MAY, statements=True)
    assert any("of 2026-04" in one and "−9.00" in one for one in said)
    folder = estate.books.statements(MAY)
    page = (folder / "shop" / "statement.html").read_text()
    assert "AWS delivered its report again after it was closed, as e-2" in page
    assert ">−9.00<" in page
    lines = (folder / "shop" / "statement.csv").read_text()
    assert "2026-04,2026-05/adjustment/2026-04/direct/900000014/CC-1," in lines
    assert "No earlier period is corrected" in (folder / "core" / "statement.html").read_text()
