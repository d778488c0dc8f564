"""Provider deliveries: which files another provider than AWS delivered for a period, all of it FOCUS.

In: the folder of a report that several deliveries are read through (chargeback/sources/report_folder.py), in
which `providers.json` names those of other providers. Three layouts are known (docs/other-providers.md):

    azure-export    <any>/20260501-20260531/<run>/manifest.json with part files beside it, Parquet or CSV: of
                    the runs of an export, by its name and its scope, the one that was submitted last, and
                    exactly the blobs that it names; between month and run there may be a folder of the run's
                    time
    period-folders  2026-05/, BILLING_PERIOD=2026-05/ or 20260501-20260531/, with Parquet or CSV files in it:
                    exactly the files of the period's folder
    monthly-files   one file a month, whose name has the month: costs-2026-05.csv

What always holds: each file is named once and lies in the provider's folder. Where there is no manifest, the
record has a delivery's first file in its place.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chargeback.books.names import is_confined
from chargeback.core.errors import Refusal, unreachable
from chargeback.core.json_text import read_json
from chargeback.core.period import PERIOD
from chargeback.params.providers import AZURE_EXPORT, MONTHLY_FILES, PERIOD_FOLDERS

#: What declares other providers in the folder that reports are read through.
DECLARED = "providers.json"

#: How the names of data files end.
ENDINGS = (".parquet", ".csv", ".csv.gz")

MANIFEST = "manifest.json"

_MONTH = re.compile(r"(?<![0-9])(20[0-9]{2})-?(0[1-9]|1[0-2])(?![0-9])")


@dataclass(frozen=True)
class ProviderFolder:
    """A provider's deliveries in the folder of a report.

    Args:
        folder: its name in that folder.
        name: of the provider, as sources.toml has it.
    """

    folder: str
    name: str
    layout: str
    valid_from: str
    valid_to: str

    def delivers(self, period: str) -> bool:
        """Whether a delivery of a period is expected."""
        return self.valid_from <= period and (not self.valid_to or period <= self.valid_to)


@dataclass(frozen=True)
class ProviderDelivery:
    """What a provider delivered for a period.

    Args:
        manifest: the file that names the others; their first where there is none.
        paths: relative to the report's folder, sorted.
        rows: how many rows the manifest says that they have; none where it does not.
    """

    provider: str
    manifest: Path
    export_name: str
    execution_id: str
    paths: tuple[str, ...]
    rows: int | None = None


def provider_folders(report: Path) -> tuple[ProviderFolder, ...]:
    """The other providers that are read through a report's folder, in the order of sources.toml."""
    declared = report / DECLARED
    if not declared.is_file():
        return ()
    return tuple(ProviderFolder(**one) for one in read_json(declared.read_bytes()))


def provider_deliveries(report: Path, period: str) -> list[ProviderDelivery]:
    """What each provider delivered for a period that it delivers.

    Raises:
        Refusal: (exit 6) one of them delivered nothing, or names files that cannot be taken.
    """
    found: list[ProviderDelivery] = []
    for one in provider_folders(report):
        if one.delivers(period):
            found += delivered_by(report, one, period)
    return found


def delivered_by(report: Path, one: ProviderFolder, period: str) -> list[ProviderDelivery]:
    """What one provider delivered, each export by itself."""
    folder = report / one.folder
    if one.layout == AZURE_EXPORT:
        found = azure_deliveries(report, one, period)
    else:
        files = [
            path.relative_to(report).as_posix() for path in files_of(folder, one.layout, period)
        ]
        found = [
            ProviderDelivery(one.name, report / files[0], one.name, "", tuple(sorted(files)))
        ] if files else []  # fmt: skip
    if not found:
        raise nothing_delivered(folder, one, period)
    return found


def nothing_delivered(folder: Path, one: ProviderFolder, period: str) -> Refusal:
    """That a provider has no delivery of a period, as a refusal that names the periods which have."""
    there = ", ".join(periods_of(folder, one.layout)) or "none"
    return unreachable(
        f"the provider {one.name} has no delivery for {period}", FORMS[one.layout],
        "periods there: " + there, [str(folder.resolve()), f"sources.toml, [[provider]] {one.name}"],
        ["wait for the delivery, or copy it; where the provider really begins later or has ended, date its "
         "entry with valid_from and valid_to"],
    )  # fmt: skip


#: Where deliveries of a period lie, in words.
FORMS = {
    AZURE_EXPORT: "<folder>/<yyyymmdd-yyyymmdd>/<run>/manifest.json of the month, as Cost Management writes it",
    PERIOD_FOLDERS: "a folder of the month, such as 2026-05, BILLING_PERIOD=2026-05 or 20260501-20260531, with "
    "files in it",
    MONTHLY_FILES: "a file whose name has the month, such as costs-2026-05.csv",
}


