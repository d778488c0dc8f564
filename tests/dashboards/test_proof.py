"""The controls on finished pages, both ways: they pass, and each planted fault is named.

Pages are rendered once, of May and June closed and July drafted, and each fault is put into the bytes of a
page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.leaks import DATA, HTML, is_telling
from chargeback.dashboards.model import Dashboard
from chargeback.dashboards.proof import outcomes_of, require_true_pages
from chargeback.dashboards.run import rendered
from chargeback.dashboards.scope import Scope
from chargeback.engine.controls import DASHBOARDS_ARE_OWN, DASHBOARDS_TIE
from chargeback.statements.exact_json import to_json
from tests.close.months import JUNE, MAY, month_in
from tests.dashboards.months import CORE, EVERYBODY, SHOP, WEB, closed_months, gathered
from tests.made_once import made_once

pytestmark = pytest.mark.slow

Files = dict[str, dict[Scope, bytes]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    """All that the pages are made of."""
    return gathered(month_in(made_once(tmp_path_factory, "dashboard-months", closed_months)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, found: Gathered) -> Files:
    """The finished pages and their data."""
    dashboards = dict(found.dashboards())
    html = rendered(dashboards, tmp_path_factory.mktemp("pages"), "embedded")
    return {DATA: {scope: to_json(one).encode() for scope, one in dashboards.items()}, HTML: html}


def with_page(files: Files, medium: str, scope: Scope, change: Callable[[str], str]) -> Files:
    """The files with one of them changed."""
    text = files[medium][scope].decode()
    changed = change(text)
    assert changed != text
    return {**files, medium: {**files[medium], scope: changed.encode()}}


def rows_of(found: Gathered, files: Files, control: str) -> list[dict[str, Any]]:
    """The rows that a control returns."""
    [outcome] = [one for one in outcomes_of(found, files) if one.name == control]
    rows: list[dict[str, Any]] = outcome.rows.to_pylist()
    return rows


def test_pages_of_good_books_pass(found, made):
    require_true_pages(found, made)
    assert [one.name for one in outcomes_of(found, made)] == [
        DASHBOARDS_TIE,
        DASHBOARDS_ARE_OWN,
        "dashboards_tie_to_their_unit_costs",
    ]


def test_a_figure_that_a_reader_sees_is_compared_with_the_ledger(found, made):
    """shop's May of 80.00 is shown as 80.10, and nothing else of the page changes."""
    files = with_page(made, HTML, SHOP, lambda page: page.replace("80.00", "80.10"))
    rows = rows_of(found, files, DASHBOARDS_TIE)
    assert {(one["scope_id"], one["medium"], one["billing_period"], one["cost_center_id"], one["difference"])
            for one in rows} == {("shop", HTML, MAY, "", Decimal("0.10"))}  # fmt: skip


def test_rows_behind_the_filters_are_compared_with_the_ledger(found, made):
    """A row of the embedded charges is another one: June's 30.00 of CC-2 in cents."""
    files = with_page(made, HTML, SHOP, lambda page: page.replace('"3000"]', '"3001"]'))
    rows = rows_of(found, files, DASHBOARDS_TIE)
    assert [(one["billing_period"], one["cost_center_id"], one["difference"]) for one in rows] == [
        (JUNE, "CC-2", Decimal("0.01"))
    ]


def test_a_page_that_cannot_be_read_shows_nothing(found, made):
    files = with_page(made, HTML, SHOP, lambda _: "<html>gone</html>")
    rows = rows_of(found, files, DASHBOARDS_TIE)
    assert {one["scope_id"] for one in rows} == {"shop"}
    assert all(one["shown_amount"] is None for one in rows)


@pytest.mark.parametrize("medium", [DATA, HTML])
def test_a_page_of_another_scope_in_the_place_of_one_is_found(found, made, medium):
    """core's page lies where shop's should: other figures, and core's name."""
    files = {**made, medium: {**made[medium], SHOP: made[medium][CORE]}}
    assert {one["scope_id"] for one in rows_of(found, files, DASHBOARDS_TIE)} == {"shop"}
    assert "Core" in {one["leaked_text"] for one in rows_of(found, files, DASHBOARDS_ARE_OWN)}


def changed_data(found: Gathered, made: Files, **fields: Any) -> Files:
    """The files with other data of shop's page."""
    page: Dashboard = replace(dict(found.dashboards())[SHOP], **fields)
    return {**made, DATA: {**made[DATA], SHOP: to_json(page).encode()}}


