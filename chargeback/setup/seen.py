"""Seen: what check-params says of viewers.toml: who sees something, and groups of units that see nothing.

business_units.csv names a group of the identity provider for each unit (idp_group). It grants nothing by
itself: viewers.toml does, with who approved it. So a group that is named there and that no grant lets see its
unit is told, because somebody expects that it sees the unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chargeback.core.text import plain
from chargeback.params.registers import Row, read_register
from chargeback.params.viewers import FILE, Viewers, read_viewers

UNITS = "business_units.csv"


def seen_lines(folder: Path, period: str) -> Iterator[str]:
    """What the policy of a month comes to, in lines without a label."""
    viewers = read_viewers(folder, period)
    if not viewers.grants:
        there = "grants nothing in this month" if (folder / FILE).is_file() else "is not there"
        yield f"no group sees anything: {FILE} {there}"
        return
    number = len(viewers.groups)
    yield f"{number:,} group{'' if number == 1 else 's'} of the identity provider see something"
    for row in unseen_units(folder, viewers):
        yield plain(
            f"{UNITS} line {row.line}: {row['idp_group']} does not see {row['business_unit_id']} by {FILE}"
        )


def unseen_units(folder: Path, viewers: Viewers) -> Iterator[Row]:
    """The rows of business units whose group does not see the unit."""
    for row in read_register(folder, UNITS):
        group = row["idp_group"]
        if group and not viewers.sight([group]).sees_unit(row["business_unit_id"]):
            yield row
