"""SQL for a reader: highlighted where Markdown can be shown, plain text elsewhere.

The Markdown is a few elements of HTML, which JupyterLab, nbconvert and Quarto let stand. As HTML itself it
would make Quarto load two scripts from a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import SqlLexer

from chargeback.core.text import plain
from chargeback.pages.escaping import markdown_cell

#: So many statements are shown unfolded; more are opened one by one.
OPEN_STATEMENTS = 3

#: A long statement scrolls in a box of this height, so that what follows can be reached.
BOX = "max-height: 32em; overflow: auto; border-left: 3px solid #c8cfd8; padding-left: 0.8em"


class SqlShown:
    """Statements, one below the other, as a notebook's cell shows them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/plain": self.plain()}

    def __repr__(self) -> str:
        return self.plain()

    def plain(self) -> str:
        """The statements as they are."""
        return "\n".join(self.texts) or "no SQL ran here"

    def markdown(self) -> str:
        """The statements with keywords set off; colours stand in the text, so that a page needs no more."""
        if not self.texts:
            return "no SQL ran here\n"
        is_open = len(self.texts) <= OPEN_STATEMENTS
        return "\n".join(folded(one, is_open) for one in self.texts)


def folded(text: str, is_open: bool) -> str:
    """A statement under its first line, which folds it away.

    The block begins a line of its own: what is in it is then no Markdown, empty lines or not.
    """
    lines = text.strip().splitlines()
    first = lines[0].removeprefix("--").strip()
    look = HtmlFormatter(noclasses=True, nobackground=True, nowrap=True)
    shown = (
        highlight(plain_lines(text), SqlLexer(), look).replace("{", "&#123;").replace("}", "&#125;")
    )
    return (
        f'<details{" open" if is_open else ""} style="margin: 0.6em 0">\n'
        f'<summary style="cursor: pointer">{markdown_cell(first)} <i>({len(lines)} lines)</i></summary>\n\n'
        f'<pre style="{BOX}">{shown}</pre>\n\n</details>\n'
    )


def plain_lines(text: str) -> str:
    """A statement without what could hide other letters."""
    return "\n".join(map(plain, text.strip().splitlines()))


def show_sql(texts: Sequence[str]) -> SqlShown:
    """SQL as a cell shows it.

    Args:
        texts: statements with their values bound, as `WorkFolder.bound_sql` answers them.
    """
    return SqlShown(texts)
