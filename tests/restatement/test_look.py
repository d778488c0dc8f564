"""A plain look at closed periods: what AWS changed, for whom, before anybody posts it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.cli import main
from chargeback.core.errors import DONE
from chargeback.review.restatements import restatements
from tests.close.months import state
from tests.reports import line_item
from tests.restatement.months import APRIL, MARCH, MAY, Estate, copied_estate, make_estate, usual

pytestmark = pytest.mark.slow

MEMO = {"bill_invoice_id": "900000014"}


@pytest.fixture
def estate(tmp_path, tmp_path_factory) -> Estate:
    """March and April, closed."""
    return copied_estate(tmp_path_factory, tmp_path, MARCH, APRIL)


def look(estate: Estate, capsys) -> str:
    """What the verb prints."""
    options = ["--cur", estate.report, "--params", estate.params, "--books", estate.books.root]
    assert main(["restatements", *map(str, options)]) == DONE
    return capsys.readouterr().out


def test_nothing_changed(estate, capsys):
    assert look(estate, capsys) == "no closed period has changed\n"
    empty = make_estate(estate.folder / "empty")
    assert look(empty, capsys) == "no closed period has changed\n"


def test_what_changed_is_shown_by_account_service_and_cost_center(estate, capsys):
    support = line_item(6.0, line_item_product_code="AWSSupportBusiness", **MEMO)
    estate.deliver(APRIL, usual(APRIL), [line_item(-9.0, "CC-1", **MEMO), support], execution="e-2")
    before = state(estate.books)
    said = look(estate, capsys)
    assert [line.split() for line in said.splitlines()[:-3]] == [
        ["2026-04", "April", "2026:", "AWS", "delivered", "it", "again,", "as", "e-2"],
        ["cost,", "unblended", "−3.00", "USD"],
        ["Amazon", "EC2", "in", "work", "−9.00"],
        ["AWS", "Support", "(Business)", "in", "work", "6.00"],
        ["charges", "−3.00", "USD"],
        ["CC-1", "Web", "−7.00"],
        ["CC-2", "Stock", "2.00"],
        ["CC-9", "Platform", "2.00"],
    ]
    assert "invoice 900000014 needs its total in invoices.csv" in said
    assert "the next close posts this as corrections" in said
    assert state(estate.books) == before
    estate.enter(APRIL, "-3.00", "900000014")
    [one], _ = restatements(estate.books, estate.report, estate.params, MAY)
    expected = {center: str(amount) for center, amount in one.by_cost_center().items()}
    estate.close(MAY)
    assert estate.corrected(MAY, APRIL) == expected
    assert look(estate, capsys) == "no closed period has changed\n"


def test_cost_that_moved_costs_nothing_and_is_charged_otherwise(estate):
    cells = {"bill_invoice_id": "900000004"}
    estate.deliver(APRIL, [*usual(APRIL)[:3], line_item(30.0, "CC-2", **cells)], execution="e-2")
    [one], _ = restatements(estate.books, estate.report, estate.params)
    assert one.by_service() == {}
    assert one.by_cost_center() == {
        "CC-2": Decimal("20.00"), "CC-1": Decimal("-10.00"), "CC-9": Decimal("-10.00"),
    }  # fmt: skip


def test_what_is_not_invoiced_yet_is_shown_and_said_to_wait(estate, capsys):
    estate.deliver(APRIL, usual(APRIL), [line_item(-9.0, "CC-1", bill_invoice_id="")])
    said = look(estate, capsys)
    assert "CC-1 Web" in said and "−9.00" in said
    assert "not final at AWS yet" in said


def test_two_periods_at_once(estate, capsys):
    for period in (MARCH, APRIL):
        items = [line_item(-1.0, "CC-1", bill_invoice_id=f"90000001{period[-1]}")]
        estate.deliver(period, usual(period), items, execution="e-2")
    assert look(estate, capsys).count("AWS delivered it again, as e-2") == 2
    found, _ = restatements(estate.books, estate.report, estate.params, MAY)
    assert [one.period for one in found] == [MARCH, APRIL]


def test_other_files_with_the_same_costs_are_said_to_post_nothing(estate, capsys):
    estate.deliver(APRIL, usual(APRIL)[::-1], execution="e-2")
    said = look(estate, capsys)
    assert "nothing that is charged differs" in said


def test_the_daily_run_says_which_closed_periods_changed(estate, capsys, monkeypatch):
    """What it does beside is tested in tests/daily."""
    monkeypatch.setattr("chargeback.daily.publish.run_daily", lambda *arguments: None)
    options = ["--cur", estate.report, "--params", estate.params, "--books", estate.books.root]
    assert main(["daily", "2026-05-10", *map(str, options)]) == DONE
    assert capsys.readouterr().out == ""
    estate.deliver(APRIL, usual(APRIL), [line_item(-9.0, "CC-1", **MEMO)], execution="e-2")
    assert main(["daily", "2026-05-10", *map(str, options)]) == DONE
    said = capsys.readouterr().out
    assert said == "2026-04 was delivered again since it was closed; see make restatements\n"
