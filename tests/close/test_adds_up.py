"""What a close prints adds up, to the cent: its lines, and the parts of what all statements come to."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from chargeback.books.tables import statement_total
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.money import MINUS, sum_shown
from chargeback.core.paths import PARAMS
from chargeback.ledger.parts import charged_parts
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS, write_estate
from tests.made_once import made_once
from tests.params_folder import added
from tests.restatement.months import APRIL, MAY, make_estate, usual

#: Of each month of the sample; its money is the same whatever their number.
LINE_ITEMS = 5_000

AMOUNT = rf"{MINUS}?[0-9,]+\.[0-9]{{2}}"


def number(text: str) -> Decimal:
    """An amount as it is printed."""
    return Decimal(text.replace(",", "").replace(MINUS, "-").replace(" ", ""))


def added_up(line: str) -> tuple[list[Decimal], Decimal]:
    """The parts and the total of a line that says a sum."""
    parts, equals, total = line.partition(" = ")
    assert equals, line
    found = re.findall(rf"{MINUS} {AMOUNT}|{AMOUNT}", parts.partition("postings, ")[2] or parts)
    first = re.match(AMOUNT, total)
    assert first, line
    return [number(one) for one in found], number(first[0])


def line_of(said: list[str], stage: str) -> str:
    """What a stage said, without its number."""
    line = next(one for one in said if re.match(rf" +([0-9]/6 )?{stage} ", one))
    return line.split(stage, 1)[1]


def assert_stages_add_up(said: list[str]) -> Decimal:
    """Line items, owners and ledger lead from one to the next; returns what statements charge."""
    [items] = re.findall(rf"({AMOUNT}) [A-Z]{{3}} unblended", line_of(said, "sources"))
    owners, owned = added_up(line_of(said, "attribution"))
    assert sum(owners) == owned == number(items)
    posted, total = added_up(line_of(said, "ledger"))
    assert sum(posted) == total and posted[0] == owned
    return total


def test_a_month_with_adjustments_and_corrections(tmp_path):
    moved = ("CC-1,CC-2,2.00", "CC-9,CC-1,-0.75", "CC-2,CC-1,10.00")
    rows = [f"{MAY},{one},licences,REF-{at},Ann,Bob,2026-01-20" for at, one in enumerate(moved)]
    estate = make_estate(tmp_path, APRIL, adjustments_csv=added("adjustments.csv", *rows))
    [first, *others] = usual(APRIL)
    estate.deliver(APRIL, [{**first, "line_item_unblended_cost": 66.126}, *others], execution="e-2")
    estate.enter(APRIL, "136.13")
    estate.enter(MAY, "130.02")
    said = estate.close(MAY)
    total = assert_stages_add_up(said)
    assert total == Decimal("136.15")
    at = next(place for place, line in enumerate(said) if line.startswith("  all statements"))
    parts = {}
    for line in said[at + 1 :]:
        if not line.startswith("    "):
            break
        name, amount = re.match(rf"    (.+?)  +({AMOUNT}) ", line).groups()
        parts[name] = number(amount)
    assert parts == {
        "direct": Decimal("100.00"), "pools": Decimal("30.00"), "rounding": Decimal("0.02"),
        "adjustments": Decimal("0.00"), f"corrections of {APRIL}": Decimal("6.13"),
    }  # fmt: skip
    assert sum(parts.values()) == number(said[at].split()[2]) == total
    assert any("net: people moved 12.75 between cost centers" in line for line in said)


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The sample's report, with as much money in fewer line items."""

    def write(folder):
        write_estate(folder, PERIODS, LINE_ITEMS)

    return made_once(tmp_path_factory, "sample-that-adds-up", write)


@pytest.mark.slow
@pytest.mark.parametrize("period", [one for one in PERIODS if one <= LAST_FINAL_PERIOD])
def test_the_sample_s_months(period, report, tmp_path):
    said: list[str] = []
    work = WorkFolder(period, report, PARAMS, Books(tmp_path / "books"), tmp_path)
    derive(work, said.append)
    total = assert_stages_add_up(said)
    postings = work.table("postings")
    assert sum(one.amount for one in charged_parts(postings)) == statement_total(postings) == total


def test_a_sum_that_does_not_come_to_its_total_is_never_printed():
    with pytest.raises(AssertionError):
        sum_shown(
            [(Decimal("2617921.23"), "direct"), (Decimal("502107.54"), "in pools")],
            Decimal("3099992.87"),
        )
    text = sum_shown(
        [(Decimal("-1.00"), "a"), (Decimal(0), "b"), (Decimal("-2.50"), "c")], Decimal("-3.50")
    )
    assert text == f"{MINUS}1.00 a {MINUS} 2.50 c = {MINUS}3.50"
    assert added_up(text) == ([Decimal("-1.00"), Decimal("-2.50")], Decimal("-3.50"))
    assert sum_shown([], Decimal("0.00")) == "0.00 = 0.00"
