"""Kept costs: what a daily run leaves of the open month for whoever looks at the same delivery again.

    rollup   the delivery summed by day; for the next run on it, whichever of its days that looks at
    costs    what its days cost whom up to one of them; for the dashboards that are made after the run

Each lies under BOOKS/daily/used and is called after all that decided it (anomalies/kept.py): the sha256 of
every file of the delivery and of its manifests, all params, SQL and code, and the libraries that summed and
wrote it. What always holds: what is found is what would be made anew. A kept rollup passes the same controls as
a new one, against control totals that are counted anew. It can all be deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from chargeback.books.source_record import SourceRecord
from chargeback.core.code_digest import code_digest
from chargeback.daily.anomalies.kept import digest_of, find_kept, keep
from chargeback.daily.costs import DailyCosts
from chargeback.engine import Engine, sql_digest
from chargeback.params import Params
from chargeback.rollup.roll_up import daily_roll_up
from chargeback.sources.deliveries import find_deliveries
from chargeback.sources.freeze import digest_file

ROLLUP, COSTS, ENDING = "rollup", "costs", "arrow"

#: What sums and writes, besides our own code.
LIBRARIES = ("duckdb", "pyarrow", "sqlglot")

_NAMES = b"product_names"


class KeptRollups:
    """Rolls a delivery up by day, or takes what an earlier run kept of it; called as `daily_roll_up`.

    Args:
        folder: where rollups are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: tuple[str, pa.Table] | None = None  # a new one, and what it is kept under

    def __call__(
        self, engine: Engine, report: Path, record: SourceRecord, params: Params
    ) -> pa.Table:
        name = f"{ROLLUP}-{decided_by(lines_of(record), params)}"
        content = find_kept(self.folder, name, ENDING)
        if content is not None:
            return table_of(content)
        rollup = daily_roll_up(engine, report, record, params)
        self.made = (name, rollup)
        return rollup

    def keep(self) -> None:
        """Keep what was rolled up anew, in the place of what was kept before."""
        if self.made is not None:
            name, rollup = self.made
            keep(self.folder, name, content_of(rollup), ENDING, ROLLUP)


def keep_costs(folder: Path, costs: DailyCosts, params: Params) -> None:
    """Keep what a day was looked at with, in the place of what was kept before."""
    names = json.dumps(dict(costs.product_names), sort_keys=True)
    table = costs.table.replace_schema_metadata({_NAMES: names.encode()})
    name = costs_name(lines_of(costs.record), params, costs.day)
    keep(folder, name, content_of(table), ENDING, COSTS)


def find_costs(
    folder: Path, report: Path, params: Params, day: date
) -> tuple[pa.Table, dict[str, str]] | None:
    """The `table` and the `product_names` of a day's costs as they were kept; None where they are not.

    Args:
        report: where the delivery lies that they would be of; its files are read to tell.

    Raises:
        Refusal: (exit 6) the delivery is absent or incomplete.
    """
    if not any(folder.glob(f"{COSTS}-*.{ENDING}")):
        return None
    content = find_kept(folder, costs_name(delivered_lines(report, params), params, day), ENDING)
    if content is None:
        return None
    table = table_of(content)
    names: dict[str, str] = json.loads(table.schema.metadata[_NAMES])
    return table.replace_schema_metadata(None), names


def costs_name(delivery: Iterable[str], params: Params, day: date) -> str:
    """What the costs of a delivery's days up to one of them are kept under."""
    return f"{COSTS}-{decided_by([*delivery, str(day)], params)}"


def decided_by(delivery: Iterable[str], params: Params) -> str:
    """A digest of what decides, besides a delivery, what its days cost whom."""
    made_by = [sql_digest(), code_digest(), *(f"{one} {version(one)}" for one in LIBRARIES)]
    rules = [f"{name} {digest}" for name, digest in sorted(params.digests.items())]
    return digest_of([params.period, *made_by, *rules, *delivery])


def lines_of(record: SourceRecord) -> list[str]:
    """A delivery as it was recorded, in lines."""
    parts = [
        f"{one.export_name} {one.execution_id} {one.layout} {one.provider}"
        for one in record.parts()
    ]
    files = [f"{one.path} {one.sha256}" for one in (*record.manifests, *record.files)]
    return [*parts, *sorted(files)]


def delivered_lines(report: Path, params: Params) -> list[str]:
    """The same of a delivery as it lies there now."""
    deliveries = find_deliveries(report, params.period)
    parts = [
        f"{one.export_name} {one.execution_id} {one.layout} {one.provider}" for one in deliveries
    ]
    manifests = [one.manifest.relative_to(report).as_posix() for one in deliveries]
    paths = [*manifests, *(path for one in deliveries for path in one.paths)]
    files = [f"{path} {digest_file(report / path, path, 0).sha256}" for path in paths]
    return [*parts, *sorted(files)]


def content_of(table: pa.Table) -> bytes:
    """A table as it is kept."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    content: bytes = sink.getvalue().to_pybytes()
    return content


def table_of(content: bytes) -> pa.Table:
    """The inverse of `content_of`."""
    return pa.ipc.open_file(pa.BufferReader(content)).read_all()
