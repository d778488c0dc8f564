"""What a close publishes: every folder, every digest, and totals that tie."""

from __future__ import annotations

import json
import re

import pyarrow.parquet as pq
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from chargeback.books.manifest import recorded_files
from chargeback.books.tables import read_postings, statement_total
from chargeback.books.work_folder import BOUND_SQL
from chargeback.close.notebooks import STAGE_NOTEBOOKS
from chargeback.close.stages import STAGES
from chargeback.core.paths import sql_folder
from chargeback.delivery.publish import EVIDENCE_TABLES
from tests.close.months import MAY, digests, in_work, manifest, sha256

pytestmark = pytest.mark.slow
FORMATS = ("html", "pdf", "csv")
UNITS = ("core", "shop")


def test_it_says_what_it_does_stage_by_stage_and_how_it_ties_out(closed):
    _, ended = closed
    assert (ended.exit_code, ended.refused) == (0, "")
    said = ended.said.splitlines()
    assert said[0].startswith("Closing May 2026 from ")
    stages = [re.match(r"  (\d)/6 (\w+) +\S", line) for line in said[1:7]]
    assert [one and one.groups() for one in stages] == [
        (str(number), name) for number, name in enumerate(STAGES, start=1)
    ]
    totals = [re.sub(" +", " ", line).strip() for line in said[7:]]
    assert totals[:9] == [
        "",
        "Shop 80.00",
        "Core 20.01",
        "all statements 100.01 USD",
        "direct 85.00 on whoever used it",
        "pools 15.00 split onto all who take part",
        "rounding 0.01 what invoices ask for beside their line items",
        "adjustments 0.00 net: people moved 2.00 between cost centers",
        "invoice 900000001 100.01 tied out to the cent, including 0.01 of rounding",
    ]
    assert f"{MAY} is closed." in totals


def test_the_ledger_folder_holds_postings_and_their_manifest(closed):
    books = closed[0].books
    folder, content = books.ledger(MAY), manifest(books)
    assert sorted(one.name for one in folder.iterdir()) == [
        "manifest.json", "manifest.json.p7s", "postings.parquet",
    ]  # fmt: skip
    assert content["postings"]["sha256"] == sha256(folder / "postings.parquet")
    postings = read_postings(folder / "postings.parquet")
    assert content["postings"]["rows"] == postings.num_rows
    assert content["postings"]["charged"] == str(statement_total(postings)) == "100.01"
    assert content["invoices"] == {"900000001": {"total": "100.01", "rounding": "0.01"}}
    assert content["previous"] is None
    assert {one["broken_by_rows"] for one in content["controls"]} == {0}


def test_every_unit_has_its_statement_and_the_manifest_knows_them_all(closed):
    books = closed[0].books
    found = digests(books.statements(MAY))
    of_units = [f"{unit}/statement.{one}" for unit in UNITS for one in FORMATS]
    assert sorted(found) == sorted([*of_units, "index.html"])
    recorded = recorded_files(manifest(books), "statements")
    assert recorded == {f"statements/{name}": sha256 for name, sha256 in found.items()}
    assert "statements/index.html" in manifest(books)["derived"], "an audit renders it again"


def test_evidence_is_what_it_takes_to_do_it_again(closed):
    month, _ = closed
    evidence, content = month.books.evidence(MAY), manifest(month.books)
    for name in EVIDENCE_TABLES:
        assert content["derived"][f"evidence/{name}"] == sha256(evidence / name)
    assert digests(evidence / "params") == digests(month.params) == content["params"]
    assert digests(evidence / "sql") == digests(sql_folder())
    kept = digests(evidence / BOUND_SQL)
    assert {"rollup/rollup_costs.sql", "attribution/owned_costs.sql"} <= set(kept)
    for name, sha256_kept in kept.items():
        assert content["derived"][f"evidence/{BOUND_SQL}/{name}"] == sha256_kept
    assert json.loads((evidence / "sources.json").read_text()) == content["sources"]
    for one in (content["sources"]["manifest"], *content["sources"]["files"]):
        assert one["sha256"] == sha256(month.report / one["path"])
    assert pq.read_table(evidence / "charges.parquet").num_rows


def test_the_notebooks_of_the_evidence_were_executed(closed):
    folder = closed[0].books.evidence(MAY)
    names = [f"notebooks/{one}" for one in STAGE_NOTEBOOKS.values()]
    names += [f"statements/statement-{unit}.ipynb" for unit in UNITS]
    names.append("statements/index.ipynb")
    found = [one.relative_to(folder).as_posix() for one in folder.rglob("*.ipynb")]
    assert sorted(found) == sorted(names)
    for name in names:
        cells = json.loads((folder / name).read_text())["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in code), name
        assert any(cell["outputs"] for cell in code), name
        assert not [
            out for cell in code for out in cell["outputs"] if out["output_type"] == "error"
        ]


def test_the_close_says_how_it_went(closed):
    text = (closed[0].books.metrics / "close.prom").read_text()
    samples = {
        (one.name, one.labels.get("stage")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert samples["chargeback_close_exit_code", None] == 0
    assert samples["chargeback_close_seconds", None] > 0
    assert samples["chargeback_close_scanned_bytes", None] == 0
    assert samples["chargeback_close_athena_cost", None] == 0
    assert samples["chargeback_close_runs_total", None] >= 1
    assert samples["chargeback_close_failures_total", None] == 0
    assert samples["chargeback_close_days", None] >= 0
    assert 0 < samples["chargeback_close_pool_ratio", None] < 1
    assert len([stage for name, stage in samples if name == "chargeback_close_stage_seconds"]) > 4


def test_nothing_else_is_left(closed):
    books = closed[0].books
    assert in_work(books) == []
    assert sorted(one.name for one in books.root.iterdir()) == [
        "delivery", "evidence", "keys", "ledger", "metrics", "statements", "work",
    ]  # fmt: skip
