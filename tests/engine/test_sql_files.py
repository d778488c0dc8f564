"""Every SQL file is one Athena statement in one form; the report is never scanned whole."""

from __future__ import annotations

import re

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import sql_folder
from chargeback.engine import sql_files, translate
from tests.engine import sql_rules
from tests.engine.sql_rules import RULES, broken

FILES = {
    path.relative_to(sql_folder()).as_posix(): path.read_text(encoding="utf-8")
    for path in sql_files()
}
PERIOD = {"period": "2026-05"}

VIEW = "a view: what reads it decides the order"
SORTED = "chargeback.rollup.roll_up.numbered sorts the rows by their keys and numbers them"

#: What a file may do all the same, and why.
ALLOWED = {
    ("rounds_nothing", "sources/control_totals.sql"): (
        "counts in integers, as Arrow does, so that the totals are taken without DECIMAL"
    ),
    **{
        (
            "joins_what_is_there",
            f"{one}.sql",
        ): "DuckDB alone runs it, over what was closed or a folder"
        for one in (
            "dashboards/largest_resources",
            "explore/explored_line_items",
            "explore/traced_costs",
            "explore/traced_line_items",
        )
    },
    ("is_ordered", "sources/line_items.sql"): VIEW,
    ("is_ordered", "sources/focus_report.sql"): VIEW,
    (
        "is_ordered",
        "sources/ownership_ranks.sql",
    ): "line items are joined with it",
    ("is_short", "sources/line_items.sql"): (
        "one pass over the line items, and one place that says which fees are of a commitment"
    ),
    ("is_ordered", "attribution/deciding_tags.sql"): VIEW,
    ("is_ordered", "attribution/matching_pools.sql"): VIEW,
    ("is_ordered", "rollup/rollup_costs.sql"): SORTED,
    ("is_ordered", "rollup/rollup_days.sql"): "sums of it are taken, which no order changes",
    ("is_ordered", "rollup/rollup_of_days.sql"): SORTED,
    ("is_ordered", "daily/daily_rollup.sql"): SORTED,
    ("is_ordered", "daily/finding_resources.sql"): SORTED,
    ("is_ordered", "explore/traced_line_items.sql"): "a table that other files read in their order",
    ("is_ordered", "controls/sources_agree_with_control_totals.sql"): "answers one row at most",
}


def test_there_are_files():
    assert len(FILES) > 10


@pytest.mark.parametrize("name", FILES)
def test_it_keeps_the_rules(name):
    found = {
        rule.__name__: faults
        for rule in RULES
        if (rule.__name__, name) not in ALLOWED and (faults := list(rule(FILES[name])))
    }
    assert not found


@pytest.mark.parametrize(("rule", "name"), ALLOWED)
def test_what_is_allowed_is_done(rule, name):
    assert list(getattr(sql_rules, rule)(FILES[name])), "no reason is needed any more"


@pytest.mark.parametrize("name", FILES)
def test_what_it_ties_to_is_there(name):
    stems = {one.rpartition("/")[2].removesuffix(".sql") for one in FILES}
    ties = dict(sql_rules.header_parts(FILES[name]))["Ties to"]
    assert set(re.findall(r"[a-z]+(?:_[a-z]+)+", ties)) <= stems


GOOD = """\
-- Answers: what does each account cost, and is it large?
-- One row per: account
-- Reads: line_items, limits (one row)
-- Money: unblended_cost, exact; positive is owed to AWS,
--        as a credit is negative
-- Ties to: nothing

with

line_items as (
    select account_id, is_split_view, unblended_cost
    from line_items
),

limits as (
    select large_cost
    from limits
),

account_costs as (
    select
        line_items.account_id,
        count(*) as line_items,
        cast(sum(line_items.unblended_cost) as decimal(38, 10)) as unblended_cost,
        coalesce(cast(count_if(line_items.unblended_cost > limits.large_cost) as bigint), 0)
            as large_line_items
    from line_items
    cross join limits
    where not line_items.is_split_view
    group by line_items.account_id
)

select *
from account_costs
order by account_id
"""
SUM = "cast(sum(line_items.unblended_cost) as decimal(38, 10))"
WHERE = "where not line_items.is_split_view"
LAST = "select *\nfrom account_costs"


