"""What the delivery notebook shows: what was done with a period; looking writes nothing."""

from __future__ import annotations

import pytest

from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, Refusal
from chargeback.delivery import view
from tests.erp.test_export import closed, estate, run, snapshot
from tests.restatement.months import APRIL, MAY

__all__ = ["closed", "estate"]


def test_a_period_that_nothing_was_done_with(estate):
    delivered = view.open_delivery(MAY, str(estate.books.root))
    # Three direct entries of 2 lines, the pool 2 in and 4 out, and April's correction: 2 lines, each twice.
    assert view.facts(delivered).splitlines()[:2] == [
        "2026-05 is closed: 136.00 USD charged, 16 postings", "approved         0",
    ]  # fmt: skip
    assert view.journal_facts(delivered) == "not exported for an ERP"
    assert view.log_table(delivered).empty and view.journal_table(delivered).empty
    assert view.figure(delivered).svg
    assert not (estate.books.root / "delivery").exists(), "looking writes nothing"


def test_a_period_that_was_exported(estate):
    assert run(estate) == DONE
    before = snapshot(estate)
    delivered = view.open_delivery(MAY, str(estate.books.root))
    assert "exported         1" in view.facts(delivered)
    assert view.journal_facts(delivered) == (
        "exported for generic: 2 documents, 136.00, less than charged by 0.00"
    )
    table = view.log_table(delivered)
    assert table["action"].tolist() == ["closed", "exported"]
    assert table["by"].tolist()[1] == "ann" and table["files"].tolist() == [0, 3]
    journal = view.journal_table(delivered)
    assert journal["reference"].tolist() == ["CB-2026-05-001", "CB-2026-05-002"]
    assert journal["corrects"].tolist() == ["", APRIL]
    assert journal["debits"].tolist() == ["130.00", "6.00"]
    assert view.open_delivery(APRIL, str(estate.books.root)).entries == []
    assert snapshot(estate) == before


def test_an_open_period_is_refused(estate):
    with pytest.raises(Refusal, match="this period is not closed") as refused:
        view.open_delivery("2026-06", str(estate.books.root))
    assert refused.value.exit_code == BAD_USAGE


def test_a_log_that_was_changed_is_not_shown(estate):
    assert run(estate) == DONE
    path = estate.books.root / "delivery" / "log" / "000002.json"
    path.write_text(path.read_text().replace('"ann"', '"bob"'))
    [entry] = [estate.books.root / "delivery" / "log" / "000001.json"]
    entry.write_text(entry.read_text().replace("136.00", "135.00"))
    with pytest.raises(Refusal) as refused:
        view.open_delivery(MAY, str(estate.books.root))
    assert refused.value.exit_code == CONTROL_FAILED
