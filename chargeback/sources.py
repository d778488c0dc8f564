"""Sources: freeze what AWS delivered, and count it a second way.

In: a report's folder, of CUR 2.0 or legacy (`chargeback.deliveries`), and a period. Out: a source record
that names every file of the delivery with its size and sha256, and control totals. The newest manifest alone
says which files belong (CUR facts 1.10, 1.11, 6.9, 6.10); files lying beside them are named in the record and
never read.

Control totals come from Arrow and integers, apart from the SQL engine: the number of line items, and the
unblended cost in units of 1e-10. A row's cost is split into whole and fraction before scaling, so that the
double is rounded exactly once (CUR fact 2.9). Drawback: the cost column is read twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from chargeback import legacy_cur
from chargeback.deliveries import CUR_2, LEGACY_CSV, find_delivery
from chargeback.engine import Engine, Parameter, engine_refusal, thread_count
from chargeback.errors import unreachable
from chargeback.money import exact_amount
from chargeback.params import Params
from chargeback.params.ownership import OwnershipRule

#: The report's columns that the close reads, with the type they are given when a delivery lacks them.
#: (CUR fact 1.2; columns come and go with the settings of an export, CUR facts 1.8 and 1.9.)
COLUMNS: dict[str, str] = {
    "bill_billing_entity": "varchar",
    "bill_invoice_id": "varchar",
    "line_item_currency_code": "varchar",
    "line_item_line_item_description": "varchar",
    "line_item_line_item_type": "varchar",
    "line_item_operation": "varchar",
    "line_item_product_code": "varchar",
    "line_item_resource_id": "varchar",
    "line_item_unblended_cost": "double",
    "line_item_usage_account_id": "varchar",
    "line_item_usage_amount": "double",
    "line_item_usage_start_date": "timestamp",
    "line_item_usage_type": "varchar",
    "reservation_effective_cost": "double",
    "reservation_reservation_a_r_n": "varchar",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "double",
    "reservation_unused_recurring_fee": "double",
    "resource_tags": "map(varchar, varchar)",
    "savings_plan_savings_plan_effective_cost": "double",
    "savings_plan_total_commitment_to_date": "double",
    "savings_plan_used_commitment": "double",
    "split_line_item_split_cost": "double",
    "split_line_item_unused_cost": "double",
}

COST = "line_item_unblended_cost"

#: Where a line item stands in a delivery and what else a reader finds it by; rows count from 1, and rows of CSV
#: files are not numbered. Carried through sql/sources/line_items.sql for those who follow a line back.
IDENTITY = "identity_line_item_id"
PLACE = ("source_file", "source_row", IDENTITY)
CARRIED = (*PLACE, "line_item_line_item_description", "resource_tags")

#: Without these a line item cannot be charged to anyone.
REQUIRED = (
    "line_item_currency_code", "line_item_line_item_type", "line_item_product_code",
    "line_item_unblended_cost", "line_item_usage_account_id",
)  # fmt: skip


#: How the names of data files end.
DATA_FILES = (".parquet", ".csv", ".csv.gz")

#: Line items counted at once: few enough that their numbers stay in the processor's cache.
COUNTED_AT_ONCE = 32_768


@dataclass(frozen=True)
class SourceFile:
    """One file of the delivery; `path` is relative to the report's folder.

    A file in a folder has its sha256. A file in S3 that Athena read was not downloaded: it has its ETag and, in
    a bucket that keeps versions, its version id, and no sha256.
    """

    path: str
    size: int
    sha256: str
    line_items: int
    etag: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class SourceRecord:
    """What one delivery consists of, enough to find and check the same bytes again."""

    billing_period: str
    export_name: str
    execution_id: str
    layout: str  # of chargeback.deliveries
    manifest: SourceFile
    files: tuple[SourceFile, ...]
    unlisted_files: tuple[str, ...]  # data files beside them that the manifest does not name
    absent_columns: tuple[str, ...]
    line_items: int  # control total, counted apart from the rollup
    unblended_cost: str  # control total, ten decimals
    location: str = ""  # of a delivery in S3: the address that the paths are relative to

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, one final newline; what only S3 knows is left out where it is not."""
        record = asdict(self)
        for one in (record, record["manifest"], *record["files"]):
            for name in ("etag", "location", "version_id"):
                if one.get(name) == "":
                    del one[name]
        return json.dumps(record, indent=1, sort_keys=True) + "\n"

    def digest(self) -> str:
        """sha256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @staticmethod
    def from_json(text: str) -> SourceRecord:
        """The inverse of `to_json`."""
        record: dict[str, Any] = json.loads(text)
        record["manifest"] = SourceFile(**record["manifest"])
        record["files"] = tuple(SourceFile(**one) for one in record["files"])
        record["unlisted_files"] = tuple(record["unlisted_files"])
        record["absent_columns"] = tuple(record["absent_columns"])
        record.setdefault("layout", CUR_2)  # all that the first version could read
        return SourceRecord(**record)


def freeze_sources(report: Path, period: str) -> SourceRecord:
    """The source record of a period's newest delivery. Reads everything once, writes nothing.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, incomplete, doubled or unreadable, or the report
            lacks a column without which nothing can be charged.
    """
    delivery = find_delivery(report, period)
    paths = delivery.paths
    files: list[SourceFile] = []
    absent = set(COLUMNS)  # absent means that no file of the delivery has it
    units = 0
    # Arrow and sha256 let go of the interpreter, so that threads read several files at the same time.
    with ThreadPoolExecutor(thread_count()) as readers:
        reader = functools.partial(read_file, report, delivery.layout)
        for file, names, cost in readers.map(reader, paths):
            files.append(file)
            absent -= names
            units += cost
    listed = set(paths)
    folders = {(report / path).parent for path in paths}
    unlisted = sorted(
        one.relative_to(report).as_posix()
        for folder in folders
        for one in folder.glob("*")
        if one.name.endswith(DATA_FILES) and one.relative_to(report).as_posix() not in listed
    )
    relative = delivery.manifest.relative_to(report).as_posix()
    return SourceRecord(
        period, delivery.export_name, delivery.execution_id, delivery.layout,
        digest_file(delivery.manifest, relative, 0), tuple(files), tuple(unlisted),
        tuple(sorted(absent)), sum(one.line_items for one in files), str(exact_amount(units)),
    )  # fmt: skip


def read_file(report: Path, layout: str, path: str) -> tuple[SourceFile, set[str], int]:
    """A data file's entry in the record, its columns by CUR 2.0's names and its cost in 1e-10 units."""
    names, rows, units = count_file(report / path, path, layout)
    return digest_file(report / path, path, rows), names, units


def digest_file(path: Path, name: str, line_items: int) -> SourceFile:
    """Size and sha256 of a file as it is now."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return SourceFile(name, path.stat().st_size, sha256, line_items)


