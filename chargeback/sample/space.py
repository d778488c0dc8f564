"""Space: how much disk a generated report takes, asked before it is written.

A report's bytes a line item fall as it grows, from some 26 at a quarter of a million, most of which are of its
series, to 15 at thirty million. The estimate lies above all of them. One that the disk has no room for is
refused instead of ending half-way.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from chargeback.core.errors import bad_params

#: Bytes of a report: of its series, however few line items they have, and of each line item.
BYTES_AT_LEAST, BYTES_A_LINE_ITEM = 4_000_000, 20


def bytes_needed(line_items: int) -> int:
    """Bytes of disk that a period of so many line items takes at most."""
    return BYTES_AT_LEAST + BYTES_A_LINE_ITEM * line_items


def require_space(folder: Path, line_items: int) -> None:
    """Stop before a period is written that the folder's disk has no room for (exit 2).

    A period that is replaced is there until the new one is whole, so its own bytes do not count as room.
    """
    needed, free = bytes_needed(line_items), shutil.disk_usage(folder).free
    if needed > free:
        raise bad_params(
            "the disk has no room for the sample report",
            f"{needed / 1e6:,.0f} MB for {line_items:,} line items", f"{free / 1e6:,.0f} MB free",
            [str(folder)],
            ["make room there, name another folder with TO=, or ask for fewer line items with N="],
        )  # fmt: skip
