"""Bench: what a close costs, as ratios measured in one run on one machine.

In: a number of line items. Out: a printed table. The close's compute, a bare DuckDB aggregation and plain pandas
do the same job on the same files, each in a process of its own, so that its peak memory is its own; repeats are
interleaved and the median is taken. Nothing is asserted: seconds belong to a machine, ratios travel.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chargeback.places import BUILD, PARAMS, ROOT, Books

PERIOD = "2026-05"
REPEATS = 3

#: Rows of which pandas holds the strings and tags within the memory of an ordinary machine.
PANDAS_LIMIT = 2_000_000

TEXTS = (
    "bill_invoice_id", "line_item_usage_account_id", "line_item_currency_code",
    "line_item_line_item_type", "line_item_product_code", "line_item_operation",
    "line_item_usage_type",
)  # fmt: skip
COSTS = (
    "line_item_unblended_cost", "savings_plan_savings_plan_effective_cost",
    "reservation_effective_cost",
)  # fmt: skip
Measure = dict[str, float]


def run_close(report: Path, params: Path, period: str) -> None:
    """The close's compute, sources to ledger, without notebooks and statements."""
    from chargeback.closing import Closing, derive

    with tempfile.TemporaryDirectory(prefix="chargeback-") as work:
        derive(Closing(period, report, params, Books(Path(work) / "books"), Path(work)))


def data_files(report: Path, period: str) -> list[Path]:
    """The period's Parquet files."""
    return sorted((report / "data" / f"BILLING_PERIOD={period}").rglob("*.parquet"))


def has_columns(files: list[Path], names: tuple[str, ...]) -> list[str]:
    """Those of the columns that the first file has."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(files[0]).names)
    return [name for name in names if name in there]


def run_bare(report: Path, params: Path, period: str) -> None:
    """One DuckDB aggregation in doubles over the same columns, with the same group keys and threads."""
    from chargeback.engine import Engine
    from chargeback.params import read_params

    files = data_files(report, period)
    tag_keys = read_params(params, period).policy.cost_center_tags
    keys = [*has_columns(files, TEXTS), "coalesce(line_item_resource_id, '') <> ''"]
    keys += [f"resource_tags['{tag}']" for tag in tag_keys]
    costs = ", ".join(f"sum({name})" for name in has_columns(files, COSTS))
    paths = ", ".join(f"'{path}'" for path in files)
    Engine().run(
        f"select {', '.join(keys)}, count(*), {costs} from read_parquet([{paths}]) group by all",
        "the bare aggregation",
    )


def run_pandas(report: Path, params: Path, period: str) -> None:
    """The job as a script would do it: read the columns, map tags to owners, group."""
    import pandas as pd

    from chargeback.params import read_params

    read = read_params(params, period)
    files = data_files(report, period)
    texts, costs = has_columns(files, TEXTS), has_columns(files, COSTS)
    columns = [*texts, *costs, "line_item_resource_id", "resource_tags"]
    table = pd.concat([pd.read_parquet(path, columns=columns) for path in files])
    owners = {one: one for one in read.cost_centers}
    owners |= {one.tag_value: one.cost_center_id for one in read.tag_values}
    table["owner"] = pd.Series(None, index=table.index, dtype=object)
    for tag in read.policy.cost_center_tags:
        values = [
            dict(tags).get(tag) if tags is not None else None for tags in table["resource_tags"]
        ]
        mapped = pd.Series(values, index=table.index, dtype=object).map(owners)
        table["owner"] = table["owner"].where(table["owner"].notna(), mapped)
    defaults = {one.account_id: one.default_cost_center_id for one in read.accounts.values()}
    table["owner"] = table["owner"].fillna(table["line_item_usage_account_id"].map(defaults))
    table.groupby([*texts, "owner"], dropna=False, observed=True)[costs].sum()


def run_statements(report: Path, params: Path, period: str) -> None:
    """All statements of a derived period; prints the seconds of the rendering alone."""
    from chargeback.close import statement_inputs
    from chargeback.closing import Closing, derive
    from chargeback.statements import write_statements

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        work = Path(folder)
        closing = Closing(period, report, params, Books(work / "books"), work)
        derive(closing)
        inputs = statement_inputs(closing)
        for name in ("statements", "statement-notebooks"):
            (work / name).mkdir()
        started = time.monotonic()
        write_statements(inputs, work / "statements", work / "statement-notebooks", lambda _: None)
        took = time.monotonic() - started
        print(json.dumps({"seconds": took, "statements": len(closing.params.business_units)}))


JOBS: dict[str, Callable[[Path, Path, str], None]] = {
    "close": run_close,
    "bare": run_bare,
    "pandas": run_pandas,
    "statements": run_statements,
}