def count_file(path: Path, name: str, layout: str = CUR_2) -> tuple[set[str], int, int]:
    """Columns by CUR 2.0's names, rows and unblended cost (in 1e-10 units) of a file, by Arrow."""
    try:
        if layout == LEGACY_CSV:
            headers = legacy_cur.csv_headers(path)
        else:
            file = pq.ParquetFile(path)
            headers = file.schema_arrow.names
        names = set(headers) if layout == CUR_2 else legacy_cur.names_in(headers)
        require_columns(names, name)
        if layout == LEGACY_CSV:
            [cost] = [one for one in headers if legacy_cur.cur_2_name(one) == COST]
            return names, *count_batches(legacy_cur.csv_batches(path, cost))
        rows, units = count_batches(file.iter_batches(COUNTED_AT_ONCE, columns=[COST]))
        if rows != file.metadata.num_rows:
            raise ValueError(f"{file.metadata.num_rows} rows announced, {rows} read")
    except (pa.ArrowException, OSError, EOFError, UnicodeError, ValueError) as error:
        form = "CSV" if layout == LEGACY_CSV else "Parquet"
        raise unreachable(
            f"a data file cannot be read as {form}", "a whole file, as AWS delivered it",
            str(error).splitlines()[0], [name, f"{path.stat().st_size} bytes"],
            ["the copy is probably cut short: fetch the file again and compare its size"],
        ) from None  # fmt: skip
    return names, rows, units