def of_report(value: str) -> str:
    """The good file, from what it reads on, as one that answers a value of the report."""
    return (
        "-- Reads: report\n-- Money: none\n-- Ties to: nothing\n\nwith\n\nreport as (\n"
        f"    select {value} as number\n    from report\n    where billing_period = :period\n)\n\n"
        "select *\nfrom report\norder by number\n"
    )


#: Faults planted in the good file: the rule that finds each (and those that it cannot but break besides),
#: and what stands there instead of what.
PLANTED = {
    "two statements": ("is_one_query", LAST, "select 1;\n" + LAST),
    "no query": ("is_one_query", GOOD, "create table a as select 1 as b\n"),
    "a label is missing": ("has_its_header", "-- Ties to: nothing\n", ""),
    "labels in another order": ("has_its_header", "-- Answers: what", "-- Ties to: a\n-- Answers: what"),
    "a label without words": ("has_its_header", "Ties to: nothing", "Ties to:"),
    "a comment before the labels": ("has_its_header", "-- Answers", "-- Draft.\n-- Answers"),
    "no header": ("has_its_header names_what_it_reads", GOOD[: GOOD.index("with")], ""),
    "the header runs into the query": ("has_its_header", "nothing\n\n", "nothing\n"),
    "a table is not named": ("names_what_it_reads", "line_items, limits (one row)", "line_items"),
    "a table is not read": ("names_what_it_reads", "limits (", "accounts, limits ("),
    "the last select reads a table": (
        "imports_first names_what_it_reads names_its_columns",
        "from account_costs\n", "from account_costs\ncross join policy\n",
    ),
    "a later step reads a table": (
        "imports_first names_what_it_reads", "join limits", "join drivers as limits",
    ),
    "an import reads two tables": (
        "imports_first names_what_it_reads",
        "    from limits\n", "    from limits\n    cross join policy\n",
    ),
    "an import comes late": (
        "imports_first names_what_it_reads names_its_columns", "\n)\n\nselect",
        "\n),\n\ndrivers as (\n    select driver\n    from drivers\n)\n\nselect",
    ),
    "a star in the middle": (
        "names_its_columns", "select account_id, is_split_view, unblended_cost", "select *",
    ),
    "all of a table": ("names_its_columns", "line_items.account_id,\n", "line_items.*,\n"),
    "a star from another step": ("names_its_columns", "from account_costs", "from limits"),
    "a star and more": ("names_its_columns", LAST, "select *, 1 as one\nfrom account_costs, limits"),
    "a division": ("divides_nothing", SUM, SUM + " / 12"),
    "a rest of a division": ("divides_nothing", SUM, SUM + " % 12"),
    "mod": ("divides_nothing", SUM, f"mod({SUM}, 12)"),
    "an average": ("divides_nothing", SUM, "avg(line_items.unblended_cost)"),
    "round": ("rounds_nothing", SUM, f"round({SUM}, 2)"),
    "floor": ("rounds_nothing", SUM, f"floor({SUM})"),
    "ceil": ("rounds_nothing", SUM, f"ceil({SUM})"),
    "ceiling": ("rounds_nothing", SUM, f"ceiling({SUM})"),
    "truncate": ("rounds_nothing", SUM, f"truncate({SUM})"),
    "cents": ("rounds_nothing", "decimal(38, 10)", "decimal(38, 2)"),
    "whole dollars": ("rounds_nothing", "decimal(38, 10)", "bigint"),
    "a double": ("rounds_nothing", "decimal(38, 10)", "double"),
    "a double that is no money": ("rounds_nothing", "count(*)", "cast(count(*) as double)"),
    "a real": ("rounds_nothing", "decimal(38, 10)", "real"),
    "tried to cast": ("rounds_nothing", SUM, SUM.replace("cast(", "try_cast(").replace("10)", "2)")),
    "compared in cents": (
        "rounds_nothing", WHERE, "where cast(line_items.unblended_cost as bigint) > limits.large_cost",
    ),
    "a count that can be null": (
        "counts_nothing_as_zero",
        "coalesce(cast(count_if(line_items.unblended_cost > limits.large_cost) as bigint), 0)",
        "cast(count_if(line_items.unblended_cost > limits.large_cost) as bigint)",
    ),
    "a count that is no bigint": (
        "counts_nothing_as_zero",
        "coalesce(cast(count_if(line_items.unblended_cost > limits.large_cost) as bigint), 0)",
        "coalesce(count_if(line_items.unblended_cost > limits.large_cost), 0)",
    ),
    "a part past the end": (
        "splits_with_a_guard", WHERE, "where split_part(line_items.arn, '/', 2) = 'a'",
    ),
    "a part with a guard of another": (
        "splits_with_a_guard", WHERE, "where coalesce(split_part(line_items.arn, '/', 2), 'none') = 'a'",
    ),
    "the least of what may be null": (
        "picks_what_is_there", "count(*)", "min_by(line_items.region, line_items.line)",
    ),
    "the most with a filter of another": (
        "picks_what_is_there", "count(*)",
        "max_by(line_items.region, line_items.line) filter (where line_items.line is not null)",
    ),
    "an end before a line break": (
        "ends_texts_at_their_end", WHERE, "where regexp_like(line_items.line, '^[0-9]+$')",
    ),
    "a pattern of a column": (
        "ends_texts_at_their_end", WHERE, "where regexp_like(line_items.line, limits.pattern)",
    ),
    "a timestamp of microseconds": (
        "has_milliseconds_at_most", WHERE, "where line_items.at < timestamp '2026-05-01 00:00:00.0001'",
    ),
    "cast to microseconds": (
        "has_milliseconds_at_most", WHERE, "where cast(line_items.at as timestamp(6)) < limits.at",
    ),
    "a double cast without a word": (
        "casts_doubles_by_their_text", GOOD[GOOD.index("-- Reads") :],
        of_report("cast(line_item_usage_amount as decimal(38, 10))"),
    ),
    "a double cast to a text": (
        "casts_doubles_by_their_text rounds_nothing", GOOD[GOOD.index("-- Reads") :],
        of_report("cast(line_item_usage_amount as varchar)"),
    ),
    "a sum of doubles": (
        "casts_doubles_by_their_text", GOOD[GOOD.index("-- Reads") :],
        of_report("sum(line_item_usage_amount)"),
    ),
    "doubles less each other": (
        "casts_doubles_by_their_text", GOOD[GOOD.index("-- Reads") :],
        of_report("cast(cast(line_item_usage_amount * 2e0 as double) as decimal(38, 10))"),
    ),
    "select distinct": ("hides_no_fan_out", "select account_id,", "select distinct account_id,"),
    "count distinct": ("hides_no_fan_out", "count(*)", "count(distinct line_items.unblended_cost)"),
    "union": (
        "hides_no_fan_out imports_first", "    from limits\n",
        "    from limits\n    union\n    select large_cost\n    from limits\n",
    ),
    "except": (
        "hides_no_fan_out imports_first", "    from limits\n",
        "    from limits\n    except\n    select large_cost\n    from limits\n",
    ),
    "today": ("has_no_clock", WHERE, "where line_items.usage_date < current_date"),
    "now": ("has_no_clock", WHERE, "where line_items.usage_date < now()"),
    "the time": ("has_no_clock", WHERE, "where line_items.usage_date < localtimestamp"),
    "the time stamp": ("has_no_clock", WHERE, "where line_items.usage_date < current_timestamp"),
    "chance": ("calls_known_functions", WHERE, "where rand() < 1"),
    "a power": ("calls_known_functions", SUM, f"power({SUM}, 2)"),
    "about the middle": ("calls_known_functions", SUM, "approx_percentile(line_items.unblended_cost, 1)"),
    "a function of nobody's": ("calls_known_functions", SUM, f"cents({SUM})"),
    "an account": ("holds_no_own_values", WHERE, "where line_items.line = '012345678901'"),
    "an account as a number": ("holds_no_own_values", WHERE, "where line_items.line = 123456789012"),
    "an account in an address": (
        "holds_no_own_values", WHERE, "where line_items.arn like 'arn:aws:ec2:eu-west-1:123456789012:%'",
    ),
    "an account that lost a zero": (
        "holds_no_own_values", WHERE, "where line_items.account_id = '12345678901'",
    ),
    "a pool": ("holds_no_own_values", WHERE, "where line_items.pool_id <> 'aws-support'"),
    "cost centers": ("holds_no_own_values", WHERE, "where line_items.cost_center_id in ('CC-1', 'CC-2')"),
    "a tag's value": ("holds_no_own_values", WHERE, "where line_items.cost_center_tag_1 like 'team-%'"),
    "a tag's key": (
        "holds_no_own_values", WHERE, "where element_at(line_items.resource_tags, 'user_team') is null",
    ),
    "grouped by a number": ("groups_by_names", "group by line_items.account_id", "group by 1"),
    "a join of nulls": (
        "joins_what_is_there", "cross join limits",
        "inner join limits on line_items.unblended_cost is not distinct from limits.large_cost",
    ),
    "grouped by all": ("groups_by_names", "group by line_items.account_id", "group by all"),
    "ordered by a number": ("groups_by_names", "order by account_id", "order by 1"),
    "no order": ("is_ordered", "order by account_id\n", ""),
    "a report of every month": (
        "filters_the_period", GOOD[GOOD.index("-- Reads") :],
        "-- Reads: report\n-- Money: none\n-- Ties to: nothing\n\n"
        "with\n\nreport as (\n    select line_item_usage_type\n    from report\n)\n\n"
        "select *\nfrom report\norder by line_item_usage_type\n",
    ),
    "too long": ("is_short", "\nwith\n", "\n-- and on\n" * 60 + "with\n"),
    "upper case": ("is_written_as_the_others", "with\n", "WITH\n"),
    "a tab": ("is_written_as_the_others", "    from limits", "\tfrom limits"),
    "a comma before from": (
        "is_written_as_the_others", "select large_cost\n    from", "select large_cost,\n    from",
    ),
    "a wide line": ("is_written_as_the_others", "with\n", "-- " + "wide " * 30 + "\nwith\n"),
    "no end": ("is_written_as_the_others", "order by account_id\n", "order by account_id"),
}  # fmt: skip


