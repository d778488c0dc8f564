"""The period after: a range closes in order, each manifest names the one before it."""

from __future__ import annotations

import pytest

from chargeback.books.verify import verify_period
from chargeback.core.errors import CONTROL_FAILED, DONE
from tests.close.months import JUNE, MAY, assert_refused, in_work, manifest, sha256, state
from tests.close.test_tampered import change_the_manifest

pytestmark = pytest.mark.slow


def test_a_range_confirms_closes_and_links(month, run, without_notebooks):
    books = month.books
    may = {path: one for path, one in state(books).items() if "=" in path}
    ended = run("monthly-close", f"{MAY}..{JUNE}", *month.options)
    assert ended.exit_code == DONE, ended.refused
    said = ended.said
    assert said.index(f"{MAY} is already closed, and identical") < said.index("Closing June 2026")
    assert f"{JUNE} is closed." in said
    assert {path: one for path, one in state(books).items() if f"={MAY}" in path} == may
    assert in_work(books) == []
    assert manifest(books, JUNE)["previous"] == {
        "billing_period": MAY,
        "manifest_sha256": sha256(books.ledger(MAY) / "manifest.json"),
    }
    assert [verify_period(books, period) for period in (MAY, JUNE)] == [[], []]

    # Even a manifest that was signed again is noticed, by the link from the period after it.
    change_the_manifest(
        books.ledger(MAY), lambda one: one["postings"].update(charged="99.01"), sign=True
    )
    before = state(books)
    for period in (MAY, JUNE, "2026-07"):
        ended = run("monthly-close", period, *month.options)
        assert_refused(
            ended,
            CONTROL_FAILED,
            f"billing_period {JUNE}, path ledger/billing_period={MAY}/manifest.json",
        )
        assert (state(books), in_work(books)) == (before, [])