def require_columns(names: Collection[str], file: str) -> None:
    """Stop when a data file lacks a column without which nothing can be charged (exit 6)."""
    lacking = [column for column in REQUIRED if column not in names]
    if lacking:
        raise unreachable(
            f"the report has no column {lacking[0]}",
            "the columns " + ", ".join(REQUIRED), f"{len(names)} columns without it", [file],
            ["select the column in the export's query, and have AWS deliver the period again"],
        )  # fmt: skip


def count_batches(batches: Iterable[pa.RecordBatch]) -> tuple[int, int]:
    """Rows, and the exact sum of the one column in 1e-10 units."""
    rows, units = 0, 0
    for batch in batches:
        costs = batch.column(0).cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
        rows += len(costs)
        units += cost_units(costs)
    return rows, units


def cost_units(costs: np.ndarray) -> int:
    """The exact sum of costs in 1e-10 units, each rounded once; order does not matter."""
    if not np.isfinite(costs).all():
        raise ValueError("a cost is not a finite number")
    whole = np.trunc(costs)
    fraction = np.rint((costs - whole) * 1e10).astype(np.int64)
    return int(whole.astype(np.int64).sum()) * 10**10 + int(fraction.sum())


def open_report(
    engine: Engine,
    report: Path,
    record: SourceRecord,
    tag_keys: Sequence[str] | None = None,
    placed: bool = False,
) -> None:
    """Make the delivery's files readable as the table `report`, absent columns as null.

    Args:
        tag_keys: those that are looked at, where a report has a column for each; None for all.
        placed: with the columns PLACE.
    """
    try:
        select = report_select(report, record, tag_keys, placed)
        engine.connection.execute(f"create or replace temp view report as {select}")
    except Exception as error:
        raise engine_refusal(error, "the report's files") from None


def report_select(
    report: Path, record: SourceRecord, tag_keys: Sequence[str] | None, placed: bool = False
) -> str:
    """The delivery's files as one table of CUR 2.0, in DuckDB's SQL."""
    files = [str(report / one.path) for one in record.files]
    wanted = {**COLUMNS, **({IDENTITY: "varchar"} if placed else {})}
    if record.layout != CUR_2:
        headers = legacy_headers(report, record)
        return legacy_cur.report_select(
            record.layout, files, headers, wanted, record.billing_period, tag_keys, placed
        )
    absent = set(record.absent_columns)
    if placed and not any(IDENTITY in pq.read_schema(one).names for one in files):
        absent.add(IDENTITY)
    columns = ", ".join(
        f"cast(null as {kind}) as {name}" if name in absent else name
        for name, kind in wanted.items()
    )
    place = ", filename as source_file, file_row_number + 1 as source_row" if placed else ""
    more = ", filename = true, file_row_number = true" if placed else ""
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return (
        f"select '{record.billing_period}' as billing_period, {columns}{place} "
        f"from read_parquet([{quoted}], union_by_name = true, hive_partitioning = false{more})"
    )


def legacy_headers(report: Path, record: SourceRecord) -> list[str]:
    """The columns of a legacy delivery as its files write them: the same in each CSV file.

    Raises:
        Refusal: (exit 6) two CSV files have different columns, which are read by place.
    """
    found: dict[str, None] = {}
    for one in record.files:
        if record.layout == LEGACY_CSV:
            headers = legacy_cur.csv_headers(report / one.path)
            if found and headers != list(found):
                raise unreachable(
                    "two files of a delivery have different columns", "the same header in each",
                    f"{len(found)} and {len(headers)} columns, or another order",
                    [record.files[0].path, one.path],
                    ["they are of different deliveries: fetch the period again as a whole"],
                )  # fmt: skip
        else:
            headers = pq.read_schema(report / one.path).names
        found |= dict.fromkeys(headers)
    return list(found)