def delivers_now(report: Path, period: str) -> bool:
    """Whether a provider has something for a period that it delivers."""
    return any(
        one.delivers(period) and period in periods_of(report / one.folder, one.layout)
        for one in provider_folders(report)
    )


def provider_exports(report: Path, period: str) -> list[str]:
    """The names of the providers that have something for a period."""
    return [
        one.name
        for one in provider_folders(report)
        if one.delivers(period) and period in periods_of(report / one.folder, one.layout)
    ]


def periods_of(folder: Path, layout: str) -> list[str]:
    """The periods that a provider's folder has something of, in order."""
    if layout == AZURE_EXPORT:
        found = {period_of(month_folder(one).name) for one in manifests_in(folder)}
    elif layout == PERIOD_FOLDERS:
        found = (
            {period_of(one.name) for one in folder.iterdir() if one.is_dir()}
            if folder.is_dir()
            else set()
        )
    else:
        found = {month_in(one.name) for one in data_files(folder)}
    return sorted(found - {""})


def files_of(folder: Path, layout: str, period: str) -> list[Path]:
    """The data files of a period, sorted; those of one folder, or the one file.

    Raises:
        Refusal: (exit 6) two folders or files are of the period.
    """
    if layout == MONTHLY_FILES:
        found = [one for one in data_files(folder) if month_in(one.name) == period]
        require_one(found, folder, period, "files")
        return found
    folders = [one for one in sorted(folder.iterdir()) if one.is_dir() and period_of(one.name) == period] \
        if folder.is_dir() else []  # fmt: skip
    require_one(folders, folder, period, "folders")
    return [path for one in folders for path in data_files(one, deep=True)]


def require_one(found: Sequence[Path], folder: Path, period: str, what: str) -> None:
    """Stop when two things are of one period, of which none says that it is the newer one."""
    if len(found) > 1:
        raise unreachable(
            f"a provider has two {what} for {period}, and none is known to be the newer one",
            "one", ", ".join(one.name for one in found), [str(folder.resolve())],
            ["leave the newer one there: reading both would count everything twice"],
        )  # fmt: skip


def data_files(folder: Path, deep: bool = False) -> list[Path]:
    """The data files of a folder, sorted; hidden ones and those of other kinds are none."""
    if not folder.is_dir():
        return []
    found = folder.rglob("*") if deep else folder.iterdir()
    return sorted(one for one in found if is_data_file(one.name) and one.is_file())


def is_data_file(name: str) -> bool:
    """Whether a file of this name holds rows; hidden ones, and marks that programs leave, do not.

    >>> [is_data_file(one) for one in ("costs.csv.gz", ".part.parquet", "_SUCCESS", "readme.txt")]
    [True, False, False, False]
    """
    return name.endswith(ENDINGS) and not name.startswith((".", "_"))


def period_of(name: str) -> str:
    """The period that a folder's name is of; blank where it is of none, or of another span than a month.

    >>> [period_of(one) for one in ("BILLING_PERIOD=2026-05", "20260501-20260531", "20260501-20260510")]
    ['2026-05', '2026-05', '']
    """
    text = name.rpartition("=")[2]
    if PERIOD.fullmatch(text):
        return text
    span = re.fullmatch(r"([0-9]{4})([0-9]{2})01-([0-9]{4})([0-9]{2})([0-9]{2})", text)
    if span is None:
        return ""
    year, month = span[1], span[2]
    period = f"{year}-{month}"
    if not PERIOD.fullmatch(period):
        return ""
    last = calendar.monthrange(int(year), int(month))[1]
    ends = {f"{year}{month}{last:02}", next_month(year, month)}
    return period if span[3] + span[4] + span[5] in ends else ""


def next_month(year: str, month: str) -> str:
    """The first day of the month after one, as folders write it."""
    after = int(year) * 12 + int(month)
    return f"{after // 12:04}{after % 12 + 1:02}01"


def month_in(name: str) -> str:
    """The month that a file's name has; blank where it has none, or two.

    >>> month_in("costs-2026-05.csv.gz"), month_in("202605_export.parquet"), month_in("costs.csv")
    ('2026-05', '2026-05', '')
    """
    found = {f"{one[1]}-{one[2]}" for one in _MONTH.finditer(name)}
    return found.pop() if len(found) == 1 else ""


# Azure Cost Management.


