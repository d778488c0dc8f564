"""The library by property: for random policies everybody gets the files of what they see, and no other.

What is expected is written here once more, grant by grant, without the library's or the policy's own words.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.checked import checked_postings
from chargeback.books.delivery_log import APPROVED, record
from chargeback.books.delivery_room import delivery_room
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.params.viewers import ROLES, Grant, Sight
from chargeback.portal.library import Library
from tests.close.months import JUNE, MAY, Month
from tests.delivery.conftest import approver_toml, people_in
from tests.delivery.pack.months import close_months, copy_month
from tests.examples import examples
from tests.made_once import made_once
from tests.portal.place import POLICY, SCOPES, portal_of, with_pages

UNITS, CENTERS = ("shop", "core", "gone"), ("CC-1", "CC-2", "CC-9", "CC-404")
UNIT_OF = {"CC-1": "shop", "CC-2": "shop", "CC-9": "core"}

grants = st.builds(
    Grant,
    group=st.just("g"),
    role=st.sampled_from(ROLES),
    business_units=st.lists(st.sampled_from(UNITS), unique=True).map(tuple),
    cost_centers=st.lists(st.sampled_from(CENTERS), unique=True).map(tuple),
) | st.builds(Grant, group=st.just("g"), role=st.sampled_from(ROLES), all=st.just(True))
sights = st.builds(Sight, st.lists(grants, max_size=3).map(tuple))


@pytest.fixture(scope="session")
def library(served_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library of May and June, with pages; nothing of it is changed."""
    month = copy_month(served_once, tmp_path_factory.mktemp("library"))
    portal_of(month)
    return Library(month.books, month.params)


def sees(sight: Sight, center: str) -> bool:
    """Whether what a cost center is charged is seen."""
    return any(
        one.all or UNIT_OF.get(center) in one.business_units or center in one.cost_centers
        for one in sight.grants
    )


def sees_whole(sight: Sight, unit: str) -> bool:
    """Whether a unit as such is seen."""
    return any(one.all or unit in one.business_units for one in sight.grants)


def is_insider(sight: Sight) -> bool:
    """Whether somebody sees all as more than a viewer."""
    return any(one.all and one.role in ("finance", "finops", "auditor") for one in sight.grants)


@examples(100)
@given(sights)
def test_statements_are_those_of_units_that_are_seen_whole(library: Library, sight: Sight):
    for period in (MAY, JUNE, "2026-07"):
        for unit in UNITS:
            for ending in ("html", "pdf", "csv", "exe"):
                found = library.statement(sight, period, unit, ending)
                there = period != "2026-07" and unit != "gone" and ending != "exe"
                assert (found is not None) == (there and sees_whole(sight, unit))
                if found:
                    path = library.books.statements(period) / unit / f"statement.{ending}"
                    assert found.content == path.read_bytes()
    assert set(library.units(sight)) == {one for one in ("shop", "core") if sees_whole(sight, one)}


@examples(100)
@given(sights)
def test_rows_are_those_that_are_seen(library: Library, sight: Sight):
    for period in (MAY, JUNE):
        charged = [
            one
            for one in checked_postings(library.books, period).to_pylist()
            if one["cost_center_id"]
        ]
        mine = [
            (one["entry_id"], one["line"]) for one in charged if sees(sight, one["cost_center_id"])
        ]
        table = library.rows(sight, period)
        if not sight.grants:
            assert table is None
        else:
            assert table is not None
            found = zip(table["entry_id"].to_pylist(), table["line"].to_pylist(), strict=True)
            assert list(found) == mine


@examples(100)
@given(sights)
def test_dashboards_are_those_whose_rows_are_all_seen(library: Library, sight: Sight):
    everything = any(one.all for one in sight.grants)
    named = {one for grant in sight.grants for one in grant.cost_centers}
    expected = {
        one
        for one in SCOPES
        if everything
        or (one.kind == UNIT and sees_whole(sight, one.id))
        or (one.kind == COST_CENTER and one.id in named)
    }
    assert set(library.scopes(sight)) == expected
    for one in (
        *SCOPES,
        Scope(UNIT, "gone"),
        Scope(COST_CENTER, "CC-404"),
        Scope(ALL, "x"),
        Scope("x", "shop"),
    ):
        assert (library.dashboard(sight, one) is not None) == (one in expected)
    for one in expected:  # whoever opens a page sees each row that it is made of
        for center, unit in UNIT_OF.items():
            if one.sight.covers(unit, center):
                assert sees(sight, center)


