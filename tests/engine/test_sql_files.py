"""Every SQL file is one Athena statement in one form; the report is never scanned whole."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.places import sql_folder
from chargeback.engine import check_period_filter, sql_files, translate

FILES = sql_files()
HEADER = ("Answers", "One row per", "Reads", "Money", "Ties to")
PERIOD = {"period": "2026-05"}


def named(path) -> str:
    """A file as tests name it."""
    return path.relative_to(sql_folder()).as_posix()


def statements(text: str) -> list[exp.Expression]:
    """The statements of a text."""
    return [one for one in sqlglot.parse(text, read="athena") if one is not None]


def test_there_are_files():
    assert len(FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_is_one_athena_statement(path):
    [statement] = statements(path.read_text(encoding="utf-8"))
    assert isinstance(statement, exp.Query)
    for select in statement.find_all(exp.Select):
        reads = {table.name for table in select.find_all(exp.Table)}
        assert not ("report" in reads and select.is_star), "select * from report"
    check_period_filter(statement)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_its_header_says_what_it_is(path):
    header = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("--"):
            break
        header.append(line.removeprefix("--").strip())
    labels = [line.partition(":")[0] for line in header if line.partition(":")[0] in HEADER]
    assert labels == list(HEADER)
    for label in HEADER:
        [line] = [line for line in header if line.startswith(label + ":")]
        assert line.partition(":")[2].strip(), label


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_is_written_as_the_others(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r",\s*\n\s*from\b", text), "a trailing comma before from"
    assert max(len(line) for line in text.splitlines()) <= 120
    assert "\t" not in text
    assert text.endswith("\n")


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
