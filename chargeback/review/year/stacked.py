"""A table of the year's page that has more columns than a phone has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chargeback.pages.parts import Row
from chargeback.pages.shell import TemplatePart


@dataclass(frozen=True)
class StackedTable(TemplatePart):
    """A table with many columns, which a phone shows as blocks.

    Args:
        labels: of its columns, the first of the rows' names.
    """

    macro = "stacked_table"
    labels: Sequence[str]
    rows: Sequence[Row]
    caption: str = ""
