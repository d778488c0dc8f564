"""Metrics: what a close, a daily run and a look at freshness measured about themselves.

Written as an OpenMetrics text file, BOOKS/metrics/<what>.prom, which replaces that of the run before; and
sent as DogStatsD gauges when CHARGEBACK_STATSD=<host>:<port> or DD_AGENT_HOST says where to. Both have the
same names, with dots in the place of the first underscores: chargeback_close_seconds is
chargeback.close.seconds.

What always holds: a metric that cannot be measured is left out, and none that fails stops anything; a line
    says so.
Drawback: a run that is killed measures nothing, and the file is of the run before.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datadog.dogstatsd import DogStatsd

from chargeback.errors import DONE, Refusal
from chargeback.places import Books

if TYPE_CHECKING:
    from chargeback.closing import Closing
    from chargeback.daily.run import Today

PREFIX = "chargeback"
STATSD, AGENT, AGENT_PORT = "CHARGEBACK_STATSD", "DD_AGENT_HOST", "DD_DOGSTATSD_PORT"
STATSD_PORT = 8125
FIGURES = "figures.json"
UNFORESEEN = 1  # the outcome of a run that ended in an error which is no refusal

_UNSAFE_TAG = re.compile(r"[\s,|#@:]+")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Metric:
    """One gauge.

    Args:
        name: without the prefix, lower case with underscores, its unit last.
        says: what it is, in words.
    """

    name: str
    says: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def gauge(name: str, says: str, value: Decimal | float, **labels: str) -> Metric:
    """A gauge; decimals become the nearest double, which is how metrics travel."""
    return Metric(name, says, float(value), labels)


def open_metrics(metrics: Iterable[Metric]) -> str:
    """The metrics in OpenMetrics' text format; those of one name stand together."""
    families: dict[str, list[Metric]] = {}
    for one in metrics:
        families.setdefault(one.name, []).append(one)
    lines = []
    for name, members in families.items():
        full = f"{PREFIX}_{name}"
        lines += [f"# TYPE {full} gauge", f"# HELP {full} {escaped(members[0].says)}"]
        for one in members:
            labels = ",".join(f'{key}="{escaped(text)}"' for key, text in one.labels.items())
            lines.append(
                f"{full}{{{labels}}} {number(one.value)}"
                if labels
                else f"{full} {number(one.value)}"
            )
    return "\n".join([*lines, "# EOF"]) + "\n"


def escaped(text: str) -> str:
    """A label or help text as OpenMetrics wants it."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """A value as OpenMetrics wants it."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return repr(value)


