"""The flow of drills: what would not come back is told to those who repair it, and books stay as they are."""

from __future__ import annotations

import pytest

from tests.close.months import MAY, digests, run_process

pytestmark = pytest.mark.slow


def test_deleted_books_come_back_or_it_is_told(drill, month):
    flow = drill()
    ended = flow.run(date="2026-06-15T23:59:00Z", scheduled="yes")
    assert (ended["status"], ended["error"]) == ("FAILED", "bad_params"), "nothing is closed yet"
    closed = run_process("monthly-close", MAY, *month.options)
    assert closed.exit_code == 0, closed.refused
    before = digests(month.books.root)
    ended = flow.run(date="2026-06-15")
    assert ended["status"] == "SUCCEEDED", flow.tasks[-1].said
    assert "Everything came back" in flow.tasks[-1].said
    assert digests(month.books.root) == before
    path = month.params / "adjustments.csv"
    path.write_text(path.read_text().replace(",2.00,", ",3.00,"))
    flow.told("operations")
    ended = flow.run(date="2026-06-15")
    assert (ended["status"], ended["error"]) == ("FAILED", "needs_repair")
    [message] = flow.told("operations")
    assert "deleted books would not come back" in message["Message"]
    assert digests(month.books.root) == before
