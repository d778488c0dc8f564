"""Every line of every statement of a month of the sample: its reference leads to it, its trace to nobody."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.money import shown
from chargeback.ledger.line_words import LineNames
from chargeback.ledger.references import POSTING, References
from chargeback.ledger.statement_lines import by_unit, charges, postings_of_line
from chargeback.review.trace import Origin, origin_of
from chargeback.review.trace.run import Part, Telling, tell_share
from chargeback.review.trace.text import heading
from tests.made_once import made_once
from tests.notebooks.workplace import close_sample

pytestmark = pytest.mark.slow

MONTHS = ("2026-04", "2026-05", "2026-06")
MAY = "2026-05"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two closed months and an open one, which nobody changes."""
    folder = made_once(
        tmp_path_factory, "explored-estate", lambda folder: close_sample(folder, MONTHS, 5_000)
    )
    return Books(folder / "books")


@pytest.fixture(scope="module")
def may(books: Books) -> Origin:
    return origin_of(books, MAY)


def amount_of(may: Origin, line: str) -> Decimal:
    names = LineNames.of(may.params, may.product_names)
    rows = postings_of_line(may.postings, MAY, line, names).rows
    return sum((row["amount"] for row in rows), Decimal(0))


def test_every_reference_of_every_unit_traces_to_its_line(may):
    """Each line of each page, and each row of each statement.csv, in lower case as somebody may type it."""
    charged = by_unit(filter(charges, may.postings.to_pylist()))
    assert len(charged) == 8
    for unit, rows in charged.items():
        lines = References.of(MAY, unit, rows)
        for key, text in lines.texts.items():
            expected = sum(row["amount"] for row in lines.rows[key])
            assert amount_of(may, f"{unit}/{text.lower()}") == expected, (unit, key)
        assert sum(key[0] == POSTING for key in lines.texts) == len(rows)


def test_the_trace_of_a_units_part_of_a_pool_says_nothing_of_others(books, may):
    """No other unit's cost center, and no exact amount of another one in the same pool."""
    rows = [row for row in may.postings.to_pylist() if row["kind"] == "allocated" and charges(row)]
    units = sorted({row["business_unit_id"] for row in rows if row["business_unit_id"]})
    parts: dict[tuple[str, str], list] = defaultdict(list)
    for row in rows:
        parts[row["business_unit_id"], row["pool_id"]].append(row)
    seen = 0
    for unit in units:
        for pool_id in {pool_id for owner, pool_id in parts if owner == unit}:
            mine = parts[unit, pool_id]
            said: list[str] = list(heading(books, may, mine))
            telling = Telling(books, lambda _: Path(), said.append, None, full=False)
            part = Part(may, tuple(mine))
            for share in part.shares():
                tell_share(telling, part, share)
            text = "\n".join(said)
            assert "all weights" in text and "FULL=yes" in text
            own = {shown(row["exact_amount"], 10) for row in mine}
            for row in rows:
                is_of_others = row["business_unit_id"] not in (None, unit)
                if is_of_others and row["pool_id"] == pool_id:
                    exact = shown(row["exact_amount"], 10)
                    assert row["cost_center_id"] not in text
                    assert exact in own or exact not in text
                    seen += 1
    assert seen > 500
