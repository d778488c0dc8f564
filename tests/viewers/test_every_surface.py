"""Every surface shows the same charged rows to the same groups: random policies and ledgers, and real books.

The reference is written out here once more, from what viewers.toml says: a row is seen by whoever has a grant
for all, for its unit, or for its cost center.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chargeback.books.checked import checked_postings
from chargeback.books.lake_filters import LakeTable, lake_filters
from chargeback.books.ledger_table import LEDGER, MONTHS, charges_view
from chargeback.books.table_editions import RULES, rule_rows
from chargeback.books.viewer_rules import GROUP, owners_of, rules_table, viewer_rules
from chargeback.books.visible import visible_rows
from chargeback.core.books_folders import Books
from chargeback.core.errors import unreachable
from chargeback.daily.state import Latest
from chargeback.dashboards.gather_rows import Own
from chargeback.dashboards.gather_rows import rows_of as page_rows
from chargeback.dashboards.months import Months, read_months
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope, scopes
from chargeback.engine import Engine
from chargeback.engine.tables import texts
from chargeback.params.viewers import VIEWER, Grant, Sight, Viewers
from chargeback.portal.library import Library
from chargeback.review.explore.extract import write_extract
from chargeback.review.export import export_table, seen_charges
from tests.close.conftest import month_after
from tests.close.months import JUNE, MAY, Month
from tests.viewers import quicksight
from tests.viewers.ledgers import (
    MEMBERSHIPS,
    POLICIES,
    UNITS,
    ledgers,
    owners_in,
    registers,
)
from tests.viewers.ledgers import (
    MONTHS as MONTHS_OF_LEDGERS,
)

#: CC-2 is of shop in May and of core from June on; CC-9 is of core.
MOVED = (
    "cost_center_id,name,business_unit_id,valid_from,valid_to\nCC-1,Web,shop,2026-01,\n"
    "CC-2,Stock,shop,2026-01,2026-05\nCC-2,Stock,core,2026-06,\nCC-9,Platform,core,2026-01,\n"
)

Seen = set[tuple[str, int]]
Sums = dict[tuple[str, str, str], Decimal]


def keys(rows: pa.Table) -> Seen:
    """Rows as they are told apart; each of them is there once."""
    found = list(zip(rows["entry_id"].to_pylist(), rows["line"].to_pylist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


def expected(ledger: pa.Table, policy: Viewers, groups: Sequence[str]) -> Seen:
    """The charged rows that groups see, by what each grant says."""
    mine = [one for one in policy.grants if one.group in groups]
    return {
        (row["entry_id"], row["line"])
        for row in ledger.to_pylist()
        if row["business_unit_id"] is not None and row["cost_center_id"] is not None
        and any(
            one.all or row["business_unit_id"] in one.business_units
            or row["cost_center_id"] in one.cost_centers
            for one in mine
        )
    }  # fmt: skip


def by_rows(ledger: pa.Table, policy: Viewers, groups: Sequence[str]) -> Seen:
    """`visible_rows`, by which pages, portal and extracts are made; without what nobody is charged."""
    seen = visible_rows(ledger, policy.sight(groups))
    everything = any(one.all for one in policy.grants if one.group in groups)
    charged = seen.filter(seen["cost_center_id"].is_valid())
    # What nobody is charged is for those who see all, and for them in full.
    assert seen.num_rows - charged.num_rows == (
        ledger["cost_center_id"].null_count if everything else 0
    )
    return keys(charged)


def by_export(ledger: pa.Table, policy: Viewers, groups: Sequence[str]) -> Seen:
    """What `make export` writes."""
    return keys(seen_charges(ledger, policy.sight(groups)))


def charges(ledger: pa.Table, *released: str) -> pa.Table:
    """The dataset of QuickSight: the view's SELECT, run on the ledger; by default all months are released."""
    select = charges_view().partition(" as\n")[2]
    months = released or sorted(set(ledger["billing_period"].to_pylist()))
    return run_sql(ledger, select, *months)


