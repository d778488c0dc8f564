"""Manifests that are signed and cannot be what a close wrote: named by verify, and read by nobody."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from chargeback.books.checked import Changed, checked_manifest
from chargeback.books.closed_period import last_totals, open_deferrals
from chargeback.close.hold import check_closed_periods
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.signing.signing_key import signing_key
from tests.close.months import JULY, JUNE, assert_refused
from tests.verify.books import sign_again

pytestmark = pytest.mark.slow

TABLE = "evidence/rollup.parquet"


def put(*names: str, value: object) -> Callable[[Any], object]:
    """A part of a manifest replaced."""

    def change(content: Any) -> None:
        for name in names[:-1]:
            content = content[name]
        content[names[-1]] = value

    return change


def left_out(*names: str) -> Callable[[Any], object]:
    """A part of a manifest left out."""

    def change(content: Any) -> None:
        for name in names[:-1]:
            content = content[name]
        del content[names[-1]]

    return change


ODD: dict[str, Callable[[Any], object]] = {
    "no period": left_out("billing_period"),
    "a period that is a list": put("billing_period", value=[]),
    "a link that leads elsewhere": put("previous", "billing_period", value="2026-05/../../x"),
    "a digest that is a number": put("derived", TABLE, value=-1),
    "a digest that is a list": put("derived", TABLE, value=[]),
    "a digest of one letter": put("derived", TABLE, value="0"),
    "no number of postings": left_out("postings", "rows"),
    "no digest of postings": left_out("postings", "sha256"),
    "a charge that is no number": put("postings", "charged", value="NaN"),
    "a charge of a billion digits": put("postings", "charged", value="1E+999999999"),
    "a PDF without a size": put("unsigned_pdfs", value={"statements/shop/statement.pdf": {}}),
    "PDFs in a list": put("unsigned_pdfs", value=["statements/shop/statement.pdf"]),
    "no params": left_out("params"),
    "params in a list": put("params", value=["policy.toml"]),
    "no invoices": left_out("invoices"),
    "an invoice without a total": put("invoices", "900000002", value={}),
    "a signer that is a name": put("signer", value="Finance"),
    "a deferral that is a name": put("deferrals", value=["900000002"]),
    "no deferrals, but a word": put("deferrals", value=None),
    "a run that is a list": put("run", value=[]),
    "a time stamp that is a list": put("run", "time_stamp", value=[1]),
    "a signer whose time is stamped by a list": put("signer", "time_stamp", value=[1]),
    "a signer who signs for a word's time": put("signer", "long_term", value="yes"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_signed_manifest_of_another_kind_is_named_and_read_by_nobody(name, books, verify):
    sign_again(books, JUNE, signing_key(books), ODD[name])
    path = f"ledger/billing_period={JUNE}/manifest.json"
    assert_refused(
        verify(books), CONTROL_FAILED, f"{path}: not readable, instead of a readable manifest"
    )
    with pytest.raises(Refusal, match="closed_periods_are_unchanged") as refused:
        check_closed_periods(books, JULY)
    assert refused.value.exit_code == CONTROL_FAILED
    for read in (checked_manifest, last_totals, open_deferrals):
        with pytest.raises(Changed, match="a manifest of something else"):
            read(books, JUNE)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.p7s"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name, books, verify):
    path = books.ledger(JUNE) / name
    path.unlink()
    os.mkfifo(path)
    assert_refused(verify(books), CONTROL_FAILED, f"ledger/billing_period={JUNE}/{name} is missing")
    with pytest.raises(Refusal):
        checked_manifest(books, JUNE)