def test_a_good_file_keeps_them():
    assert broken(GOOD) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_by_its_rule(fault):
    rules, good, planted = PLANTED[fault]
    assert GOOD.count(good) == 1
    assert set(broken(GOOD.replace(good, planted))) == set(rules.split())


def test_each_rule_has_a_planted_fault():
    assert {rules.split()[0] for rules, _, _ in PLANTED.values()} == {one.__name__ for one in RULES}


UNFILTERED = {
    "no filter": "select a from report",
    "another filter": "select a from report where b = :period",
    "not equal": "select a from report where billing_period > :period",
    "only one of two": "select a from report where billing_period = :period or b = 1",
    "inside a CTE": "with x as (select a from report) select a from x",
    "import CTE": "with report as (select a from report) select a from report",
    "filter outside": (
        "with report as (select a, billing_period from report) "
        "select a from report where billing_period = :period"
    ),
    "subquery": "select a from (select a from report) where billing_period = :period",
    "second of two": (
        "select a from report where billing_period = :period union all select a from report"
    ),
    "joined": "select a from policy cross join report",
    "joined in a CTE": "with x as (select a from policy cross join report) select a from x",
}


@pytest.mark.parametrize("name", UNFILTERED)
def test_a_scan_of_every_month_is_refused(name):
    with pytest.raises(Refusal) as raised:
        translate(UNFILTERED[name], PERIOD)
    assert raised.value.exit_code == BAD_USAGE
    assert "without filtering on the billing period" in raised.value.block()


@pytest.mark.parametrize(
    "sql",
    [
        "select a from report where billing_period = :period",
        "select a from report where b = 1 and billing_period = :period and c = 2",
        "with report as (select a from report where billing_period = :period) select a from report",
        "select a from policy",
    ],
)
def test_a_filtered_query_is_translated(sql):
    assert ":period" not in translate(sql, PERIOD)


def test_a_parameter_stays_a_value():
    text = translate("select a from policy where a = :tag", {"tag": "x' or '1' = '1"})
    assert "'x'' or ''1'' = ''1'" in text
    assert translate("select :tag", {"tag": None}).lower().count("null") == 1


@pytest.mark.parametrize("sql", ["select 1; select 2", "select from where", "select :unknown"])
def test_what_is_not_one_known_statement_is_refused(sql):
    with pytest.raises(Refusal) as raised:
        translate(sql, PERIOD)
    assert raised.value.exit_code == BAD_USAGE