def run_sql(ledger: pa.Table, athena: str, *released: str) -> pa.Table:
    """A SELECT of Athena on the ledger and the months that are released, by the engine."""
    engine = Engine(threads=1)
    try:
        engine.register(LEDGER, ledger)
        engine.register(MONTHS, texts(billing_period=released))
        return engine.run(sqlglot.transpile(athena, read="athena", write="duckdb")[0], "a test")
    finally:
        engine.close()


def by_quicksight(rules: pa.Table, dataset: pa.Table, groups: Sequence[str]) -> Seen:
    """What QuickSight shows under rules."""
    return {
        (row["entry_id"], row["line"])
        for row in quicksight.rows_seen(dataset.to_pylist(), rules, groups)
    }


def by_lake(ledger: pa.Table, policy: Viewers, groups: Sequence[str]) -> Seen:
    """What Lake Formation lets Athena read of the ledger: a role has the filters of all of its groups."""
    filters = lake_filters(LakeTable("012345678901", "cost", LEDGER), policy)
    named = {name: one["TableData"]["RowFilter"] for name, one in filters.items()}
    assert len(named) == len(policy.groups), "a file for each group"
    found: Seen = set()
    for group, row_filter in zip(policy.groups, named.values(), strict=True):
        if group in groups:
            where = row_filter.get("FilterExpression", "1 = 1")
            seen = run_sql(
                ledger, f"select entry_id, line, cost_center_id from {LEDGER} where {where}"
            )
            found |= keys(seen.filter(seen["cost_center_id"].is_valid()))
    return found


def check_pages(
    ledger: pa.Table, policy: Viewers, groups: Sequence[str], units: Sequence[str]
) -> None:
    """No page that groups may open holds a row that they do not see; who sees whole units finds all of it."""
    sight, seen = policy.sight(groups), expected(ledger, policy, groups)
    opened: Seen = set()
    for one in scopes(units, policy):
        if one.is_seen_by(sight):
            rows = keys(seen_charges(ledger, one.sight))
            assert rows <= seen, one
            opened |= rows
            if one.kind == ALL:
                assert sight.everything
    assert opened == seen, "every row that is seen stands on a page"


def check_statements(
    ledger: pa.Table, policy: Viewers, groups: Sequence[str], units: Sequence[str]
) -> None:
    """The statements that groups may open hold rows that they see, and all rows of whole units."""
    sight, seen = policy.sight(groups), expected(ledger, policy, groups)
    mine = [one for one in policy.grants if one.group in groups]
    whole = {
        one for one in units if any(grant.all or one in grant.business_units for grant in mine)
    }
    opened = {one for one in units if sight.sees_unit(one)}
    assert opened == whole
    rows = [row for row in ledger.to_pylist() if row["business_unit_id"] in opened]
    assert {(row["entry_id"], row["line"]) for row in rows} <= seen


#: A unit that lost a cost center still sees what it paid for it, and the one that got it does not.
MOVING = Viewers((Grant("g-1", VIEWER, ("claims",)), Grant("g-2", VIEWER, cost_centers=("CC-2",))))


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ledgers(), registers(), POLICIES, MEMBERSHIPS)
def test_all_surfaces_of_random_ledgers_show_the_same_rows(ledger, more, policy, groups):
    seen = expected(ledger, policy, groups)
    assert by_rows(ledger, policy, groups) == seen
    assert by_export(ledger, policy, groups) == seen
    rules = viewer_rules(policy, owners_in(ledger, more))
    assert by_quicksight(rules_table(rules), charges(ledger), groups) == seen
    assert by_lake(ledger, policy, groups) == seen
    check_pages(ledger, policy, groups, UNITS)
    check_statements(ledger, policy, groups, UNITS)


