"""Two currencies on one report: refused with advice, and the advice followed to its end.

AWS bills May in USD (CC-1 70.00, CC-9 30.00) and Marketplace in INR (CC-2 8,300.00, and 1,200.00 untagged,
split evenly onto three cost centers). An export for each currency has the rows that a query with
`where line_item_currency_code = …` leaves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.verify import verified_period
from chargeback.core.errors import CONTROL_FAILED, Refusal
from tests.params_folder import ALWAYS
from tests.reports import line_item
from tests.restatement.months import MAY, Estate, sums

pytestmark = pytest.mark.slow

MARKETPLACE = {
    "line_item_currency_code": "INR", "bill_invoice_id": "800000005",
    "bill_billing_entity": "AWS Marketplace", "line_item_product_code": "listing",
}  # fmt: skip
ROWS = [
    line_item(70.0, "CC-1"),
    line_item(30.0, "CC-9"),
    line_item(8300.0, "CC-2", **MARKETPLACE),
    line_item(1200.0, **MARKETPLACE),
]
HEADER = ALWAYS["invoices.csv"].splitlines()[0]


def in_currency(currency: str) -> list:
    """The rows that an export with this currency in its query has."""
    return [one for one in ROWS if one.get("line_item_currency_code", "USD") == currency]


def estate_of(folder: Path, rows: list, currency: str, invoice: str) -> Estate:
    """A folder with an export, params in one currency with one invoice, and books."""
    policy = ALWAYS["policy.toml"].replace('currency = "USD"', f'currency = "{currency}"')
    estate = Estate(folder, {}, {"policy_toml": policy, "invoices_csv": f"{HEADER}\n{invoice}\n"})
    estate.deliver(MAY, rows)
    estate.write()
    return estate


def test_one_report_in_two_currencies_is_refused_with_advice(tmp_path):
    estate = estate_of(tmp_path, ROWS, "USD", "900000001,2026-05,AWS,USD,100.00,finance,PDF")
    with pytest.raises(Refusal) as raised:
        estate.close(MAY)
    assert raised.value.exit_code == CONTROL_FAILED
    assert "one_currency_is_billed" in raised.value.what
    assert "currency INR, policy_currency USD, line_items 2" in raised.value.block()
    [todo] = raised.value.todo
    assert "an export for each currency" in todo
    assert "where line_item_currency_code = 'USD'" in todo and "PERIOD=2026-05" in todo


def test_an_export_for_each_currency_closes_with_params_and_books_of_its_own(tmp_path):
    usd = estate_of(
        tmp_path / "usd", in_currency("USD"), "USD",
        "900000001,2026-05,AWS,USD,100.00,finance,PDF",
    )  # fmt: skip
    inr = estate_of(
        tmp_path / "inr", in_currency("INR"), "INR",
        "800000005,2026-05,AWS India,INR,9500.00,finance,PDF",
    )  # fmt: skip
    for estate, charged in (
        (usd, {"CC-1": "70.00", "CC-9": "30.00"}),
        (inr, {"CC-1": "400.00", "CC-2": "8700.00", "CC-9": "400.00"}),
    ):
        said = estate.close(MAY, statements=True)
        rows = [row for row in estate.postings(MAY).to_pylist() if row["cost_center_id"]]
        found = sums(rows, "cost_center_id")
        assert {key[0]: str(amount) for key, amount in found.items()} == charged
        currency = estate.closing(MAY).params.policy.currency
        assert {row["currency"] for row in rows} == {currency}
        assert checked_manifest(estate.books, MAY)["currency"] == currency
        assert verified_period(estate.books, MAY).findings == []
        assert any("tied out to the cent" in one for one in said)
        page = (estate.books.statements(MAY) / "shop" / "statement.html").read_text()
        assert f"All amounts are in {currency}, at " in page
        assert any("identical" in one for one in estate.close(MAY))
