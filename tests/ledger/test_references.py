"""References of lines: one for each line of a statement, found again from the postings alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chargeback.ledger import references
from chargeback.ledger.references import SIGNS, References, is_reference, page_keys, posting_key

PERIOD = "2026-05"


def posting(**values: Any) -> dict[str, Any]:
    row = dict.fromkeys(
        ("cost_center_id", "pool_id", "invoice_id", "account_id", "product_code", "line_item_type", "rule",
         "original_period")
    )  # fmt: skip
    row |= {
        "kind": "direct",
        "entry_id": f"{PERIOD}/direct/1/CC-1",
        "line": 1,
        "amount": Decimal("1.00"),
    }
    return row | values


def month(lines: int = 60) -> list[dict[str, Any]]:
    """Direct cost of three accounts and many services, a part of a pool, and one line of each small kind."""
    direct = [
        posting(line=number, account_id=str(number % 3), product_code=f"Amazon{number // 3}")
        for number in range(1, lines + 1)
    ]
    others = [
        posting(kind="allocated", entry_id=f"{PERIOD}/allocated/1/tax", pool_id="tax"),
        posting(kind="allocated", entry_id=f"{PERIOD}/allocated/2/tax", pool_id="tax"),
        posting(kind="commitment", entry_id="c", product_code="Amazon1", line_item_type="RIFee"),
        posting(kind="rounding", entry_id="r", invoice_id="1"),
        posting(kind="adjustment", entry_id="a", rule="adjustment:CHG1", cost_center_id="CC-1"),
        posting(kind="adjustment", entry_id="2026-05/adjustment/2026-04/direct/1/CC-1",
                original_period="2026-04", cost_center_id="CC-1", product_code="Amazon1"),
    ]  # fmt: skip
    return direct + others


def test_each_line_has_its_own_and_is_found_by_it_in_any_case():
    lines = References.of(PERIOD, "claims", month())
    assert len(set(lines.texts.values())) == len(lines.texts) == len(lines.rows)
    for key, text in lines.texts.items():
        assert is_reference(text) and set(text) <= set(SIGNS)
        assert lines.line(text) == lines.line(text.lower()) == key


def test_it_depends_on_what_a_line_is_and_not_on_its_order_or_its_amount():
    rows = month()
    other = [row | {"amount": Decimal("7.77")} for row in reversed(rows)]
    assert (
        References.of(PERIOD, "claims", rows).texts == References.of(PERIOD, "claims", other).texts
    )
    of_others = References.of(PERIOD, "members", rows).texts
    of_april = References.of("2026-04", "claims", rows).texts
    mine = References.of(PERIOD, "claims", rows).texts
    assert all(mine[key] not in (of_others[key], of_april[key]) for key in mine)


def test_the_postings_of_a_pages_line_are_all_that_it_sums():
    lines = References.of(PERIOD, "claims", month())
    [pool] = [key for key in lines.rows if key[0] == "pool"]
    assert len(lines.rows[pool]) == 2
    services = [key for key in lines.rows if key[0] == "service"]
    direct = [row for row in month() if row["kind"] == "direct"]
    assert sum(len(lines.rows[key]) for key in services) == len(direct)
    for row in month():
        assert lines.of_page(row) == lines.texts[page_keys(row)[0]]
        assert lines.rows[posting_key(row)] == (row,)


def test_lines_that_would_have_the_same_one_have_another(monkeypatch):
    """With two signs of the digest only a few references are possible, so that lines meet."""
    real = references.candidates

    def few(period, unit_id, key):
        return (one[:2] + "0A0A" for one in real(period, unit_id, key))

    monkeypatch.setattr(references, "candidates", few)
    lines = References.of(PERIOD, "claims", month(90))
    assert len(set(lines.texts.values())) == len(lines.texts)


@pytest.mark.parametrize(
    "text", ["claims", "123456", "12E345", "K7M2Q", "K7M2QXX", "K7M2QO", "K7-2QX", ""]
)
def test_what_is_a_word_or_a_number_is_none(text):
    assert not is_reference(text)


def test_a_line_of_several_rows_that_no_line_is_has_none():
    """Two adjustments of one change for two reasons, three postings: a group of two of them is no line."""
    rows = [
        posting(kind="adjustment", entry_id=f"a{n}", rule="adjustment:C", cost_center_id="CC-1")
        for n in range(3)
    ]
    lines = References.of(PERIOD, "claims", rows)
    assert lines.of_rows(rows) == lines.of_page(rows[0])
    assert lines.of_rows(rows[:2]) == ""
    assert lines.of_rows(rows[:1]) == lines.of_posting(rows[0])
