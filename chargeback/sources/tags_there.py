"""Tags there: which tag keys the line items of a delivery carry, for whoever has to name the right one.

In: a report's folder and the record of a delivery. Out: keys as policies name them, with what their line items
cost. It is asked when a key is not carried and when params are begun, never by a close that goes well: it reads
every map of the report.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from chargeback.aws.report_location import ReportLocation
from chargeback.books.source_record import SourceRecord
from chargeback.engine.controls import Outcome
from chargeback.sources.flat_columns import MAPS
from chargeback.sources.report import asked

CARRIED_CONTROL = "tag_keys_are_carried"
MOST_KEYS = 12


def report_tags(report: Path, record: SourceRecord) -> pa.Table:
    """Each tag value of a delivery: map_name, tag_key, tag_value, line_items, unblended_cost."""
    return asked(report, record, "report_tags")


def key_name(map_name: str, tag_key: str) -> str:
    """A key as cost_center_tags names it.

    >>> key_name("resource_tags", "user_team"), key_name("tags", "accountTag/team")
    ('user_team', 'tags:accountTag/team')
    """
    return tag_key if map_name == MAPS[0] else f"{map_name}:{tag_key}"


def keys_there(tags: pa.Table) -> dict[str, Decimal]:
    """What the line items of each key cost, the dearest first."""
    sums: dict[str, Decimal] = {}
    for row in tags.to_pylist():
        name = key_name(row["map_name"], row["tag_key"])
        sums[name] = sums.get(name, Decimal(0)) + row["unblended_cost"]
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def uncarried(keys: Iterable[str], report: Path, record: SourceRecord) -> list[str]:
    """Those of some keys that no line item of a delivery has a value of."""
    there = keys_there(report_tags(report, record))
    return [key for key in keys if key not in there]


def key_hints(
    report: ReportLocation, record: SourceRecord, outcomes: Iterable[Outcome]
) -> list[str]:
    """Which keys there are, where a control says that one is not; nothing for a report that is no folder."""
    missing = [
        key
        for one in outcomes
        if one.name == CARRIED_CONTROL and not one.holds
        for key in one.rows["tag_key"].to_pylist()
    ]
    if not missing or not isinstance(report, Path):
        return []
    there = keys_there(report_tags(report, record))
    if not there:
        return ["no line item has any tag at all: are the keys activated as cost allocation tags?"]
    lines = ["the keys that line items carry, with what they cost:"]
    lines += [f"  {key}  {cost:,.2f}" for key, cost in list(there.items())[:MOST_KEYS]]
    if len(there) > MOST_KEYS:
        lines.append(f"  and {len(there) - MOST_KEYS} more")
    for key in missing:
        bare = {one.rpartition("/")[2].rpartition(":")[2]: one for one in reversed(there)}
        found = near(key, there) or bare.get(near(key.removeprefix("user_"), bare), "")
        lines += [f"{key}: did you mean {found!r}?"] if found else []
    return lines


def near(key: str, known: Iterable[str]) -> str:
    """The key that is most like one; blank where none is."""
    return next(iter(difflib.get_close_matches(key, list(known), n=1)), "")