def write_metrics(metrics: Iterable[Metric], path: Path) -> None:
    """Replace a file of metrics, whole; what a run that was killed here left is taken by the next one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.new")
    begun.write_text(open_metrics(metrics), encoding="utf-8")
    begun.replace(path)


def statsd_place(environment: Mapping[str, str] = os.environ) -> tuple[str, int] | None:
    """Host and port to send to; None when nobody configured any."""
    text = environment.get(STATSD, "")
    if text:
        host, _, port = text.rpartition(":")
        return (host, int(port)) if host else (text, STATSD_PORT)
    host = environment.get(AGENT, "")
    return (host, int(environment.get(AGENT_PORT) or STATSD_PORT)) if host else None


def send_metrics(metrics: Iterable[Metric], place: tuple[str, int]) -> None:
    """Send gauges to a DogStatsD agent, one packet each; UDP tells nobody whether they arrived."""
    client = DogStatsd(
        host=place[0], port=place[1], disable_telemetry=True, disable_buffering=True,
        origin_detection_enabled=False,
    )  # fmt: skip
    for one in metrics:
        name = f"{PREFIX}.{one.name.replace('_', '.', 1)}"
        tags = [f"{key}:{_UNSAFE_TAG.sub('_', text)}" for key, text in one.labels.items()]
        client.gauge(name, one.value, tags=tags)
    client.close_socket()


def emit(
    metrics: Iterable[Metric], books: Books, what: str, progress: Callable[[str], None]
) -> None:
    """Write and send metrics; a failure is said and stops nothing."""
    found = list(metrics)
    try:
        if books.root.is_dir():
            write_metrics(found, books.metrics / f"{what}.prom")
        place = statsd_place()
        if place:
            send_metrics(found, place)
    except Exception as error:
        progress(f"metrics of this run were not kept: {type(error).__name__}: {error}")


def measured(
    close: Callable[[Closing, Callable[[str], None]], Answer],
) -> Callable[[Closing, Callable[[str], None]], Answer]:
    """A close that leaves metrics, however it ends."""

    @functools.wraps(close)
    def measuring(closing: Closing, progress: Callable[[str], None]) -> Answer:
        started, outcome = time.time(), UNFORESEEN
        try:
            answer = close(closing, progress)
            outcome = DONE
            return answer
        except Refusal as refusal:
            outcome = refusal.exit_code
            raise
        finally:
            found = run_metrics("close", started, outcome, closing.period)
            try:
                found += close_metrics(closing.books, closing.period) if outcome == DONE else []
            except Exception as error:
                progress(
                    f"metrics of the ledger were not measured: {type(error).__name__}: {error}"
                )
            emit(found, closing.books, "close", progress)

    return measuring


def measured_day(run: Callable[..., Path]) -> Callable[..., Path]:
    """A daily run that leaves metrics, however it ends: those of the day once it is published."""

    @functools.wraps(run)
    def measuring(
        day: str, report: Path, params: Path, books: Books, progress: Callable[[str], None]
    ) -> Path:
        started, outcome = time.time(), UNFORESEEN
        try:
            answer = run(day, report, params, books, progress)
            outcome = DONE
            return answer
        except Refusal as refusal:
            outcome = refusal.exit_code
            raise
        finally:
            found = run_metrics("daily", started, outcome, day[:7])
            path = books.daily(day) / FIGURES
            if path.is_file() and path.stat().st_mtime >= started:
                found += [Metric(**one) for one in json.loads(path.read_bytes())]
            emit(found, books, "daily", progress)

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


def run_metrics(what: str, started: float, outcome: int, period: str) -> list[Metric]:
    """What every run has: how long it took, how it ended, and when."""
    labels = {"period": period}
    now = time.time()
    return [
        gauge(f"{what}_seconds", "How long the run took.", now - started, **labels),
        gauge(f"{what}_exit_code", "How the run ended; 0 is done.", outcome, **labels),
        gauge(f"{what}_ended_timestamp_seconds", "When the run ended, in UTC.", now, **labels),
    ]


def close_metrics(books: Books, period: str) -> list[Metric]:
    """What a closed period says: its money, and what its evidence says about the run that closed it."""
    from chargeback.ledger import read_postings
    from chargeback.manifest import MANIFEST, POSTINGS

    manifest = json.loads((books.ledger(period) / MANIFEST).read_bytes())
    rows = read_postings(books.ledger(period) / POSTINGS).to_pylist()
    earlier = [one for one in books.closed_periods() if one < period]
    before = read_postings(books.ledger(earlier[-1]) / POSTINGS).to_pylist() if earlier else []
    rounding = sum(
        (abs(Decimal(one["rounding"])) for one in manifest["invoices"].values()), Decimal(0)
    )
    return [
        gauge("close_line_items", "Line items of the delivery.", manifest["sources"]["line_items"],
              period=period),
        gauge("close_charged", "What all statements come to, in the currency of the policy.",
              Decimal(manifest["postings"]["charged"]), period=period),
        gauge("close_reconciliation_difference", "Invoices less rounded line items, signs aside.",
              rounding, period=period),
        *money_metrics(rows, before, period),
        *evidence_metrics(books, period),
    ]  # fmt: skip


def money_metrics(
    rows: list[dict[str, Any]], before: list[dict[str, Any]], period: str
) -> list[Metric]:
    """Ratios of a ledger, and how each unit's total changed from the one before."""
    units = unit_totals(rows)
    whole = sum(units.values(), Decimal(0))
    found = []
    if whole:
        pooled = sum((row["amount"] for row in rows if row["kind"] == "allocated" and row["cost_center_id"]),
                     Decimal(0))  # fmt: skip
        untagged = sum(
            (row["amount"] for row in rows
             if row["kind"] == "pooled" and row["ledger_account"] == "pool:untagged"), Decimal(0),
        )  # fmt: skip
        found = [
            gauge("close_untagged_ratio", "Cost that fell to the pool untagged, of all charged.",
                  untagged / whole, period=period),
            gauge("close_pool_ratio", "Cost allocated from pools, of all charged.", pooled / whole,
                  period=period),
        ]  # fmt: skip
    was = unit_totals(before)
    return found + [
        gauge("close_unit_change_ratio", "A unit's total over that of the last closed period, less one.",
              amount / was[unit] - 1, period=period, business_unit=unit)
        for unit, amount in sorted(units.items())
        if was.get(unit)
    ]  # fmt: skip


def unit_totals(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """What each business unit is charged."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        unit = row["business_unit_id"]
        if unit:
            totals[unit] = totals.get(unit, Decimal(0)) + row["amount"]
    return totals


def evidence_metrics(books: Books, period: str) -> list[Metric]:
    """Seconds of each stage and bytes scanned, as the period's evidence has them; none where it is gone."""
    folder, found = books.evidence(period), []
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        content = json.loads(path.read_bytes())
        took = content.get("metadata", {}).get("papermill", {}).get("duration")
        if took is not None:
            found.append(gauge("close_stage_seconds", "How long a notebook of the close took.", took,
                               period=period, stage=path.stem))  # fmt: skip
    run = folder / "run.json"
    scans = json.loads(run.read_bytes()).get("scans", []) if run.is_file() else []
    scanned = sum(one["bytes_scanned"] for one in scans)
    return [
        *found,
        gauge(
            "close_scanned_bytes",
            "Bytes that Athena billed; 0 for a folder.",
            scanned,
            period=period,
        ),
    ]
