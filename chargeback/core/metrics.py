"""Metrics: gauges and counts of a run, written to a file and sent to an agent.

They are written as an OpenMetrics text file, BOOKS/metrics/<what>.prom, which replaces that of the run
before. They are sent to DogStatsD if CHARGEBACK_STATSD=<host>:<port> or DD_AGENT_HOST says where to. Both
have the same names, with dots in place of the first underscores: chargeback_close_seconds is
chargeback.close.seconds.

A gauge says how something is, a count how often it happened: counts can be summed over time and divided by
each other, which is what a service level is. An agent adds up what it is sent; in the file, where the name of
a count ends in _total, each run adds to the file that it replaces.

What always holds: a metric that cannot be measured is left out, and one that fails is reported and stops
nothing. Drawback: a run that is killed measures nothing, so the file is still that of the run before.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE, NOT_FINAL, Refusal

PREFIX = "chargeback"
STATSD, AGENT, AGENT_PORT = "CHARGEBACK_STATSD", "DD_AGENT_HOST", "DD_DOGSTATSD_PORT"
STATSD_PORT = 8125
UNFORESEEN = 1  # the outcome of a run that ended in an error which is no refusal

GAUGE, COUNT = "gauge", "count"

#: Or every run would say that its counts begin with it.
disable_created_metrics()

_UNSAFE_TAG = re.compile(r"[\s,|#@:]+")


@dataclass(frozen=True)
class Metric:
    """One gauge or count.

    Args:
        name: without the prefix, lower case with underscores, its unit last.
        says: what it is, in words.
        kind: GAUGE or COUNT; a count has no labels.
    """

    name: str
    says: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = GAUGE


def gauge(name: str, says: str, value: Decimal | float, **labels: str) -> Metric:
    """A gauge; decimals become the nearest double, which is how metrics travel."""
    return Metric(name, says, float(value), labels)


def count(name: str, says: str, times: int) -> Metric:
    """How often something happened in this run; zero is sent too, so that there is something to divide."""
    return Metric(name, says, float(times), kind=COUNT)


def open_metrics(metrics: Iterable[Metric]) -> str:
    """The metrics in OpenMetrics' text format; those of one name stand together and have the same labels."""
    registry = CollectorRegistry()
    families: dict[str, Gauge] = {}
    for one in metrics:
        if one.kind == COUNT:
            Counter(one.name, one.says, namespace=PREFIX, registry=registry).inc(one.value)
            continue
        if one.name not in families:
            families[one.name] = Gauge(
                one.name, one.says, list(one.labels), namespace=PREFIX, registry=registry
            )
        family = families[one.name]
        (family.labels(**one.labels) if one.labels else family).set(one.value)
    return generate_latest(registry).decode()


def write_metrics(metrics: Iterable[Metric], path: Path) -> None:
    """Replace a file of metrics, whole; what a run that was killed here left is taken by the next one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.new")
    begun.write_text(open_metrics(added_up(metrics, path)), encoding="utf-8")
    begun.replace(path)


def added_up(metrics: Iterable[Metric], path: Path) -> list[Metric]:
    """The metrics with counts added to those of a file; one that cannot be read has none."""
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        families = []
    before = {
        one.name: one.value for family in families for one in family.samples if not one.labels
    }
    return [
        replace(one, value=one.value + before.get(f"{PREFIX}_{one.name}_total", 0.0))
        if one.kind == COUNT else one
        for one in metrics
    ]  # fmt: skip


def statsd_place(environment: Mapping[str, str] = os.environ) -> tuple[str, int] | None:
    """Host and port to send to; None when nobody configured any."""
    text = environment.get(STATSD, "")
    if text:
        host, _, port = text.rpartition(":")
        return (host, int(port)) if host else (text, STATSD_PORT)
    host = environment.get(AGENT, "")
    return (host, int(environment.get(AGENT_PORT) or STATSD_PORT)) if host else None


def send_metrics(metrics: Iterable[Metric], place: tuple[str, int]) -> None:
    """Send metrics to a DogStatsD agent, one packet each; UDP tells nobody whether they arrived."""
    from datadog.dogstatsd import DogStatsd  # which loads a client of HTTP besides

    client = DogStatsd(
        host=place[0], port=place[1], disable_telemetry=True, disable_buffering=True,
        origin_detection_enabled=False,
    )  # fmt: skip
    for one in metrics:
        name = f"{PREFIX}.{one.name.replace('_', '.', 1)}"
        tags = [f"{key}:{_UNSAFE_TAG.sub('_', text)}" for key, text in one.labels.items()]
        send = client.increment if one.kind == COUNT else client.gauge
        send(name, one.value, tags=tags)
    client.close_socket()


def emit(
    metrics: Iterable[Metric], books: Books | None, what: str, progress: Callable[[str], None]
) -> None:
    """Write and send metrics; a failure is said and stops nothing.

    Args:
        books: that have the file; None for a run that writes to no books.
    """
    found = list(metrics)
    try:
        if books and books.root.is_dir():
            write_metrics(found, books.metrics / f"{what}.prom")
        place = statsd_place()
        if place:
            send_metrics(found, place)
    except Exception as error:
        progress(f"metrics of this run were not kept: {type(error).__name__}: {error}")


@contextlib.contextmanager
def measured_run(
    what: str,
    period: str,
    books: Books | None,
    progress: Callable[[str], None],
    figures: Callable[[float, int], Iterable[Metric]],
) -> Iterator[None]:
    """A run that leaves metrics, however it ends.

    Args:
        books: that have its file; None for a run that writes to no books.
        figures: what it measured besides, by when it began and how it ended.
    """
    started, outcome = time.time(), UNFORESEEN
    try:
        yield
        outcome = DONE
    except Refusal as refusal:
        outcome = refusal.exit_code
        raise
    finally:
        found = run_metrics(what, started, outcome, period)
        try:
            found += figures(started, outcome)
        except Exception as error:
            progress(f"what this run did was not measured: {type(error).__name__}: {error}")
        emit(found, books, what, progress)


def run_metrics(what: str, started: float, outcome: int, period: str) -> list[Metric]:
    """What every run has: how long it took, how it ended, and when, and what it counts as.

    A month that is not final yet is no failure: the run is one that waits.
    """
    labels = {"period": period}
    now = time.time()
    return [
        gauge(f"{what}_seconds", "How long the run took.", now - started, **labels),
        gauge(f"{what}_exit_code", "How the run ended; 0 is done.", outcome, **labels),
        gauge(f"{what}_ended_timestamp_seconds", "When the run ended, in UTC.", now, **labels),
        count(f"{what}_runs", "Runs, however they ended.", 1),
        count(f"{what}_waits", "Runs that found a month that is not final at AWS.", outcome == NOT_FINAL),
        count(f"{what}_failures", "Runs that ended in any other way than done.",
              outcome not in (DONE, NOT_FINAL)),
    ]  # fmt: skip
