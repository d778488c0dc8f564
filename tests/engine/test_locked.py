"""SQL reaches neither the machine nor another engine's tables, even past the check of what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import ROOT
from chargeback.engine import Engine, check_select
from chargeback.engine.databases import small_tables
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.report import open_report
from tests.reports import PERIOD, line_item, write_report

TABLE = pa.table({"a": [1]})


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with files of somebody else's, in which the process runs and may write."""
    pq.write_table(TABLE, tmp_path / "private.parquet")
    (tmp_path / "private.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["small tables", "a report"])
def engine(request, place) -> Engine:
    """An engine of each kind; of the second, a report's files can be read."""
    found = Engine(threads=1)
    found.register("own", TABLE)
    if request.param == "a report":
        report = write_report(place / "report", [line_item(1.0, "CC-1")])
        open_report(found, report, freeze_sources(report, PERIOD))
        assert found.run("select count(*) as n from report", "").to_pylist() == [{"n": 1}]
    assert found.run("select sum(a) as a from own", "").to_pylist() == [{"a": 1}]
    return found


#: What no statement can do in a locked database; {0} is the folder.
IMPOSSIBLE = [
    "select * from '{0}/private.parquet'",
    "from 'private.csv'",
    "select * from read_csv('{0}/private.csv')",
    "select * from read_parquet(['{0}/private.parquet'])",
    "select * from parquet_metadata('{0}/private.parquet')",
    "select * from read_text('/etc/hostname')",
    "select * from read_blob('/etc/hostname')",
    "select * from read_json('/etc/hostname')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('{0}/*')",
    "copy (select 1) to '{0}/written.csv'",
    "copy own to 'written.parquet'",
    "export database '{0}/exported'",
    "import database '{0}/exported'",
    "attach '{0}/attached.db'",
    "install httpfs",
    "load httpfs",
    "load '{0}/own.duckdb_extension'",
    "select * from read_parquet('https://127.0.0.1:1/a.parquet')",
    "select * from 's3://bucket/a.parquet'",
    "create persistent secret s (type s3)",
    "set enable_external_access = true",
    "set allowed_paths = ['/etc/hostname']",
    "set allowed_directories = ['/etc']",
    "set threads = 3",
    "reset lock_configuration",
    "pragma memory_limit = '3GB'",
    "set timezone = 'Asia/Tokyo'",
    "select getenv('HOME')",
    "select * from table_of_this_test",
]  # fmt: skip


@pytest.mark.parametrize("attack", IMPOSSIBLE)
def test_a_locked_database_refuses(attack, engine, place):
    table_of_this_test = pa.table({"a": [1]})
    before = {one: one.stat().st_size for one in place.rglob("*")}
    with pytest.raises(duckdb.Error):
        engine.connection.execute(attack.format(place))
    assert {one: one.stat().st_size for one in place.rglob("*")} == before
    assert table_of_this_test.num_rows == 1  # a variable that DuckDB could have found


def test_the_files_of_a_report_are_readable_and_those_beside_them_are_not(place):
    report = write_report(place / "it's [a] report", [line_item(1.0, "CC-1")])
    other = write_report(place / "other", [line_item(1.0, "CC-1")])
    engine = Engine(threads=1)
    record = freeze_sources(report, PERIOD)
    open_report(engine, report, record)
    assert engine.run("select count(*) as n from report", "").to_pylist() == [{"n": 1}]
    [beside] = other.rglob("*.parquet")
    with pytest.raises(duckdb.Error, match="disabled"):
        engine.connection.execute(f"select * from read_parquet('{beside}')")
    kept = Engine(threads=1)
    [own] = report.rglob("*.parquet")
    with pytest.raises(duckdb.Error, match="disabled"):
        kept.connection.execute("select * from read_parquet(?)", [str(own)])


def test_an_engine_does_not_see_what_another_one_was_given():
    one, two = Engine(threads=1), Engine(threads=1)
    one.register("secret", TABLE)
    one.connection.execute("create temp table kept as select 1 as a")
    for name in ("secret", "kept", "temp.secret"):
        with pytest.raises(duckdb.Error):
            two.connection.execute(f"select * from {name}")


def test_what_does_not_fit_into_memory_goes_to_a_private_folder_for_as_long_as_the_engine_is_open(
    place,
):
    report = write_report(place / "report", [line_item(1.0, "CC-1")])
    engine = Engine(threads=1)
    open_report(engine, report, freeze_sources(report, PERIOD))
    [[setting]] = engine.connection.execute("select current_setting('temp_directory')").fetchall()
    spill = Path(setting)
    assert spill.is_dir() and spill.stat().st_mode & 0o777 == 0o700
    assert not spill.is_relative_to(place)  # in which it runs
    engine.close()
    assert not spill.exists()


def test_what_was_registered_before_moves_to_the_report(place):
    report = write_report(place / "report", [line_item(1.0, "CC-1")])
    engine = Engine(threads=1)
    engine.register("own", TABLE)
    engine.create_own_view("seen", "select * from own")
    open_report(engine, report, freeze_sources(report, PERIOD))
    assert engine.readable == {"own", "report"}
    assert engine.run("select a from own", "").to_pylist() == [{"a": 1}]


def test_all_small_tables_share_one_database():
    assert small_tables(1) is small_tables(1)


def test_days_are_utc_s_wherever_it_runs(engine):
    assert engine.connection.execute("select current_setting('timezone')").fetchall() == [("UTC",)]


#: What a SQL file may not say, by what is said of it.
REFUSED = {
    "does more than select": [
        "copy (select 1 as a) to 'x.csv'", "insert into own values (1)", "drop table own",
        "create table x as select 1 as a", "pragma database_list", "set threads = 3", "call f()", "load x",
        "select 1 as a into x", "with a as (delete from own) select 1 as a", "describe own", "values (1)",
        "explain select 1", "unload (select 1) to 's3://x' with (format = 'parquet')", "execute x", "select @x",
        "select * from own for update", "use x", "commit", "select * from (describe own)",
        "select * from own match_recognize (pattern (x) define x as a > 1)",
    ],
    "uses a function that SQL files do not have": [
        "select * from read_text('/etc/hostname')", "select * from read_csv('x')", "select getenv('HOME') as a",
        "select current_setting('threads') as a", "select * from duckdb_settings()", "select version() as a",
        "select * from query('select 1')", "select * from own, unnest(read_text('x')) as t (b)",
        "select (select content from read_blob('x')) as a", "select * from own, lateral read_text('x')",
        "select current_user as a", "select a from own where a in (select a from query_table('own'))",
        "select * from arrow_scan(1, 2, 3)", "select current_date as a", "select rand() as a",
        "select * from pragma_version()", "select nextval('x') as a",
        "select a.read_text('x') as b from own as a",
        "select getvariable('a') as a", "select write_log('x') as a",
        "select json_extract(a, '$') as b from own",
        # DuckDB takes these for functions, even in quotes
        'select "current_date" as a', 'select "LocalTime" as a', "select session_user as a", "select user as a",
    ],
    "reads what is no table of its own": [
        "select * from 'x.parquet'", 'select * from "/etc/hostname"', "select * from duckdb_settings",
        "select * from information_schema.tables", "select * from sqlite_master", "select * from temp.own",
        "select * from own union all select * from other", "select * from own where a in (select a from other)",
        "with other as (select 1 as a) select * from (select * from other) as x, another",
        # a name in one part of a statement does not make it a table in another
        "select * from (with other as (select 1 as a) select * from other) as x, other as y",
        "with one as (select * from other), other as (select 1 as a) select * from one",
        # nor does it in a recursive one, but for what that found before
        "with recursive one as (select * from pg_settings), pg_settings as (select 1 as a) select * from one",
        "with recursive pg_settings as (select * from pg_settings) select * from pg_settings",
        "with recursive pg_settings as (select name from pg_settings union all select 'x') "
        "select * from pg_settings",
        "with recursive pg_settings as (select 'x' as name except select name from pg_settings) "
        "select * from pg_settings",
        "with \"x.csv\" as (select 1 as a) select * from \"x.csv\"",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sql"), [(w, one) for w, many in REFUSED.items() for one in many]
)
def test_a_statement_that_is_not_a_select_from_its_tables_is_refused(words, sql):
    with pytest.raises(Refusal) as refusal:
        check_select(sql, {"own"}, ["sql/keys/tried.sql"])
    assert refusal.value.exit_code == BAD_USAGE
    block = refusal.value.block()
    assert f"a SQL file {words}" in block and "sql/keys/tried.sql" in block


def documented() -> list[str]:
    """The functions that docs/method/allocation.md says a key may use."""
    page = (ROOT / "docs" / "method" / "allocation.md").read_text(encoding="utf-8")
    listed = page.partition("<!-- functions -->")[2].partition("<!-- end of functions -->")[0]
    return re.findall(r"`(\w+)`", listed)


#: How those are written that are no plain calls.
WRITTEN = {
    "case": "case when a > 1 then 1 end", "cast": "cast(a as bigint)", "try_cast": "try_cast(a as bigint)",
    "exists": "exists (select a from own)", "extract": "extract(year from a)", "if": "if(a > 1, 1, 2)",
    "unnest": "(select x from unnest(a) as t (x))", "date_add": "date_add('day', 1, a)",
    "date_diff": "date_diff('day', a, b)", "date_trunc": "date_trunc('day', a)",
}  # fmt: skip


@pytest.mark.parametrize("name", documented())
def test_a_function_that_is_documented_may_be_used(name):
    calls = [f"{name}({', '.join('abc'[:number])})" for number in (1, 2, 3, 0)]
    refused = []
    for call in [WRITTEN[name]] if name in WRITTEN else calls:
        try:
            check_select(f"select {call} as x from own", {"own"}, [])
        except Refusal as refusal:  # with another number of arguments it may not even be parsed
            refused.append(refusal.block())
        else:
            return
    raise AssertionError(refused)


@pytest.mark.parametrize(
    "sql", ["select 1 as a; select 2 as a", "", "select 1 as a; copy own to 'x'"]
)
def test_a_file_is_one_statement(sql):
    with pytest.raises(Refusal, match="one statement"):
        check_select(sql, {"own"}, [])


@pytest.mark.parametrize("sql", [
    "select a from own", "with own as (select a from own) select * from own order by a",
    "with one as (select 1 as a), two as (select * from one) select * from two union all select * from own",
    "select a from own where a in (with two as (select 1 as a) select a from two)",
    "with recursive n as (select a from own union all select a + 1 as a from n where a < 3) select * from n",
    "select t.b from own cross join unnest(array[1, 2]) as t (b)", "select greatest(a, 1) as a from own",
    "select row_number() over (partition by a order by a) as n, round(sum(a), 2) as s from own group by a",
])  # fmt: skip
def test_a_select_from_its_tables_is_let_through(sql):
    check_select(sql, {"own"}, [])


PROGRESS = """
import pathlib, sys
import duckdb
from chargeback.engine import Engine
from chargeback.engine.databases import small_tables, with_files
asked = "select current_setting('enable_progress_bar')"
assert duckdb.connect().execute(asked).fetchone() == (True,), "DuckDB takes this for no notebook"
here = pathlib.Path(sys.argv[1])
for one in (Engine(threads=1).connection, small_tables(1), with_files(1, [], here)):
    print(one.execute(asked).fetchone())
"""


def test_no_engine_shows_progress_where_somebody_might_see_it(tmp_path):
    """A process without a main file is a notebook's to DuckDB, as one of a kernel is."""
    command = [sys.executable, "-c", PROGRESS, str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert said.splitlines() == ["(False,)"] * 3
