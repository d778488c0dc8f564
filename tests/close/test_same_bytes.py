"""The same costs give the same postings: another folder, other threads, another order of files and rows."""

from __future__ import annotations

import shutil

import pytest

from chargeback.core.errors import DONE
from tests.close.months import MAY, MAY_FILES, manifest, sha256, write_month
from tests.reports import data_files, manifest_path, write_manifest, write_report

pytestmark = pytest.mark.slow


def test_place_threads_and_order_do_not_matter(
    closed, run, tmp_path, monkeypatch, without_notebooks
):
    other = write_month(tmp_path / "a folder with spaces and 'quotes'")
    shutil.rmtree(other.report)
    write_report(other.report, *([*reversed(items)] for items in reversed(MAY_FILES)))
    names = [path.name for path in data_files(other.report)]
    uris = [f"s3://elsewhere/data/BILLING_PERIOD={MAY}/{name}" for name in reversed(names)]
    write_manifest(other.report, uris)
    assert manifest_path(other.report).read_bytes() != manifest_path(closed[0].report).read_bytes()
    monkeypatch.setenv("CHARGEBACK_THREADS", "3")
    ended = run("monthly-close", MAY, *other.options)
    assert ended.exit_code == DONE, ended.refused
    ours, theirs = closed[0].books, other.books
    name = "postings.parquet"
    assert sha256(theirs.ledger(MAY) / name) == sha256(ours.ledger(MAY) / name)
    assert manifest(theirs)["params_digest"] == manifest(ours)["params_digest"]
    assert manifest(theirs)["sources_digest"] != manifest(ours)["sources_digest"]
