"""Room parts: what the rooms' pages are made of, besides the parts of a statement: headings, links and forms.

What always holds: every text is escaped here, and an address is written by `address_of` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from chargeback.pages.escaping import html_text
from chargeback.pages.shell import render_page

FORM = "portal-form.html"


def address_of(base: str, *parts: str) -> str:
    """A path of the portal.

    >>> address_of("/cloud", "packs", "2026-05", "a b/c.pdf"), address_of("")
    ('/cloud/packs/2026-05/a%20b%2Fc.pdf', '/')
    """
    return f"{base}/" + "/".join(quote(one, safe="") for one in parts)


@dataclass(frozen=True)
class Heading:
    """A heading of a part of the page."""

    text: str

    def html(self) -> str:
        """The heading as HTML."""
        return f"<h2>{html_text(self.text)}</h2>"


@dataclass(frozen=True)
class Ways:
    """Links that lead on, as buttons: words and address of each."""

    links: Sequence[tuple[str, str]]

    def html(self) -> str:
        """The list as HTML; nothing of no links."""
        items = "".join(
            f'<li><a class="way" href="{html_text(address)}">{html_text(words)}</a></li>'
            for words, address in self.links
        )
        return f'<ul class="ways">{items}</ul>' if items else ""


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Args:
        value: what stands in it already.
        options: values and texts to choose from.
        most: characters.
    """

    name: str
    label: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    is_long: bool = False
    is_number: bool = False
    is_needed: bool = True
    most: int = 200

    @property
    def id(self) -> str:
        """Of the element, once a page."""
        return f"field-{self.name}"


@dataclass(frozen=True)
class Form:
    """A form about the statement of a period.

    Args:
        token: of the session.
    """

    heading: str
    says: str
    address: str
    token: str
    period: str
    fields: Sequence[Field]
    button: str

    def html(self) -> str:
        """The form as HTML."""
        return render_page(FORM, form=cast(Any, self))
