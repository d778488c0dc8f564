"""What the notebooks of reports/ show: the file beside them in a close, else by hand a closed period's.

A close opens a file for each unit and no books, so what reads books is imported only by hand.
"""

from __future__ import annotations

from pathlib import Path

from chargeback.statements.model import Statement
from chargeback.statements.month import MonthIndex


def open_statement(
    unit: str = "", period: str = "", books: str = "", unit_file: str = ""
) -> Statement:
    """The statement of a unit, as its period was closed.

    Args:
        unit: the id of a business unit.
        period: a closed period, such as "2026-05".
        books: blank is the books of the lab, else the repository's.
        unit_file: the unit's data beside the notebook, which a close gives in place of the others.

    Raises:
        Refusal: (exit 2) there is no such statement; says which there are; (exit 4) the file is not what was
            closed.
    """
    if unit_file:
        return Statement.from_json(Path(unit_file).read_text(encoding="utf-8"))
    from chargeback.statements.by_hand import closed_statement

    return closed_statement(unit, period, books)


def open_month(period: str = "", books: str = "", month_file: str = "") -> MonthIndex:
    """The index of a month, as its period was closed; as `open_statement`, without a unit."""
    if month_file:
        return MonthIndex.from_json(Path(month_file).read_text(encoding="utf-8"))
    from chargeback.statements.by_hand import closed_month

    return closed_month(period, books)
