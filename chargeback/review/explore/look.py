"""Look: charges by one dimension, by any two, and over months; as exact tables, as facts, and as figures.

Tables are exact. Figures show the largest values and name how many stand for the rest, so that what is drawn is
always the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from chargeback.core.errors import bad_params
from chargeback.core.period import period_title
from chargeback.pages.figures import Chart, bar, bars, grid, over_time
from chargeback.review.explore.charges import Charges
from chargeback.review.explore.dimensions import dimension_of
from chargeback.review.explore.opened import CLOSED

#: How many values a figure shows before the rest is one.
MOST_BARS, MOST_SERIES, MOST_COLUMNS = 20, 10, 10
TOTAL, CHANGE, CENT = "total", "change", Decimal("0.01")


def spend(charges: Charges, dimension: str) -> pd.DataFrame:
    """What is charged by a dimension, exactly, with each value's share of the whole; largest first."""
    sums = sums_by(charges, [dimension])
    whole = sum(sums["amount"], Decimal(0))
    shares = [f"{amount * 100 / whole:.2f}%" if whole else "" for amount in sums["amount"]]
    return sums.assign(share=shares)


def two(charges: Charges, rows: str, columns: str) -> pd.DataFrame:
    """What is charged by two dimensions, exactly, with totals at both edges; largest first."""
    if rows == columns:
        raise bad_params("the two dimensions are the same one", "two different ones", rows)
    sums = sums_by(charges, [rows, columns])
    table = sums.pivot(index=rows, columns=columns, values="amount")
    table = table.astype(object).where(table.notna(), Decimal(0))
    down = in_order(sums, rows)
    across = in_order(sums, columns)
    table = table.loc[down, across]
    table[TOTAL] = [sum(row, Decimal(0)) for row in table.to_numpy()]
    return with_totals(table)


def trend(charges: Charges, dimension: str) -> pd.DataFrame:
    """What is charged by a dimension, a column a month, and the change over the closed months."""
    sums = sums_by(charges, [dimension, "period"])
    table = sums.pivot(index=dimension, columns="period", values="amount")
    table = table.astype(object).reindex(columns=charges.periods)
    table = table.where(
        table.notna(), Decimal(0)
    )  # a month without any charge has no column of its own
    first, last = whole_months(charges)
    order = sorted(table.index, key=lambda one: (-table.loc[one, last], str(one)))
    table = table.loc[order]
    table = with_totals(table)
    table[CHANGE] = table[last] - table[first]
    marked = {
        one: f"{one} {status}" for one, status in charges.statuses.items() if status != CLOSED
    }
    return table.rename(columns=marked)


def with_totals(table: pd.DataFrame) -> pd.DataFrame:
    """A table with one more row, which sums each column; nothing where there is none."""
    table = table.astype(object)  # empty columns are floats
    table.loc[TOTAL] = [sum(table[name], Decimal(0)) for name in table.columns]
    return table


def whole_months(charges: Charges) -> tuple[str, str]:
    """The first and the last month that are compared: closed ones, for a draft may be of half a month."""
    closed = [one for one, status in charges.statuses.items() if status == CLOSED]
    months = closed or charges.periods
    return months[0], months[-1]


def sums_by(charges: Charges, names: Sequence[str]) -> pd.DataFrame:
    """Exact sums by some columns, largest first."""
    for name in names:
        if name not in charges.frame.columns:
            dimension_of(name)  # says so when there is none of this name
            raise bad_params(
                "these charges were not opened by this dimension",
                ", ".join(one.name for one in charges.dimensions), repr(name),
                todo=[f'name it when they are opened: explore.charges_by("{name}")'],
            )  # fmt: skip
    frame = charges.frame
    sums: dict[tuple[str, ...], Decimal] = {}
    for *key, amount in zip(*(frame[name] for name in (*names, "amount")), strict=True):
        sums[tuple(key)] = sums.get(tuple(key), Decimal(0)) + amount
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    found = pd.DataFrame([(*key, amount) for key, amount in ordered], columns=[*names, "amount"])
    return found.astype({"amount": object})


