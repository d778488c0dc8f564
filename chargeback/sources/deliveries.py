"""Deliveries: which files AWS delivered for a period, from the newest manifest alone, never by a glob.

Two layouts are known, told apart by what lies in the report's folder:

    CUR 2.0    data/BILLING_PERIOD=2026-05/… and metadata/BILLING_PERIOD=2026-05/<export>-Manifest.json
               (CUR facts 1.10, 1.11)
    legacy     20260501-20260601/<report>-Manifest.json, whose reportKeys are CSV files beside it or in a folder
               of their assembly, or Parquet files in <report>/year=2026/month=5/

What always holds: each file of a delivery lies inside the report's folder, exists, and is named once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.books.source_record import CUR_2, LEGACY_CSV, LEGACY_PARQUET
from chargeback.core.errors import unreachable
from chargeback.core.period import month_after

_LEGACY_FOLDER = re.compile(r"\d{8}-\d{8}")


@dataclass(frozen=True)
class Delivery:
    """The files of a period's newest delivery.

    Args:
        layout: CUR_2, LEGACY_CSV or LEGACY_PARQUET.
        manifest: absolute, or relative to the working folder.
        paths: sorted, relative to the report's folder.
    """

    layout: str
    manifest: Path
    export_name: str
    execution_id: str
    paths: tuple[str, ...]


def find_delivery(report: Path, period: str) -> Delivery:
    """A period's newest delivery.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, incomplete, doubled or of another period.
    """
    delivery = newest_delivery(report, period)
    missing = [path for path in delivery.paths if not (report / path).is_file()]
    check_files(delivery.paths, missing, delivery.manifest)
    return delivery


def newest_delivery(report: Path, period: str) -> Delivery:
    """What the newest manifest of a period names, whether it is there or not."""
    legacy = not (report / "metadata").is_dir() and legacy_periods(report)
    return (legacy_delivery if legacy else cur_2_delivery)(report, period)


def check_files(paths: Sequence[str], missing: Sequence[str], manifest: Path | str) -> None:
    """Stop when a manifest names a data file twice, or one that is not there."""
    doubled = sorted({path for path in paths if paths.count(path) > 1})
    if doubled:
        raise unreachable(
            "the manifest names a data file twice", "each file once", doubled[0], [str(manifest)],
            ["reading it twice would charge its cost twice: fetch the manifest again"],
        )  # fmt: skip
    if missing:
        raise unreachable(
            "a file that the manifest names is missing", f"{len(paths)} data files",
            f"{len(paths) - len(missing)}", [f"missing: {path}" for path in missing[:5]],
            ["copy the delivery again, data files first and the manifest last"],
        )  # fmt: skip


def has_period(report: Path, period: str) -> bool:
    """Whether a report has a manifest of a period."""
    folders = (report / "metadata" / f"BILLING_PERIOD={period}", report / legacy_folder(period))
    return any(
        any(folder.glob(pattern))
        for folder in folders
        for pattern in ("*-Manifest.json", "*/*-Manifest.json")
    )


def cur_2_delivery(report: Path, period: str) -> Delivery:
    """The delivery that a CUR 2.0 manifest names."""
    manifest = cur_2_manifest(report, period)
    content = read_export_manifest(manifest, "dataFiles")
    return Delivery(
        CUR_2, manifest, str(content.get("exportName", "")), str(content.get("executionId", "")),
        cur_2_paths(content, period, manifest),
    )  # fmt: skip


def cur_2_paths(content: dict[str, Any], period: str, manifest: Path | str) -> tuple[str, ...]:
    """The data files that the content of a CUR 2.0 manifest names, sorted, relative to the report's folder."""
    check_period(str(content.get("billingPeriod", period))[:7], period, manifest)
    marker = f"data/BILLING_PERIOD={period}/"
    return tuple(sorted(local_path(uri, marker, manifest) for uri in content["dataFiles"]))


def cur_2_manifest(report: Path, period: str) -> Path:
    """The newest manifest of a period.

    The manifest of the period's own folder is replaced by each delivery. A report that keeps every delivery
    also has one per execution in folders whose names begin with their time; without the first, the last of
    those is the newest.
    """
    metadata = report / "metadata"
    folder = metadata / f"BILLING_PERIOD={period}"
    if not metadata.is_dir():
        raise unreachable(
            "this is not a Data Exports folder", "a folder with data/ and metadata/, or with the legacy "
            "report's folders such as 20260501-20260601/", f"neither in {report}", [str(report)],
            ["name the folder that holds them with CUR="],
        )  # fmt: skip
    there = sorted(
        one.name.removeprefix("BILLING_PERIOD=") for one in metadata.glob("BILLING_PERIOD=*")
    )
    names = [one.relative_to(folder).as_posix() for one in folder.glob("**/*-Manifest.json")]
    return folder / newest_manifest(names, period, folder, there)


def newest_manifest(
    names: Iterable[str], period: str, folder: Path | str, there: Sequence[str]
) -> str:
    """The newest of the CUR 2.0 manifests in a period's metadata folder, by their names from there.

    Args:
        there: the periods that have manifests, for a refusal.
    """
    found = sorted(names)
    manifests = [one for one in found if one.count("/") == 0]
    executions = [one for one in found if one.count("/") == 1]
    check_one_export(manifests, folder, period)
    if not manifests and not executions:
        raise no_manifest(f"metadata/BILLING_PERIOD={period}", period, there, folder)
    return manifests[0] if manifests else executions[-1]


