"""Names of Marketplace products over several months: of an earlier version, ended, and corrected.

CC-2's line item is of a product that a seller calls "Old name" in March and "Coding Validator" in April; in May
nobody uses it, and AWS corrects April by 6.00. March is closed by SQL that knows no names.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from chargeback.books.verify import verify_period
from chargeback.close.draft import keep_evidence
from chargeback.core.paths import sql_folder, sql_from
from chargeback.review.audit.checks import check_tables
from chargeback.review.audit.derive_again import derive_again
from chargeback.review.explore.opened import Opened, names_of
from chargeback.review.restatements import lines_of, restatements
from chargeback.review.trace import origin_of
from chargeback.review.trace.drafted import draft_of
from chargeback.review.trace.text import about_words, product_words
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate, usual

pytestmark = pytest.mark.slow

CODE = "6mc0codingvalidator3rk9fzl"


def sold(period: str, name: str, cost: float) -> list[Mapping[str, Any]]:
    """A month in which CC-2 bought a product."""
    first, second, *others = usual(period)
    cells = {"line_item_product_code": CODE, "bill_billing_entity": "AWS Marketplace"}
    bought = {
        **second,
        **cells,
        "product": {"product_name": name},
        "line_item_unblended_cost": cost,
    }
    return [first, bought, *others]


def without_names(folder: Path) -> Path:
    """SQL as it was before names were read."""
    shutil.copytree(sql_folder(), folder)
    path = folder / "sources" / "line_items.sql"
    text = path.read_text(encoding="utf-8")
    begin, end = (
        text.index("        -- What a seller of AWS"),
        text.index("        coalesce(line_item_operation"),
    )
    path.write_text(
        (text[:begin] + text[end:]).replace(" product_name,", "").replace(" product,", "")
    )
    path = folder / "rollup" / "rollup_costs.sql"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [one for one in lines if "max(product_name)" not in one]
    path.write_text("".join(kept).replace(" product_name,", ""))
    assert not [one for one in folder.rglob("*costs.sql") if "product_name" in one.read_text()]
    return folder


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    folder = tmp_path_factory.mktemp("named")
    made = make_estate(folder)
    made.deliver(MARCH, sold(MARCH, "Old name", 30.0))
    made.deliver(APRIL, sold(APRIL, "Coding Validator", 30.0))
    with sql_from(without_names(folder / "old-sql")):
        made.close(MARCH)
    made.close(APRIL, statements=True)
    made.deliver(APRIL, sold(APRIL, "Coding Validator", 36.0), execution="e-2")
    made.enter(APRIL, "136.00")
    return made


def shown_names(estate: Estate, period: str) -> set[tuple[str, str]]:
    """Codes and names of all statements of a period."""
    found = set()
    for path in estate.books.statements(period).glob("*/statement.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {(row["product_code"], row["product_name"]) for row in csv.DictReader(file)}
    return {(code, name) for code, name in found if code}


def test_books_of_an_earlier_version_verify_derive_again_and_name_nothing(estate, tmp_path):
    assert verify_period(estate.books, MARCH) == []
    assert (
        "product_name" not in pq.read_schema(estate.books.evidence(MARCH) / "rollup.parquet").names
    )
    again = derive_again(MARCH, estate.report, estate.books, tmp_path, render=False)
    assert again["refusal"] is None
    assert [one.differences for one in check_tables(estate.books, MARCH, tmp_path)] == [()] * 3
    origin = origin_of(estate.books, MARCH)
    assert origin.product_names == {}
    assert product_words(origin, CODE) == CODE


def test_the_next_period_has_names_and_follows_the_earlier_one(estate):
    assert shown_names(estate, APRIL) == {(CODE, "Coding Validator"), ("AmazonEC2", "Amazon EC2")}
    html = (estate.books.statements(APRIL) / "shop" / "statement.html").read_text(encoding="utf-8")
    assert "Coding Validator" in html and f"Marketplace {CODE}" in html and "Old name" not in html
    origin = origin_of(estate.books, APRIL)
    [row] = [row for row in origin.postings.to_pylist()
             if row["product_code"] == CODE and row["cost_center_id"]]  # fmt: skip
    assert about_words(origin, row) == f"012345678901 {CODE} (Coding Validator) Usage"


def test_a_change_that_is_not_posted_yet_is_told_by_name(estate):
    found, _ = restatements(estate.books, estate.report, estate.params, MAY)
    [said] = ["\n".join(lines_of(one)) for one in found]
    assert "Coding Validator in " in said and CODE not in said


def test_a_correction_and_an_ended_product_are_named(estate):
    """May has no line item of it: the name is that of the new delivery of April, and of April's own close."""
    estate.close(MAY, statements=True)
    assert (CODE, "Coding Validator") in shown_names(estate, MAY)
    html = (estate.books.statements(MAY) / "shop" / "statement.html").read_text(encoding="utf-8")
    corrected = html[html.index("Corrections to earlier periods") :]
    assert "Coding Validator in" in corrected
    by_service = html[html.index("Direct cost by service") : html.index("Direct cost by account")]
    assert "Coding Validator" in by_service


def test_a_draft_keeps_names_for_those_who_explore(estate):
    target = estate.books.draft(APRIL)
    target.mkdir(parents=True)
    keep_evidence(estate.draft(APRIL), target)
    names = names_of([Opened(draft_of(estate.books, APRIL), "PROVISIONAL")])
    assert names.service(CODE) == "Coding Validator"
    (target / "evidence" / "rollup.parquet").unlink()  # as an earlier version kept it
    names = names_of([Opened(draft_of(estate.books, APRIL), "PROVISIONAL")])
    assert names.service(CODE) == f"Marketplace {CODE}"