def in_order(sums: pd.DataFrame, name: str) -> list[str]:
    """The values of a dimension: months and days as they pass, others by their amount."""
    whole: dict[str, Decimal] = {}
    for value, amount in zip(sums[name], sums["amount"], strict=True):
        whole[value] = whole.get(value, Decimal(0)) + amount
    if name in ("period", "day"):
        return sorted(whole)
    return sorted(whole, key=lambda one: (-whole[one], one))


def facts(charges: Charges, *dimensions: str) -> str:
    """What each period is charged, in how many parts, and that the parts are the whole."""
    lines = []
    for period in charges.periods:
        chosen = charges.frame[charges.frame["period"] == period]
        parts = sum(chosen["amount"], Decimal(0))
        difference = parts - charges.charged[period]
        lines.append(
            f"{period} {charges.statuses[period]}: {cents(parts)} {charges.currency} in {len(chosen):,} rows, "
            f"parts less whole {cents(difference)}"
        )
    for name in dimensions:
        sums = sums_by(charges, [name])
        largest = f", the largest {sums.iloc[0, 0]} {sums.iloc[0, 1]:,.2f}" if len(sums) else ""
        lines.append(f"{name}: {len(sums)} values{largest}")
    return "\n".join(lines)


def named_facts(charges: Charges, dimension: str) -> str:
    """What stands under names in brackets: what a dimension does not say, and the rounding to cents."""
    sums = spend(charges, dimension)
    named = sums[sums[dimension].astype(str).str.startswith("(")]
    lines = [
        f"  {name}: {cents(amount)}" for name, amount, _ in named.itertuples(index=False, name=None)
    ]
    return "\n".join([f"{len(lines)} values in brackets", *lines])


def top_facts(charges: Charges, dimension: str, most: int = 8) -> str:
    """The largest values of a dimension."""
    found = spend(charges, dimension).head(most)
    return "\n".join(
        f"{name}: {amount:,.2f}" for name, amount, _ in found.itertuples(index=False, name=None)
    )


def corner_facts(table: pd.DataFrame, most: int = 6) -> str:
    """The largest rows of a table of two dimensions, and what all of it comes to."""
    rows = [*table.index[: min(most, len(table) - 1)], TOTAL]
    lines = [f"{name}: {table.loc[name, TOTAL]:,.2f}" for name in rows]
    return "\n".join([f"{len(table) - 1} rows by {len(table.columns) - 1} columns", *lines])


def change_line_facts(charges: Charges, dimension: str, most: int = 8) -> str:
    """The largest values of a dimension in the last month, and their change since the first."""
    table, (first, last) = trend(charges, dimension), whole_months(charges)
    rows = [*table.index[: min(most, len(table) - 1)], TOTAL]
    return "\n".join(
        f"{name}: {table.loc[name, last]:,.2f} in {last}, {table.loc[name, CHANGE]:+,.2f} since {first}"
        for name in rows
    )


