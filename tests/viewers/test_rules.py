"""The rules table of QuickSight: what stands in it, what is refused, and the limits of its cells."""

from __future__ import annotations

import csv

import pyarrow.parquet as pq
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from chargeback.books.lake_filters import (
    LakeTable,
    file_name,
    filter_expression,
    lake_filters,
    read_lake_table,
)
from chargeback.books.viewer_rules import (
    MOST_CHARACTERS,
    MOST_RULES,
    Owners,
    Rule,
    rules_table,
    table_bytes,
    viewer_rules,
    write_rules,
)
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params.viewers import VIEWER, Grant, Sight, Viewers
from tests.params_folder import write_params
from tests.viewers import quicksight

#: CC-2 was of shop once, and is of core now.
OWNERS = Owners(frozenset({("shop", "CC-1"), ("shop", "CC-2"), ("core", "CC-2"), ("core", "CC-9")}))


def rules_of(*grants: Grant, owners: Owners = OWNERS) -> list[tuple[str, str, str]]:
    """The rows of the table."""
    return [one.cells for one in viewer_rules(Viewers(grants), owners)]


def test_a_unit_lists_all_cost_centers_that_it_ever_had():
    assert rules_of(Grant("g", VIEWER, ("shop",))) == [("g", "shop", "CC-1,CC-2")]


def test_a_cost_center_lists_all_units_that_it_was_ever_in():
    assert rules_of(Grant("g", VIEWER, cost_centers=("CC-2",))) == [("g", "core,shop", "CC-2")]


def test_all_lists_everything():
    assert rules_of(Grant("g", VIEWER, all=True)) == [("g", "core,shop", "CC-1,CC-2,CC-9")]


def test_each_unit_and_cost_center_has_a_rule_and_each_rule_stands_once():
    grant = Grant("g", VIEWER, ("shop", "core"), ("CC-1",))
    assert rules_of(grant, Grant("a", VIEWER, ("core",)), grant) == [
        ("a", "core", "CC-2,CC-9"), ("g", "shop", "CC-1,CC-2"), ("g", "core", "CC-2,CC-9"),
        ("g", "shop", "CC-1"),
    ]  # fmt: skip


def test_what_has_no_rows_has_no_rule_rather_than_an_empty_cell():
    assert rules_of(Grant("g", VIEWER, ("new-unit",), ("CC-77",))) == []
    assert rules_of(Grant("g", VIEWER, all=True), owners=Owners(frozenset())) == []
    assert rules_of() == []


@pytest.mark.parametrize("one", ["CC,1", "CC 1", "", " ", 'CC"1', "CC'1", "CC\n1", "CC\x001"])
@pytest.mark.parametrize("at", [0, 1])
def test_an_id_that_would_say_something_else_is_refused_by_name(one, at):
    pair = ("unit", one) if at else (one, "CC-1")
    with pytest.raises(Refusal) as found:
        viewer_rules(Viewers(), Owners(frozenset({pair})))
    assert found.value.exit_code == BAD_USAGE
    assert found.value.what == "an id cannot stand in a rule of QuickSight"
    assert found.value.found == repr(one)


@pytest.mark.parametrize("group", ["a,b", 'a"b'])
def test_a_group_that_would_say_something_else_is_refused_by_name(group):
    with pytest.raises(Refusal) as found:
        rules_of(Grant(group, VIEWER, ("shop",), where="viewers.toml line 3, viewer 1"))
    assert found.value.what == "a group cannot stand in a rule of QuickSight"
    assert found.value.where == ["viewers.toml line 3, viewer 1"]


def many(number: int) -> Owners:
    """A unit with so many cost centers."""
    return Owners(frozenset(("shop", f"cost-center-{one:05}") for one in range(number)))


def test_a_list_that_quicksight_would_cut_is_split_among_rules():
    # 17 letters and a comma each: 113 ids fill 2,033 characters, one more would be 2,051.
    found = viewer_rules(Viewers((Grant("g", VIEWER, ("shop",)),)), many(250))
    assert [len(one.cost_centers) for one in found] == [113, 113, 24]
    assert all(len(cell) <= MOST_CHARACTERS for one in found for cell in one.cells)
    dataset = [{"business_unit_id": "shop", "cost_center_id": one} for _, one in many(250).pairs]
    assert len(quicksight.rows_seen(dataset, rules_table(found), ["g"])) == 250


def test_one_cell_would_have_lost_rows():
    whole = Rule("g", ("shop",), tuple(sorted(one for _, one in many(250).pairs)))
    dataset = [{"business_unit_id": "shop", "cost_center_id": one} for _, one in many(250).pairs]
    assert len(quicksight.rows_seen(dataset, rules_table([whole]), ["g"])) < 250


