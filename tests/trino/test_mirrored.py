"""Every file of sql/ once: what DuckDB is sent while tests run, answered by Trino over the same small tables.

The statements are those that the fast tests of some folders send, with the tables that they read: controls with
and without what breaks them, closes, drafts, traces, daily pages, dashboards. A file that none of them reaches
is listed here with its reason, and a new one that nothing reaches fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.core.paths import ROOT
from tests.made_once import made_once
from tests.trino.judged import differences, mirrored
from tests.trino.recorder import ANSWER, STATEMENT, VARIABLE

pytestmark = pytest.mark.trino

#: Whose fast tests are recorded.
RECORDED = (
    "controls", "cases", "explore", "trace", "daily", "dashboards", "verify", "statements", "ledger", "sources",
    "allocation", "close", "drill", "audit", "what_if", "servicenow", "setup",
)  # fmt: skip
PATIENCE_SECONDS = 1500

FILES = sorted(
    path.relative_to(ROOT / "sql").with_suffix("").as_posix()
    for path in (ROOT / "sql").rglob("*.sql")
)

#: Files that no recorded test reaches, and why; where one does, it is judged like the others.
NOT_MIRRORED = {
    "sources/focus_report": "DuckDB alone reads FOCUS; test_focus.py judges it with maps taken out",
    "sources/control_totals": "reads the hidden column $path; test_scans.py judges it as it is sent",
    "rollup/rollup_days": "only slow tests of drafts send it; test_scans.py judges it as it is sent",
    **dict.fromkeys(
        (
            "controls/dashboards_show_only_their_own_rows", "controls/dashboards_tie_to_ledger",
            "controls/dashboards_tie_to_their_unit_costs", "controls/statements_explain_their_unit_costs",
            "controls/statements_tie_to_their_unit_costs",
            "controls/statements_explain_every_change", "controls/statements_isolate_no_unit",
            "controls/statements_show_only_their_own_unit", "controls/statements_tie_to_ledger",
            "controls/statements_tie_to_their_budgets", "controls/statements_tie_to_their_index",
            "controls/the_summary_ties_to_the_ledger", "dashboards/largest_resources",
            "dashboards/resource_costs",
            "explore/traced_in_order", "explore/traced_largest", "explore/traced_resources",
            "sources/report_outline", "sources/report_tags",
        ),
        "only slow tests send it, of rendered statements, pages and audits, which are not recorded",
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the engine was sent, by file of sql/; CHARGEBACK_TRINO_RECORDS names a folder that has it."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])

    def make(folder: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "tests.trino.recorder", "-n", "2", "-m", "not slow",
             "--hypothesis-profile=dev", *(f"tests/{one}" for one in RECORDED)],
            cwd=ROOT, env={**os.environ, VARIABLE: str(folder)}, check=False, timeout=PATIENCE_SECONDS,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    return made_once(tmp_path_factory, "recordings", make)


@pytest.mark.parametrize("file", FILES)
def test_a_file_answers_the_same_in_trino(trino, recordings, file):
    found = sorted((recordings / file).glob("*"))
    if not found and file in NOT_MIRRORED:
        pytest.skip(NOT_MIRRORED[file])
    assert found, (
        f"no recorded test reaches sql/{file}.sql: add a test, or its reason to NOT_MIRRORED"
    )
    said = {}
    for one in found:
        sql = (one / STATEMENT).read_text(encoding="utf-8")
        tables = {
            path.parent.name: pq.read_table(path) for path in sorted(one.glob("*/rows.parquet"))
        }
        differ = differences(sql, pq.read_table(one / ANSWER), mirrored(trino, sql, tables))
        if differ:
            said[one.name] = differ
    assert not said, "\n".join([one for differ in said.values() for one in differ])
