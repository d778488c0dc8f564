"""SQL for a reader: highlighted where HTML can be shown, plain text elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import SqlLexer

from chargeback.pages.escaping import html_text

#: So many statements are shown unfolded; more are opened one by one.
OPEN_STATEMENTS = 3

#: A long statement scrolls in a box of this height, so that what follows can be reached.
BOX = "max-height: 32em; overflow: auto; border-left: 3px solid #c8cfd8; padding-left: 0.8em"


class SqlShown:
    """Statements, one below the other, as a notebook's cell shows them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.plain()}

    def __repr__(self) -> str:
        return self.plain()

    def plain(self) -> str:
        """The statements as they are."""
        return "\n".join(self.texts) or "no SQL ran here"

    def html(self) -> str:
        """The statements with keywords set off; colours stand in the text, so that a page needs no more."""
        if not self.texts:
            return "<p>no SQL ran here</p>"
        look = HtmlFormatter(noclasses=True, nobackground=True, wrapcode=True)
        is_open = len(self.texts) <= OPEN_STATEMENTS
        return "".join(folded(one, highlight(one, SqlLexer(), look), is_open) for one in self.texts)


def folded(text: str, shown: str, is_open: bool) -> str:
    """A statement under its first line, which folds it away."""
    lines = text.strip().splitlines()
    first = lines[0].removeprefix("--").strip()
    return (
        f'<details{" open" if is_open else ""} style="margin: 0.6em 0"><summary style="cursor: pointer">'
        f'{html_text(first)} <i>({len(lines)} lines)</i></summary><div style="{BOX}">{shown}</div>'
        "</details>"
    )


def show_sql(texts: Sequence[str]) -> SqlShown:
    """SQL as a cell shows it.

    Args:
        texts: statements with their values bound, as `WorkFolder.bound_sql` answers them.
    """
    return SqlShown(texts)
