"""What a daily run measures about itself (chargeback/core/metrics.py), and about the bill."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from chargeback.core.books_folders import Books
from chargeback.core.metrics import Metric, gauge, measured_run

if TYPE_CHECKING:
    from chargeback.daily.today import Today

FIGURES = "figures.json"


#: By how much the clock that files are stamped with may be behind the one that is asked for the time.
BEHIND_SECONDS = 0.1


def measured_day(run: Callable[..., Path]) -> Callable[..., Path]:
    """A daily run that leaves metrics, however it ends: those of the day once it is published."""

    @functools.wraps(run)
    def measuring(
        day: str, report: Path, params: Path, books: Books, progress: Callable[[str], None]
    ) -> Path:
        def figures(started: float, _: int) -> list[Metric]:
            path = books.daily(day) / FIGURES
            if not path.is_file() or path.stat().st_mtime + BEHIND_SECONDS < started:
                return []
            return [Metric(**one) for one in json.loads(path.read_bytes())]

        with measured_run("daily", day[:7], books, progress, figures):
            return run(day, report, params, books, progress)

    return measuring


def write_figures(metrics: Iterable[Metric], folder: Path) -> None:
    """Keep a day's metrics beside it, for the run to send once the day is published."""
    content = [asdict(one) for one in metrics]
    (folder / FIGURES).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def day_metrics(today: Today) -> list[Metric]:
    """What a day shows: who is untagged, what is open, what is unusual, and how old things are."""
    period, basis = today.costs.period, today.params.policy.cost_basis
    total = today.hygiene.total.by(basis)
    is_open = [one for one in today.cases.values() if one.status == "open"]
    units = dict.fromkeys([*today.params.business_units, ""], 0)
    for anomaly in today.anomalies.anomalies:
        units[anomaly.unit.business_unit_id if anomaly.unit else ""] += 1
    return [
        gauge("daily_line_items", "Line items of the delivery.", today.costs.record.line_items,
              period=period),
        *([gauge("daily_untagged_ratio", "Untagged cost, of what could carry tags.",
                 total.untagged / total.taggable, period=period)] if total.taggable > 0 else []),
        gauge("daily_untagged_cost", "Untagged cost of the month so far, in the policy's currency.",
              total.untagged, period=period),
        *(gauge("daily_open_cases", "Tickets and alerts that are open.",
                sum(one.channel == channel for one in is_open), channel=channel)
          for channel in ("ticket", "alert")),
        *(gauge("daily_anomalies", "Anomalies that are going on.", count, business_unit=unit or "none")
          for unit, count in units.items()),
    ]  # fmt: skip
