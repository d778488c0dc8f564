"""A job in this process, measured, printed as JSON: `python -m chargeback.bench JOB REPORT PARAMS PERIOD`."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chargeback.bench.compute import run_bare, run_close, run_pandas
from chargeback.bench.statements import run_statements
from chargeback.bench.trace import run_trace

JOBS: dict[str, Callable[[Path, Path, str], None]] = {
    "close": run_close,
    "bare": run_bare,
    "pandas": run_pandas,
    "statements": run_statements,
    "trace": run_trace,
}

#: What a job imports, so that it is not timed; pyarrow imports pandas, and sqlglot its dialects, on first use.
ENGINE = ("chargeback.engine", "sqlglot.parsers.athena", "sqlglot.generators.duckdb", "pandas")
MODULES = {
    "close": ("chargeback.close.stages", *ENGINE),
    "bare": ("chargeback.sources.freeze", "chargeback.params", *ENGINE),
    "pandas": ("pandas", "chargeback.params", "pyarrow.parquet"),
    "statements": ("chargeback.close.monthly",),
    "trace": ("chargeback.review.trace", *ENGINE),
}


def run_job(job: str, report: Path, params: Path, period: str) -> None:
    """A job in this process, then its seconds and the process's peak memory as JSON."""
    for module in MODULES[job]:
        importlib.import_module(module)
    started = time.monotonic()
    JOBS[job](report, params, period)
    took = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux, bytes on macOS
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
    print(json.dumps({"seconds": took, "peak_mb": megabytes}))


if __name__ == "__main__":
    run_job(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