@settings(max_examples=60, deadline=None)
@given(ledgers(), registers(), POLICIES)
def test_no_rule_has_an_empty_cell_and_no_edition_of_them_is_empty(ledger, more, policy):
    rules = viewer_rules(policy, owners_in(ledger, more))
    for cell in (cell for one in rules for cell in one.cells):
        assert cell and all(cell.split(","))
    edition = RULES.edition(7, rule_rows(rules))
    assert edition.num_rows == len(rules) + 1
    assert edition["edition"].to_pylist() == [7] * edition.num_rows
    renamed = edition.drop_columns("edition").rename_columns(
        [GROUP, "business_unit_id", "cost_center_id"]
    )
    assert quicksight.rows_seen(ledger.to_pylist(), renamed, ["(nobody)"]) == []


@settings(max_examples=30, deadline=None)
@given(ledgers(), st.sets(st.sampled_from(MONTHS_OF_LEDGERS), min_size=1))
def test_the_dataset_of_quicksight_has_released_months_only(ledger, released):
    charged = [row for row in ledger.to_pylist() if row["cost_center_id"] is not None]
    assert keys(charges(ledger, *released)) == {
        (row["entry_id"], row["line"]) for row in charged if row["billing_period"] in released
    }


# Real books: two months closed by the program itself, with statements.


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """May and June, closed; CC-2 moves in between. Not to be changed."""
    made, ended = month_after(
        tmp_path_factory, "seen-by-groups", "monthly-close", f"{MAY}..{JUNE}", cost_centers_csv=MOVED
    )  # fmt: skip
    assert ended.exit_code == 0, ended.refused
    return made


def whole_ledger(books: Books) -> pa.Table:
    """The postings of all closed periods."""
    return pa.concat_tables([checked_postings(books, one) for one in books.closed_periods()])


SMALL = st.builds(
    lambda group, units, centers, everything: Grant(
        group, VIEWER, () if everything else units, () if everything else centers, everything
    ),
    st.sampled_from(["g-1", "g-2"]),
    st.lists(st.sampled_from(["shop", "core"]), unique=True).map(tuple),
    st.lists(st.sampled_from(["CC-1", "CC-2", "CC-9"]), min_size=1, unique=True).map(tuple),
    st.sampled_from([False, False, False, True]),
)
SHOP = Viewers((Grant("g-1", VIEWER, ("shop",)),))


@pytest.mark.slow
def test_all_surfaces_of_real_books_show_the_same_rows(month, tmp_path):
    books = month.books
    ledger, owners = whole_ledger(books), owners_of(month.params, books)
    dataset, periods = charges(ledger), books.closed_periods()
    months = read_months(books, month.params, Latest(), no_report)
    library = Library(books, month.params)
    moved = {(row["billing_period"], row["business_unit_id"]) for row in ledger.to_pylist()
             if row["cost_center_id"] == "CC-2"}  # fmt: skip
    assert moved == {(MAY, "shop"), (JUNE, "core")}
    whole_rows = keys(dataset)

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        st.lists(SMALL, max_size=3).map(tuple).map(Viewers),
        st.sets(st.sampled_from(["g-1", "g-2"])),
    )
    @example(SHOP, {"g-1"})
    def holds(policy: Viewers, groups: set[str]) -> None:
        sight, seen = policy.sight(groups), expected(ledger, policy, groups)
        assert seen <= whole_rows
        assert keys(export_table(books, sight, periods)) == seen
        assert by_quicksight(rules_table(viewer_rules(policy, owners)), dataset, groups) == seen
        assert by_lake(ledger, policy, groups) == seen
        assert extracted(books, policy, groups, tmp_path) == amounts(ledger, seen)
        served = library.rows(sight)
        assert (keys(served) if served is not None else set()) == seen
        check_pages(ledger, policy, groups, ["shop", "core"])
        for scope in scopes(["shop", "core"], policy):
            if scope.is_seen_by(sight):
                assert on_page(months, scope) == summed(ledger, seen & whose(ledger, scope)), scope
        statements = {
            key for unit in ("shop", "core") if sight.sees_unit(unit)
            for key in statement_rows(books, unit)
        }  # fmt: skip
        assert statements == opened_rows(library, sight, periods)
        assert statements <= seen
        assert statements == {
            key for key in seen if unit_of(ledger)[key] in
            {one for one in ("shop", "core") if sight.sees_unit(one)}
        }  # fmt: skip

    holds()


