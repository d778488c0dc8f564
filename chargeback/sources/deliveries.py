"""Deliveries: which files AWS delivered for a period, from the newest manifests alone, never by a glob.

Three layouts are known, told apart by what lies in an export's folder:

    CUR 2.0    data/BILLING_PERIOD=2026-05/… and metadata/BILLING_PERIOD=2026-05/<export>-Manifest.json
               (CUR facts 1.10, 1.11), Parquet or CSV packed by GZIP
    FOCUS      the same folders, told apart by the columns (chargeback/sources/focus.py)
    legacy     20260501-20260601/<report>-Manifest.json, whose reportKeys are CSV files beside it or in a folder
               of their assembly, packed by GZIP or ZIP or not, or Parquet files in <report>/year=2026/month=5/

A report may have several exports, of several payers or accounts: with manifests of several names in one folder,
or each in a folder of its own below the report's. Each is a delivery by itself; that none of them holds what
another holds is checked when they are read (chargeback/sources/freeze.py).

What always holds: each file of a delivery lies inside the report's folder, exists, and is named once, in
whatever spelling: `./x` and `//x` are x, and two names of one file, through links, are that file twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chargeback.books.names import is_confined
from chargeback.books.source_record import CUR_2, CUR_2_CSV, LEGACY_CSV, LEGACY_PARQUET
from chargeback.core.errors import unreachable
from chargeback.core.json_text import read_json
from chargeback.core.period import PERIOD, month_after
from chargeback.sources import focus, provider_layout
from chargeback.sources.provider_deliveries import (
    ProviderDelivery,
    provider_deliveries,
    provider_exports,
)

#: How the names of CSV files end, packed or not.
CSV_ENDINGS = (".csv", ".csv.gz", ".zip")

#: What a manifest calls the export and the delivery, in either layout.
NAMES = ("exportName", "executionId", "reportName", "assemblyId")

_LEGACY_FOLDER = re.compile(r"[0-9]{8}-[0-9]{8}")


@dataclass(frozen=True)
class Delivery:
    """The files of a period's newest delivery by one export.

    Args:
        layout: CUR_2, CUR_2_CSV, LEGACY_CSV, LEGACY_PARQUET or one of FOCUS.
        manifest: absolute, or relative to the working folder.
        paths: sorted, relative to the report's folder.
        provider: who delivered it, as sources.toml has it; blank for AWS.
        announced: how many rows a provider's manifest says that there are; None where none does.
    """

    layout: str
    manifest: Path
    export_name: str
    execution_id: str
    paths: tuple[str, ...]
    provider: str = ""
    announced: int | None = None


def find_deliveries(report: Path, period: str) -> tuple[Delivery, ...]:
    """A period's newest delivery of each export, in the order of their manifests.

    Raises:
        Refusal: (exit 6) a manifest or a file is absent, incomplete, doubled or of another period.
    """
    found = newest_deliveries(report, period)
    for one in found:
        missing = [path for path in one.paths if not is_there(report / path)]
        check_files(one.paths, missing, one.manifest)
    check_apart(found)
    check_other_names(report, found)
    return found


def is_there(path: Path) -> bool:
    """Whether a data file is there, whatever a manifest calls it; no file has a name that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def newest_deliveries(report: Path, period: str) -> tuple[Delivery, ...]:
    """What the newest manifests of a period name, whether it is there or not."""
    folders = export_folders(report)
    if not folders:
        raise unreachable(
            "this is not a Data Exports folder", "a folder with data/ and metadata/, or with the legacy "
            "report's folders such as 20260501-20260601/", f"neither in {report}", [str(report)],
            ["name the folder that holds them with CUR="],
        )  # fmt: skip
    there = [folder for folder in folders if has_manifest(folder, period)]
    found: list[Delivery] = []
    for folder in there or folders[:1]:
        prefix = folder.relative_to(report).as_posix()
        deliveries = (legacy_deliveries if is_legacy(folder) else cur_2_deliveries)(folder, period)
        found += deliveries if prefix == "." else [
            replace(one, paths=tuple(f"{prefix}/{path}" for path in one.paths)) for one in deliveries
        ]  # fmt: skip
    return (*found, *(of_provider(report, one) for one in provider_deliveries(report, period)))


def of_provider(report: Path, one: ProviderDelivery) -> Delivery:
    """What another provider delivered; its files tell the version."""
    layout = provider_layout.layout_of(one, report)
    return Delivery(
        layout, one.manifest, one.export_name, one.execution_id, one.paths, one.provider, one.rows
    )


def export_folders(report: Path) -> list[Path]:
    """The folders of a report that hold exports: itself, or else those below it, sorted."""
    if is_export(report):
        return [report]
    if not report.is_dir():
        return []
    return sorted(one for one in report.iterdir() if one.is_dir() and is_export(one))


