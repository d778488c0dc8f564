"""Approvals are words with their number."""

from __future__ import annotations

import pytest

from chargeback.pages.approvals import approved_words, change_words, who_words


@pytest.mark.parametrize(
    ("reference", "approved_by", "said"),
    [
        ("CHG0031502", "FinOps council", "approved by the FinOps council, change CHG0031502"),
        ("servicenow:CHG0031502", "Rita Ng", "approved by Rita Ng, change CHG0031502"),
        ("CHG0031502", "", "approved, change CHG0031502"),
        ("council minutes 2026-04-22", "", "approved, council minutes 2026-04-22"),
        ("", "the controller", "approved by the controller"),
        ("", "", ""),
    ],
)
def test_an_approval_says_who_and_under_which_number(reference, approved_by, said):
    assert approved_words(reference, approved_by) == said


@pytest.mark.parametrize("reference", ["CHG", "CHG12x", "xCHG12", "RITM0012", "CHG٣"])
def test_what_is_no_number_of_a_change_stays_as_it_is(reference):
    assert change_words(reference) == reference


def test_a_person_has_no_article():
    assert [who_words(one) for one in ("Cloud board", "Ann Board-Smith", "The council")] == [
        "the Cloud board", "Ann Board-Smith", "The council",
    ]  # fmt: skip
