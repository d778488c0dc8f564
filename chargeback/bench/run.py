"""Run: all sections of the bench, one after the other."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chargeback.bench.anomalies import show_anomalies
from chargeback.bench.compute import show_parts
from chargeback.bench.instead import has_polars
from chargeback.bench.measuring import (
    Measure,
    children_seconds,
    measure_all,
    peak_mb,
    ratio,
    repeats_of,
)
from chargeback.bench.portal import show_portal
from chargeback.bench.statements import show_statements
from chargeback.bench.trace import show_trace
from chargeback.bench.verbs import PERIOD, measure_verbs
from chargeback.core.paths import BUILD, PARAMS, ROOT
from chargeback.sample.space import bytes_needed

#: Rows of which pandas holds the strings and tags within the memory of an ordinary machine; and Polars.
PANDAS_LIMIT, POLARS_LIMIT = 2_000_000, 10_000_000

#: Line items up to which the whole verb is run on the largest report as well.
VERB_LIMIT = 10_000_000

#: What the close of any report is to need at most.
MOST_MB = 4_000

#: What the close is compared with: the job, and how the ratio calls it.
INSTEAD = {
    "bare": "bare aggregation",
    "published": "plain CUR query on DuckDB",
    "pandas": "pandas",
    "polars": "Polars",
}


def show(found: dict[str, Measure], rows: dict[str, int]) -> None:
    """The table and the ratios."""
    print(f"  {'':<26}{'line items':>12}{'seconds':>10}{'CPU s':>9}{'rows/s':>13}{'peak MB':>10}")
    for name, one in found.items():
        speed = rows[name] / one["seconds"]
        print(
            f"  {name:<26}{rows[name]:>12,}{one['seconds']:>10.2f}{one['cpu']:>9.2f}"
            f"{speed:>13,.0f}{one['peak_mb']:>10,.0f}"
        )

    def per_row(name: str, key: str = "seconds") -> float | None:
        return found[name][key] / rows[name] if name in found else None

    def peak(name: str) -> float | None:
        return found[name]["peak_mb"] if name in found else None

    print("ratios")
    for name, called in INSTEAD.items():
        print(ratio(f"close / {called}, time per line item", per_row("close"), per_row(name)))
        print(ratio(f"close / {called}, CPU", per_row("close", "cpu"), per_row(name, "cpu")))
    print(ratio("close, all / a tenth, time per line item", per_row("close"), per_row("tenth")))
    print(ratio("close, all / a tenth, peak memory", peak("close"), peak("tenth")))
    print(ratio("close / pandas, peak memory", peak("close"), peak("pandas")))
    print(ratio(f"close, peak memory / {MOST_MB:,} MB", peak("close"), MOST_MB), flush=True)


def write_report(report: Path, line_items: int) -> None:
    """The sample's report, by another process: a child's peak memory begins at its parent's."""
    needed = bytes_needed(line_items) / 1e6
    print(f"sample of {line_items:,} line items, at most {needed:,.0f} MB of disk", flush=True)
    command = [sys.executable, "-m", "chargeback", "sample", "--to", str(report)]
    command += ["--periods", PERIOD, "--line-items", str(line_items)]
    used, started = children_seconds(), time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, check=False).returncode
    if ended:  # it has said why
        raise SystemExit(ended)
    size = sum(one.stat().st_size for one in report.rglob("*.parquet")) / 1e6
    # The largest of those so far, which is the last: they are written in the order of their size.
    print(
        f"  {size:,.0f} MB; {time.monotonic() - started:.0f} s, {children_seconds() - used:.0f} CPU s, "
        f"peak {peak_mb(resource.RUSAGE_CHILDREN):,.0f} MB",
        flush=True,
    )


def sizes_of(line_items: int) -> dict[str, int]:
    """How many line items each job is run on: all where it can, else as many as it can hold."""
    tenth = max(line_items // 10, 10_000)
    sizes = {"close": line_items, "bare": line_items, "tenth": tenth, "published": line_items}
    for name, most in (("polars", POLARS_LIMIT), ("pandas", PANDAS_LIMIT)):
        fitting = (one for one in (line_items, tenth, most // 2) if one <= most)
        sizes[name] = next(fitting)
    return sizes


@dataclass(frozen=True)
class Reports:
    """The reports of a run, by their line items.

    Args:
        compute: what the close's compute took on the largest; none where it was not measured.
    """

    folders: dict[int, Path]
    compute: Measure | None


def show_compute(line_items: int) -> Reports:
    """Print what so many line items take, and a tenth as many, beside what is used instead.

    Writing the reports, the close's compute and each of its stages say seconds, CPU seconds and peak memory.
    """
    rows = sizes_of(line_items)
    if not has_polars():
        print("  polars: not measured: Polars is not installed")
        del rows["polars"]
    reports = {size: BUILD / "bench" / str(size) for size in sorted(set(rows.values()))}
    for size, report in reports.items():
        write_report(report, size)
    if rows["pandas"] != line_items:
        print(
            f"pandas is run on {rows['pandas']:,} line items, which fit in memory as Python objects"
        )
    cases = {
        name: ("close" if name == "tenth" else name, reports[size]) for name, size in rows.items()
    }
    found = measure_all(cases, PARAMS, PERIOD, repeats_of(line_items))
    show(found, rows)
    show_parts({size: reports[size] for size in (rows["tenth"], line_items)}, PARAMS, PERIOD)
    return Reports(reports, found.get("close"))


def run_bench(line_items: int, before: Path | None = None) -> None:
    """Print the performance figures of so many line items, and of a tenth as many.

    Args:
        before: another checkout to compare the whole verb with, side by side.
    """
    reports = show_compute(line_items)
    largest = reports.folders[line_items]
    show_trace(largest, PARAMS, PERIOD, reports.compute)
    show_statements(reports.folders[sizes_of(line_items)["tenth"]], PARAMS, PERIOD)
    more = {line_items: largest} if line_items <= VERB_LIMIT else {}
    measure_verbs(before, more, reports.compute if more else None)
    show_anomalies()
    show_portal()