def is_export(folder: Path) -> bool:
    """Whether exports of either layout lie in a folder."""
    return (folder / "metadata").is_dir() or bool(legacy_periods(folder))


def is_legacy(folder: Path) -> bool:
    """Whether it is the legacy report that lies in a folder of exports."""
    return not (folder / "metadata").is_dir()


def check_apart(deliveries: Sequence[Delivery]) -> None:
    """Stop when two exports name the same data file."""
    seen: dict[str, Delivery] = {}
    for one in deliveries:
        for path in one.paths:
            if path in seen:
                raise unreachable(
                    "two manifests name the same data file", "each file in one manifest", path,
                    [str(seen[path].manifest), str(one.manifest)],
                    ["reading it twice would charge its cost twice: one of the manifests is out of date"],
                )  # fmt: skip
            seen[path] = one


def check_other_names(report: Path, deliveries: Sequence[Delivery]) -> None:
    """Stop when two names are one file: a link to it, a second entry of it, or a link to a folder above it."""
    seen: dict[tuple[int, int], tuple[str, Delivery]] = {}
    for one in deliveries:
        for path in one.paths:
            state = (report / path).stat()
            other, of = seen.setdefault((state.st_dev, state.st_ino), (path, one))
            if other != path or of is not one:
                raise unreachable(
                    "two data files of a delivery are one file", "a file of its own for each name",
                    f"{path} is {other}", sorted({str(of.manifest), str(one.manifest)}),
                    ["reading it twice would charge its cost twice: copy the delivery again, as files, "
                     "and name each report once"],
                )  # fmt: skip


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
    return any(has_manifest(folder, period) for folder in export_folders(report))


def periods_there(report: Path) -> list[str]:
    """The periods that a report has manifests of, in order."""
    found: set[str] = set()
    for folder in export_folders(report):
        named = folder.glob("metadata/BILLING_PERIOD=*")
        found |= {one.name.removeprefix("BILLING_PERIOD=") for one in named}
        found |= set(legacy_periods(folder))
    return sorted(one for one in found if PERIOD.fullmatch(one) and has_period(report, one))


def has_manifest(folder: Path, period: str) -> bool:
    """Whether there is a manifest of a period in a folder of exports."""
    folders = (folder / "metadata" / f"BILLING_PERIOD={period}", folder / legacy_folder(period))
    return any(
        any(one.glob(pattern))
        for one in folders
        for pattern in ("*-Manifest.json", "*/*-Manifest.json")
    )


def export_names(report: Path, period: str) -> list[str]:
    """The exports that have a manifest of a period, by the names of their manifests and folders, sorted."""
    names = set()
    for folder in export_folders(report):
        prefix = folder.relative_to(report).as_posix()
        for one in manifests_of(folder, period):
            name = one.name.removesuffix("-Manifest.json")
            names.add(name if prefix == "." else f"{prefix}/{name}")
    return sorted(names | set(provider_exports(report, period)))


def manifests_of(folder: Path, period: str) -> list[Path]:
    """The newest manifest of each export in a folder; none where the period has none."""
    if is_legacy(folder):
        own = folder / legacy_folder(period)
        found = sorted(own.glob("*-Manifest.json")) or sorted(own.glob("*/*-Manifest.json"))
        return [
            own / one for one in newest_manifests(one.relative_to(own).as_posix() for one in found)
        ]
    own = folder / "metadata" / f"BILLING_PERIOD={period}"
    names = [one.relative_to(own).as_posix() for one in own.glob("**/*-Manifest.json")]
    return [own / one for one in newest_manifests(names)]


def cur_2_deliveries(folder: Path, period: str) -> list[Delivery]:
    """The deliveries that the CUR 2.0 manifests of a folder name."""
    manifests = manifests_of(folder, period)
    if not manifests:
        metadata = folder / "metadata"
        there = sorted(
            one.name.removeprefix("BILLING_PERIOD=") for one in metadata.glob("BILLING_PERIOD=*")
        )
        own = metadata / f"BILLING_PERIOD={period}"
        raise no_manifest(f"metadata/BILLING_PERIOD={period}", period, there, own)
    return [cur_2_delivery(manifest, period, folder) for manifest in manifests]


