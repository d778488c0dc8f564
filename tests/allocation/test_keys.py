"""A key in SQL answers exact weights of known recipients, once each, or is refused by its file's name."""

from __future__ import annotations

import shutil

import pytest

from chargeback.close.stages import derive
from chargeback.core import paths
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import sql_folder
from tests.params_folder import pool, write_params
from tests.reports import line_item, write_report

ITEMS = [line_item(60.0, "CC-1"), line_item(30.0, "CC-2"), line_item(10.0)]
HEAD = "-- Answers: a test's question\nwith x as (select cost_center_id from cost_centers)\n"


@pytest.fixture
def derive_with(tmp_path, monkeypatch, make_closing):
    """Derives a month whose pool `untagged` is split by a key with this SQL; returns its postings."""
    folder = tmp_path / "sql"
    shutil.copytree(sql_folder(), folder)
    monkeypatch.setattr(paths, "_sql", folder)

    def run(sql: str, more: str = "") -> list[dict]:
        (folder / "keys" / "tried.sql").write_text(sql)
        rules = pool("untagged", key="sql:tried", more=more)
        report = write_report(tmp_path / "report", ITEMS)
        params = write_params(tmp_path / "params", allocation_toml=rules)
        closing = make_closing(report, params)
        derive(closing)
        return closing.table("postings").to_pylist()

    return run


def parts(postings: list[dict]) -> dict[str, str]:
    """What each recipient is charged from the pool."""
    return {
        row["cost_center_id"]: str(row["amount"])
        for row in postings
        if row["kind"] == "allocated" and row["cost_center_id"]
    }


def test_a_key_reads_the_charges_so_far(derive_with):
    sql = """
    select substr(ledger_account, 13) as cost_center_id, sum(exact_amount) as weight
    from charges_so_far where source = 'direct' group by ledger_account
    """
    assert parts(derive_with(sql)) == {"CC-1": "6.67", "CC-2": "3.33"}


def test_a_key_reads_the_recipients_and_its_own_pool(derive_with):
    sql = """
    select recipient_id as cost_center_id, cast(1 as decimal(38, 10)) as weight
    from recipients where :pool_id = 'untagged' and :period = '2026-05'
    """
    assert parts(derive_with(sql, 'except = ["CC-9"]\n')) == {"CC-1": "5.00", "CC-2": "5.00"}


def test_who_takes_no_part_is_left_out(derive_with):
    sql = HEAD + "select cost_center_id, 1 as weight from x"
    assert parts(derive_with(sql, 'recipients = ["shop"]\n')) == {"CC-1": "5.00", "CC-2": "5.00"}


REFUSED = {
    "twice": ("select cost_center_id, 1 as weight from x union all select 'CC-1', 2",
              "answers a recipient twice", "'CC-1'"),
    "negative": ("select cost_center_id, -1 as weight from x",
                 "answers a weight that is negative or null", ": -1"),
    "null": ("select cost_center_id, cast(null as decimal(38, 10)) as weight from x",
             "answers a weight that is negative or null", ": None"),
    "unknown": ("select 'CC-7' as cost_center_id, 1 as weight from x limit 1",
                "names an unknown recipient", "'CC-7'"),
    "double": ("select cost_center_id, cast(1 as double) as weight from x",
               "answers inexact weights", "double"),
    "too fine": ("select cost_center_id, cast('0.00000000001' as decimal(38, 11)) as weight from x",
                 "answers inexact weights", "more than 10 decimals"),
    "columns": ("select cost_center_id, 1 as heads from x", "answers other columns", "heads"),
    "another table": ("select cost_center_id, 1 as weight from report",
                      "reads a table that keys do not have", "report"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_key_that_answers_something_else_is_refused(fault, derive_with):
    sql, words, found = REFUSED[fault]
    with pytest.raises(Refusal) as refusal:
        derive_with((HEAD if "from x" in sql else "") + sql)
    block = refusal.value.block()
    assert refusal.value.exit_code == BAD_USAGE
    assert f"the allocation key {words}" in block and found in block
    assert "sql/keys/tried.sql" in block and "allocation.toml" in block


#: Keys that reach for the machine, by the words they are refused with.
HOSTILE = {
    "select content as cost_center_id, 1 as weight from read_text('/etc/hostname')":
        "uses a function that SQL files do not have",
    "select cost_center_id, 1 as weight from '/etc/hostname'": "reads a table that keys do not have",
    "select cost_center_id, 1 as weight from cost_centers; copy (select 1 as a) to '{0}'":
        "a SQL file must hold one statement",
    "copy (select cost_center_id, 1 as weight from cost_centers) to '{0}'": "does more than select",
    "select cost_center_id, 1 as weight from cost_centers where current_setting('threads') <> ''":
        "uses a function that SQL files do not have",
    "select cost_center_id, 1 as weight from cost_centers, duckdb_settings":
        "reads a table that keys do not have",
}  # fmt: skip


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_key_that_reaches_for_the_machine_is_refused_before_it_runs(sql, derive_with, tmp_path):
    target = tmp_path / "written.csv"
    with pytest.raises(Refusal) as refusal:
        derive_with(sql.format(target))
    block = refusal.value.block()
    assert refusal.value.exit_code == BAD_USAGE
    assert HOSTILE[sql] in block and "sql/keys/tried.sql" in block
    assert not target.exists()