def manifests_in(folder: Path) -> list[Path]:
    """The manifests of runs below a folder, sorted."""
    return sorted(folder.rglob(MANIFEST)) if folder.is_dir() else []


def month_folder(manifest: Path) -> Path:
    """The folder of the month that a run's manifest is of; that of the run where none above it is a month's."""
    above = list(manifest.parents)[:3]
    return next((one for one in above if period_of(one.name)), above[0])


def azure_deliveries(report: Path, one: ProviderFolder, period: str) -> list[ProviderDelivery]:
    """The newest run of each export for a period; exports of two billing accounts may have one name."""
    newest: dict[tuple[str, str], tuple[tuple[datetime, str], Path, dict[str, Any]]] = {}
    for manifest in manifests_in(report / one.folder):
        if period_of(month_folder(manifest).name) != period:
            continue
        content = azure_manifest(manifest, period)
        config = content["exportConfig"]
        export = (config["exportName"], str(config.get("resourceId") or "").casefold())
        at = (submitted_at(content, manifest), content["runInfo"]["runId"])
        if export not in newest or at > newest[export][0]:
            newest[export] = (at, manifest, content)
    return [
        azure_delivery(report, one, *newest[export][1:]) for export in sorted(newest)
    ]  # fmt: skip


def azure_manifest(path: Path, period: str) -> dict[str, Any]:
    """A run's manifest, checked for what a close needs of it."""
    try:
        content = read_json(path.read_bytes())
        export, run, blobs = content["exportConfig"], content["runInfo"], content["blobs"]
        names = [one["blobName"] for one in blobs]
        texts = (export["exportName"], export["type"], run["runId"], run["startDate"], *names)
        if not all(isinstance(one, str) and one for one in texts):
            raise ValueError("a name, a date or a blob in it is no text")
        rows = [one.get("dataRowCount") for one in blobs]
        if not all(one is None or isinstance(one, int) for one in rows):
            raise ValueError("dataRowCount is no number")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreachable(
            "the manifest of a provider cannot be read",
            "JSON with exportConfig, runInfo and blobs, as Cost Management writes it",
            f"{type(error).__name__}: {error}", [str(path)],
            ["the copy may be incomplete: fetch the manifest again"],
        ) from None  # fmt: skip
    if export["type"] != "FocusCost":
        raise unreachable(
            "the export of a provider is not FOCUS", "FocusCost, cost and usage details (FOCUS)",
            export["type"], [str(path)],
            ["actual and amortized costs are two views of one month: export the FOCUS dataset, into a folder "
             "of its own"],
        )  # fmt: skip
    if run["startDate"][:7] != period:
        raise unreachable(
            "the manifest belongs to another period", period, run["startDate"][:7], [str(path)],
            ["the folder's name and its manifest contradict each other: fetch both again"],
        )  # fmt: skip
    if not names:
        raise unreachable("the manifest names no data files", "at least one", "0", [str(path)])
    return dict(content)


def submitted_at(content: dict[str, Any], path: Path) -> datetime:
    """When a run was submitted, by its manifest; the time of the manifest's file where it does not say."""
    text = str(content["runInfo"].get("submittedTime") or "")
    with_six = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)  # Azure writes seven digits of a second
    try:
        found = datetime.fromisoformat(with_six)
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def azure_delivery(
    report: Path, one: ProviderFolder, manifest: Path, content: dict[str, Any]
) -> ProviderDelivery:
    """The delivery that a run's manifest names: its blobs, which lie beside it."""
    beside = manifest.parent
    ending = beside.relative_to(month_folder(manifest).parent).as_posix()
    paths = []
    for blob in content["blobs"]:
        _, found, rest = ("/" + blob["blobName"]).rpartition(f"/{ending}/")
        if not found or not is_confined(rest) or not rest.endswith(ENDINGS):
            raise unreachable(
                "the manifest of a provider names a file that is not beside it",
                f"…/{ending}/part_….parquet or .csv", blob["blobName"], [str(manifest)],
                ["copy the run's folder as a whole, manifest and part files, under the names that Azure gave"],
            )  # fmt: skip
        paths.append((beside / rest).relative_to(report).as_posix())
    counts = [blob.get("dataRowCount") for blob in content["blobs"]]
    return ProviderDelivery(
        one.name, manifest, f"{one.name}/{content['exportConfig']['exportName']}", content["runInfo"]["runId"],
        tuple(sorted(paths)), None if None in counts else sum(counts),
    )  # fmt: skip


def declared_text(folders: Iterable[ProviderFolder]) -> Iterator[dict[str, str]]:
    """Providers as `providers.json` has them."""
    for one in folders:
        yield dict(vars(one))
