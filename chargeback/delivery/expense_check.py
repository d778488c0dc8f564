"""Expense check: what ServiceNow holds is what was posted, to the cent, each line once and no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from chargeback.core.money import read_decimal
from chargeback.delivery.expense_lines import PROCESSED, ExpenseLine
from chargeback.engine import Engine
from chargeback.engine.controls import require, run_group
from chargeback.engine.tables import EXACT, table_of
from chargeback.servicenow.table import Record

GROUP = "servicenow"

TEXT = pa.string()
LINES = [
    ("entry", TEXT), ("sys_id", TEXT), ("cost_center", TEXT), ("posted_on", TEXT), ("state", TEXT),
    ("amount", EXACT),
]  # fmt: skip


def require_same(
    lines: Sequence[ExpenseLine], held: Iterable[tuple[str, Record]], cost_centers: Mapping[str, str],
    known: Mapping[str, str], period: str, place: str,
) -> None:  # fmt: skip
    """Stop unless the records are the lines.

    Args:
        held: the records of the period, each with the entry that it is of.
        cost_centers: the sys_id of each cost center.
        known: the sys_id of each line by its entry, where they were read back before.

    Raises:
        Refusal: (exit 4) with the lines that differ.
    """
    engine = Engine(threads=1)
    engine.register("posted_expense_lines", table_of(LINES, [
        (one.entry, known.get(one.entry), cost_centers[one.cost_center_id], one.posted_on, PROCESSED,
         one.amount) for one in lines
    ]))  # fmt: skip
    engine.register("held_expense_lines", table_of(LINES, [
        (entry, one["sys_id"], one.get("cost_center", ""), one.get("date", ""),
         one.get("state", ""), amount_of(one)) for entry, one in held
    ]))  # fmt: skip
    require(run_group(engine, GROUP), period, more=[place])


def amount_of(record: Record) -> Decimal | None:
    """The amount of a record; None where it is no plain number."""
    try:
        amount = read_decimal(record.get("amount", ""))
    except InvalidOperation:
        return None
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and exponent >= -10 else None
