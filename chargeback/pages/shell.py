"""The shell of every page that is no statement: Jinja templates in reports/ that extend page.html.

In: the name of a template and what it shows. Out: one HTML file, complete in itself, with the look of the
statements (reports/statement.css). A template lays a page out and says its headings; a part of a statement
(chargeback/pages/parts.py), or a class that derives from `TemplatePart`, is shown by naming it.

What always holds: every text is escaped where it is shown, and characters that could hide others are marked
(chargeback/core/text.py), so that a template cannot forget it; a name that a page does not give is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from chargeback.core.paths import REPORTS
from chargeback.core.text import plain

PARTS = "parts.html"


class HtmlPart(Protocol):
    """Something that a page shows, which writes its own HTML."""

    def html(self) -> str: ...


class TemplatePart:
    """A part whose HTML is the macro of this name in reports/parts.html, which gets it as its argument."""

    macro: str

    def html(self) -> str:
        """The part as HTML."""
        return str(getattr(_templates().get_template(PARTS).module, self.macro)(self))


def render_page(
    template: str, **values: str | HtmlPart | Sequence[str] | Sequence[HtmlPart]
) -> str:
    """A whole page.

    Args:
        template: name of a file in reports/.
        values: what it shows, by the names that it has for them.
    """
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(REPORTS), autoescape=True, undefined=StrictUndefined,
        finalize=_shown, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def _shown(value: Any) -> Any:
    """What a template puts out for a value: a part's own HTML, anything else as text to be escaped."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, list | tuple):
        return Markup("\n").join(_shown(one) for one in value)
    return Markup(value.html()) if hasattr(value, "html") else plain(str(value))
