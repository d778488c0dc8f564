"""Whose a text is, and where it is found: resources, accounts, disputes, and a cost center that moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback import engine
from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import DISPUTED, record
from chargeback.books.delivery_room import delivery_room
from chargeback.dashboards import leaks
from chargeback.dashboards.belonging import belongings_of
from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.leaks import HTML, find_leaks, own_words, pieces_of
from chargeback.dashboards.scope import Scope
from chargeback.engine import kept_texts
from tests.close.months import JUNE, MAY, month_in
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    WEB,
    close_months,
    gathered,
    write_months,
)
from tests.made_once import made_once
from tests.params_folder import ALWAYS
from tests.reports import ACCOUNT, line_item

OTHER, UNUSED = "098765432109", "111122223333"
JUNE_IDS = {"bill_invoice_id": "900000002"}


def make(folder) -> None:
    """shop's CC-2 moves to core in June; core has an account and a resource, nobody a third one."""
    month = write_months(
        folder,
        months={JUNE: [[
            line_item(30.0, "CC-2", line_item_resource_id="i-moved", **JUNE_IDS),
            line_item(5.0, "CC-1", line_item_resource_id="arn:aws:s3:::core-data", **JUNE_IDS),
            line_item(20.0, "CC-9", line_item_resource_id="arn:aws:rds:db-secret",
                      line_item_usage_account_id=OTHER, **JUNE_IDS),
        ]]},
        invoices_csv=(
            "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
            "900000001,2026-05,AWS,USD,100.01,finance,PDF\n900000002,2026-06,AWS,USD,55.00,finance,PDF\n"
        ),
        cost_centers_csv=ALWAYS["cost_centers.csv"].replace(
            "CC-2,Stock,shop,2026-01,\n", "CC-2,Stock,shop,2026-01,2026-05\nCC-2,Stock,core,2026-06,\n"
        ),
        accounts_csv=ALWAYS["accounts.csv"]
        + f"{OTHER},cellar,core-team,CC-9,2026-01,\n{UNUSED},spare room,nobody,,2026-01,\n",
    )  # fmt: skip
    close_months(month, MAY, JUNE)
    books_id = str(checked_manifest(month.books, MAY)["books"])
    record(
        delivery_room(month.books), books_id, DISPUTED, MAY, "D-17", "bob",
        details={
            "owner": "finance", "charged": "5.00", "currency": "USD", "postings": ["a:1"],
            "raise_by": "2026-07-01", "answer_due": "2026-07-05", "decide_due": "2026-07-09",
            "row": {"business_unit_id": "core", "line": "core/x", "amount": "4.00", "raised_on": "2026-06-20"},
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    return gathered(month_in(made_once(tmp_path_factory, "dashboard-leaks", make)))


def leaked(found: Gathered, scope: Scope, text: str) -> set[tuple[str, str]]:
    """What is found on a page that has a text, beside another page that has none."""
    other = CORE if scope == SHOP else SHOP
    files = {HTML: {scope: f"<p>see {text}, please</p>".encode(), other: b"<p>nothing</p>"}}
    rows = find_leaks(files, belongings_of(found)).to_pylist()
    return {(one["leaked_what"], one["leaked_text"]) for one in rows}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("arn:aws:rds:db-secret", "resource"),
        (OTHER, "account id"),
        ("cellar", "account name"),
        (UNUSED, "account id"),
        ("spare room", "account name"),
        ("D-17", "dispute"),
        ("Bob", "business unit owner"),
        ("CC-9", "cost center id"),
    ],
)
def test_what_is_cores_is_foreign_to_shop_and_cores_own(found, text, what):
    assert leaked(found, SHOP, text) == {(what, text)}
    assert leaked(found, WEB, text) == {(what, text)}
    assert leaked(found, CORE, text) == (
        set() if text not in (UNUSED, "spare room") else {(what, text)}
    )
    files = {HTML: {EVERYBODY: text.encode(), SHOP: b"nothing"}}
    assert find_leaks(files, belongings_of(found)).num_rows == 0


@pytest.mark.parametrize("text", ["CC-2", "Stock"])
def test_a_cost_center_that_moved_is_of_both_units(found, text):
    assert leaked(found, SHOP, text) == leaked(found, CORE, text) == set()
    assert leaked(found, WEB, text) != set()


def test_a_resource_of_june_is_of_who_had_the_cost_center_in_june(found):
    assert leaked(found, CORE, "i-moved") == set()
    assert leaked(found, SHOP, "i-moved") == {("resource", "i-moved")}


def test_an_account_that_several_units_spend_in_is_of_each(found):
    assert (
        leaked(found, SHOP, ACCOUNT)
        == leaked(found, CORE, ACCOUNT)
        == leaked(found, WEB, ACCOUNT)
        == set()
    )


def test_a_word_inside_ones_own_id_is_no_leak(found):
    """The unit core, in the name of a bucket of shop, is a part of that name."""
    assert leaked(found, SHOP, "arn:aws:s3:::core-data") == set()
    assert leaked(found, SHOP, "core") == {("business unit id", "core")}


def test_pages_words_are_those_of_their_texts_and_of_no_docstring():
    assert {"Untagged", "Budgets", "Month"} <= own_words()
    assert not {"Core", "Platform", "Stock", "Shop"} & own_words()


def test_pages_words_are_gathered_once_for_the_very_code_that_says_them(tmp_path, monkeypatch):
    package = tmp_path / "chargeback"
    for name in ("dashboards/a.py", "daily/b.py", leaks.WORDS):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text('TITLE = "First words"\n')
    read = []
    monkeypatch.setattr(leaks, "PACKAGE", package)
    monkeypatch.setattr(kept_texts, "FOLDER", tmp_path / "sql")
    monkeypatch.setattr(engine, "KEPT", {})
    original = leaks.words_in
    monkeypatch.setattr(leaks, "words_in", lambda code: read.append(1) or original(code))
    words = own_words.__wrapped__
    assert words() == words() == {"First", "words"}
    assert len(read) == 1
    (package / "daily" / "b.py").write_text('TITLE = "Other words"\n')
    assert words() == {"First", "words", "Other"}
    assert len(read) == 2


@given(st.text(st.characters(codec="utf-8", exclude_characters='<>"&\\\n\r\x1c\x1d\x1e\x1f\x85')))
def test_a_text_is_a_piece_of_the_page_that_it_stands_in(text):
    for page in (f"<p>{text}</p>", f'{{"x": "{text}"}}', f'<i title="{text}"></i>'):
        if text.strip():
            assert text in pieces_of(page.encode())
