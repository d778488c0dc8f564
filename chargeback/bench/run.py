"""Run: all sections of the bench, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chargeback.bench.anomalies import show_anomalies
from chargeback.bench.measuring import Measure, measure_all, ratio
from chargeback.bench.portal import show_portal
from chargeback.bench.statements import show_statements
from chargeback.bench.trace import show_trace
from chargeback.bench.verbs import PERIOD, measure_verbs
from chargeback.core.paths import BUILD, PARAMS, ROOT

#: Rows of which pandas holds the strings and tags within the memory of an ordinary machine.
PANDAS_LIMIT = 2_000_000


def show(found: dict[str, Measure], rows: dict[str, int]) -> None:
    """The table and the ratios."""
    print(f"  {'':<26}{'line items':>12}{'seconds':>10}{'rows/s':>13}{'peak MB':>10}")
    for name, one in found.items():
        speed = rows[name] / one["seconds"]
        print(
            f"  {name:<26}{rows[name]:>12,}{one['seconds']:>10.2f}{speed:>13,.0f}"
            f"{one['peak_mb']:>10,.0f}"
        )

    def per_row(name: str) -> float | None:
        return found[name]["seconds"] / rows[name] if name in found else None

    def peak(name: str) -> float | None:
        return found[name]["peak_mb"] if name in found else None

    print("ratios")
    print(ratio("close / bare aggregation, time", per_row("close"), per_row("bare")))
    print(ratio("close / pandas, time per line item", per_row("close"), per_row("pandas")))
    print(ratio("close, all / a tenth, time per line item", per_row("close"), per_row("tenth")))
    print(ratio("close, all / a tenth, peak memory", peak("close"), peak("tenth")))
    print(ratio("close / pandas, peak memory", peak("close"), peak("pandas")), flush=True)


def write_report(report: Path, line_items: int) -> None:
    """The sample's report, by another process: a child's peak memory begins at its parent's."""
    command = [sys.executable, "-m", "chargeback", "sample", "--to", str(report)]
    command += ["--periods", PERIOD, "--line-items", str(line_items)]
    subprocess.run(command, cwd=ROOT, check=True)


def run_bench(line_items: int, before: Path | None = None) -> None:
    """Print the performance figures of so many line items, and of a tenth as many.

    Args:
        before: another checkout to compare the whole verb with, side by side.
    """
    tenth = max(line_items // 10, 10_000)
    reports = {size: BUILD / "bench" / str(size) for size in (line_items, tenth)}
    for size, report in reports.items():
        print(f"sample of {size:,} line items", flush=True)
        write_report(report, size)
    by_pandas = line_items if line_items <= PANDAS_LIMIT else tenth
    if by_pandas != line_items:
        print(f"pandas is run on {tenth:,} line items, which fit in memory as Python objects")
    cases = {
        "close": ("close", reports[line_items]),
        "bare": ("bare", reports[line_items]),
        "tenth": ("close", reports[tenth]),
        "pandas": ("pandas", reports[by_pandas]),
    }
    rows = {"close": line_items, "bare": line_items, "tenth": tenth, "pandas": by_pandas}
    found = measure_all(cases, PARAMS, PERIOD)
    show(found, rows)
    show_trace(reports[line_items], PARAMS, PERIOD, found.get("close"))
    show_statements(reports[tenth], PARAMS, PERIOD)
    measure_verbs(before, {line_items: reports[line_items]}, found.get("close"))
    show_anomalies()
    show_portal()
