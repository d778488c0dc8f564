"""A CUR 2.0 delivery in the other layouts of AWS: legacy CSV (GZIP, ZIP) and Parquet, and CUR 2.0 as CSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.sources.deliveries import find_deliveries, legacy_folder

ASSEMBLY = "0b3f0c5e-1111-4222-8333-123456789abc"
REPORT_NAME = "costs"
GROUPS = {
    "bill_": "bill", "product_": "product", "identity_": "identity", "line_item_": "lineItem",
    "reservation_": "reservation", "savings_plan_": "savingsPlan", "split_line_item_": "splitLineItem",
}  # fmt: skip


def csv_header(name: str) -> str:
    """How the legacy CSV calls a column of CUR 2.0."""
    if name.startswith("resource_tags_user_"):
        return "resourceTags/user:" + name.removeprefix("resource_tags_user_")
    for prefix, group in sorted(GROUPS.items(), key=lambda item: -len(item[0])):
        if name.startswith(prefix):
            words = name.removeprefix(prefix).replace("_a_r_n", "_ARN").split("_")
            return f"{group}/" + "".join(word[0].upper() + word[1:] for word in words)
    return name


def flat(table: pa.Table) -> pa.Table:
    """A data file of CUR 2.0 as legacy Parquet has it: a column for each tag, blank where there is none."""
    columns = {name: table[name] for name in table.column_names if name != "resource_tags"}
    columns = {name: one for name, one in columns.items() if not pa.types.is_map(one.type)}
    maps = [dict(one or []) for one in table["resource_tags"].to_pylist()]
    for key in sorted({key for one in maps for key in one}):
        columns[f"resource_tags_{key}"] = pa.array(
            [one.get(key) or "" for one in maps], pa.string()
        )
    if "product" in table.column_names:
        products = [dict(one or []) for one in table["product"].to_pylist()]
        names = [one.get("product_name") or "" for one in products]
        columns["product_product_name"] = pa.array(names, pa.string())
    return pa.table(columns)


def cell_text(value: object) -> str:
    """A cell as CSV has it: timestamps in ISO with a Z, blank for null."""
    if value is None:
        return ""
    if isinstance(value, list):  # a map
        return json.dumps(dict(value), ensure_ascii=False)
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return repr(value) if isinstance(value, float) else str(value)


def write_csv(path: Path, table: pa.Table, columns: Sequence[str]) -> None:
    """A packed CSV file with these columns, blank where the table lacks one."""
    pack(path, csv_text(table, columns, [csv_header(name) for name in columns]))


def csv_text(table: pa.Table, columns: Sequence[str], headers: Sequence[str]) -> str:
    """The text of a CSV file."""
    cells = [
        table[name].to_pylist() if name in table.column_names else [None] * table.num_rows
        for name in columns
    ]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([cell_text(value) for value in row] for row in zip(*cells, strict=True))
    return stream.getvalue()


def pack(path: Path, text: str) -> None:
    """A text as a packed file, by the ending of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{path.stem}.csv", text)
    else:
        path.write_bytes(gzip.compress(text.encode()))


def write_legacy(cur_2: Path, folder: Path, period: str, layout: str) -> Path:
    """The delivery of a CUR 2.0 report in another layout; returns its folder.

    Args:
        layout: legacy "csv", "zip" or "parquet", or "cur2-csv" for CUR 2.0 as CSV packed by GZIP.
    """
    if layout == "cur2-csv":
        return write_cur_2_csv(cur_2, folder, period)
    [delivery] = find_deliveries(cur_2, period)
    tables = [flat(pq.read_table(cur_2 / path)) for path in delivery.paths]
    year, month = period.split("-")
    keys = []
    columns = list(dict.fromkeys(name for table in tables for name in table.column_names))
    for number, table in enumerate(tables, start=1):
        if layout != "parquet":
            ending = {"csv": "csv.gz", "zip": "zip"}[layout]
            key = f"{legacy_folder(period)}/{ASSEMBLY}/{REPORT_NAME}-{number:05d}.{ending}"
            write_csv(folder / key, table, columns)
        else:
            key = f"{REPORT_NAME}/year={year}/month={int(month)}/{REPORT_NAME}-{number:05d}.snappy.parquet"
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, folder / key)
        keys.append(f"billing/{key}")
    write_legacy_manifest(folder, period, keys)
    return folder


def write_cur_2_csv(cur_2: Path, folder: Path, period: str) -> Path:
    """The delivery of a CUR 2.0 report as CSV: the same columns, maps as JSON."""
    [delivery] = find_deliveries(cur_2, period)
    tables = [pq.read_table(cur_2 / path) for path in delivery.paths]
    columns = list(dict.fromkeys(name for table in tables for name in table.column_names))
    paths = [path.replace(".snappy.parquet", ".csv.gz") for path in delivery.paths]
    for table, path in zip(tables, paths, strict=True):
        pack(folder / path, csv_text(table, columns, columns))
    manifest = folder / delivery.manifest.relative_to(cur_2)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    content = json.loads(delivery.manifest.read_text())
    content["dataFiles"] = [f"s3://billing/exports/{path}" for path in paths]
    manifest.write_text(json.dumps(content))
    return folder


def legacy_manifest(folder: Path, period: str) -> Path:
    """Where the manifest lies."""
    return folder / legacy_folder(period) / f"{REPORT_NAME}-Manifest.json"


def write_legacy_manifest(folder: Path, period: str, keys: Sequence[str]) -> None:
    """The manifest, naming these data files in this order."""
    start, end = (f"{one}T000000.000Z" for one in legacy_folder(period).split("-"))
    content = {
        "assemblyId": ASSEMBLY, "account": "012345678901", "reportName": REPORT_NAME, "bucket": "billing",
        "billingPeriod": {"start": start, "end": end}, "reportKeys": list(keys),
    }  # fmt: skip
    path = legacy_manifest(folder, period)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def data_files(folder: Path) -> list[Path]:
    """The data files, sorted."""
    return sorted(
        path for path in folder.rglob("*") if re.search(r"\.(csv\.gz|zip|parquet)$", path.name)
    )
