"""A close that reads with Athena gives what a close of the same files in a folder gives, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.ledger.foresee import foresee
from chargeback.sources import ownership_ranks
from tests.close.months import sha256
from tests.reports import line_item, write_report


def test_every_table_is_the_same(account, closing, month):
    athena, folder = closing("athena"), replace(closing("folder"), report=month.report)
    derive(athena)
    derive(folder)
    for name in ("rollup", "owned_costs", "owner_costs", "charges", "postings"):
        assert sha256(athena.path(f"{name}.parquet")) == sha256(folder.path(f"{name}.parquet")), (
            name
        )
    ours, theirs = athena.source_record(), folder.source_record()
    assert (ours.line_items, ours.unblended_cost) == (theirs.line_items, theirs.unblended_cost)
    assert ours.absent_columns == theirs.absent_columns
    assert [(one.path, one.size, one.line_items) for one in ours.files] == [
        (one.path, one.size, one.line_items) for one in theirs.files
    ]


OWNERSHIP = """\
[[rule]]
rule_id = "none"
cost_center_id = "CC-2"
match = { resource_like = ["of nobody%"], account_id = ["999999999999"] }
valid_from = "2026-01"
approved = "council"
reason = "describes nothing"

[[rule]]
rule_id = "all"
cost_center_id = "CC-2"
match = { line_item_type = ["Usage", "Tax"], account_id = ["012345678901"] }
valid_from = "2026-01"
approved = "council"
reason = "describes much"
"""


def test_rules_that_are_joined_own_the_same(account, closing, month, monkeypatch):
    """By Athena and by DuckDB, and as one expression before."""
    (month.params / "ownership.toml").write_text(OWNERSHIP, encoding="utf-8")
    whole, athena, folder = closing("whole"), closing("athena"), closing("folder")
    derive(whole)
    assert 2 in whole.table("rollup")["ownership_rank"].to_pylist()
    monkeypatch.setattr(ownership_ranks, "MOST_COMPARED", 0)
    derive(athena)
    derive(replace(folder, report=month.report))
    told = {
        tuple(sha256(one.path(f"{name}.parquet")) for name in ("rollup", "owned_costs", "postings"))
        for one in (whole, athena, folder)
    }
    assert len(told) == 1


def test_a_draft_has_the_same_days_and_the_same_outlook(month, request, tmp_path):
    """September to its 10th beside all of August; a Savings Plan's fees are written for two days more."""
    plan = {"savings_plan_total_commitment_to_date": 10.0, "savings_plan_used_commitment": 0.0}
    items = {
        period: [
            line_item(cost, "CC-1", bill_invoice_id="", **plan, line_item_line_item_type=kind,
                      line_item_usage_start_date=datetime(*map(int, period.split("-")), day))
            for kind, last in (("Usage", days), ("SavingsPlanRecurringFee", days + ahead))
            for day in range(1, last + 1)
        ]
        for period, days, ahead, cost in (("2026-08", 31, 0, 8.0), ("2026-09", 10, 2, 10.0))
    }  # fmt: skip
    for period, rows in items.items():
        write_report(month.report, rows, period=period)
    made = []
    for name, report in (
        ("folder", month.report),
        ("athena", request.getfixturevalue("account").settings),
    ):
        folder = tmp_path / f"draft-{name}"
        folder.mkdir()
        work = WorkFolder(
            "2026-09", report, month.params, Books(tmp_path / "books"), folder, provisional=True
        )
        derive(work)
        made.append((work, foresee(work, read_postings(work.path("postings.parquet")))))
    (ours, foreseen), (theirs, outlook) = made
    for name in ("rollup", "postings"):
        assert sha256(ours.path(f"{name}.parquet")) == sha256(theirs.path(f"{name}.parquet")), name
    assert foreseen == outlook and outlook is not None
    assert (outlook.days.through, outlook.days.before_days) == ("2026-09-10", 10)
    assert outlook.total.to_date == Decimal("200.00")
