"""Compute: the part of a close from sources to ledger, and two others that do the same job on the same files.

A bare DuckDB aggregation and plain pandas; each runs in a process of its own (chargeback/bench/__main__.py).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from chargeback.core.books_folders import Books

TEXTS = (
    "bill_invoice_id", "line_item_usage_account_id", "line_item_currency_code",
    "line_item_line_item_type", "line_item_product_code", "line_item_operation",
    "line_item_usage_type",
)  # fmt: skip
COSTS = (
    "line_item_unblended_cost", "savings_plan_savings_plan_effective_cost",
    "reservation_effective_cost",
)  # fmt: skip


def run_close(report: Path, params: Path, period: str) -> None:
    """The close's compute, sources to ledger, without notebooks and statements."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive

    with tempfile.TemporaryDirectory(prefix="chargeback-") as work:
        derive(WorkFolder(period, report, params, Books(Path(work) / "books"), Path(work)))


def data_files(report: Path, period: str) -> list[Path]:
    """The period's Parquet files."""
    return sorted((report / "data" / f"BILLING_PERIOD={period}").rglob("*.parquet"))


def has_columns(files: list[Path], names: tuple[str, ...]) -> list[str]:
    """Those of the columns that the first file has."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(files[0]).names)
    return [name for name in names if name in there]


def run_bare(report: Path, params: Path, period: str) -> None:
    """One DuckDB aggregation in doubles: the columns that the close reads, its group keys and threads.

    Sums of the amounts; of the texts that only choose a formula in the close, counts, so that both read the
    same bytes.
    """
    from chargeback.engine import Engine
    from chargeback.params import read_params
    from chargeback.sources.report import COLUMNS

    files = data_files(report, period)
    tag_keys = read_params(params, period).policy.cost_center_tags
    keys = [*has_columns(files, TEXTS), "coalesce(line_item_resource_id, '') <> ''"]
    keys += [f"resource_tags['{tag}']" for tag in tag_keys]
    there = set(has_columns(files, tuple(COLUMNS)))
    costs = ", ".join(
        f"{'sum' if kind == 'double' else 'count'}({name})"
        for name, kind in COLUMNS.items()
        if name in there and name not in TEXTS and not kind.startswith("map")
    )
    paths = ", ".join(f"'{path}'" for path in files)
    engine = Engine()
    engine.create_own_view("report", f"select * from read_parquet([{paths}])", files)
    engine.run(
        f"select {', '.join(keys)}, count(*), {costs} from report group by all",
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
