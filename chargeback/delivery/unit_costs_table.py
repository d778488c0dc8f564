"""A unit's unit costs as a table, for people who go on reckoning: a CSV file in the unit's folder of the pack.

Comes in: the data of the unit's closed statement. Goes out: a row for each line and month that the statement
shows, quantities and costs beside what one costs, unrounded where the statement rounds nothing. What always
holds: the finished bytes are read back, and each row is what the quantities of metrics.csv and the postings of
its month give; nothing of another unit is in it. A unit without quantities has no such file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa

from chargeback.books.checked import checked_postings
from chargeback.books.counted import counted_metrics
from chargeback.core.csv_files import csv_line
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.delivery.covering_data import files_of
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary_data import read_statement
from chargeback.ledger.produced import produced_by
from chargeback.ledger.unit_costs import DIRECT, LOADED, unit_cost_of
from chargeback.params.metrics import Metric
from chargeback.statements.model import Statement
from chargeback.statements.unit_cost_model import TOGETHER, WHOLE_UNIT, UnitCost, UnitCostMonth

COLUMNS = (
    "billing_period", "business_unit_id", "cost_center_id", "metric", "name", "quantity", "as_of", "is_final",
    "per", "direct_cost", "fully_loaded_cost", "direct_unit_cost", "fully_loaded_unit_cost", "currency",
)  # fmt: skip

#: What stands for several cost centers together, which no cost center is called.
SEVERAL = "*"

Row = dict[str, str]
#: Postings by period.
Ledgers = Mapping[str, pa.Table]


def unit_cost_tables(period: ClosedForDelivery) -> dict[str, bytes]:
    """The table of each unit that has unit costs, by the unit's id.

    Raises:
        Refusal: (exit 4) a row is not what quantities and ledger give, or something is not as it was closed.
    """
    found: dict[str, bytes] = {}
    for unit_id in sorted(files_of(period)):
        statement = read_statement(period, unit_id)
        if statement.unit_costs:
            found[unit_id] = table_of(statement)
    months = {row["billing_period"] for content in found.values() for row in rows_in(content)}
    ledgers = {
        one: period.postings if one == period.period else checked_postings(period.books, one)
        for one in sorted(months)
    }
    counts = [one.count for one in counted_metrics(period.books, period.params)] if found else []
    for unit_id, content in found.items():
        require_true_table(unit_id, content, counts, ledgers, period.period)
    return found


def table_of(statement: Statement) -> bytes:
    """The rows of a unit's statement, by line and month."""
    lines = [csv_line(COLUMNS)]
    for one in statement.unit_costs:
        lines += [csv_line(cells_of(statement, one, month)) for month in one.months]
    return "".join(f"{line}\r\n" for line in lines).encode()


def cells_of(statement: Statement, one: UnitCost, month: UnitCostMonth) -> tuple[str, ...]:
    """A row: blank where nothing is counted, or nothing is divided."""
    center = {WHOLE_UNIT: "", TOGETHER: SEVERAL}.get(one.line, one.line)
    is_counted = month.quantity is not None
    return (
        month.billing_period, statement.unit.business_unit_id, center, one.metric, one.title,
        text(month.quantity), month.as_of, ("yes" if month.is_final else "no") if is_counted else "",
        str(one.per), text(month.direct if is_counted else None), text(month.loaded if is_counted else None),
        text(month.direct_of_one), text(month.loaded_of_one), statement.currency,
    )  # fmt: skip


def text(number: Decimal | None) -> str:
    """A number with a point and without an exponent; blank where there is none."""
    return "" if number is None else f"{number:f}"


def rows_in(content: bytes) -> list[Row]:
    """The rows of a finished table."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def require_true_table(
    unit_id: str, content: bytes, counts: Sequence[Metric], ledgers: Ledgers, period: str
) -> None:
    """Stop where a finished table is not what quantities and postings give (exit 4).

    Args:
        counts: all that the period was closed with.
        ledgers: of the months in the table.
    """
    wrong = list(differences_in(unit_id, content, counts, ledgers))
    if wrong:
        raise Refusal(
            CONTROL_FAILED, "unit costs that would be handed out are not what quantities and ledgers give",
            "each row by metrics.csv and the postings of its month",
            f"{len(wrong)} row{'s' if len(wrong) != 1 else ''} of {unit_id} that differ", "", wrong[:8],
            [f"nothing of {period} was handed out; no charge is wrong by that: report it with these rows"],
        )  # fmt: skip


def differences_in(
    unit_id: str, content: bytes, counts: Sequence[Metric], ledgers: Ledgers
) -> Iterator[str]:
    """The rows that are not what they are to be, each with what is expected."""
    for number, row in enumerate(rows_in(content), start=2):
        at, center = row["billing_period"], row["cost_center_id"]
        own = [
            one
            for one in counts
            if (one.billing_period, one.metric, one.business_unit_id)
            == (at, row["metric"], unit_id)
            and (bool(one.cost_center_id) if center == SEVERAL else one.cost_center_id == center)
        ]
        expected = {"business_unit_id": unit_id, **dict.fromkeys(FIGURES, "")}
        if own:
            produced, per = produced_by(ledgers[at], own), int(row["per"])
            amounts = (
                produced.quantity, produced.direct, produced.loaded,
                unit_cost_of(produced, DIRECT, per), unit_cost_of(produced, LOADED, per),
            )  # fmt: skip
            expected |= dict(zip(FIGURES, map(text, amounts), strict=True))
        found = {name: row[name] for name in expected}
        if any(not same(found[name], value) for name, value in expected.items()):
            yield f"line {number}, {at} {row['metric']}: expected {expected}, found {found}"


#: What of a row is compared, as a number.
FIGURES = (
    "quantity",
    "direct_cost",
    "fully_loaded_cost",
    "direct_unit_cost",
    "fully_loaded_unit_cost",
)


def same(found: str, expected: str) -> bool:
    """Whether two cells are the same text, or the same number written otherwise.

    >>> same("3.0", "3"), same("3.0", ""), same("shop", "shop")
    (True, False, True)
    """
    if found == expected:
        return True
    try:
        return Decimal(found) == Decimal(expected)
    except ArithmeticError:
        return False
