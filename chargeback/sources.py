"""Sources: freeze what AWS delivered, and count it a second way.

In: a Data Exports folder (`data/` and `metadata/`) and a period. Out: a source record that names every file
of the delivery with its size and sha256, and control totals. The newest manifest alone says which files
belong (CUR facts 1.10, 1.11, 6.9, 6.10); files lying beside them are named in the record and never read.

Control totals come from Arrow and integers, apart from the SQL engine: the number of line items, and the
unblended cost in units of 1e-10. A row's cost is split into whole and fraction before scaling, so that the
double is rounded exactly once (CUR fact 2.9). Drawback: the cost column is read twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

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

#: Without these a line item cannot be charged to anyone.
REQUIRED = (
    "line_item_currency_code", "line_item_line_item_type", "line_item_product_code",
    "line_item_unblended_cost", "line_item_usage_account_id",
)  # fmt: skip


#: Line items counted at once: few enough that their numbers stay in the processor's cache.
COUNTED_AT_ONCE = 32_768


@dataclass(frozen=True)
class SourceFile:
    """One file of the delivery; `path` is relative to the report's folder."""

    path: str
    size: int
    sha256: str
    line_items: int


@dataclass(frozen=True)
class SourceRecord:
    """What one delivery consists of, enough to find and check the same bytes again."""

    billing_period: str
    export_name: str
    execution_id: str
    manifest: SourceFile
    files: tuple[SourceFile, ...]
    unlisted_files: tuple[str, ...]  # Parquet files beside them that the manifest does not name
    absent_columns: tuple[str, ...]
    line_items: int  # control total, counted by Arrow
    unblended_cost: str  # control total, ten decimals

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, one final newline."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

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
        return SourceRecord(**record)


def find_manifest(report: Path, period: str) -> Path:
    """The newest manifest of a period.

    The manifest of the period's own folder is replaced by each delivery. A report that keeps every delivery
    also has one per execution in folders whose names begin with their time; without the first, the last of
    those is the newest.
    """
    metadata = report / "metadata"
    folder = metadata / f"BILLING_PERIOD={period}"
    if not metadata.is_dir():
        raise unreachable(
            "this is not a Data Exports folder", "a folder with data/ and metadata/",
            f"no metadata/ in {report}", [str(report)],
            ["name the folder that holds data/ and metadata/ with CUR="],
        )  # fmt: skip
    manifests = sorted(folder.glob("*-Manifest.json"))
    executions = sorted(folder.glob("*/*-Manifest.json"))
    if len(manifests) > 1:
        raise unreachable(
            f"two exports lie in one folder for {period}", "one manifest",
            ", ".join(path.name for path in manifests), [str(folder)],
            ["keep each export in a folder of its own; reading both would count everything twice"],
        )  # fmt: skip
    if not manifests and not executions:
        there = sorted(
            one.name.removeprefix("BILLING_PERIOD=") for one in metadata.glob("BILLING_PERIOD=*")
        )
        raise unreachable(
            f"the report has no manifest for {period}", "metadata/BILLING_PERIOD="
            f"{period}/<export>-Manifest.json", "periods there: " + (", ".join(there) or "none"),
            [str(folder)], ["AWS writes the manifest last: wait for the delivery, or copy it too"],
        )  # fmt: skip
    return manifests[0] if manifests else executions[-1]


def read_manifest(path: Path, period: str) -> dict[str, Any]:
    """A manifest's content, checked for the parts that the close needs."""
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        files = content["dataFiles"]
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ValueError("dataFiles is not a list of texts")
    except (OSError, ValueError, KeyError) as error:
        raise unreachable(
            "the manifest cannot be read", "JSON with dataFiles, as Data Exports writes it",
            f"{type(error).__name__}: {error}", [str(path)],
            ["the copy may be incomplete: fetch the manifest again"],
        ) from None  # fmt: skip
    if not files:
        raise unreachable("the manifest names no data files", "at least one", "0", [str(path)])
    named = content.get("billingPeriod", period)
    if str(named)[:7] != period:
        raise unreachable(
            "the manifest is of another period", period, str(named), [str(path)],
            ["the folder's name and its manifest contradict each other: fetch both again"],
        )  # fmt: skip
    return content


def local_path(uri: str, period: str, manifest: Path) -> str:
    """A data file's path relative to the report's folder: what stands in its URI from data/ on."""
    marker = f"data/BILLING_PERIOD={period}/"
    _, found, rest = ("/" + uri).rpartition("/" + marker)
    if not found or ".." in rest.split("/") or not rest:
        raise unreachable(
            "the manifest names a data file outside the period's folder", f"…/{marker}…", uri,
            [str(manifest)],
        )  # fmt: skip
    return marker + rest


