"""Tables for a reader: how a notebook shows a pandas DataFrame.

Texts stand left and wrap, however long they are; amounts stand right with all the decimals that they have; what
is missing is blank; a register fits, and of a longer table it is said how many rows are not shown. The
DataFrame itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from chargeback.core.text import plain
from chargeback.pages.escaping import html_text

#: More rows than this are not shown.
MOST_ROWS = 60

#: Texts longer than this are wrapped, in a column of this width.
ONE_LINE, WRAPPED = 36, "min-width:16em;max-width:30em;overflow-wrap:break-word;white-space:normal"

LEFT, RIGHT = "text-align:left;vertical-align:top", "text-align:right;vertical-align:top"
NO_WRAP = ";white-space:nowrap"


def show_whole_tables() -> None:
    """In a notebook, show every DataFrame like this; elsewhere nothing changes."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, table_html)


def table_html(frame: pd.DataFrame) -> str:
    """A DataFrame as an HTML table; rows that are only numbered are shown without their numbers."""
    numbered = frame.index.name is None and pd.api.types.is_integer_dtype(frame.index)
    right = [is_number(frame.iloc[:, at]) for at in range(frame.shape[1])]
    heads = [] if numbered else [head(" / ".join(map(str, frame.index.names)), False)]
    heads += [head(said(name), side) for name, side in zip(frame.columns, right, strict=True)]
    lines = [f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"]
    shown = frame.head(MOST_ROWS)
    for name, row in zip(shown.index, shown.itertuples(index=False, name=None), strict=True):
        cells = [] if numbered else [cell(name, False, "th")]
        cells += [cell(value, side) for value, side in zip(row, right, strict=True)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    more = len(frame) - len(shown)
    rest = f"<p>and {more:,} more rows</p>" if more > 0 else "" if len(frame) else "<p>no rows</p>"
    table = f'<table class="dataframe">{"".join(lines)}</tbody></table>'
    return f'<div style="overflow-x:auto">{table}</div>{rest}'


def head(text: str, right: bool) -> str:
    """The head of a column."""
    words = "" if text == "None" else text
    return f'<th style="{RIGHT if right else LEFT}">{html_text(words)}</th>'


def cell(value: object, right: bool, tag: str = "td") -> str:
    """A cell; a long text is wrapped, wherever it has to be."""
    text = said(value)
    if len(text) > ONE_LINE and not right:
        return f'<{tag} style="{LEFT}"><div style="{WRAPPED}">{html_text(text)}</div></{tag}>'
    return f'<{tag} style="{RIGHT if right else LEFT}{NO_WRAP}">{html_text(text)}</{tag}>'


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
