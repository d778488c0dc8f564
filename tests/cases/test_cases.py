"""Worked cases: a handful of line items, the rules, and what everybody pays, to be checked by hand.

Each TOML file beside this one is a case: its story, the params that matter (the rest is the smallest folder of
tests/params_folder.py: the unit shop with CC-1 and CC-2, the unit core with CC-9), its line items, and what is
expected of the ledger. The line items go through a whole close's derivation.

    line_items    columns cost and cost_center (the tag), and others by the short names of COLUMNS
    expected      one line a posting that is neither a payable nor direct: who, from where, weight, amount
    direct        what each cost center is charged directly, and what falls into each pool
    falls_back    pools that are split by their fallback on purpose
    refused       instead of expected: words of the refusal, and its exit code
"""

from __future__ import annotations

import csv
import io
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.close.stages import derive
from chargeback.core.errors import Refusal
from chargeback.core.money import rounded_once
from tests.params_folder import ALWAYS, accepted, write_params
from tests.reports import INVOICE, PERIOD, line_item, write_report

CASES = sorted(Path(__file__).parent.glob("*.toml"))

#: Short names of the columns of line items.
COLUMNS = {
    "account": "line_item_usage_account_id",
    "arn": "reservation_reservation_a_r_n",
    "billing_entity": "bill_billing_entity",
    "description": "line_item_line_item_description",
    "effective_cost": "reservation_effective_cost",
    "operation": "line_item_operation",
    "plan": "savings_plan_savings_plan_a_r_n",
    "product": "line_item_product_code",
    "resource": "line_item_resource_id",
    "split_cost": "split_line_item_split_cost",
    "type": "line_item_line_item_type",
    "usage": "line_item_usage_amount",
    "usage_type": "line_item_usage_type",
}
NUMBERS = ("effective_cost", "split_cost", "usage")


def rows_of(text: str) -> list[dict[str, str]]:
    """A small CSV table whose cells may be padded with spaces."""
    found = list(csv.reader(io.StringIO(text.strip())))
    header = [name.strip() for name in found[0]]
    return [dict(zip(header, (cell.strip() for cell in row), strict=True)) for row in found[1:]]


def report_item(row: dict[str, str]) -> dict:
    """A line item of a case as a row of a report; tag columns are written "tag:<key>"."""
    cells: dict = {}
    for name, text in row.items():
        if name in COLUMNS and text:
            cells[COLUMNS[name]] = float(text) if name in NUMBERS else text
    item = line_item(float(row["cost"]), row.get("cost_center", ""), **cells)
    tags = {name[4:]: text for name, text in row.items() if name.startswith("tag:") and text}
    return {**item, "resource_tags": {**item["resource_tags"], **tags}}


def case_params(folder: Path, case: dict, items: list[dict[str, str]]) -> Path:
    """The case's params; the invoice asks for what the line items come to."""
    total = rounded_once(sum((Decimal(item["cost"]) for item in items), Decimal(0)))
    invoices = ALWAYS["invoices.csv"].splitlines()[0]
    period = case.get("period", PERIOD)
    files = {name.replace(".", "_"): text.lstrip("\n") for name, text in case["params"].items()}
    files["invoices_csv"] = f"{invoices}\n{INVOICE},{period},AWS,USD,{total},finance,PDF\n"
    if not any(item.get("cost_center") for item in items):
        files["acceptances_csv"] = accepted(
            tag_keys_are_carried="user_cost_center",
            fallback_share_is_within_its_limit=case.get("falls_back", ""),
        )
    return write_params(folder, **files)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_charged_as_it_says(path, tmp_path, make_closing):
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    assert case["title"] and len(case["story"]) > 80, "a case is there to be read"
    period = case.get("period", PERIOD)
    items = rows_of(case["line_items"])
    report = write_report(tmp_path / "report", [report_item(row) for row in items], period=period)
    closing = make_closing(report, case_params(tmp_path / "params", case, items), period)
    if "refused" in case:
        with pytest.raises(Refusal) as refusal:
            derive(closing)
        assert refusal.value.exit_code == case["refused"]["exit_code"]
        for words in case["refused"]["words"]:
            assert words in refusal.value.block()
        return
    derive(closing)
    postings = closing.table("postings").to_pylist()
    assert shown_parts(postings) == sorted(rows_of(case["expected"]), key=row_key)
    assert shown_direct(postings) == rows_of(case["direct"])


def shown_parts(postings: list[dict]) -> list[dict[str, str]]:
    """Postings of pools' parts, adjustments and commitments, as a case writes them."""
    rows = [
        {
            "who": row["ledger_account"].removeprefix("cost-center:"),
            "from": row["pool_id"] or row["rule"],
            "key": row["allocation_key"] or "",
            "weight": f"{row['weight'].normalize():f}" if row["weight"] is not None else "",
            "amount": str(row["amount"]),
        }
        for row in postings
        if row["kind"] not in ("direct", "pooled")
        and not row["ledger_account"].startswith("payable:")
        and row["ledger_account"] != f"pool:{row['pool_id']}"
    ]
    return sorted(rows, key=row_key)


def row_key(row: dict[str, str]) -> tuple[str, str]:
    """Cases may list parts in the order that is easiest to read."""
    return row["from"], row["who"]


def shown_direct(postings: list[dict]) -> list[dict[str, str]]:
    """What the report charges each cost center, and puts into each pool, with the rule that decided."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in postings:
        if row["kind"] in ("direct", "pooled") and not row["ledger_account"].startswith("payable:"):
            who = row["ledger_account"].removeprefix("cost-center:")
            sums[who, row["rule"]] = sums.get((who, row["rule"]), Decimal(0)) + row["amount"]
    return [
        {"who": who, "rule": rule, "amount": str(amount)}
        for (who, rule), amount in sorted(sums.items())
    ]
