"""The cells, rows and words that several sections have in common."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import Picture
from chargeback.pages.parts import TOTAL, Cell, Chart, Column, Row, amount_cell, change_cell, signed
from chargeback.pages.vocabulary import MARKETPLACE, service_name, share_text
from chargeback.statements import wording as words
from chargeback.statements.model import ZERO, DirectCost, HasAmount, Rest, Statement
from chargeback.statements.month import MonthIndex


class HasProduct(Protocol):
    """A row that is about a product."""

    @property
    def product_code(self) -> str: ...

    @property
    def product_name(self) -> str: ...


def product_label(row: HasProduct) -> str:
    """What a reader calls the product of a row."""
    return service_name(row.product_code, row.product_name)


def product_cell(row: HasProduct) -> Cell:
    """The product of a row; one of AWS Marketplace with the code that statement.csv and a trace have."""
    code = f"{MARKETPLACE} {row.product_code}" if row.product_name else ""
    return Cell(product_label(row), sub=code)


def reference_cell(reference: str = "") -> Cell:
    """What names a line for `make trace` and in a dispute; empty where a row is no line of its own."""
    return Cell(reference, muted=True)


def reference_column(optional: bool = False) -> Column:
    """The column of references; optional beside so many others that a phone has no room."""
    return Column(words.REFERENCE, optional=optional)


def money(row: HasAmount) -> Cell:
    """A row's amount, which is no figure of the ledger by itself."""
    return amount_cell(row.amount)


def total_cell(amount: Decimal) -> Cell:
    """The statement's total, as it is read back."""
    return amount_cell(amount, figure=("total", "total"))


def kind_cell(amount: Decimal, kind: str) -> Cell:
    """What a kind of posting sums to, as it is read back."""
    return amount_cell(amount, figure=("kind", kind))


def share_cell(part: Decimal, whole: Decimal) -> Cell:
    """A part of a total in percent, beside its amount."""
    return Cell(share_text(part, whole, 1), muted=True)


def compared_columns(statement: Statement) -> list[Column]:
    """The columns of the last closed period and of the change; none where there is no such period."""
    before = statement.compared_period
    if not before:
        return []
    return [Column(period_title(before), optional=True), Column(words.CHANGE)]


def compared_cells(statement: Statement, amount: Decimal, before: Decimal | None) -> list[Cell]:
    """The cells of `compared_columns`."""
    if not statement.compared_period or before is None:
        return []
    return [amount_cell(before, muted=True), change_cell(amount - before)]


def direct_total(direct: DirectCost, *between: Cell) -> Row:
    """The last row of a table of direct cost: all of it, with cells between its share and its amount."""
    return Row(
        [
            Cell(words.DIRECT_COST),
            share_cell(direct.total, direct.total),
            *between,
            kind_cell(direct.total, "direct"),
        ],
        TOTAL,
    )


def rest_row(rest: Rest | None, between: int = 0) -> list[Row]:
    """The line of the rows that a list does not show, with empty cells before its amount."""
    if rest is None:
        return []
    label = Cell(words.SMALLER_ROWS.format(count=rest.rows), muted=True)
    return [Row([label, *empty_cells(between), money(rest)])]


def picture_of(picture: Picture, says: str, caption: str = "") -> Chart:
    """A chart in its two forms, and what it says to those who cannot see it."""
    return Chart(picture.wide, says, caption, picture.narrow)


def empty_cells(count: int) -> list[Cell]:
    """Cells with nothing in them."""
    return [Cell("")] * count


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """What amounts come to, in cents also where there are none."""
    return sum(amounts, ZERO)


def percent(change: Decimal | None, before: Decimal | None) -> str:
    """A change in percent of what was; empty where that says nothing."""
    if change is None or before is None or before <= 0:
        return ""
    return f"{signed(change * 100 / before, 1)}%"


def trend_words(statement: Statement | MonthIndex) -> str:
    """The total of each period, for those who cannot see the chart."""
    return ", ".join(
        f"{period_title(one.billing_period)} {shown(one.amount)}" for one in statement.trend
    )
