"""The SQL that a stage ran is kept with its values, read as SQL again, and nothing of an earlier run stays."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from chargeback.books.work_folder import BOUND_SQL
from chargeback.close.notebooks import executed_notebook
from chargeback.close.resume import is_done, keep_fingerprint, stage_fingerprint
from chargeback.close.stages import derive
from chargeback.review.audit.checks import compare_sql
from chargeback.review.audit.findings import Notes
from chargeback.rollup import stage as rollup
from chargeback.sources.athena.catalog import ATHENA
from tests.close.months import FILES, MAY, MAY_FILES
from tests.params_folder import pool


def test_every_statement_of_a_stage_is_kept_without_placeholders(
    make_report, make_params, make_closing
):
    month = make_closing(make_report(*MAY_FILES), make_params(**FILES), MAY)
    derive(month)
    kept = {stage: month.sql_files(stage) for stage in ("rollup", "attribution", "allocation")}
    names = {stage: [one.rpartition("/")[2] for one in files] for stage, files in kept.items()}
    assert names["rollup"] == ["rollup_costs.sql", "sources-line_items.sql"]
    assert "owned_costs.sql" in names["attribution"]
    assert names["allocation"][0] == "owner_costs.sql"
    for files in kept.values():
        for name in files:
            [statement] = sqlglot.parse(month.path(name).read_text(), read="athena")
            assert not list(statement.find_all(exp.Placeholder)), name
    [line_items] = month.bound_sql("rollup", "sources-line_items")
    assert f"'{MAY}'" in line_items and "user_cost_center" in line_items


def test_a_key_that_is_not_used_any_more_leaves_nothing(make_report, make_params, make_closing):
    report = make_report(*MAY_FILES)
    rules = {"allocation_toml": pool(key="sql:support_base", more='fallback = "even"')}
    month = make_closing(report, make_params(**FILES, **rules), MAY)
    derive(month)
    assert f"{BOUND_SQL}/allocation/keys-support_base.sql" in month.sql_files("allocation")
    again = make_closing(report, make_params(**FILES, allocation_toml=pool(key="even")), MAY)
    derive(again)
    assert again.folder == month.folder
    assert [one for one in again.sql_files("allocation") if "keys-" in one] == []


def test_a_stage_whose_sql_is_gone_is_done_again(make_report, make_params, make_closing):
    month = make_closing(make_report(*MAY_FILES), make_params(**FILES), MAY)
    key = stage_fingerprint(month, rollup.STAGE)
    derive(month)
    executed = executed_notebook(month, rollup.STAGE)  # which a derivation in process leaves out
    executed.parent.mkdir(parents=True)
    executed.write_text("{}")
    keep_fingerprint(month, rollup.STAGE, key)
    assert is_done(month, rollup.STAGE, key)
    month.path(month.sql_files("rollup")[0]).unlink()
    assert not is_done(month, rollup.STAGE, key)


def test_an_audit_compares_statements_and_not_how_they_are_laid_out(tmp_path):
    kept, derived = tmp_path / "kept" / "rollup", tmp_path / "derived" / "rollup"
    for folder, texts in (
        (
            kept,
            {"same": "select 1 as one", "other": "select 2 as two", "sent": f"{ATHENA.ran}; …"},
        ),
        (derived, {"same": "SELECT\n    1 AS one -- laid out", "other": "select 3 as two"}),
    ):
        folder.mkdir(parents=True)
        for name, text in texts.items():
            (folder / f"{name}.sql").write_text(text)
    notes = Notes()
    compare_sql(kept.parent, derived.parent, notes)
    assert notes.differences == []
    assert notes.remarks == [
        "evidence/bound-sql/rollup/other.sql: run otherwise here",
        "evidence/bound-sql/rollup/sent.sql: as Athena ran it",
    ]
