"""Plain page: a heading, some sentences and a way on; all that the door of the portal shows.

All pages of the portal extend reports/portal.html: the look of the statements, for a phone and a desk, without
a script. Who is signed in stands at the top of it, with a way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse

from chargeback.pages.shell import render_page
from chargeback.portal.headers import page
from chargeback.portal.person import Visit

TEMPLATE = "portal-door.html"


@dataclass(frozen=True)
class Way:
    """Where a page leads on to: words, and an address."""

    words: str
    address: str


def masthead(base: str, visit: Visit | None = None) -> dict[str, str]:
    """What the top of reports/portal.html shows.

    Args:
        base: what every path begins with (Settings.path).
        visit: whose; None where nobody is signed in.
    """
    return {
        "base": base,
        "person": visit.person.name if visit else "",
        "form_token": visit.form_token if visit else "",
    }


def plain_page(
    heading: str, sentences: Sequence[str], *, base: str = "", way: Way | None = None, status: int = 200,
    visit: Visit | None = None, code: str = "", onward: str = "",
) -> HTMLResponse:  # fmt: skip
    """A page of the door.

    Args:
        code: lines to show as they are, such as the block of a refusal.
        onward: an address that the browser goes to by itself.
    """
    content = render_page(
        TEMPLATE, title=heading, heading=heading, sentences=list(sentences), code=code, onward=onward,
        way_words=way.words if way else "", way_address=way.address if way else "", **masthead(base, visit),
    )  # fmt: skip
    return page(content, status=status)