def line_item_parameters(params: Params) -> dict[str, Parameter]:
    """The parameters of sql/sources/line_items.sql: period, tag keys, ownership rules, mandatory tags."""
    keys = [*params.policy.cost_center_tags, None, None, None]
    return {
        "period": params.period,
        **{f"tag_{number + 1}": keys[number] for number in range(3)},
        "ownership_rank": ownership_rank(params.ownership),
        "mandatory_tags": tag_letters(params.policy.mandatory_tags),
    }


def tag_keys(params: Params) -> list[str]:
    """The tags that decide an owner or are counted, each once."""
    policy = params.policy
    named = [*policy.cost_center_tags, *policy.mandatory_tags]
    return list(dict.fromkeys(named + [key for rule in params.ownership for key in rule.tags]))


#: The conditions of ownership.toml and the report's columns they look at.
OWNERSHIP_COLUMNS = {
    "account_id": "line_item_usage_account_id",
    "product_code": "line_item_product_code",
    "line_item_type": "line_item_line_item_type",
    "operation": "line_item_operation",
    "usage_type_like": "line_item_usage_type",
    "resource_like": "line_item_resource_id",
}


def ownership_rank(rules: Sequence[OwnershipRule]) -> exp.Expr:
    """The number of the first rule that describes a line item, from 1 on, else null, as an expression.

    Literals are compared in the engine's one pass over the line items, and cost nothing where there are no
    rules. Conditions are and-ed, the values of one condition or-ed.
    """
    number = exp.cast(exp.null(), "bigint")
    if not rules:
        return number
    found = exp.Case()
    for rank, rule in enumerate(rules, start=1):
        met = [
            values_met(
                exp.column(OWNERSHIP_COLUMNS[condition]), values, condition.endswith("_like")
            )
            for condition, values in rule.match.items()
        ]
        met += [values_met(tag_value(key), values, False) for key, values in rule.tags.items()]
        found = found.when(exp.and_(*met), exp.Literal.number(rank), copy=False)
    return exp.cast(found, "bigint")


def tag_value(key: str) -> exp.Expr:
    """The value of a tag of a line item, as an expression."""
    texts = (exp.column("resource_tags"), exp.Literal.string(key))
    return exp.func("element_at", *texts, dialect="athena")


#: What `tag_letters` says of a tag.
TAG_PRESENT, TAG_EMPTY, TAG_ABSENT = "1", "0", "-"


def tag_letters(keys: Sequence[str]) -> exp.Expr:
    """One letter for each tag key, in order, as an expression: is it there, and has it a value?

    Untagged is null, '' or 'NULL' in real reports (CUR fact 6.14); a report whose maps never have a key does
    not have it activated, which the letters keep apart.
    """
    letters: exp.Expr = exp.Literal.string("")
    for key in keys:
        letter = (
            exp.Case()
            .when(
                exp.Is(this=tag_value(key), expression=exp.null()), exp.Literal.string(TAG_ABSENT)
            )
            .when(values_met(tag_value(key), ("", "NULL"), False), exp.Literal.string(TAG_EMPTY))
            .else_(exp.Literal.string(TAG_PRESENT))
        )
        letters = exp.DPipe(this=letters, expression=letter)
    return letters


def values_met(column: exp.Expr, values: Sequence[str], is_pattern: bool) -> exp.Expr:
    """Whether a column is one of the values, or is like one of the patterns."""
    texts = [exp.Literal.string(one) for one in values]
    if is_pattern:
        return exp.or_(*(exp.Like(this=column.copy(), expression=text) for text in texts))
    return exp.In(this=column, expressions=texts)


def control_total(record: SourceRecord) -> Decimal:
    """The delivery's unblended cost as counted by Arrow."""
    return Decimal(record.unblended_cost)
