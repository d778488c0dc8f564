"""Readers: the ways to read a report, behind one interface.

A close asks what a period's delivery looks like now and whether it is the recorded one, for its source record
with control totals, and for its rollup. `FolderReader` reads files with DuckDB and Arrow; `AthenaReader` (in
athena/) and `TrinoReader` (in trino/) have an engine read a table over the objects. After the rollup all give
the same tables, and nothing can tell which reader it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.report_location import ReportLocation
from chargeback.books.source_record import SourceFile, SourceRecord
from chargeback.engine import Engine, thread_count
from chargeback.params import Params
from chargeback.params.trino_settings import TrinoSettings
from chargeback.sources.deliveries import export_names, find_deliveries, has_period
from chargeback.sources.freeze import digest_file, freeze_sources
from chargeback.sources.report import LINE_ITEMS, last_usage_day, open_line_items


class ReportReader(Protocol):
    """What reads a report, wherever it is."""

    state_is_free: bool  # whether `state` takes no time

    def has_period(self, period: str) -> bool:
        """Whether the report has a manifest of a period."""

    def export_names(self, period: str) -> Sequence[str]:
        """The exports that deliver a period; none where it has no manifest."""

    def holds(self, record: SourceRecord) -> bool:
        """Whether the newest delivery of a record's period is known to be the recorded one."""

    def state(self, period: str) -> Sequence[str]:
        """What a period's delivery looks like now, without reading it; other texts mean another delivery."""

    def freeze(self, period: str) -> SourceRecord:
        """The source record of the newest delivery, with control totals that were counted apart.

        Raises:
            Refusal: (exit 6) the delivery is absent, incomplete, doubled or unreadable.
        """

    def usage_to(self, record: SourceRecord) -> date | None:
        """The last day of usage in a delivery; None where it is not told, or costs a scan."""

    def query(
        self,
        record: SourceRecord,
        stage: str,
        name: str,
        params: Params,
        usage_to: date | None = None,
    ) -> pa.Table:
        """The answer of sql/<stage>/<name>.sql over the line items of a delivery, in no order."""

    def ran(self) -> Mapping[str, str]:
        """The SQL of the last query, by "<stage>/<name>", with its bound values."""

    def changed(self, record: SourceRecord) -> Sequence[str]:
        """The files of a delivery that can be seen, without reading them, not to be the recorded ones."""

    def scans(self) -> Sequence[dict[str, Any]]:
        """What the reader was billed for: each query with its bytes and cost; nothing for a folder."""


class FolderReader:
    """DuckDB and Arrow in this process, on a report's folder."""

    state_is_free = True

    def __init__(self, report: Path) -> None:
        self.report = report
        self.engine: Engine | None = None

    def has_period(self, period: str) -> bool:
        """Whether the folder has a manifest of a period."""
        return has_period(self.report, period)

    def export_names(self, period: str) -> Sequence[str]:
        """By the names of their manifests and folders."""
        return export_names(self.report, period)

    def holds(self, record: SourceRecord) -> bool:
        """Whether the newest delivery has the recorded sha256s."""
        paths = self.paths(record.billing_period)
        if sorted(path.stat().st_size for path in paths) != sorted(
            one.size for one in record.files
        ):
            return False
        with ThreadPoolExecutor(thread_count()) as readers:
            found = readers.map(lambda path: digest_file(path, path.name, 0), paths)
            return contents(found) == contents(record.files)

    def state(self, period: str) -> Sequence[str]:
        """The manifests' sha256, and each data file's size and time."""
        deliveries = find_deliveries(self.report, period)
        parts = [hashlib.sha256(one.manifest.read_bytes()).hexdigest() for one in deliveries]
        for path in self.paths(period):
            state = path.stat()
            parts.append(f"{path} {state.st_size} {state.st_mtime_ns}")
        return parts

    def paths(self, period: str) -> list[Path]:
        """The data files of the newest delivery."""
        found = find_deliveries(self.report, period)
        return [self.report / path for one in found for path in one.paths]

    def freeze(self, period: str) -> SourceRecord:
        """The source record of the newest delivery."""
        return freeze_sources(self.report, period)

    def usage_to(self, record: SourceRecord) -> date | None:
        """The last day of usage."""
        return last_usage_day(self.report, record)

    def query(
        self,
        record: SourceRecord,
        stage: str,
        name: str,
        params: Params,
        usage_to: date | None = None,
    ) -> pa.Table:
        """The answer of DuckDB, with the errors of an engine as refusals."""
        engine = self.engine = Engine()
        try:
            open_line_items(engine, self.report, record, params, usage_to)
            return engine.sum_up(stage, name, LINE_ITEMS)
        finally:
            engine.close()

    def ran(self) -> Mapping[str, str]:
        """The last query, and the view of line items that it read."""
        return self.engine.ran if self.engine else {}

    def changed(self, record: SourceRecord) -> Sequence[str]:
        """The files that are gone or have another size."""
        return [
            one.path
            for one in (*record.manifests, *record.files)
            if not (self.report / one.path).is_file()
            or (self.report / one.path).stat().st_size != one.size
        ]

    def scans(self) -> Sequence[dict[str, Any]]:
        """Reading a folder costs nothing."""
        return []


def contents(files: Iterable[SourceFile]) -> list[str]:
    """What files hold, whatever their names and order."""
    return sorted(one.sha256 for one in files)


def reader_of(
    location: ReportLocation,
    running: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ReportReader:
    """What reads a report.

    Args:
        running: a file that may name a running query.
        say: takes lines of progress.
    """
    if isinstance(location, AthenaSettings):
        from chargeback.sources.athena.reader import AthenaReader

        return AthenaReader(location, running, say)
    if isinstance(location, TrinoSettings):
        from chargeback.sources.trino.reader import TrinoReader

        return TrinoReader(location, running, say)
    return FolderReader(location)


def stop_left_running(location: ReportLocation, running: Path) -> None:
    """Stop the query that a killed run left behind, so that nobody pays for its rest."""
    if isinstance(location, AthenaSettings) and running.is_file():
        from chargeback.sources.athena.queries import stop_left

        stop_left(location, running)
    if isinstance(location, TrinoSettings) and running.is_file():
        from chargeback.sources.trino.queries import stop_left_query

        stop_left_query(location, running)
