"""One dispute from the line to the next statement: log, statements, metrics and verify agree to the cent.

April, shop: 60.00 and 30.00 direct, 10.00 and 10.00 of the pool untagged            110.00
disputed: 12.00 of the 20.00 of the pool; decided: 6.67 of it, in halves              3.34 and 3.33
May, shop: 110.00 again, less 6.67                                                  103.33
May, core: 20.00 and what shop gets back                                             26.67
"""

from __future__ import annotations

import csv
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.verify import verify_books
from chargeback.delivery.disputes import open_disputes, standings
from tests.close.months import digests
from tests.delivery.disputes.estate import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    RAISED,
    acknowledge,
    dispute,
)
from tests.delivery.disputes.test_adjusted import ROWS, adjust
from tests.delivery.disputes.test_log import closed_files, log_of
from tests.made_once import made_once
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate

pytestmark = pytest.mark.slow


@pytest.fixture
def estate(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """March and April closed with statements; where they are, they stay."""

    def make(folder: Path) -> None:
        make_estate(folder).close(MARCH, APRIL, statements=True)

    made = made_once(tmp_path_factory, "disputed-with-statements", make)
    copied = make_estate(tmp_path)
    shutil.copytree(made / "books", copied.books.root)
    return copied


def total(estate: Estate, period: str, unit: str) -> Decimal:
    """What a unit's statement.csv sums to."""
    path = estate.books.statements(period) / unit / "statement.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return sum((Decimal(row["amount"]) for row in csv.DictReader(stream)), Decimal(0))


def metric(estate: Estate, name: str) -> str:
    text = (estate.books.root / "metrics" / "disputes.prom").read_text()
    [value] = re.findall(rf"^chargeback_{re.escape(name)} (.+)$", text, re.MULTILINE)
    return value


def test_a_dispute_from_the_line_to_the_next_statement(estate, disputes):
    before = closed_files(estate)
    acknowledge(estate, ACKNOWLEDGED)
    dispute(estate, RAISED)
    said = disputes("2026-05-07").said
    assert "2026-04  1 of 2 units; not yet: shop" in said
    assert metric(estate, 'disputes_open_amount{business_unit="shop"}') == "12.0"
    assert metric(estate, 'disputes_open{business_unit="core"}') == "0.0"
    assert metric(estate, 'disputes_acknowledged_units{period="2026-04"}') == "1.0"

    dispute(estate, ANSWERED)
    assert disputes("2026-05-12").exit_code == 0
    dispute(estate, DECIDED)
    assert disputes("2026-05-21").exit_code == 0
    assert metric(estate, "disputes_not_adjusted") == "1.0"
    assert closed_files(estate) == before

    adjust(estate, ROWS)
    estate.close(MAY, statements=True)
    shop = {**ACKNOWLEDGED, "business_unit_id": "shop", "acknowledged_by": "Ann"}
    acknowledge(
        estate, ACKNOWLEDGED, {**shop, "acknowledged_on": "2026-06-08", "billing_period": MAY}
    )
    said = disputes("2026-06-09").said
    assert "adjusted: 2026-05/adjustment/0001, 2026-05/adjustment/0002\n" in said
    assert metric(estate, "disputes_not_adjusted") == "0.0"
    assert metric(estate, 'disputes_open_amount{business_unit="shop"}') == "0.0"

    log = log_of(estate)
    [one] = standings(log).values()
    assert open_disputes(log, date(2026, 6, 9)) == []
    assert total(estate, APRIL, "shop") == Decimal("110.00")
    assert total(estate, MAY, "shop") == Decimal("110.00") - one.decided_amount == Decimal("103.33")
    assert total(estate, MAY, "core") == Decimal("20.00") + one.decided_amount == Decimal("26.67")
    page = (estate.books.statements(MAY) / "shop" / "statement.html").read_text()
    assert "CC-1, D-2026-04-001" in page and "dispute D-2026-04-001 about 2026-04" in page
    other = (estate.books.statements(MAY) / "core" / "statement.html").read_text()
    assert RAISED["reason"] not in page + other

    now = digests(estate.books.root)
    assert {name: now[name] for name in before} == before
    lines: list[str] = []
    verify_books(estate.books, lines.append)
    assert any(MAY in line for line in lines)
