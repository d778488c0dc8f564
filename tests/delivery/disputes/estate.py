"""Small closed months whose units dispute lines, and registers as people write them.

The months are those of tests/restatement/months.py: in each, shop (CC-1, CC-2) is charged 70.00 and 40.00, and
core (CC-9) 20.00; 20.00 of shop's 110.00 is its part of the pool untagged.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from chargeback.params.registers import COLUMNS_AFTER_CLOSE
from tests.restatement.months import APRIL, Estate

DIRECT = "2026-04/direct/900000004/CC-1:1"  # 60.00 of CC-1 in April
OF_CORE = "2026-04/direct/900000004/CC-9:1"  # 10.00, of the other unit

RAISED = {
    "dispute_id": "D-2026-04-001", "billing_period": APRIL, "business_unit_id": "shop",
    "line": "shop/untagged", "amount": "12.00", "reason": "half of it is the platform's",
    "raised_by": "Ann", "raised_on": "2026-05-06", "owner": "finops",
}  # fmt: skip
ANSWERED = {**RAISED, "answered_on": "2026-05-11", "answer": "some of it is yours"}
DECIDED = {
    **ANSWERED, "decided_on": "2026-05-20", "decision": "partly", "decided_amount": "6.67",
    "decided_by": "Cora",
}  # fmt: skip
ACKNOWLEDGED = {
    "billing_period": APRIL, "business_unit_id": "core", "acknowledged_by": "Bob",
    "acknowledged_on": "2026-05-05",
}  # fmt: skip


def write_rows(folder: Path, name: str, *rows: Mapping[str, str]) -> None:
    """A register with these rows; columns that a row does not name are blank."""
    columns = COLUMNS_AFTER_CLOSE[name]
    with (folder / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def dispute(estate: Estate, *rows: Mapping[str, str]) -> None:
    """disputes.csv of an estate."""
    write_rows(estate.params, "disputes.csv", *rows)


def acknowledge(estate: Estate, *rows: Mapping[str, str]) -> None:
    """acknowledgements.csv of an estate."""
    write_rows(estate.params, "acknowledgements.csv", *rows)
