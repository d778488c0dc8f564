"""Sums over line items, written anew for DuckDB, answer the rows that the texts of sql/ answer, every one."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.paths import PARAMS
from chargeback.engine import Engine, bind, in_duckdb, parse_statement, read_sql
from chargeback.engine.grouped_first import LINES, grouped_first
from chargeback.params import Params, read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.sources import ownership_ranks
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.readers import FolderReader
from chargeback.sources.report import LINE_ITEMS, line_item_parameters, open_line_items
from tests.examples import examples
from tests.params_folder import write_params
from tests.reports import PERIOD, line_item, write_report
from tests.sources.doubles import EDGES, doubles, exact
from tests.trino.test_scans import LACKING, item

ROLLUPS = (("rollup", "rollup_costs"), ("rollup", "rollup_days"), ("daily", "daily_rollup"))


def require_same(
    report: Path,
    params: Params,
    period: str = PERIOD,
    rollups: Sequence[tuple[str, str]] = ROLLUPS,
) -> None:
    """What the files of rollups answer as they stand, and written anew: the same rows."""
    record = freeze_sources(report, period)
    engine = Engine()
    open_line_items(engine, report, record, params)
    for rollup in rollups:
        plain, anew = engine.query(*rollup), engine.sum_up(*rollup, LINE_ITEMS)
        assert plain.num_rows
        assert anew.schema == plain.schema
        assert rows(anew) == rows(plain), rollup
    engine.close()


def rows(table: pa.Table) -> list[str]:
    """All rows, in an order of their own."""
    return sorted(map(repr, table.to_pylist()))


def written_anew(params: Params) -> exp.Expr:
    """The statement of a close."""
    lines = bind(read_sql("sources", "line_items"), line_item_parameters(params))
    found = grouped_first(bind(read_sql("rollup", "rollup_costs"), {}), LINE_ITEMS, lines)
    assert found is not None
    return found


TEXTS = st.sampled_from(["", "x", "RunInstances", "EKSPod-EC2", "CC-1", "Usage", "Fee", "é"])
PATTERNS = st.sampled_from(["%", "arn:%", "%r-1", "Box%", "_", "%a%"])
TAG_KEYS = st.sampled_from(
    ["user_cost_center", "user_team", "tags:user_cost_center", "cost_category:user_team"]
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["account_id", "product_code", "line_item_type", "operation"]),
    st.lists(TEXTS, min_size=1, max_size=2).map(tuple), max_size=2,
)  # fmt: skip
LIKE = st.dictionaries(
    st.sampled_from(["usage_type_like", "resource_like"]),
    st.lists(PATTERNS, min_size=1, max_size=2).map(tuple), max_size=2,
)  # fmt: skip
RULES = st.lists(
    st.builds(
        lambda match, like, tags: OwnershipRule("r", "CC-1", {**match, **like}, tags, *"...."),
        CONDITIONS, LIKE, st.dictionaries(TAG_KEYS, st.just(("CC-1", "")), max_size=1),
    ),
    max_size=4,
)  # fmt: skip


@given(
    st.integers(0, 10**6),
    RULES,
    st.lists(TAG_KEYS, min_size=1, max_size=3, unique=True),
    st.booleans(),
)
@examples(12)
def test_a_report_of_anything_is_summed_alike(tmp_path_factory, seed, rules, keys, joined):
    """Whatever rules and tags are, and whether rules are joined, compared, or none."""
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("anything")
    files = [[item(chance) for _ in range(chance.randrange(1, 200))] for _ in range(2)]
    report = write_report(folder / "cur", *files, without=LACKING[seed % len(LACKING)])
    params = read_params(write_params(folder / "params"), PERIOD)
    rules = [one for one in rules if one.match or one.tags]
    policy = replace(params.policy, cost_center_tags=tuple(keys))
    params = replace(params, policy=policy, ownership=tuple(rules))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ownership_ranks, "MOST_COMPARED", 0 if joined else 100)
        require_same(report, params)


def test_doubles_of_every_kind_are_summed_exactly(make_report, make_params):
    """Each kind of cost in a group of its own, and all in one, where millions meet what is below a unit."""
    costs, edges = doubles(2_000, 1e14), [one for one in EDGES if one < 1e14]
    report = make_report(
        [line_item(one, "CC-1", line_item_usage_amount=one) for one in costs],
        [line_item(one, "CC-1", bill_invoice_id="", line_item_operation=f"{number}")
         for number, one in enumerate(edges)],
        [line_item(one, f"CC-{number % 97}", line_item_usage_amount=None)
         for number, one in enumerate(costs)],
    )  # fmt: skip
    params = read_params(make_params(), PERIOD)
    require_same(report, params)
    engine = Engine()
    open_line_items(engine, report, freeze_sources(report, PERIOD), params)
    found = engine.sum_up("rollup", "rollup_costs", LINE_ITEMS).to_pylist()
    assert sum(row["usage_amount"] for row in found) == sum(map(exact, costs))
    assert sum(row["unblended_cost"] for row in found) == 2 * sum(map(exact, costs)) + sum(
        map(exact, edges)
    )
    is_open = {
        row["operation"]: row["open_line_items"] for row in found if row["invoice_id"] is None
    }
    assert is_open == {f"{number}": int(exact(one) != 0) for number, one in enumerate(edges)}


def test_the_real_month_is_summed_alike(workshop):
    params = read_params(workshop.params, workshop.period)
    require_same(workshop.report, params, period=workshop.period)


@pytest.mark.parametrize(
    "period", ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]
)
def test_the_months_of_the_sample_are_summed_alike(sample, period):
    params = read_params(PARAMS, period)
    require_same(sample / "cur", params, period, ROLLUPS[:2])


def test_an_amount_that_no_formula_takes_may_be_anything(make_report, make_params):
    """Not a number where line items have another formula is no error, whichever the road."""
    column = "savings_plan_savings_plan_effective_cost"
    report = make_report([
        line_item(1.5, **{column: math.nan}),
        line_item(2.5, line_item_line_item_type="Tax", **{column: math.inf}),
        line_item(3.5, line_item_line_item_type="SavingsPlanCoveredUsage", **{column: 0.25}),
    ])  # fmt: skip
    require_same(report, read_params(make_params(), PERIOD))


def test_an_amount_that_is_taken_must_be_a_number(make_report, make_params):
    report = make_report([line_item(1.0, line_item_usage_amount=math.inf)])
    engine = Engine()
    params = read_params(make_params(), PERIOD)
    open_line_items(engine, report, freeze_sources(report, PERIOD), params)
    for ask in (
        lambda: engine.query("rollup", "rollup_costs"),
        lambda: engine.sum_up("rollup", "rollup_costs", LINE_ITEMS),
    ):
        with pytest.raises(Refusal) as stopped:
            ask()
        assert stopped.value.exit_code == UNREACHABLE


def test_what_ran_is_kept_as_the_files_have_it(make_report, make_params):
    report, params = make_report([line_item(1.0)]), read_params(make_params(), PERIOD)
    record, ran = freeze_sources(report, PERIOD), []
    for ask in ("query", "sum_up"):
        engine = Engine()
        open_line_items(engine, report, record, params)
        more = (LINE_ITEMS,) if ask == "sum_up" else ()
        getattr(engine, ask)("rollup", "rollup_costs", *more)
        ran.append(engine.ran)
    assert ran[0] == ran[1]


def test_a_folder_takes_the_road(make_report, make_params, monkeypatch):
    report, params = make_report([line_item(1.0, "CC-1")]), read_params(make_params(), PERIOD)
    taken: list[str] = []
    real = Engine.sum_up
    monkeypatch.setattr(Engine, "sum_up", lambda self, *a: taken.append(a[1]) or real(self, *a))
    reader = FolderReader(report)
    record = reader.freeze(PERIOD)
    found = reader.query(record, "rollup", "rollup_costs", params)
    assert taken == ["rollup_costs"]
    assert [row["line_items"] for row in found.to_pylist()] == [1]


def test_lines_are_grouped_by_nothing_that_each_has_alone():
    """Memory is that of groups: ids of resources and descriptions decide, and are not kept."""
    steps = written_anew(read_params(PARAMS, "2026-05")).find_all(exp.CTE)
    [looked_at] = [one for one in steps if one.alias == LINES]
    by = {one.this.name for one in looked_at.this.expressions
          if one.alias.startswith("by_") and isinstance(one.this, exp.Column)}  # fmt: skip
    assert "bill_invoice_id" in by
    assert not by & {"line_item_resource_id", "line_item_line_item_description"}


PLAIN_LINES = (
    "with report as (select a, b from report), l as (select a, b from report) select * from l"
)
GROUPED = "with lines as (select a, b from lines), g as ({}) select * from g"
SUM = "select a, sum(b) as b from lines group by a"
JOINED = (
    "select lines.a, sum(o.b) as b from lines join lines as o on o.a = lines.a group by lines.a"
)
FILTERED = PLAIN_LINES.replace("from report)", "from report where a > 1)", 2)
DISTINCT = PLAIN_LINES.replace("l as (select a, b", "l as (select distinct a, b")


@pytest.mark.parametrize("lines, grouping", [
    (PLAIN_LINES, "select a, avg(b) as b from lines group by a"),
    (PLAIN_LINES, "select a, count(b) as b from lines group by a"),
    (PLAIN_LINES, "select a, count(distinct b) as b from lines group by a"),
    (PLAIN_LINES, "select a, sum(b) filter (where b > 1) as b from lines group by a"),
    (PLAIN_LINES, "select a, sum(b) as b from lines group by a having sum(b) > 1"),
    (PLAIN_LINES, "select a, sum(b) as b from lines where b > 1 group by a"),
    (PLAIN_LINES, "select a, sum(b) over (partition by a) as b from lines group by a, b"),
    (PLAIN_LINES, "select a, sum(b) as b from lines group by rollup (a)"),
    (PLAIN_LINES, "select a || 'x' as a, sum(b) as b from lines group by a || 'x'"),
    (PLAIN_LINES, "select distinct a from lines"),
    (PLAIN_LINES, JOINED), (FILTERED, SUM), (DISTINCT, SUM),
    (PLAIN_LINES.replace("* from l", "a, b from l"), SUM), ("select a, b from report", SUM),
])  # fmt: skip
def test_a_statement_of_another_shape_is_left_alone(lines, grouping):
    statement, view = parse_statement(GROUPED.format(grouping)), parse_statement(lines)
    assert grouped_first(statement, "lines", view) is None
    known = parse_statement(GROUPED.format(SUM))
    assert grouped_first(known, "lines", parse_statement(PLAIN_LINES)) is not None


def test_neither_statement_is_changed():
    params = read_params(PARAMS, "2026-05")
    lines = bind(read_sql("sources", "line_items"), line_item_parameters(params))
    rollup = bind(read_sql("rollup", "rollup_costs"), {})
    before = lines.copy(), rollup.copy()
    found = grouped_first(rollup, LINE_ITEMS, lines)
    assert (lines, rollup) == before
    assert found and in_duckdb(found) != in_duckdb(rollup)
