"""Instead: what is done with a report where there is no close, on the same files.

A bare DuckDB aggregation of the columns that the close reads, the query that AWS's CUR Query Library is made
of, and the close's job in pandas and in Polars. All of them sum doubles, and none ties to anything: they say
what time and memory the answer takes at least. Each runs in a process of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

TEXTS = (
    "bill_invoice_id", "line_item_usage_account_id", "line_item_currency_code",
    "line_item_line_item_type", "line_item_product_code", "line_item_operation",
    "line_item_usage_type",
)  # fmt: skip
COSTS = (
    "line_item_unblended_cost", "savings_plan_savings_plan_effective_cost",
    "reservation_effective_cost",
)  # fmt: skip


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

    tag_keys, owners, defaults = owners_of(params, period)
    files = data_files(report, period)
    texts, costs = has_columns(files, TEXTS), has_columns(files, COSTS)
    columns = [*texts, *costs, "line_item_resource_id", "resource_tags"]
    table = pd.concat([pd.read_parquet(path, columns=columns) for path in files])
    table["owner"] = pd.Series(None, index=table.index, dtype=object)
    for tag in tag_keys:
        values = [
            dict(tags).get(tag) if tags is not None else None for tags in table["resource_tags"]
        ]
        mapped = pd.Series(values, index=table.index, dtype=object).map(owners)
        table["owner"] = table["owner"].where(table["owner"].notna(), mapped)
    table["owner"] = table["owner"].fillna(table["line_item_usage_account_id"].map(defaults))
    table.groupby([*texts, "owner"], dropna=False, observed=True)[costs].sum()


def owners_of(params: Path, period: str) -> tuple[list[str], dict[str, str], dict[str, str | None]]:
    """Tag keys in order of trust, cost centers by tag value, and cost centers by account."""
    from chargeback.params import read_params

    read = read_params(params, period)
    owners = {one: one for one in read.cost_centers}
    owners |= {one.tag_value: one.cost_center_id for one in read.tag_values}
    defaults = {one.account_id: one.default_cost_center_id for one in read.accounts.values()}
    return list(read.policy.cost_center_tags), owners, defaults


def has_polars() -> bool:
    """Whether Polars is installed here; the project does not need it."""
    return importlib.util.find_spec("polars") is not None


def run_polars(report: Path, params: Path, period: str) -> None:
    """The same job in Polars: a lazy scan, collected as a stream."""
    pl = importlib.import_module("polars")
    tag_keys, owners, defaults = owners_of(params, period)
    files = [one for one in data_files(report, period) if row_count(one)]
    texts, costs = has_columns(files, TEXTS), has_columns(files, COSTS)

    # Versions differ in what they take a map of Parquet for; a list of pairs is one in all of them.
    pairs = pl.col("resource_tags").cast(pl.List(pl.Struct({"key": pl.String, "value": pl.String})))

    def tag_value(key: str) -> object:
        pair = pl.element()
        chosen = pair.filter(pair.struct.field("key") == key).struct.field("value").first()
        return pairs.list.eval(chosen).list.first()

    def mapped(column: object, known: Mapping[str, str | None]) -> object:
        return column.replace_strict(dict(known), default=None, return_dtype=pl.String)  # type: ignore[attr-defined]

    found = [mapped(tag_value(key), owners) for key in tag_keys]
    found.append(mapped(pl.col("line_item_usage_account_id"), defaults))
    rows = pl.scan_parquet(files).with_columns(owner=pl.coalesce(found))
    rows.group_by([*texts, "owner"]).agg(pl.col(costs).sum()).collect(engine="streaming")


def row_count(path: Path) -> int:
    """How many rows a Parquet file says it has."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


#: Amortized cost by day, account, product and usage type, as published queries of a CUR have it.
PUBLISHED = """
select
    line_item_usage_account_id, line_item_product_code, line_item_usage_type,
    date_trunc('day', line_item_usage_start_date) as usage_day,
    sum(line_item_usage_amount), sum(line_item_unblended_cost),
    sum(case
        when line_item_line_item_type = 'SavingsPlanCoveredUsage'
            then savings_plan_savings_plan_effective_cost
        when line_item_line_item_type = 'SavingsPlanRecurringFee'
            then savings_plan_total_commitment_to_date - savings_plan_used_commitment
        when line_item_line_item_type in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
        when line_item_line_item_type = 'DiscountedUsage' then reservation_effective_cost
        when line_item_line_item_type = 'RIFee'
            then reservation_unused_amortized_upfront_fee_for_billing_period
                + reservation_unused_recurring_fee
        when line_item_line_item_type = 'Fee' and reservation_reservation_a_r_n <> '' then 0
        else line_item_unblended_cost
    end)
from report
where line_item_line_item_type <> 'Tax'
group by all
"""


def run_published(report: Path, params: Path, period: str) -> None:
    """The query that the CUR Query Library is made of, in doubles, on DuckDB: no owners, no invoices."""
    from chargeback.engine import Engine

    files = data_files(report, period)
    paths = ", ".join(f"'{path}'" for path in files)
    engine = Engine()
    engine.create_own_view("report", f"select * from read_parquet([{paths}])", files)
    engine.run(PUBLISHED, "the published query")