def test_a_group_above_the_limit_is_refused_by_name():
    owners = many(MOST_RULES + 1)
    centers = tuple(sorted(one for _, one in owners.pairs))
    assert len(rules_of(Grant("g", VIEWER, (), centers[:MOST_RULES]), owners=owners)) == MOST_RULES
    with pytest.raises(Refusal) as found:
        rules_of(
            Grant("f", VIEWER, ("shop",)), Grant("g", VIEWER, (), centers[:500]),
            Grant("g", VIEWER, (), centers[500:]), owners=owners,
        )  # fmt: skip
    assert (found.value.exit_code, found.value.found) == (BAD_USAGE, "1,000 of g")


def test_the_files_hold_the_same_rules_and_nothing_for_a_spreadsheet_to_run(tmp_path):
    rules = viewer_rules(
        Viewers((Grant("=g", VIEWER, ("shop",)), Grant("g", VIEWER, all=True))), OWNERS
    )
    write_rules(tmp_path, rules)
    table = pq.read_table(tmp_path / "viewer_rules.parquet")
    assert table.column_names == ["GroupName", "business_unit_id", "cost_center_id"]
    assert [tuple(row.values()) for row in table.to_pylist()] == [one.cells for one in rules]
    with (tmp_path / "viewer_rules.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    assert head == table.column_names
    assert rows == [["'=g", "shop", "CC-1,CC-2"], ["g", "core,shop", "CC-1,CC-2,CC-9"]]
    assert table_bytes(rules_table(rules)) == table_bytes(rules_table(rules))


TABLE = LakeTable("012345678901", "cost", "chargeback_ledger")


def test_a_filter_is_what_lake_formation_takes():
    shape = (
        get_session()
        .get_service_model("lakeformation")
        .operation_model("CreateDataCellsFilter")
        .input_shape
    )
    policy = Viewers(
        (Grant("finops-claims", VIEWER, ("shop",), ("CC-9",)), Grant("all of it", VIEWER, all=True))
    )
    found = lake_filters(TABLE, policy)
    for one in found.values():
        report = ParamValidator().validate(one, shape)
        assert not report.has_errors(), report.generate_report()
    assert found["finops-claims"]["TableData"] == {
        "TableCatalogId": "012345678901", "DatabaseName": "cost", "TableName": "chargeback_ledger",
        "Name": "chargeback-finops-claims",
        "RowFilter": {"FilterExpression": "business_unit_id in ('shop') or cost_center_id in ('CC-9')"},
        "ColumnWildcard": {},
    }  # fmt: skip
    [name] = set(found) - {"finops-claims"}
    assert found[name]["TableData"]["RowFilter"] == {"AllRowsWildcard": {}}
    without = lake_filters(TABLE, policy, ("weight",))
    for one in without.values():
        assert not ParamValidator().validate(one, shape).has_errors()
    assert without["finops-claims"]["TableData"]["ColumnWildcard"] == {
        "ExcludedColumnNames": ["weight"]
    }
    assert without[name] == found[name], "who sees all rows sees all columns"


def test_groups_that_look_alike_have_files_of_their_own():
    alike = [
        "Finops",
        "finops",
        "fin/ops",
        "fin ops",
        "fin.ops",
        "../finops",
        "ФО",
        "财务",
        "a" * 200,
    ]
    names = {file_name(one) for one in alike}
    assert len(names) == len(alike)
    assert all(
        one and len(one) < 60 and set(one) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        for one in names
    )


def test_an_expression_quotes_what_stands_in_it():
    assert filter_expression(Sight((Grant("g", VIEWER, ("a' or '1'='1",)),))) == (
        "business_unit_id in ('a'' or ''1''=''1')"
    )
    assert filter_expression(Sight()) == "1 = 0"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("lake_formation = 1\n", "lake_formation must be a table"),
        ('[lake_formation]\ndatabase = "cost"\n', "the key 'catalog_id' is missing"),
        ('[lake_formation]\ncatalog_id = "12345678901"\ndatabase = "cost"\n',
         "a data catalog is named by its account"),
        ('[lake_formation]\ncatalog_id = "012345678901"\ndatabase = "Cost"\n',
         "this is no name of a database or table in the data catalog"),
        ('[lake_formation]\ncatalog_id = "012345678901"\ndatabase = "cost"\naccount = "1"\n',
         "unknown key 'account'"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused(text, what, tmp_path):
    with pytest.raises(Refusal) as found:
        read_lake_table(write_params(tmp_path, sources_toml=text))
    assert (found.value.exit_code, found.value.what) == (BAD_USAGE, what)


def test_a_table_is_read(tmp_path):
    text = '[lake_formation]\ncatalog_id = "012345678901"\ndatabase = "cost"\n'
    assert read_lake_table(write_params(tmp_path, sources_toml=text)) == TABLE
    assert read_lake_table(write_params(tmp_path / "none")) is None
