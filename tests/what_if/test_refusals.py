"""What cannot be compared is refused by name, and nothing is written then."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from chargeback.books.tables import read_postings, write_table
from chargeback.core.errors import Refusal
from tests.close.months import assert_refused, state
from tests.params_folder import ALWAYS, added, pool
from tests.reports import data_files
from tests.verify.books import sign_files_again
from tests.what_if.estate import ALL, APRIL, BY_SPEND, JUNE, MAY, ask, propose

NO_WEIGHT = pool(key="driver:heads")
DRIVERS = "".join(f"{period},heads,CC-1,0,hr\n" for period in (APRIL, MAY, JUNE))


def options(month, params, periods=ALL):
    """The verb on these places."""
    places = ["--params", str(params), "--books", str(month.books.root), "--cur", str(month.report)]
    return ["what-if", periods, *places]


def test_a_period_that_is_not_closed(three, run):
    before = state(three.books)
    ended = run(*options(three, three.params, "2026-05..2026-07"))
    assert_refused(ended, 2, "2026-07 is not closed", "2026-04, 2026-05, 2026-06")
    assert state(three.books) == before


def test_no_periods_at_all(three, run):
    assert_refused(run(*options(three, three.params, "")), 2, "PERIODS=")


def test_a_proposed_folder_that_is_not_there(three, tmp_path, run):
    ended = run(*options(three, tmp_path / "nowhere"))
    assert_refused(ended, 2, "the params folder does not exist")


def test_a_proposed_folder_with_a_mistake_is_refused_as_in_a_close(three, tmp_path, run):
    rules = pool().replace("even", "evn")
    ended = run(*options(three, propose(tmp_path / "proposed", allocation_toml=rules)))
    assert_refused(ended, 2, "the allocation key is not known", "allocation.toml line 1")


def test_another_currency(three, tmp_path):
    policy = ALWAYS["policy.toml"].replace("USD", "EUR")
    invoices = ALWAYS["invoices.csv"].replace("USD", "EUR")
    proposed = propose(tmp_path / "proposed", policy_toml=policy, invoices_csv=invoices)
    with pytest.raises(Refusal, match="the proposed params are in a different currency"):
        ask(three, proposed)


def test_a_posted_adjustment_of_nobody(three, tmp_path):
    """CC-2 cannot go away in the month in which it was charged by an adjustment."""
    centers = ALWAYS["cost_centers.csv"].replace(
        "CC-2,Stock,shop,2026-01,", "CC-2,Stock,shop,2026-01,2026-04"
    )
    proposed = propose(
        tmp_path / "proposed", cost_centers_csv=centers, adjustments_csv=ALWAYS["adjustments.csv"]
    )
    with pytest.raises(Refusal) as refused:
        ask(three, proposed)
    assert refused.value.what.startswith("a posted adjustment names a cost center")
    assert refused.value.expected == f"CC-2 in force in {MAY}"


@pytest.mark.slow
def test_a_pool_that_cannot_be_split_is_refused_out_of_the_notebook(three, tmp_path, run):
    """The block of a close, with the period and whose rules it was."""
    drivers = added("drivers.csv", *DRIVERS.splitlines())
    proposed = propose(tmp_path / "proposed", allocation_toml=NO_WEIGHT, drivers_csv=drivers)
    before = state(three.books)
    ended = run(*options(three, proposed))
    assert_refused(
        ended,
        4,
        "the pool 'untagged' cannot be split",
        f"{APRIL}, replayed under the proposed rules",
    )
    assert state(three.books) == before


def test_rules_that_a_control_would_stop(month, tmp_path):
    """A close from this delivery could not be amortized, for it lacks the column; nor can a replay."""
    path = month.books.evidence(APRIL) / "rollup.parquet"
    rollup = pq.read_table(path)
    kinds = pa.array(["DiscountedUsage"] * rollup.num_rows)
    at = rollup.column_names.index("line_item_type")
    write_table(rollup.set_column(at, "line_item_type", kinds), path)
    sign_files_again(month.books, APRIL)
    with pytest.raises(Refusal, match="amortized_cost_has_its_columns") as refused:
        ask(month, month.params, APRIL)
    assert refused.value.exit_code == 4


def test_a_ledger_that_its_rules_no_longer_give(month):
    """As when a formula changed since the close: what differs is then not the proposal's."""
    path = month.books.ledger(APRIL) / "postings.parquet"
    postings = read_postings(path)
    swapped = pc.if_else(pc.equal(postings["cost_center_id"], "CC-1"), "shop", "core")
    at = postings.column_names.index("business_unit_id")
    units = pc.if_else(pc.is_valid(postings["cost_center_id"]), swapped, None)
    write_table(postings.set_column(at, "business_unit_id", units), path)
    sign_files_again(month.books, APRIL)
    with pytest.raises(Refusal) as refused:
        ask(month, month.params, APRIL)
    assert refused.value.exit_code == 4
    assert refused.value.what == f"the ledger of {APRIL} cannot be replayed"
    assert "cost-center:CC-2 direct: ledger 30.00, replayed nothing" in refused.value.where


def test_a_report_that_is_not_the_delivery(month, tmp_path):
    policy = ALWAYS["policy.toml"].replace('["user_cost_center"]', '["user_team"]', 1)
    proposed = propose(tmp_path / "proposed", policy_toml=policy)
    other = tmp_path / "report"
    shutil.copytree(month.report, other)
    ask(month, proposed, report=other)
    changed = data_files(other)[1]
    changed.write_bytes(changed.read_bytes() + b"0")
    with pytest.raises(Refusal) as refused:
        ask(month, proposed, report=other)
    assert refused.value.exit_code == 6
    assert refused.value.what == "the report is not the delivery that the period was closed from"
    assert refused.value.where[0].startswith(MAY)
    assert changed.relative_to(other).as_posix() in refused.value.where


@pytest.mark.parametrize("name", ["rollup.parquet", "params/allocation.toml"])
def test_evidence_that_is_not_what_it_was(month, run, name):
    path = month.books.evidence(MAY) / name
    path.write_bytes(path.read_bytes() + b"\n")
    ended = run(*options(month, month.params))
    assert_refused(ended, 4, f"the evidence of {MAY} has changed since the close")
    assert not (month.books.root / "what-if").exists()


def test_evidence_that_is_gone(month, run):
    shutil.rmtree(month.books.evidence(JUNE))
    assert_refused(run(*options(month, month.params)), 4, f"the evidence of {JUNE} has changed")


def test_a_closed_period_that_was_tampered_with(month, run):
    path = month.books.ledger(MAY) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "currency": "EUR"}))
    ended = run(*options(month, propose(month.params, allocation_toml=BY_SPEND)))
    assert_refused(ended, 4, "closed_periods_are_unchanged")