def test_a_row_that_is_missing_from_the_data_is_found(found, made):
    page = dict(found.dashboards())[SHOP]
    rows = rows_of(found, changed_data(found, made, rows=page.rows[1:]), DASHBOARDS_TIE)
    assert [(one["medium"], one["billing_period"], one["cost_center_id"]) for one in rows] == [
        (DATA, MAY, "CC-1")
    ]


@pytest.mark.parametrize("where", ["rows", "months"])
def test_a_month_that_is_missing_from_the_data_is_found(found, made, where):
    page = dict(found.dashboards())[SHOP]
    left = tuple(one for one in getattr(page, where) if one.billing_period != JUNE)
    rows = rows_of(found, changed_data(found, made, **{where: left}), DASHBOARDS_TIE)
    assert {one["billing_period"] for one in rows} == {JUNE}
    assert all(one["shown_amount"] is None for one in rows)


def escaped(text: str) -> str:
    """A text as JSON may write it."""
    return "".join(f"\\u{ord(one):04x}" for one in text)


PLACES = {
    "in a text": lambda page, text: page.replace("</main>", f"<p>{text}</p></main>"),
    "in a comment": lambda page, text: page.replace("</main>", f"<!-- {text} --></main>"),
    "in an attribute": lambda page, text: page.replace("<main", f'<main data-x="{text}"'),
    "in the script": lambda page, text: page.replace(
        "</body>", f"<script>var x = '{text}'</script></body>"
    ),
    "as entities": lambda page, text: page.replace(
        "</main>", f"<p>{''.join(f'&#{ord(one)};' for one in text)}</p></main>"
    ),
    "as JSON writes it": lambda page, text: page.replace(
        "</body>", f"<script>var x = '{escaped(text)}'</script></body>"
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("scope", "text", "what"),
    [
        (SHOP, "CC-9", "cost center id"),
        (SHOP, "Platform", "cost center name"),
        (SHOP, "Core", "business unit name"),
        (SHOP, "core", "business unit id"),
        (SHOP, "Bob", "business unit owner"),
        (WEB, "CC-2", "cost center id"),
        (WEB, "Stock", "cost center name"),
    ],
)
def test_what_is_anothers_is_found_wherever_it_stands(found, made, scope, text, what, place):
    files = with_page(made, HTML, scope, lambda page: PLACES[place](page, text))
    assert rows_of(found, files, DASHBOARDS_ARE_OWN) == [
        {
            "scope_kind": scope.kind,
            "scope_id": scope.id,
            "medium": HTML,
            "leaked_what": what,
            "leaked_text": text,
        }
    ]


def test_the_page_of_all_may_name_everybody(found, made):
    files = with_page(
        made, HTML, EVERYBODY, lambda page: PLACES["in a text"](page, "Core, CC-9, Stock")
    )
    assert rows_of(found, files, DASHBOARDS_ARE_OWN) == []


def test_an_id_that_is_put_into_every_page_is_found_in_each_that_is_not_its_own(found, made):
    files = made
    for scope in made[HTML]:
        files = with_page(files, HTML, scope, lambda page: PLACES["in a text"](page, "CC-9"))
    rows = rows_of(found, files, DASHBOARDS_ARE_OWN)
    assert [(one["scope_id"], one["leaked_text"]) for one in rows] == [
        ("shop", "CC-9"),
        ("CC-1", "CC-9"),
    ]


def test_a_cost_center_that_is_called_as_a_part_of_every_page_stops_nothing(
    found, made, monkeypatch
):
    """core's cost center is called Budgets, or Untagged as tickets begin: a word of the pages themselves."""
    for name in ("Budgets", "Untagged"):
        renamed = dict(found.names) | {("cost_center", "CC-9"): name}
        monkeypatch.setitem(vars(found), "names", renamed)
        files = with_page(
            made, HTML, SHOP, lambda page, name=name: PLACES["in a text"](page, f"{name} cost in x")
        )
        assert rows_of(found, files, DASHBOARDS_ARE_OWN) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("platform", False), ("1234", False), ("CC-9", True), ("Cloud Platform", True)],
)
def test_a_plain_word_may_be_in_code_by_chance(text, told):
    assert is_telling(text) is told


def test_a_fault_stops_with_all_that_is_wrong(found, made):
    files = with_page(
        made, HTML, SHOP, lambda page: PLACES["in a text"](page.replace("80.00", "80.10"), "CC-9")
    )
    with pytest.raises(Refusal) as refused:
        require_true_pages(found, files)
    assert refused.value.exit_code == CONTROL_FAILED
    assert refused.value.what == (
        "a control failed: dashboards_tie_to_ledger, dashboards_show_only_their_own_rows; "
        "no dashboard was published"
    )
    assert any("CC-9" in line for line in refused.value.where)
