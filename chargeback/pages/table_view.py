"""Tables for a reader: how a notebook shows a pandas DataFrame, as a table of Markdown.

Texts stand left and wrap, however long they are; amounts stand right with all the decimals that they have; what
is missing is blank; a register fits, and of a longer table it is said how many rows are not shown. The
DataFrame itself stays as it is.

JupyterLab, nbconvert and Quarto show Markdown alike, and load nothing for it. An output of HTML makes Quarto
load two scripts from a network, whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from chargeback.core.text import plain
from chargeback.pages.escaping import markdown_cell

#: More rows than this are not shown.
MOST_ROWS = 60

#: The widths of columns, in dashes: pandoc gives wide tables these shares of the page.
NARROWEST, WIDEST = 4, 40

#: Texts up to this long are not broken at what a browser would break them at.
ONE_LINE, BREAKS = 36, re.compile(r"[-/]")

#: What a table stands in that may be wider than the page.
SCROLLED = '<div style="overflow-x: auto">'


def show_whole_tables() -> None:
    """In a notebook, show every DataFrame like this; elsewhere nothing changes."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        formatters = shell.display_formatter.formatters
        formatters["text/html"].for_type(pd.DataFrame, no_html)
        formatters["text/markdown"].for_type(pd.DataFrame, table_markdown)


def no_html(_: pd.DataFrame) -> None:
    """No HTML of a DataFrame, where pandas makes some."""


def table_markdown(frame: pd.DataFrame) -> str:
    """A DataFrame as a pipe table; rows that are only numbered are shown without their numbers."""
    numbered = frame.index.name is None and pd.api.types.is_integer_dtype(frame.index)
    right = [is_number(frame.iloc[:, at]) for at in range(frame.shape[1])]
    heads = [head(name) for name in frame.columns]
    shown = frame.head(MOST_ROWS)
    rows = [[said(one) for one in row] for row in shown.itertuples(index=False, name=None)]
    if not numbered:
        right, heads = [False, *right], [head(" / ".join(map(str, frame.index.names))), *heads]
        rows = [[said(name), *row] for name, row in zip(shown.index, rows, strict=True)]
    if not rows:
        return f"no rows of: {', '.join(map(markdown_cell, heads))}\n"
    lines = [pipes(map(markdown_cell, heads)), pipes(dashes(heads, rows, right))]
    lines += [pipes(map(cell, row)) for row in rows]
    more = len(frame) - len(shown)
    rest = [f"and {more:,} more rows"] if more > 0 else []
    return "\n\n".join([SCROLLED, "\n".join(lines), "</div>", *rest]) + "\n"


def cell(text: str) -> str:
    """A cell; a short text with hyphens or slashes in it, such as a period or an id, stays on one line."""
    shown = markdown_cell(text)
    if len(text) > ONE_LINE or not BREAKS.search(text):
        return shown
    return f'<span style="white-space: nowrap">{shown}</span>'


def pipes(cells: Iterable[str]) -> str:
    """A line of a pipe table."""
    return f"| {' | '.join(cells)} |"


def dashes(heads: list[str], rows: list[list[str]], right: list[bool]) -> Iterable[str]:
    """The line below the heads: on which side each column stands, and how wide it is."""
    for at, side in enumerate(right):
        widest = max(len(row[at]) for row in [heads, *rows])
        line = "-" * min(max(widest, NARROWEST), WIDEST)
        yield f"{line}:" if side else f":{line}"


def head(name: Hashable) -> str:
    """The head of a column; one without a name has none."""
    return "" if name is None or name == "None" else said(name)


def is_number(column: pd.Series) -> bool:
    """Whether a column has figures, of whatever kind, and nothing else."""
    values: Iterable[object] = column.dropna()
    kinds = {isinstance(one, (int, float, Decimal)) and not isinstance(one, bool) for one in values}
    return kinds == {True} or (kinds != {False} and pd.api.types.is_numeric_dtype(column))


def said(value: object | Hashable) -> str:
    """A value as text: figures with separators, what is missing as nothing, texts on one line."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, tuple):
        return " / ".join(said(one) for one in value)
    if isinstance(value, np.generic):
        return said(value.item())
    if isinstance(value, int | float):
        return f"{value:,}"
    return plain(str(value))
