"""Invoices that are not like the others: left to a later month, or none at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.review.year.gather import gather
from chargeback.review.year.page import page
from chargeback.review.year.ties import require_ties
from chargeback.review.year.views import tied_invoices, total, view_of
from tests.params_folder import ALWAYS
from tests.reports import line_item
from tests.restatement.months import APRIL, MAY, Estate
from tests.restatement.test_deferrals import three_months

pytestmark = pytest.mark.slow

PRO_FORMA = ALWAYS["policy.toml"] + 'invoicing = "pro-forma"\n'


def tied(estate: Estate) -> dict[str, tuple[str, str]]:
    """What each invoice of 2026 comes to and what was corrected of it, after all has been proved."""
    gathered = gather(estate.books, ["2026"])
    require_ties(gathered, gathered.charges)
    view = view_of(gathered, "2026")
    assert total(view.charged) == total(view.about) == view.invoiced
    return {
        one.invoiced.invoice_id: (str(one.invoiced.total), str(one.corrected))
        for one in tied_invoices(gathered, gathered.charges)
    }


def test_a_memo_that_is_left_to_a_later_month_is_named_until_it_is_charged(tmp_path: Path) -> None:
    estate = three_months(tmp_path)
    estate.close(APRIL)
    assert tied(estate) == {"900000004": ("100.00", "0.00")}
    left = "Not charged yet, and in no figure here: 900000014 of April 2026 (left to May 2026)."
    assert left in page(gather(estate.books, ["2026"]))
    estate.enter(APRIL, "-20.00", "900000014")
    estate.close(MAY)
    assert tied(estate) == {
        "900000004": ("100.00", "0.00"), "900000014": ("-20.00", "-20.00"), "900000005": ("130.00", "0.00"),
    }  # fmt: skip
    assert "Not charged yet" not in page(gather(estate.books, ["2026"]))


def test_months_without_invoices_tie_to_what_their_line_items_come_to(tmp_path: Path) -> None:
    """A pro forma report has no invoice ids; April is delivered again with 6.00 more."""
    estate = Estate(tmp_path, {}, {"policy_toml": PRO_FORMA})
    none = {"bill_invoice_id": None}
    usual = [line_item(60.0, "CC-1", **none), line_item(40.0, "CC-9", **none)]
    for period in (APRIL, MAY):
        estate.deliver(period, usual)
    estate.write()
    estate.close(APRIL)
    estate.deliver(APRIL, [*usual, line_item(6.0, "CC-1", **none)], execution="e-2")
    estate.close(MAY)
    assert tied(estate) == {
        f"pro-forma-{APRIL}": ("106.00", "6.00"), f"pro-forma-{MAY}": ("100.00", "0.00"),
    }  # fmt: skip
