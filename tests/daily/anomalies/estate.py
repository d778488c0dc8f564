"""An estate of some months whose days cost about the same, with resources, and things that happened in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tests.reports import line_item, write_report

PERIODS = ("2026-02", "2026-03", "2026-04", "2026-05")
FIRST, LAST = date(2026, 2, 1), date(2026, 5, 20)

#: Owner, product and resource, with dollars a day.
USUAL: Mapping[tuple[str, str, str], float] = {
    ("CC-1", "AmazonEC2", "i-web"): 700.0,
    ("CC-1", "AmazonEC2", "i-batch"): 300.0,
    ("CC-1", "AmazonRDS", "db-1"): 2000.0,
    ("CC-9", "AmazonEC2", "i-tools"): 900.0,
    ("", "AmazonS3", "bucket"): 600.0,
}

#: Dollars by day and (owner, product, resource), in the place of the usual ones.
Happened = Mapping[tuple[date, tuple[str, str, str]], float]


def cost_of(number: int, day: date, dollars: float) -> float:
    """A day's cost: less on weekends, and a little different each day."""
    wobble = 1 + ((number * 7919 + day.toordinal() * 104729) % 61 - 30) / 1000
    return round(dollars * wobble * (0.7 if day.weekday() >= 5 else 1.0), 6)


def items_of(period: str, happened: Happened, last: date = LAST) -> list[dict[str, Any]]:
    """The line items of a month up to a day; a fee of the month stands on its first day."""
    day = date.fromisoformat(f"{period}-01")
    items = [
        line_item(
            5000.0, line_item_line_item_type="Fee", line_item_product_code="AWSSupport",
            line_item_resource_id="", line_item_usage_start_date=datetime.combine(day, time(0)),
        )
    ]  # fmt: skip
    while f"{day:%Y-%m}" == period and day <= last:
        costs = {
            key: cost_of(number, day, dollars)
            for number, (key, dollars) in enumerate(USUAL.items())
        }
        costs |= {key: dollars for (when, key), dollars in happened.items() if when == day}
        items += [
            line_item(
                dollars, owner, line_item_product_code=product, line_item_resource_id=resource,
                line_item_usage_start_date=datetime.combine(day, time(13)),
            )
            for (owner, product, resource), dollars in costs.items()
        ]  # fmt: skip
        day += timedelta(1)
    return items


def write_estate(
    folder: Path,
    happened: Happened | None = None,
    last: date = LAST,
    more: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """The reports of all months; `more` are further line items of the last one."""
    for period in PERIODS:
        items = items_of(period, happened or {}, last)
        items += [dict(one) for one in more if period == PERIODS[-1]]
        write_report(folder, items, period=period)
    return folder
