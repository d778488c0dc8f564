"""What ran can be read: a bound statement is Athena's SQL again, and answers what the file answered."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest
from sqlglot import exp

from chargeback.attribution.owners import attribute
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.engine import (
    Engine,
    bound_sql,
    header_of,
    parse_statement,
    put_parameters,
    read_sql,
    sql_files,
    translate,
)
from chargeback.params import read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.rollup.roll_up import numbered, open_line_items
from chargeback.sources import ownership_ranks
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.ownership_ranks import JoinedRules, ownership_rank
from chargeback.sources.report import (
    CARRIED,
    is_ahead,
    line_item_parameters,
    open_report,
    tag_letters,
    tag_value,
    view_line_items,
)
from tests.params_folder import pool, write_params
from tests.reports import PERIOD, line_item, write_report

#: Names and values of tags that would end a literal, a comment or a statement, were they pasted into text.
HOSTILE = (
    "it's; drop view line_items; --",
    "''",
    "two\nlines  \n-- Answers: nothing",
    "carriage\r\nreturn\tand tab ",
    "/* open */ comment */",
    'double " and ` quotes',
    "back\\slash \\' \\",
    "Größe 漢字 🏥 \u2028 \u200b",
    "__SQLGLOT__LB__",
    ":tag_value_1 ? % $1 {{ braces }}",
)

#: A value for each placeholder of any file.
ANY = {
    "period": PERIOD, "tag_value_1": tag_value("it's"), "tag_value_2": tag_value("tags:two\nlines"),
    "tag_value_3": exp.null(), "is_ahead": is_ahead(date(2026, 5, 9)), "cost_basis": "amortized",
    "open_invoice_id": "open", "commitments_cost_center_id": "CC-9", "pool_id": "one",
    "ownership_rank": ownership_rank(()), "ownership_key": exp.null(),
    **JoinedRules((OwnershipRule("a", "b", {"account_id": ("1",)}, {"it's": ("x",)}, *"....."),)).parameters(),
    "mandatory_tags": tag_letters(["it's", "two\nlines"]),
    "value_1": exp.column("operation"), "value_2": exp.null(), "wanted": exp.true(),
    "alike": exp.column("account_id").isin("1"), "most": 50,
}  # fmt: skip


def hostile_params(folder, hostile):
    """Params whose tags, ownership rules and tag values are named as somebody would who means harm."""
    quoted = json.dumps(hostile, ensure_ascii=False)
    policy = (
        'currency = "USD"\ncost_basis = "amortized"\n'
        f'cost_center_tags = ["user_cost_center", {quoted}]\n'
        f'mandatory_tags = [{quoted}, "user_cost_center"]\n'
        'commitments_cost_center_id = "CC-9"\nrounding_cost_center_id = "CC-9"\n'
        'invoice_rounding_limit = "1.00"\n'
    )
    rule = (
        '[[rule]]\nrule_id = "{}"\ncost_center_id = "CC-2"\nmatch = {{ {} }}\nvalid_from = "2026-01"\n'
        'approved = "council"\nreason = "it is theirs"\n'
    )
    rules = rule.format("tagged", f"tag = {{ {quoted} = [{quoted}] }}") + rule.format(
        "named", f'resource_like = [{quoted}, "i-9%"], operation = ["RunInstances", {quoted}]'
    )
    pools = pool("shared", '{ usage_type_like = ["Shared%"] }') + pool()
    return read_params(
        write_params(folder, policy_toml=policy, ownership_toml=rules, allocation_toml=pools),
        PERIOD,
    )


def hostile_report(folder, hostile):
    """A report that has them, and line items that look alike without being meant."""
    return write_report(
        folder,
        [
            line_item(1.0000000001, "CC-1"),
            line_item(2, "", resource_tags={hostile: "CC-1"}),
            line_item(4, "", resource_tags={hostile: hostile}, line_item_resource_id="i-2"),
            line_item(8, hostile, line_item_resource_id=hostile),
            line_item(16, "", line_item_resource_id="i-9", line_item_operation=hostile),
            line_item(32, "", line_item_usage_type="SharedUsage", resource_tags={hostile: ""}),
            line_item(64, "", resource_tags={hostile + " ": "CC-1", hostile.upper() + "!": "CC-1"}),
            line_item(-0.1, "", bill_invoice_id="", resource_tags={hostile: "NULL"}),
        ],
    )


def answer(engine: Engine, bound: str) -> pa.Table:
    """What a bound text answers; it has no parameter left."""
    return engine.run(translate(bound, {}), "a bound text")


def read_again(engine: Engine, name: str, bound: str) -> None:
    """A view of a bound text."""
    engine.connection.execute(f"create or replace temp view {name} as {translate(bound, {})}")


def rows(table: pa.Table) -> tuple[pa.Schema, list[str]]:
    """Columns with their types, and rows in an order."""
    return table.schema, sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("most_compared", [100, 0])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_bound_texts_answer_the_rows_of_their_files(hostile, most_compared, tmp_path, monkeypatch):
    """With the ownership rules as an expression, and joined."""
    monkeypatch.setattr(ownership_ranks, "MOST_COMPARED", most_compared)
    params = hostile_params(tmp_path / "params", hostile)
    report = hostile_report(tmp_path / "cur", hostile)
    record = freeze_sources(report, PERIOD)
    engine = Engine(threads=1)
    open_line_items(engine, report, record, params)
    lines = engine.query("sources", "line_items", line_item_parameters(params))
    rollup = engine.query("rollup", "rollup_costs")
    owned, split = attribute(engine, numbered(rollup), params)
    ran = engine.ran

    assert ("sources/ownership_ranks" in ran) == (not most_compared)
    for name in [one for one in ran if one == "sources/ownership_ranks"]:
        found = answer(engine, ran[name])
        assert rows(found) == rows(engine.registered["ownership_ranks"]) and found.num_rows
    read_again(engine, "line_items", ran["sources/line_items"])
    assert rows(answer(engine, ran["sources/line_items"])) == rows(lines)
    assert rows(answer(engine, ran["rollup/rollup_costs"])) == rows(rollup)
    for name in ("deciding_tags", "matching_pools"):
        read_again(engine, name, ran[f"attribution/{name}"])
    again = answer(engine, ran["attribution/owned_costs"])
    assert not split.num_rows
    assert again.drop_columns("is_split_view").equals(owned)

    by_cost = {int(row["unblended_cost"]): row["rule"] for row in again.to_pylist()}
    assert by_cost == {
        1: "tag:user_cost_center", 2: f"tag:{hostile}", 4: "ownership:tagged", 8: "ownership:named",
        16: "ownership:named", 32: "pool:shared", 64: "pool:untagged", 0: "pool:untagged",
    }  # fmt: skip


@pytest.mark.parametrize("path", sql_files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_can_be_written_bound(path):
    stage, name = path.parent.name, path.stem
    text = bound_sql(stage, name, ANY)
    template = read_sql(stage, name)
    wanted = parse_statement(template)
    put_parameters(wanted, ANY)
    assert parse_statement(text) == wanted
    assert not list(parse_statement(text).find_all(exp.Placeholder))
    header = header_of(text)
    assert header[: len(header_of(template))] == header_of(template)
    assert header[len(header_of(template))].startswith(f"-- Bound from: sql/{stage}/{name}.sql;")
    assert bound_sql(stage, name, ANY) == text
    assert len(text.splitlines()) > len(header) + 5, "in lines, for people"


def test_a_files_own_comments_are_kept_and_its_header_stands_once():
    text = bound_sql("attribution", "owned_costs", ANY)
    assert "A default that is retired owns nothing." in text
    assert text.count("commitment_cost is unblended less charged") == 1


def test_a_mark_of_sqlglots_own_does_not_become_a_line_break():
    text = bound_sql("allocation", "owner_costs", {**ANY, "open_invoice_id": "a__SQLGLOT__LB__b"})
    assert "'a__SQLGLOT__LB__b'" in text


def test_what_is_carried_is_written(tmp_path):
    params = hostile_params(tmp_path / "params", "it's")
    report = hostile_report(tmp_path / "cur", "it's")
    engine = Engine(threads=1)
    open_report(engine, report, freeze_sources(report, PERIOD), placed=True)
    view_line_items(engine, params, carried=CARRIED)
    [(name, text)] = engine.ran.items()
    assert name == "sources/line_items"
    assert "-- Answers besides: source_file, source_row" in text
    assert text == bound_sql("sources", "line_items", line_item_parameters(params), CARRIED)
    columns = engine.run("select * from line_items limit 0", "the view").column_names
    assert columns[-len(CARRIED) :] == list(CARRIED)
    assert len(set(columns)) == len(columns)
    assert answer(engine, text).column_names == columns


def test_an_engine_names_each_statement_once_for_each_of_its_parameters():
    engine = Engine(threads=1)
    assert engine.ran == {}
    text = pa.string()
    engine.register("split_costs", pa.table({
        "account_id": pa.array(["1"], text), "cost_center_id": pa.array(["CC-1"], text),
        "split_cost": pa.array([3]),
    }))  # fmt: skip
    engine.register("owned_costs", pa.table({
        "account_id": pa.array(["1"], text), "pool_id": pa.array(["one"], text),
    }))  # fmt: skip
    found = [
        engine.query("keys", "split_cost", {"pool_id": one, "period": PERIOD}).num_rows
        for one in ("one", "two", "one", "it's")
    ]
    assert found == [1, 0, 1, 0]
    assert list(engine.ran) == ["keys/split_cost", "keys/split_cost-2", "keys/split_cost-3"]
    assert [answer(engine, one).num_rows for one in engine.ran.values()] == [1, 0, 0]
    assert "'it''s'" in engine.ran["keys/split_cost-3"]
    assert engine.ran["keys/split_cost-2"] == bound_sql("keys", "split_cost", {"pool_id": "two"})


def test_a_parameter_that_is_not_given_is_refused():
    with pytest.raises(Refusal) as raised:
        bound_sql("keys", "split_cost")
    assert raised.value.exit_code == BAD_USAGE


def test_what_is_kept_of_a_parse_is_not_changed_by_its_use():
    sql = "select :tag as a, :wanted as b"
    assert translate(sql, {"tag": "one"} | {"wanted": "two"}) == "SELECT 'one' AS a, 'two' AS b"
    assert translate(sql, {"tag": "two", "wanted": exp.true()}) == "SELECT 'two' AS a, TRUE AS b"
    assert (
        translate(sql, {"tag": None, "wanted": "x"}) == "SELECT CAST(NULL AS TEXT) AS a, 'x' AS b"
    )
    assert translate(sql, {"wanted": "two", "tag": "one"}) == "SELECT 'one' AS a, 'two' AS b"
    assert translate(sql, {"tag": "One", "wanted": "two"}) == "SELECT 'One' AS a, 'two' AS b"
    assert ":tag" in parse_statement(sql).sql(dialect="athena")
    changed = parse_statement(sql)
    changed.expressions[0].replace(exp.column("other"))
    assert parse_statement(sql) != changed