def cur_2_delivery(manifest: Path, period: str, folder: Path) -> Delivery:
    """The delivery that a manifest of CUR 2.0 or FOCUS names, in a folder of exports."""
    content = read_export_manifest(manifest, "dataFiles")
    paths = cur_2_paths(content, period, manifest)
    packed = [one for one in paths if one.endswith((".csv", ".csv.gz"))]
    if packed and len(packed) < len(paths):
        raise unreachable(
            "the manifest names data files of two forms", "all Parquet, or all CSV", packed[0],
            [str(manifest)], ["have AWS deliver the period again, in one form"],
        )  # fmt: skip
    return Delivery(
        focus.layout_of(content, paths, folder, manifest) or (CUR_2_CSV if packed else CUR_2),
        manifest, str(content.get("exportName", "")),
        str(content.get("executionId", "")), paths,
    )  # fmt: skip


def cur_2_paths(content: dict[str, Any], period: str, manifest: Path | str) -> tuple[str, ...]:
    """The data files that the content of a CUR 2.0 manifest names, sorted, relative to the report's folder."""
    check_period(str(content.get("billingPeriod", period))[:7], period, manifest)
    marker = f"data/BILLING_PERIOD={period}/"
    return tuple(sorted(local_path(uri, marker, manifest) for uri in content["dataFiles"]))


def newest_manifests(names: Iterable[str]) -> list[str]:
    """The newest manifest of each export, among their names from a period's folder on; sorted.

    The manifest of the period's own folder is replaced by each delivery. A report that keeps every delivery
    also has one per execution, in folders whose names begin with their time; without the first, the last of
    those is the newest.
    """
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda one: (-one.count("/"), one)):
        if name.count("/") <= 1:
            found[name.rpartition("/")[2]] = name
    return [found[one] for one in sorted(found)]


def legacy_deliveries(folder: Path, period: str) -> list[Delivery]:
    """The deliveries that the legacy manifests of a folder name.

    The manifest beside the assemblies' folders is replaced by each delivery; assemblies have no order, so one
    of them alone is only taken when there is no other.
    """
    own = folder / legacy_folder(period)
    beside = list(own.glob("*-Manifest.json"))
    inside = [] if beside else list(own.glob("*/*-Manifest.json"))
    names = [one.name for one in inside]
    if len(set(names)) < len(names):
        raise unreachable(
            f"there are two assemblies for {period}, and none is known to be the newer one",
            f"{legacy_folder(period)}/<report>-Manifest.json, which AWS replaces with each delivery",
            ", ".join(sorted(one.relative_to(own).as_posix() for one in inside)), [str(own)],
            ["copy that manifest too; reading both assemblies would count everything twice"],
        )  # fmt: skip
    manifests = manifests_of(folder, period)
    if not manifests:
        raise no_manifest(legacy_folder(period), period, legacy_periods(folder), own)
    return [legacy_delivery(manifest, own, period) for manifest in manifests]


def legacy_delivery(manifest: Path, folder: Path, period: str) -> Delivery:
    """The delivery that a legacy manifest names."""
    content = read_export_manifest(manifest, "reportKeys")
    start = str((content.get("billingPeriod") or {}).get("start", folder.name))
    check_period(f"{start[:4]}-{start[4:6]}", period, manifest)
    name = str(content.get("reportName") or manifest.name.removesuffix("-Manifest.json"))
    if "/" in name or name in (".", ".."):  # it names the folder of Parquet files
        raise unreachable(
            "the manifest names a data file outside the period's folder", "a report's name, without folders",
            repr(name), [str(manifest)],
        )  # fmt: skip
    year, month = period.split("-")
    layout, marker = LEGACY_CSV, f"{folder.name}/"
    if all(str(key).endswith(".parquet") for key in content["reportKeys"]):
        layout, marker = LEGACY_PARQUET, f"{name}/year={year}/month={int(month)}/"
    paths = sorted(local_path(key, marker, manifest) for key in content["reportKeys"])
    strange = [one for one in paths if not one.endswith((*CSV_ENDINGS, ".parquet"))]
    if strange or (layout == LEGACY_CSV and any(one.endswith(".parquet") for one in paths)):
        raise unreachable(
            "the manifest names data files in a format that is not supported",
            "Parquet, .csv.gz, .zip or .csv, all of one form", (strange or paths)[0], [str(manifest)],
            ["have AWS deliver the report as GZIP, ZIP or Parquet"],
        )  # fmt: skip
    return Delivery(
        layout, manifest, name, str(content.get("assemblyId", "")), tuple(paths)
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
        content = read_json(read())
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        files = content[files_key]
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise ValueError(f"{files_key} is not a list of texts")
        strange = [one for one in NAMES if not isinstance(content.get(one) or "", str)]
        if strange:
            raise ValueError(f"{strange[0]} is not a text")
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
    """A data file's path relative to the report's folder, in one spelling: from the marker of its URI on."""
    _, found, rest = ("/" + uri).rpartition("/" + marker)
    rest = "/".join(part for part in rest.split("/") if part not in ("", "."))
    if not found or not is_confined(rest):
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
