"""Documents balance within one company, tie to the ledger, and depend on nothing but charges and mapping."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, Refusal
from chargeback.delivery.erp.charges import book, charges_of
from chargeback.delivery.erp.documents import CHARGE, Document, Line, require_tied
from tests.erp.made import ABROAD, PERIOD, account, any_charges, any_mapping, charge, made, postings
from tests.examples import examples


def shown(document: Document) -> list[tuple[str, str, int]]:
    """The lines as (account, cost center, cents)."""
    return [(one.side.gl_account, one.side.cost_center, one.cents) for one in document.lines]


def test_a_charge_is_a_debit_of_its_cost_center_and_a_credit_of_who_paid():
    [document] = made([charge("CC-1", 1200), charge("CC-2", -250)], [account()])
    assert document.reference == "CB-2026-05-001"
    assert shown(document) == [
        ("630000", "CC-1", 1200), ("630000", "CC-2", -250), ("199000", "9000", -950),
    ]  # fmt: skip
    assert str(document.document_date) == str(document.posting_date) == "2026-05-31"
    assert document.debits == 1200


def test_kinds_have_lines_of_their_own_and_may_have_accounts_of_their_own():
    mapping = [account(), account("commitment", gl_account="148000", offset_gl_account="148900")]
    [document] = made(
        [charge("CC-9", 500), charge("CC-9", 300, "allocated"), charge("CC-9", -70, "commitment")],
        mapping,
    )
    assert shown(document) == [
        ("630000", "CC-9", 300), ("148000", "CC-9", -70), ("630000", "CC-9", 500),
        ("148900", "9000", 70), ("199000", "9000", -800),
    ]  # fmt: skip


def test_a_cost_center_may_have_another_name_there_or_none():
    mapping = [account(erp_cost_center="0000001001"), account("commitment", erp_cost_center="-")]
    [document] = made([charge("CC-9", 500), charge("CC-9", -70, "commitment")], mapping)
    assert shown(document) == [
        ("630000", "", -70), ("630000", "0000001001", 500), ("199000", "9000", -430),
    ]  # fmt: skip
    assert [one.side.cost_center_id for one in document.lines] == ["CC-9", "CC-9", ""]


def test_between_two_companies_each_has_a_document_that_balances():
    mapping = [account(), account(recipient="core", **ABROAD)]
    first, second = made([charge("CC-1", 1200), charge("CC-9", 500)], mapping)
    assert first.heading.company_code == "1000" and second.heading.company_code == "2000"
    assert shown(first) == [
        ("630000", "CC-1", 1200), ("151000", "", 500), ("199000", "9000", -1700),
    ]  # fmt: skip
    assert shown(second) == [("630000", "CC-9", 500), ("251000", "", -500)]
    assert [one.side.partner for one in first.lines] == ["", "2000", ""]


def test_corrections_are_documents_of_their_own_that_name_their_period():
    charges = charges_of(
        postings(
            ("CC-1", "direct", "", "10.00"), ("CC-1", "adjustment", "", "-2.00"),
            ("CC-2", "adjustment", "", "2.00"), ("CC-1", "adjustment", "2026-04", "6.00"),
            ("CC-1", "adjustment", "2026-03", "-1.00"), ("", "direct", "", "-15.00"),
        )
    )  # fmt: skip
    documents = made(charges, [account()])
    assert [(one.reference, one.heading.original_period) for one in documents] == [
        ("CB-2026-05-001", ""), ("CB-2026-05-002", "2026-03"), ("CB-2026-05-003", "2026-04"),
    ]  # fmt: skip
    assert shown(documents[0]) == [
        ("630000", "CC-1", -200), ("630000", "CC-1", 1000), ("630000", "CC-2", 200),
        ("199000", "9000", -1000),
    ]  # fmt: skip
    assert shown(documents[1]) == [("630000", "CC-1", -100), ("199000", "9000", 100)]
    assert {one.side.kind for one in documents[2].lines if one.side.role == CHARGE} == {
        "correction"
    }


def test_a_document_with_too_many_lines_is_parted_and_each_part_balances():
    charges = [charge(f"CC-{number:04d}", number) for number in range(1, 2001)]
    documents = made(charges, [account()])
    # 998 charges and one line against them fill a document of SAP.
    assert [len(one.lines) for one in documents] == [999, 999, 5]
    assert [(one.part, one.parts) for one in documents] == [(1, 3), (2, 3), (3, 3)]
    assert [one.debits for one in documents] == [
        sum(range(1, 999)), sum(range(999, 1997)), sum(range(1997, 2001)),
    ]  # fmt: skip
    assert len(made(charges[:998], [account()])) == 1
    assert len(made(charges[:999], [account()])) == 2


@examples(60)
@given(any_charges(), any_mapping(), st.integers(2, 12))
def test_documents_balance_conserve_and_depend_on_no_order(charges, mapping, limit):
    documents = made(charges, mapping, limit)
    for one in documents:
        assert sum(line.cents for line in one.lines) == 0
        assert 2 <= len(one.lines) <= limit
        assert all(line.cents for line in one.lines)
        assert len({line.side for line in one.lines}) == len(one.lines)
    booked: dict[str, int] = defaultdict(int)
    for one in documents:
        for line in one.lines:
            booked[one.heading.currency + line.side.cost_center_id] += line.cents
    charged: dict[str, int] = defaultdict(int)
    for one in charges:
        charged[one.currency + one.cost_center_id] += one.cents
    assert {key: booked[key] for key in charged} == charged
    require_tied(documents, charges, PERIOD, limit)
    assert made(charges[::-1], mapping[::-1], limit) == documents


@examples(60)
@given(any_charges(), any_mapping(), st.integers(2, 12))
def test_negating_all_charges_turns_every_line_around(charges, mapping, limit):
    negated = [replace(one, cents=-one.cents) for one in charges]
    turned = [
        replace(one, lines=tuple(Line(line.side, -line.cents) for line in one.lines))
        for one in made(charges, mapping, limit)
    ]
    assert made(negated, mapping, limit) == turned


@pytest.mark.parametrize("change", ["amount", "dropped", "twice", "other cost center"])
def test_documents_that_do_not_tie_are_refused(change):
    charges = [charge("CC-1", 1200), charge("CC-2", 300)]
    [document] = made(charges, [account()])
    first, *others = document.lines
    lines = {
        "amount": (replace(first, cents=1201), *others),
        "dropped": tuple(others),
        "twice": (first, first, *others),
        "other cost center": (replace(first, side=others[0].side), *others),
    }[change]
    with pytest.raises(Refusal) as refused:
        require_tied([replace(document, lines=lines)], charges, PERIOD, 999)
    assert refused.value.exit_code == CONTROL_FAILED
    assert refused.value.what == "the journal for the ERP does not tie to the ledger of 2026-05"
    assert any("CC-1 direct: charged 12.00" in one for one in refused.value.where)


def test_a_due_that_is_in_one_company_only_is_refused():
    charges = [charge("CC-9", 500)]
    payer, own = made(charges, [account(**ABROAD)])
    with pytest.raises(Refusal, match=r"1000 and 2000: what is due differs by −5\.00"):
        require_tied([own], charges, PERIOD, 999)
    require_tied([payer, own], charges, PERIOD, 999)


def test_a_document_that_is_too_long_is_refused():
    charges = [charge("CC-1", 1), charge("CC-2", 1)]
    with pytest.raises(Refusal, match="3 lines"):
        require_tied(made(charges, [account()]), charges, PERIOD, 2)


def test_all_charges_without_an_account_are_named_at_once():
    charges = [charge("CC-1", 1200), charge("CC-1", -5, "correction", "2026-04"), charge("CC-9", 3)]
    with pytest.raises(Refusal) as refused:
        book(charges, [account(recipient="core")], PERIOD)
    assert refused.value.exit_code == BAD_USAGE
    assert refused.value.what == "charges of 2026-05 have no account in the ERP"
    assert refused.value.where == [
        "CC-1 direct: 12.00 USD", "CC-1 correction of 2026-04: −0.05 USD",
    ]  # fmt: skip


def test_rows_of_which_neither_is_more_specific_are_refused_by_both_names():
    mapping = [account("direct"), account(recipient="CC-1", gl_account="640000")]
    with pytest.raises(Refusal) as refused:
        book([charge("CC-1", 1), charge("CC-2", 2)], mapping, PERIOD)
    assert refused.value.exit_code == BAD_USAGE
    assert refused.value.where == [
        "CC-1 direct: 0.01 USD", "  gl_accounts.csv: direct,*", "  gl_accounts.csv: *,CC-1",
    ]  # fmt: skip
    assert "neither is more specific" in refused.value.what
    # A row for both settles it, and so do two rows that say the same.
    settled = [*mapping, account("direct", "CC-1", gl_account="650000")]
    [one] = book([charge("CC-1", 1)], settled, PERIOD)
    assert one.account.gl_account == "650000"
    assert book([charge("CC-1", 1)], [account("direct"), account(recipient="CC-1")], PERIOD)


@pytest.mark.parametrize(
    "kind, center, expected",
    [("direct", "CC-1", "direct CC-1"), ("allocated", "CC-1", "CC-1"), ("direct", "CC-2", "direct shop"),
     ("allocated", "CC-2", "shop"), ("direct", "CC-9", "direct"), ("rounding", "CC-9", "all")],
)  # fmt: skip
def test_the_most_specific_row_counts(kind, center, expected):
    rows = {
        "all": account(), "direct": account("direct"), "shop": account(recipient="shop"),
        "direct shop": account("direct", "shop"), "CC-1": account(recipient="CC-1"),
        "direct CC-1": account("direct", "CC-1"),
    }  # fmt: skip
    mapping = [replace(one, gl_account=name) for name, one in rows.items()]
    [found] = book([charge(center, 1, kind)], mapping, PERIOD)
    assert found.account.gl_account == expected