def freeze_sources(report: Path, period: str) -> SourceRecord:
    """The source record of a period's newest delivery. Reads everything once, writes nothing.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, incomplete, doubled or unreadable, or the report
            lacks a column without which nothing can be charged.
    """
    manifest_path = find_manifest(report, period)
    content = read_manifest(manifest_path, period)
    paths = sorted(local_path(uri, period, manifest_path) for uri in content["dataFiles"])
    doubled = sorted({path for path in paths if paths.count(path) > 1})
    if doubled:
        raise unreachable(
            "the manifest names a data file twice", "each file once", doubled[0],
            [str(manifest_path)],
            ["reading it twice would charge its cost twice: fetch the manifest again"],
        )  # fmt: skip
    missing = [path for path in paths if not (report / path).is_file()]
    if missing:
        raise unreachable(
            "a file that the manifest names is missing", f"{len(paths)} data files",
            f"{len(paths) - len(missing)}", [f"missing: {path}" for path in missing[:5]],
            ["copy the delivery again, data files first and the manifest last"],
        )  # fmt: skip
    files: list[SourceFile] = []
    absent = set(COLUMNS)  # absent means that no file of the delivery has it
    units = 0
    # Arrow and sha256 let go of the interpreter, so that threads read several files at the same time.
    with ThreadPoolExecutor(thread_count()) as readers:
        for file, names, cost in readers.map(functools.partial(read_file, report), paths):
            files.append(file)
            absent -= names
            units += cost
    listed = set(paths)
    folders = {(report / path).parent for path in paths}
    unlisted = sorted(
        one.relative_to(report).as_posix()
        for folder in folders
        for one in folder.glob("*.parquet")
        if one.relative_to(report).as_posix() not in listed
    )
    relative = manifest_path.relative_to(report).as_posix()
    return SourceRecord(
        period, str(content.get("exportName", "")), str(content.get("executionId", "")),
        digest_file(manifest_path, relative, 0), tuple(files), tuple(unlisted),
        tuple(sorted(absent)), sum(one.line_items for one in files), str(exact_amount(units)),
    )  # fmt: skip


def read_file(report: Path, path: str) -> tuple[SourceFile, set[str], int]:
    """A data file's entry in the record, its column names and its unblended cost in 1e-10 units."""
    names, rows, units = count_file(report / path, path)
    return digest_file(report / path, path, rows), names, units


def digest_file(path: Path, name: str, line_items: int) -> SourceFile:
    """Size and sha256 of a file as it is now."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return SourceFile(name, path.stat().st_size, sha256, line_items)


def count_file(path: Path, name: str) -> tuple[set[str], int, int]:
    """Column names, rows and unblended cost (in 1e-10 units) of a Parquet file, by Arrow."""
    try:
        file = pq.ParquetFile(path)
        names = set(file.schema_arrow.names)
        lacking = [column for column in REQUIRED if column not in names]
        if lacking:
            raise unreachable(
                f"the report has no column {lacking[0]}",
                "the columns " + ", ".join(REQUIRED), f"{len(names)} columns without it", [name],
                ["select the column in the export's query, and have AWS deliver the period again"],
            )  # fmt: skip
        rows, units = 0, 0
        for batch in file.iter_batches(COUNTED_AT_ONCE, columns=["line_item_unblended_cost"]):
            costs = batch.column(0).cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
            rows += len(costs)
            units += cost_units(costs)
        if rows != file.metadata.num_rows:
            raise ValueError(f"{file.metadata.num_rows} rows announced, {rows} read")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise unreachable(
            "a data file cannot be read as Parquet", "a whole file, as AWS delivered it",
            str(error).splitlines()[0], [name, f"{path.stat().st_size} bytes"],
            ["the copy is probably cut short: fetch the file again and compare its size"],
        ) from None  # fmt: skip
    return names, rows, units


def cost_units(costs: np.ndarray) -> int:
    """The exact sum of costs in 1e-10 units, each rounded once; order does not matter."""
    if not np.isfinite(costs).all():
        raise ValueError("a cost is not a finite number")
    whole = np.trunc(costs)
    fraction = np.rint((costs - whole) * 1e10).astype(np.int64)
    return int(whole.astype(np.int64).sum()) * 10**10 + int(fraction.sum())


def open_report(engine: Engine, report: Path, record: SourceRecord) -> None:
    """Make the delivery's files readable as the table `report`, absent columns as null."""
    files = [str(report / one.path) for one in record.files]
    absent = set(record.absent_columns)
    columns = ", ".join(
        f"cast(null as {kind}) as {name}" if name in absent else name
        for name, kind in COLUMNS.items()
    )
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    sql = (
        f"create or replace temp view report as select '{record.billing_period}' as billing_period, "
        f"{columns} from read_parquet([{quoted}], union_by_name = true, hive_partitioning = false)"
    )
    try:
        engine.connection.execute(sql)
    except Exception as error:
        raise engine_refusal(error, "the report's files") from None


def line_item_parameters(params: Params) -> dict[str, Parameter]:
    """The parameters of sql/sources/line_items.sql: period, tag keys, ownership rules, mandatory tags."""
    keys = [*params.policy.cost_center_tags, None, None, None]
    return {
        "period": params.period,
        **{f"tag_{number + 1}": keys[number] for number in range(3)},
        "ownership_rank": ownership_rank(params.ownership),
        "mandatory_tags": tag_letters(params.policy.mandatory_tags),
    }


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
