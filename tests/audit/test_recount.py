"""The second path agrees with the first one, and does not follow it: each planted defect is named."""

from __future__ import annotations

import ast
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from chargeback.allocation import pools as allocation
from chargeback.attribution import stage
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.review.audit import recount as module
from chargeback.review.audit.findings import Notes
from chargeback.review.audit.recount import AMOUNTS, TEXTS, Rules, count_rows, effective, recount
from tests.audit.months import PARAMS_OF_ALL, write_all
from tests.cases.test_cases import CASES, case_params, report_item, rows_of
from tests.params_folder import ALWAYS, write_params
from tests.reports import PERIOD, write_report
from tests.sources.legacy import write_legacy

pytestmark = pytest.mark.slow

DERIVED = [path for path in CASES if "refused" not in tomllib.loads(path.read_text("utf-8"))]


def compare(closing: WorkFolder, postings: list[dict[str, Any]] | None = None) -> Notes:
    """What the recount of a derived closing says, of its own postings or of others."""
    record = json.loads(closing.path("sources.json").read_text())
    rules, notes = Rules(closing.params_folder, closing.period), Notes()
    counted = count_rows(Path(str(closing.report)), record, rules)
    rows = closing.table("postings").to_pylist() if postings is None else postings
    recount(counted, rules, rows, record, rules.invoices(), notes)
    return notes


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_each_worked_case_is_recounted_without_a_difference(path, tmp_path, make_closing):
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    period, items = case.get("period", PERIOD), rows_of(case["line_items"])
    report = write_report(tmp_path / "report", [report_item(row) for row in items], period=period)
    closing = make_closing(report, case_params(tmp_path / "params", case, items), period)
    derive(closing)
    assert [one.line for one in compare(closing).differences] == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> WorkFolder:
    """A month with every way to be owned and to be split; derived, not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "work").mkdir()
    report = write_all(folder / "report")
    params = write_params(folder / "params", **PARAMS_OF_ALL)
    made = WorkFolder(PERIOD, report, params, Books(folder / "books"), folder / "work")
    derive(made)
    return made


def test_a_month_with_everything_in_it_is_recounted_without_a_difference(whole):
    notes = compare(whole)
    assert [one.line for one in notes.differences] == []
    rules = {
        row["rule"].partition(":")[0] for row in whole.table("postings").to_pylist() if row["rule"]
    }
    assert rules == {
        "tag", "tag-normalized", "ownership", "pool", "account-default", "commitment", "rounding",
        "adjustment",
    }  # fmt: skip
    keys = {row["allocation_key"] for row in whole.table("postings").to_pylist()} - {None}
    assert keys == {"direct_spend", "even", "fixed", "driver:heads", "sql:split_cost"}
    assert notes.remarks == [
        "pool pods: its weights are those of the postings, because its key is a query (sql:split_cost)"
    ]


@pytest.mark.parametrize("layout", ["csv", "cur2-csv", "parquet", "zip"])
def test_another_layout_is_recounted_too(layout, whole, tmp_path):
    report = write_legacy(Path(str(whole.report)), tmp_path / "legacy", PERIOD, layout)
    (tmp_path / "work").mkdir()
    made = WorkFolder(PERIOD, report, whole.params_folder, whole.books, tmp_path / "work")
    derive(made)
    assert made.table("postings").equals(whole.table("postings"))
    assert [one.line for one in compare(made).differences] == []


def moved(rows: list[dict[str, Any]], cells: dict[str, str], column: str, by: str) -> str:
    """Move an amount from the first line that has these cells to its entry's next; returns the entry."""
    at = next(
        number
        for number, row in enumerate(rows)
        if all(row[name] == one for name, one in cells.items())
    )
    other = next(
        row for row in rows if row["entry_id"] == rows[at]["entry_id"] and row is not rows[at]
    )
    rows[at][column] += Decimal(by)
    other[column] -= Decimal(by)
    return str(rows[at]["entry_id"])


@pytest.mark.parametrize("cells, column, by", [
    ({"kind": "direct", "cost_center_id": "CC-1"}, "amount", "0.02"),
    ({"kind": "direct", "cost_center_id": "CC-1"}, "exact_amount", "0.0000000001"),
    ({"kind": "pooled", "pool_id": "support"}, "exact_amount", "-0.0000000001"),
    ({"kind": "commitment", "cost_center_id": "CC-9"}, "exact_amount", "1"),
    ({"kind": "allocated", "pool_id": "support", "cost_center_id": "CC-1"}, "exact_amount", "0.0000000002"),
    ({"kind": "allocated", "pool_id": "untagged", "cost_center_id": "CC-2"}, "amount", "0.02"),
    ({"kind": "rounding"}, "amount", "0.01"),
    ({"kind": "adjustment", "cost_center_id": "CC-2"}, "amount", "0.01"),
])  # fmt: skip
def test_an_amount_that_is_moved_is_named(cells, column, by, whole):
    rows = whole.table("postings").to_pylist()
    entry_id = moved(rows, cells, column, by)
    found = compare(whole, rows).differences
    words = [entry_id, "invoice", "adjustment:"]
    assert found and any(one.amount is not None for one in found)
    assert any(any(word in one.row for word in words) for one in found), [one.line for one in found]