def cents(amount: Decimal) -> str:
    """An amount in a line of facts: whole cents, more only where there are more."""
    whole = amount.quantize(CENT)
    return f"{whole if whole == amount else amount.normalize():,f}"


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A table to be read, amounts rounded to cents; the exact ones stay in the table that it was made from."""
    return table.map(lambda cell: cell.quantize(CENT) if isinstance(cell, Decimal) else cell)


def largest(charges: Charges, most: int = 10) -> pd.DataFrame:
    """The largest rows of the charges, with the columns that a reader looks at first."""
    first = ["period", "business_unit", *(one.name for one in charges.dimensions)]
    names = [*first, "amount", "amount_float", "cost_center", "account", "service", "status"]
    order = charges.frame["amount_float"].sort_values(ascending=False, kind="stable").index[:most]
    found: pd.DataFrame = charges.frame.loc[order, list(dict.fromkeys(names))]
    return found


def shown_two(charges: Charges, rows: str, columns: str) -> pd.DataFrame:
    """A table of two dimensions to be read: the largest rows and columns, the others summed, in cents."""
    labels, heads, cells = corner(two(charges, rows, columns), rows, columns)
    table = pd.DataFrame(cells, index=pd.Index(labels, name=rows), columns=heads, dtype=object)
    table.insert(0, TOTAL, [sum(row, Decimal(0)) for row in cells])
    return readable(with_totals(table))


def title(charges: Charges, *dimensions: str) -> str:
    """What a figure shows: by what, when, and for whom."""
    words = " and ".join(dimension_of(one).words for one in dimensions)
    first, last = charges.periods[0], charges.periods[-1]
    when = period_title(last) if first == last else f"{period_title(first)} to {period_title(last)}"
    whom = f", {charges.only}" if charges.only else ""
    open_ones = [one for one, status in charges.statuses.items() if status != CLOSED]
    mark = f" ({', '.join(open_ones)} PROVISIONAL)" if open_ones else ""
    return f"Charged by {words}{whom}, {when}{mark}"


def shortened(
    labels: Sequence[str], rows: Sequence[Sequence[Decimal]], most: int
) -> tuple[list[str], list[list[Decimal]]]:
    """The first labels with their rows, and the sum of the others as one."""
    if len(labels) <= most:
        return list(labels), [list(row) for row in rows]
    kept, rest = [list(row) for row in rows[: most - 1]], rows[most - 1 :]
    others = [sum(column, Decimal(0)) for column in zip(*rest, strict=True)]
    return [*labels[: most - 1], f"{len(rest)} others"], [*kept, others]


def spend_figure(charges: Charges, dimension: str) -> Chart:
    """The largest values of a dimension as bars; days as they pass."""
    sums = sums_by(charges, [dimension])
    amounts = dict(zip(sums[dimension], sums["amount"], strict=True))
    order = in_order(sums, dimension)
    most = len(order) if dimension in ("period", "day") else MOST_BARS
    labels, rows = shortened(order, [[amounts[one]] for one in order], most)
    return bar(labels, [row[0] for row in rows], title(charges, dimension), charges.currency)


def two_figure(charges: Charges, rows: str, columns: str) -> Chart:
    """Two dimensions as a grid, the darker the larger."""
    labels, heads, cells = corner(two(charges, rows, columns), rows, columns)
    return grid(labels, heads, cells, title(charges, rows, columns), charges.currency)


def stacked_figure(charges: Charges, rows: str, columns: str) -> Chart:
    """One dimension as bars, each of the parts that another makes of it."""
    labels, heads, cells = corner(two(charges, rows, columns), rows, columns)
    parts = [(head, [row[at] for row in cells]) for at, head in enumerate(heads)]
    return bars(labels, parts, title(charges, rows, columns), charges.currency)


def corner(
    table: pd.DataFrame, rows: str, columns: str
) -> tuple[list[str], list[str], list[list[Decimal]]]:
    """The largest rows and columns of a table of two dimensions, the others summed."""
    inner = table.drop(index=TOTAL, columns=TOTAL)
    cells = [list(row) for row in inner.to_numpy()]
    most_rows = len(cells) if rows in ("period", "day") else MOST_BARS
    labels, cells = shortened(list(inner.index), cells, most_rows)
    most_columns = len(inner.columns) if columns in ("period", "day") else MOST_COLUMNS
    turned = [list(column) for column in zip(*cells, strict=True)]
    heads, turned = shortened(list(inner.columns), turned, most_columns)
    return labels, heads, [list(row) for row in zip(*turned, strict=True)]


def trend_figure(charges: Charges, dimension: str) -> Chart:
    """The largest values of a dimension over months, a line each."""
    table = trend(charges, dimension).drop(index=TOTAL, columns=CHANGE)
    labels, rows = shortened(
        list(table.index), [list(row) for row in table.to_numpy()], MOST_SERIES
    )
    months = list(table.columns)
    return over_time(
        months, list(zip(labels, rows, strict=True)), title(charges, dimension), charges.currency
    )
