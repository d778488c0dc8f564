"""Situations that people reported, as they were rebuilt: each with its own params does what is right."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.tables import read_postings
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, DONE, NOT_FINAL, WOULD_CHANGE_CLOSED
from chargeback.core.sums import sums_by
from tests.close.months import Ended
from tests.conftest import run_case

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_notebooks")]

MAY, JUNE = "2026-05", "2026-06"


class Case:
    """A copy of a case, and its verbs."""

    def __init__(self, folder: Path, run: Callable[..., Ended]) -> None:
        self.folder, self.run = folder, run
        self.params, self.books = folder / "params", Books(folder / "books")

    def __call__(self, verb: str, *period: str, report: str = "report") -> Ended:
        """Run a verb on one of the case's reports."""
        places = ("--cur", str(self.folder / report), "--params", str(self.params))
        return self.run(verb, *period, *places, "--books", str(self.books.root))

    def charged(self, period: str, folder: Path | None = None) -> dict[str, str]:
        """What each unit is charged by the ledger, or by a draft's evidence."""
        postings = read_postings((folder or self.books.ledger(period)) / "postings.parquet")
        sums = sums_by(postings, ["business_unit_id"], "amount")
        return {unit: str(amount) for (unit,), amount in sums.items() if unit and amount}

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Change what a person decides."""
        path = self.params / name
        text = path.read_text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path.write_text(text)


@pytest.fixture
def case(cases, tmp_path, run):
    """Copies a case by its number."""

    def copy(number: str) -> Case:
        [made] = cases.glob(f"{number}-*")
        shutil.copy(cases / "lib.py", tmp_path)
        shutil.copytree(made, tmp_path / made.name)
        return Case(tmp_path / made.name, run)

    return copy


def test_02_tags_in_another_column(case):
    one = case("02")
    ended = one("monthly-close", MAY)
    assert ended.exit_code == CONTROL_FAILED
    assert (
        "absent_column resource_tags" in ended.refused and "tag_keys_are_carried" in ended.refused
    )
    assert "did you mean 'tags:resourceTags/cost_center'?" in ended.refused
    one.edit("policy.toml", ("user_cost_center", "tags:resourceTags/cost_center"))
    assert one("monthly-close", MAY).exit_code == DONE
    assert one.charged(MAY) == {"alpha": "90.00", "beta": "10.00"}


@pytest.mark.parametrize(
    ("number", "report", "charges"),
    [("04", "report", {"alpha": "70.00", "beta": "30.00"}),
     ("08", "report", {"alpha": "85.00", "beta": "15.00"}),
     ("10", "report", {"alpha": "600.00", "beta": "490.00"}),
     ("24", "report2", {"alpha": "150.00", "beta": "1100.00"})],
)  # fmt: skip
def test_what_closes(number, report, charges, case):
    one = case(number)
    ended = one("monthly-close", MAY, report=report)
    assert ended.exit_code == DONE, ended.refused
    assert one.charged(MAY) == charges


def test_07_pro_forma(case):
    one = case("07")
    ended = one("monthly-close", MAY)
    assert ended.exit_code == NOT_FINAL
    assert 'never gets invoice ids: if this is one, put invoicing = "pro-forma"' in ended.refused
    one.edit("policy.toml", ('currency = "USD"', 'currency = "USD"\ninvoicing = "pro-forma"'))
    assert one("monthly-close", MAY).exit_code == DONE
    assert one.charged(MAY) == {"alpha": "69.33", "beta": "34.67"}


def test_08_one_payer_into_the_books_of_the_other(case):
    one = case("08")
    invoices = one.params / "invoices.csv"
    header, first, second = invoices.read_text().splitlines(keepends=True)
    invoices.write_text(header + second)
    assert one("monthly-close", MAY, report="report2").exit_code == DONE
    invoices.write_text(header + first)
    ended = one("monthly-close", MAY, report="report3")
    assert ended.exit_code == WOULD_CHANGE_CLOSED
    assert "payer account 999900001111 then, 111122223333 now" in ended.refused
    assert "has delivered 2026-05 again" not in ended.refused
    said = one("restatements", report="report3").said
    assert "nothing is derived from it and nothing will be posted" in said
    assert "posts this as corrections" not in said


def test_16_days_to_come(case):
    one = case("16")
    assert "usage up to 2026-06-10" in one("freshness", "2026-06-11").said
    assert "delivered up to 2026-06-10" in one("daily", "2026-06-10").said
    ended = one("draft", JUNE)
    assert ended.exit_code == DONE and "720.00 USD of fees for days to come" in ended.said
    evidence = one.books.draft(JUNE) / "evidence"
    pools = sums_by(read_postings(evidence / "postings.parquet"), ["kind", "pool_id"], "amount")
    assert pools["pooled", "unused"] == Decimal("60.00")
    # 1,000.00, 200.00 untagged, 300.00 of the plan and 60.00 of it that nobody used.
    assert sum(map(Decimal, one.charged(JUNE, evidence).values())) == Decimal("1560.00")


def test_20_an_invoice_issued_again(case):
    one = case("20")
    assert one("monthly-close", MAY).exit_code == DONE
    run_case(one.folder, "again")
    said = one("restatements").said
    issuer = '"Amazon Web Services, Inc."'
    assert f"1000000001,2026-05,{issuer},USD,0.00," in said
    assert "1000000099,2026-05,<issuer>,USD,100.00," in said
    old = f"1000000001,2026-05,{issuer},USD,100.00,ap,PDF\n"
    new = old.replace("1000000001", "1000000099")
    one.edit("invoices.csv", (old, old.replace("100.00", "0.00") + new))
    assert one("monthly-close", JUNE).exit_code == DONE
    assert one.charged(JUNE) == {"alpha": "30.00", "beta": "20.00"}


def test_21_delivered_again_without_tags(case):
    one = case("21")
    assert one("monthly-close", MAY).exit_code == DONE
    run_case(one.folder, "again")
    assert "column resource_tags" in one("restatements").said
    dated = (
        '[{ value = ["user_cost_center"], valid_from = "2026-01", valid_to = "2026-05", approved = "c" },'
        ' { value = ["tags:resourceTags/cost_center"], valid_from = "2026-06", approved = "c" }]'
    )
    one.edit(
        "policy.toml", ('cost_center_tags = ["user_cost_center"]', f"cost_center_tags = {dated}")
    )
    ended = one("monthly-close", JUNE)
    assert ended.exit_code == CONTROL_FAILED and "deliveries_are_comparable" in ended.refused
    assert not one.books.ledger(JUNE).exists()


def test_22_discounts_in_columns(case):
    ended = case("22")("monthly-close", MAY)
    assert ended.exit_code == CONTROL_FAILED
    assert "its line_item_net_unblended_cost sums to 90.00" in ended.refused
    assert "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY = TRUE" in ended.refused


def test_23_a_month_without_line_items(case):
    ended = case("23")("monthly-close", MAY)
    assert ended.exit_code == CONTROL_FAILED and "the_delivery_has_line_items" in ended.refused


def test_24_columns_left_out(case):
    ended = case("24")("monthly-close", MAY)
    assert ended.exit_code == CONTROL_FAILED and "amortized_cost_has_its_columns" in ended.refused
    assert "absent_column reservation_reservation_a_r_n" in ended.refused