def no_report(periods: Sequence[str]) -> Path:
    """Pages are made of the books alone."""
    raise unreachable("there is no report")


def on_page(months: Months, scope: Scope) -> Sums:
    """What the rows that a page is made of charge whom in which month."""
    found: Sums = {}
    for one in page_rows(Own.of(months, scope)):
        key = one.billing_period, one.business_unit_id, one.cost_center_id
        found[key] = found.get(key, Decimal(0)) + one.amount
    return found


def whose(ledger: pa.Table, scope: Scope) -> Seen:
    """The charged rows that a page is about."""
    name = {UNIT: "business_unit_id", COST_CENTER: "cost_center_id"}.get(scope.kind)
    return {
        (row["entry_id"], row["line"]) for row in ledger.to_pylist()
        if row["cost_center_id"] and (name is None or row[name] == scope.id)
    }  # fmt: skip


def summed(ledger: pa.Table, rows: Seen) -> Sums:
    """Rows summed by month, unit and cost center."""
    found: Sums = {}
    for row in ledger.to_pylist():
        if (row["entry_id"], row["line"]) in rows:
            key = row["billing_period"], row["business_unit_id"], row["cost_center_id"]
            found[key] = found.get(key, Decimal(0)) + row["amount"]
    return found


def opened_rows(library: Library, sight: Sight, periods: Sequence[str]) -> Seen:
    """The rows of all statements that the portal gives somebody, whichever they ask for."""
    found: Seen = set()
    for period in periods:
        for unit in ("shop", "core"):
            opened = library.statement(sight, period, unit, "csv")
            found |= rows_of(opened.content.decode()) if opened else set()
    return found


def unit_of(ledger: pa.Table) -> dict[tuple[str, int], str]:
    """The unit of each row."""
    return {(row["entry_id"], row["line"]): row["business_unit_id"] for row in ledger.to_pylist()}


def amounts(ledger: pa.Table, seen: Seen) -> list[tuple[str, ...]]:
    """Rows by what an extract has of them, which has no entry ids."""
    return sorted(
        (row["billing_period"], row["business_unit_id"], row["cost_center_id"], f"{row['exact_amount']}",
         f"{row['amount']}")
        for row in ledger.to_pylist() if (row["entry_id"], row["line"]) in seen
    )  # fmt: skip


def extracted(
    books: Books, policy: Viewers, groups: Sequence[str], folder: Path
) -> list[tuple[str, ...]]:
    """What the extract of a lab holds: its files are read whole."""
    place = folder / "extract"
    write_extract(books, policy.sight(groups), sorted(groups), books.closed_periods(), place)
    assert sorted(one.name for one in place.rglob("*")) == ["charges.parquet", "extract.json"]
    about = json.loads((place / "extract.json").read_text())
    assert about == {"currency": "USD", "groups": sorted(groups), "periods": [MAY, JUNE]}
    return sorted(
        (row["period"], row["business_unit_id"], row["cost_center_id"], f"{row['exact_amount']}",
         f"{row['amount']}")
        for row in pq.read_table(place / "charges.parquet").to_pylist()
    )  # fmt: skip


def statement_rows(books: Books, unit: str) -> Seen:
    """The rows of a unit's statement.csv, in every closed period."""
    found: Seen = set()
    for period in books.closed_periods():
        found |= rows_of((books.statements(period) / unit / "statement.csv").read_text("utf-8"))
    return found


def rows_of(statement: str) -> Seen:
    """The rows of a statement.csv."""
    return {(row["entry_id"], int(row["line"])) for row in csv.DictReader(statement.splitlines())}