def legacy_delivery(report: Path, period: str) -> Delivery:
    """The delivery that a legacy manifest names.

    The manifest beside the assemblies' folders is replaced by each delivery; assemblies have no order, so one
    of them alone is only taken when there is no other.
    """
    folder = report / legacy_folder(period)
    manifests = sorted(folder.glob("*-Manifest.json")) or sorted(folder.glob("*/*-Manifest.json"))
    names = [path.relative_to(folder).as_posix() for path in manifests]
    check_one_export(names, folder, period)
    if not manifests:
        raise no_manifest(legacy_folder(period), period, legacy_periods(report), folder)
    content = read_export_manifest(manifests[0], "reportKeys")
    start = str((content.get("billingPeriod") or {}).get("start", folder.name))
    check_period(f"{start[:4]}-{start[4:6]}", period, manifests[0])
    name = str(content.get("reportName") or manifests[0].name.removesuffix("-Manifest.json"))
    year, month = period.split("-")
    layout, marker = LEGACY_CSV, f"{folder.name}/"
    if all(str(key).endswith(".parquet") for key in content["reportKeys"]):
        layout, marker = LEGACY_PARQUET, f"{name}/year={year}/month={int(month)}/"
    paths = sorted(local_path(key, marker, manifests[0]) for key in content["reportKeys"])
    strange = [one for one in paths if not one.endswith((".csv", ".csv.gz", ".parquet"))]
    if strange or (layout == LEGACY_CSV and any(one.endswith(".parquet") for one in paths)):
        raise unreachable(
            "the manifest names data files in a format that is not supported", "Parquet, .csv.gz or .csv, all "
            "of one form", (strange or paths)[0], [str(manifests[0])],
            ["have AWS deliver the report as GZIP or Parquet"],
        )  # fmt: skip
    return Delivery(
        layout, manifests[0], name, str(content.get("assemblyId", "")), tuple(paths)
    )  # fmt: skip


def legacy_folder(period: str) -> str:
    """
    >>> legacy_folder("2026-12")
    '20261201-20270101'
    """
    return "-".join(f"{one.replace('-', '')}01" for one in (period, month_after(period)))


def legacy_periods(report: Path) -> list[str]:
    """The periods that a legacy report has folders for, in order."""
    if not report.is_dir():
        return []
    names = [one.name for one in report.iterdir() if _LEGACY_FOLDER.fullmatch(one.name)]
    return sorted(f"{name[:4]}-{name[4:6]}" for name in names)


def check_one_export(manifests: Sequence[str], folder: Path | str, period: str) -> None:
    """Stop where two deliveries lie side by side and none is known to be the newer one."""
    if len(manifests) > 1:
        raise unreachable(
            f"there are two exports in one folder for {period}", "one manifest",
            ", ".join(manifests), [str(folder)],
            ["keep each export in its own folder; reading both would count everything twice"],
        )  # fmt: skip


def check_period(found: str, period: str, manifest: Path | str) -> None:
    """Stop when a manifest says that it is of another period than its folder."""
    if found != period:
        raise unreachable(
            "the manifest belongs to another period", period, found, [str(manifest)],
            ["the folder's name and its manifest contradict each other: fetch both again"],
        )  # fmt: skip


def no_manifest(expected: str, period: str, there: Sequence[str], folder: Path | str) -> Exception:
    """That a period has no manifest, as a refusal that names the periods which have."""
    return unreachable(
        f"the report has no manifest for {period}", f"{expected}/<export>-Manifest.json",
        "periods there: " + (", ".join(there) or "none"), [str(folder)],
        ["AWS writes the manifest last: wait for the delivery, or copy it too"],
    )  # fmt: skip


def read_export_manifest(path: Path, files_key: str) -> dict[str, Any]:
    """The content of a manifest in a folder."""
    return parse_export_manifest(path.read_bytes, files_key, path)


def parse_export_manifest(
    read: Callable[[], bytes], files_key: str, path: Path | str
) -> dict[str, Any]:
    """A manifest's content, checked for the list of files that the close needs."""
    try:
        content = json.loads(read())
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        files = content[files_key]
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ValueError(f"{files_key} is not a list of texts")
    except (OSError, ValueError, KeyError) as error:
        raise unreachable(
            "the manifest cannot be read", f"JSON with {files_key}, as AWS writes it",
            f"{type(error).__name__}: {error}", [str(path)],
            ["the copy may be incomplete: fetch the manifest again"],
        ) from None  # fmt: skip
    if not files:
        raise unreachable("the manifest names no data files", "at least one", "0", [str(path)])
    return content


def local_path(uri: str, marker: str, manifest: Path | str) -> str:
    """A data file's path relative to the report's folder: what stands in its URI from the marker on."""
    _, found, rest = ("/" + uri).rpartition("/" + marker)
    if not found or ".." in rest.split("/") or not rest:
        raise unreachable(
            "the manifest names a data file outside the period's folder", f"…/{marker}…", uri,
            [str(manifest)],
        )  # fmt: skip
    return marker + rest


def changed_refusal(changed: Sequence[str], location: str) -> Exception:
    """A delivery that is not what it was when the close began (exit 6)."""
    return unreachable(
        "the delivery changed while it was being read", "the same objects throughout",
        f"{len(changed)} written or removed meanwhile", [location, *changed[:5]],
        ["AWS has delivered the period again: nothing was published; run it again on the new delivery"],
    )  # fmt: skip