@examples(100)
@given(sights)
def test_packs_months_and_the_access_log_are_for_those_who_see_all_in_a_role(
    library: Library, sight: Sight
):
    assert bool(library.pack_names(sight, MAY)) == is_insider(sight)
    for name in ("index.html", "2026-05 summary.pdf", "none", "../log/000001.json", ""):
        there = name in ("index.html", "2026-05 summary.pdf")
        assert (library.pack(sight, MAY, name) is not None) == (there and is_insider(sight))
    assert (library.month_index(sight, MAY) is not None) == is_insider(sight)
    audits = any(one.all and one.role == "auditor" for one in sight.grants)
    assert library.sees_access_log(sight) == audits


@examples(100)
@given(sights)
def test_statements_are_answered_by_viewers_and_finance_who_see_the_unit(
    library: Library, sight: Sight
):
    for unit in UNITS:
        may = any(
            one.role in ("viewer", "finance") and (one.all or unit in one.business_units)
            for one in sight.grants
        )
        assert library.answers_for(sight, MAY, unit) == (may and unit != "gone")
    assert not library.answers_for(sight, "2026-07", "shop")


def prepare(folder: Path) -> None:
    """May and June, closed with approvers."""
    from tests.close.months import write_month

    carl, rita, _ = people_in(folder)
    month = write_month(folder, delivery_toml=approver_toml(carl, rita))
    close_months(month, MAY, key_file=carl.key_file, by="Carl Close")


@pytest.fixture
def prepared(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Month:
    """May, prepared and not approved."""
    once = made_once(tmp_path_factory, "prepared-for-portal", prepare)
    return copy_month(once, tmp_path / "prepared")


def test_a_month_that_nobody_has_approved_is_for_those_who_prepare_and_check_it(prepared: Month):
    library = Library(with_pages(prepared.books), prepared.params)
    library.catalogues.seconds = 0
    shop, board, finance, audit = (
        POLICY.sight([one]) for one in ("shop-people", "board", "finance", "audit")
    )
    for sight in (shop, board):
        assert library.months(sight) == [] and library.rows(sight, MAY) is None
        assert library.statement(sight, MAY, "shop", "pdf") is None
    for sight in (finance, audit):
        assert library.statement(sight, MAY, "shop", "pdf") is not None
        assert library.rows(sight, MAY) is not None
    assert not library.answers_for(finance, MAY, "shop") and not library.answers_for(
        shop, MAY, "shop"
    )
    room, books_id = delivery_room(prepared.books), library.catalogue.log.books_id
    record(room, books_id, APPROVED, MAY, by="rita.ng")
    assert library.statement(shop, MAY, "shop", "pdf") is not None
    assert library.answers_for(shop, MAY, "shop") and library.rows(board, MAY) is not None


def test_books_without_a_closed_month_have_nothing(tmp_path: Path):
    library = Library(Books(tmp_path / "books"), tmp_path)
    everything = POLICY.sight(["audit"])
    assert library.months(everything) == [] and library.units(everything) == {}
    assert library.rows(everything) is None and library.scopes(everything) == []


def test_manifests_are_read_once_and_what_changed_is_noticed(served: Month, monkeypatch):
    from chargeback.portal import catalogue

    library = Library(served.books, served.params)
    library.catalogues.seconds = 0
    read: list[str] = []
    plain = catalogue.read_month

    def counted(books: Books, period: str, params: Path) -> catalogue.Month:
        read.append(period)
        return plain(books, period, params)

    monkeypatch.setattr(catalogue, "read_month", counted)
    sight = POLICY.sight(["finance"])
    for _ in range(5):
        library.months(sight)
    assert read == [MAY, JUNE]
    (served.books.ledger(JUNE) / "manifest.json").write_bytes(b"{}")
    assert [one.period for one in library.months(sight)] == [MAY]
    with pytest.raises(Refusal, match="has changed since the close"):
        library.month(sight, JUNE)
    assert read == [MAY, JUNE, JUNE, JUNE][: len(read)]