@pytest.mark.parametrize("cells, column, value, word", [
    ({"kind": "direct", "cost_center_id": "CC-1"}, "business_unit_id", "core", "instead of shop"),
    ({"kind": "direct", "cost_center_id": "CC-1"}, "rule", "account-default", "no posting of"),
    ({"kind": "direct", "cost_center_id": "CC-1"}, "currency", "EUR", "EUR instead of USD"),
    ({"kind": "allocated", "pool_id": "support", "cost_center_id": "CC-1"}, "weight", Decimal(1), ", weight"),
    ({"kind": "allocated", "pool_id": "support"}, "allocation_key", "even", "even"),
])  # fmt: skip
def test_a_changed_cell_is_named(cells, column, value, word, whole):
    rows = whole.table("postings").to_pylist()
    for row in rows:
        if all(row[name] == one for name, one in cells.items()):
            row[column] = value
    assert any(word in one.line for one in compare(whole, rows).differences)


def test_an_entry_that_is_left_out_is_named(whole):
    rows = whole.table("postings").to_pylist()
    kept = [row for row in rows if row["entry_id"] != rows[0]["entry_id"]]
    assert compare(whole, kept).differences


def test_a_defect_of_attribution_is_found(whole, tmp_path, monkeypatch):
    attribute = stage.attribute

    def without_ownership_rules(engine, rollup, params):
        no_rank = pa.nulls(rollup.num_rows, pa.int64())
        at = rollup.column_names.index("ownership_rank")
        return attribute(engine, rollup.set_column(at, "ownership_rank", no_rank), params)

    monkeypatch.setattr(stage, "attribute", without_ownership_rules)
    lines = lines_of_defect(whole, tmp_path)
    assert any("ownership:archive" in one for one in lines), lines


def test_a_defect_of_the_weights_is_found(whole, tmp_path, monkeypatch):
    key_weights = allocation.key_weights

    def one_more(*arguments):
        return {one: weight + 10**8 for one, weight in key_weights(*arguments).items()}

    monkeypatch.setattr(allocation, "key_weights", one_more)
    lines = lines_of_defect(whole, tmp_path)
    assert any("/allocated/" in one and "weight" in one for one in lines), lines


def test_a_defect_of_the_division_is_found(whole, tmp_path, monkeypatch):
    divide = allocation.divide

    def to_the_first(total, weights):
        parts = divide(total, weights)
        first, last = min(parts), max(parts)
        wrong = {first: parts[first] + 1000, last: parts[last] - 1000}
        return {**parts, **wrong} if first != last else parts

    monkeypatch.setattr(allocation, "divide", to_the_first)
    lines = lines_of_defect(whole, tmp_path)
    assert any("/allocated/" in one for one in lines), lines


def lines_of_defect(whole: WorkFolder, folder: Path) -> list[str]:
    """What the recount says of the month when it is derived with a defect that its controls do not see."""
    (folder / "work").mkdir()
    made = WorkFolder(whole.period, whole.report, whole.params_folder, whole.books, folder / "work")
    derive(made)
    return [one.line for one in compare(made).differences]


@pytest.mark.parametrize("cells, expected", [
    ({"line_item_line_item_type": "Usage"}, "7"),
    ({"line_item_line_item_type": "SavingsPlanCoveredUsage",
      "savings_plan_savings_plan_effective_cost": "3"}, "3"),
    ({"line_item_line_item_type": "SavingsPlanRecurringFee",
      "savings_plan_total_commitment_to_date": "5", "savings_plan_used_commitment": "4"}, "1"),
    ({"line_item_line_item_type": "SavingsPlanNegation"}, "0"),
    ({"line_item_line_item_type": "SavingsPlanUpfrontFee"}, "0"),
    ({"line_item_line_item_type": "DiscountedUsage", "reservation_effective_cost": "2"}, "2"),
    ({"line_item_line_item_type": "RIFee", "reservation_unused_recurring_fee": "1",
      "reservation_unused_amortized_upfront_fee_for_billing_period": "2"}, "3"),
    ({"line_item_line_item_type": "Fee", "reservation_reservation_a_r_n": "arn:1"}, "0"),
    ({"line_item_line_item_type": "Fee"}, "7"),
    ({"line_item_line_item_type": "Refund", "line_item_product_code": "ComputeSavingsPlans",
      "line_item_line_item_description": "Refund for one-time fee for Savings Plan ID 1"}, "0"),
    ({"line_item_line_item_type": "Refund", "line_item_product_code": "ComputeSavingsPlans"}, "7"),
])  # fmt: skip
def test_effective_cost_follows_the_formulas_of_aws(cells, expected):
    row = {**dict.fromkeys(TEXTS), **dict.fromkeys(AMOUNTS, Decimal(0))}
    row |= {name: Decimal(one) if name in AMOUNTS else one for name, one in cells.items()}
    assert effective(row, Decimal(7)) == Decimal(expected)


def test_the_second_path_uses_nothing_of_the_first():
    allowed = {
        "chargeback.review.audit.delivered_rows",
        "chargeback.review.audit.findings",
        "chargeback.review.audit.provider_rows",
    }
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    named = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)} | {
        name.name for one in ast.walk(tree) if isinstance(one, ast.Import) for name in one.names
    }
    assert {one for one in named if one.startswith(("chargeback", "duckdb", "sqlglot"))} == allowed


def test_names_of_metrics_are_no_dated_values_of_the_policy(tmp_path):
    """[[metric]] is a list of tables like a dated value, and has no dates."""
    named = ALWAYS["policy.toml"] + '\n[[metric]]\nmetric = "orders"\nname = "Orders"\n'
    rules = Rules(write_params(tmp_path / "params", policy_toml=named), "2026-05")
    assert rules.policy["currency"] == "USD" and "metric" not in rules.policy
