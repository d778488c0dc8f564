"""Folded: a list of links that is opened when somebody looks for one of many; on pages without a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chargeback.pages.escaping import html_text


@dataclass(frozen=True)
class FoldedLinks:
    """Links below a line that opens and closes them, without a script.

    Args:
        title: what the line says.
        links: what each says, and where it leads.
    """

    title: str
    links: Sequence[tuple[str, str]]

    def html(self) -> str:
        links = "\n".join(
            f'<li><a href="{html_text(address)}"><bdi>{html_text(text)}</bdi></a></li>'
            for text, address in self.links
        )
        title = html_text(self.title)
        return f'<details class="names"><summary>{title}</summary>\n<ul>\n{links}\n</ul></details>'

    def typst(self) -> str:
        """Nothing: who reads on paper follows no link."""
        return ""
