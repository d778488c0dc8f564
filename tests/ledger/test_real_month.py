"""A real month: it ties to its invoice, and its bytes depend on its costs alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from chargeback.books.tables import read_postings, statement_total
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from tests.reports import line_item

INVOICE = "156090591"


def derived(place, work, report=None) -> WorkFolder:
    """The workshop month, derived into a folder."""
    work.mkdir()
    closing = WorkFolder(
        place.period, report or place.report, place.params, Books(work / "b"), work
    )
    derive(closing)
    return closing


def postings_bytes(closing: WorkFolder) -> bytes:
    """What the month posts, as written."""
    return closing.path("postings.parquet").read_bytes()


@pytest.fixture(scope="module")
def month(workshop, tmp_path_factory) -> WorkFolder:
    """The workshop month, derived once."""
    return derived(workshop, tmp_path_factory.mktemp("real") / "work")


def exact_where(table: pa.Table, **cells: str) -> Decimal:
    """The exact sum over rows with these cells."""
    for name, value in cells.items():
        table = table.filter(pc.equal(table[name], value))
    return sum(table["exact_amount"].to_pylist(), Decimal(0))


def test_it_ties_to_the_invoice_to_the_cent(month):
    postings = read_postings(month.path("postings.parquet"))
    assert statement_total(postings) == Decimal("4064.48")
    payable = postings.filter(pc.equal(postings["ledger_account"], f"payable:{INVOICE}"))
    assert sum(payable["amount"].to_pylist()) == Decimal("-4064.48")


def test_owners_have_the_costs_that_were_worked_out_by_other_means(month):
    costs = month.table("owner_costs")
    direct = exact_where(costs, kind="direct", cost_center_id="Cost001")
    assert direct == Decimal("262.6189025659")
    untagged = exact_where(costs, kind="pooled", pool_id="untagged")
    assert untagged == Decimal("3547.2942575800")
    commitments = exact_where(costs, kind="commitment")
    assert commitments.quantize(Decimal("0.01")) == Decimal("-131.47")


def test_threads_do_not_matter(month, workshop, tmp_path, monkeypatch):
    for threads in ("1", "2"):
        monkeypatch.setenv("CHARGEBACK_THREADS", threads)
        assert postings_bytes(derived(workshop, tmp_path / threads)) == postings_bytes(month)


def test_neither_place_nor_order_of_files_matters(month, workshop, tmp_path):
    report = tmp_path / "elsewhere"
    shutil.copytree(workshop.report, report)
    [manifest] = report.glob("metadata/*/*.json")
    content = json.loads(manifest.read_bytes())
    assert len(content["dataFiles"]) == 2
    content["dataFiles"].reverse()
    manifest.write_text(json.dumps(content))
    assert postings_bytes(derived(workshop, tmp_path / "work", report)) == postings_bytes(month)


@pytest.mark.parametrize("halves", [(7.25, 2.75), (10.0000000001, -0.0000000001)])
def test_a_line_item_in_two_parts_posts_the_same(halves, tmp_path, make_report, make_params,
                                                 make_closing):  # fmt: skip
    others = [line_item(50.004, "CC-1"), line_item(40.0)]
    whole = make_closing(make_report([*others, line_item(10.0, "CC-2")]), make_params())
    derive(whole)
    shutil.rmtree(whole.report)
    parts = [line_item(one, "CC-2") for one in halves]
    split = make_closing(make_report([parts[0], *others], parts[1:]), whole.params_folder, name="b")
    derive(split)
    assert postings_bytes(split) == postings_bytes(whole)
    changed = replace(split, folder=tmp_path / "c")
    changed.folder.mkdir()
    shutil.rmtree(split.report)
    make_report([*others, line_item(10.01, "CC-2")])
    derive(changed)
    assert postings_bytes(changed) != postings_bytes(whole)
