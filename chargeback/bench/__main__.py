"""A job in this process, measured, printed as JSON: `python -m chargeback.bench JOB REPORT PARAMS PERIOD`."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chargeback.bench.compute import PARTS, run_close, run_stages
from chargeback.bench.instead import run_bare, run_pandas, run_polars, run_published
from chargeback.bench.measuring import peak_mb
from chargeback.bench.statements import run_statements
from chargeback.bench.trace import run_trace

JOBS: dict[str, Callable[[Path, Path, str], None]] = {
    "close": run_close,
    "bare": run_bare,
    "published": run_published,
    "pandas": run_pandas,
    "polars": run_polars,
    "statements": run_statements,
    "trace": run_trace,
}

#: What a job imports, so that it is not timed; pyarrow imports pandas, and sqlglot its dialects, on first use.
ENGINE = ("chargeback.engine", "sqlglot.parsers.athena", "sqlglot.generators.duckdb", "pandas")
MODULES = {
    "close": ("chargeback.close.stages", *ENGINE),
    **dict.fromkeys(PARTS, ("chargeback.close.stages", *ENGINE)),
    "bare": ("chargeback.sources.freeze", "chargeback.params", *ENGINE),
    "published": ("chargeback.sources.freeze", "chargeback.params", *ENGINE),
    "pandas": ("pandas", "chargeback.params", "pyarrow.parquet"),
    "polars": ("polars", "chargeback.params", "pyarrow.parquet"),
    "statements": ("chargeback.close.monthly",),
    "trace": ("chargeback.review.trace", *ENGINE),
}


def run_job(job: str, report: Path, params: Path, period: str, place: Path | None = None) -> None:
    """A job in this process, then its seconds, CPU seconds and the process's peak memory as JSON.

    Args:
        place: of a part of the compute: the folder in which the parts before have worked.
    """
    for module in MODULES[job]:
        importlib.import_module(module)
    started, used = time.monotonic(), time.process_time()
    if place:
        run_stages(report, params, period, place, PARTS[job])
    else:
        JOBS[job](report, params, period)
    took, cpu = time.monotonic() - started, time.process_time() - used
    print(json.dumps({"seconds": took, "cpu": cpu, "peak_mb": peak_mb(resource.RUSAGE_SELF)}))


if __name__ == "__main__":
    run_job(
        sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], *map(Path, sys.argv[5:6])
    )
