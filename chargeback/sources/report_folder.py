"""The folder of a report, before anything is read: does it exist, and is it the right one of several?

A folder that was named wrongly is said here, with the folder to name, because later it would look as if AWS had
delivered nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from chargeback.core.errors import Refusal, unreachable
from chargeback.core.paths import BUILD, ENGINES
from chargeback.core.text import suggestion
from chargeback.sources.deliveries import export_folders, is_export

NAMED_BY = "CUR=, else cur in sources.toml"
FORM = "a folder with data/ and metadata/, or with the legacy report's folders such as 20260501-20260601/"
#: How far below the folder that was named a report is looked for.
LEVELS = 2


def check_report_folder(named: str) -> Path:
    """The folder that a report is named by, absolute.

    Raises:
        Refusal: (exit 6) it does not exist, is a file, or is no report's; names the folder that is meant.
    """
    folder = Path(named).resolve()
    if export_folders(folder):
        return folder
    if not folder.exists():
        above = next(one for one in folder.parents if one.exists())
        raise unreachable(
            "the folder of the report does not exist", FORM, f"no {folder}",
            [NAMED_BY, f"the last folder on that path that exists is {above}"],
            [*other_kind(named), "correct CUR=, or mount or copy the report there first"],
        )  # fmt: skip
    if not folder.is_dir():
        raise unreachable(
            "CUR= names a file, not the folder of a report", FORM, str(folder), [NAMED_BY],
            near(folder),
        )  # fmt: skip
    raise other_folder(folder)


def together(folders: Sequence[Path]) -> Path:
    """One folder, below build/, through which several reports are read as the exports of one.

    The same folders in the same order give the same names, so that what a close recorded is found again.
    """
    digest = hashlib.sha256("\n".join(map(str, folders)).encode()).hexdigest()[:16]
    made = BUILD / "reports" / digest
    made.mkdir(parents=True, exist_ok=True)
    for number, folder in enumerate(folders, start=1):
        link = made / f"{number}-{folder.name}"
        with contextlib.suppress(FileExistsError):
            link.symlink_to(folder)
    return made


def other_kind(named: str) -> list[str]:
    """What else was probably meant by a folder that does not exist: a bucket, an engine or the sample."""
    bucket = re.fullmatch(r"s3:/*(.*)", named, re.IGNORECASE)
    if bucket:
        return [f"did you mean 's3://{bucket[1]}'?"]
    return suggestion(named, [*ENGINES, "sample"])


def other_folder(folder: Path) -> Refusal:
    """That a folder is no report's, as a refusal that says which one is, if it is near."""
    names = sorted(one.name + "/" * one.is_dir() for one in folder.iterdir())
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    found = f"it has {shown}" if names else "it is empty"
    return unreachable(
        "this is not a Data Exports folder", FORM, found, [str(folder)], near(folder)
    )  # fmt: skip


def near(folder: Path) -> list[str]:
    """What to do: the report's folder above or below one that was named, or a general word."""
    for above in list(folder.parents)[: LEVELS + 1]:
        if is_export(above):
            return [f"name the folder above: CUR={above}"]
    below: list[Path] = [folder]
    for _ in range(LEVELS if folder.is_dir() else 0):
        below = [path for one in below for path in sorted(one.iterdir()) if path.is_dir()]
        reports = [one for one in below if is_export(one)]
        if reports:
            return [f"name the folder below: CUR={one}" for one in reports[:3]]
    if (folder / "data").is_dir():
        return ["copy metadata/ too: its manifests say which files of data/ are the delivery"]
    return ["name the folder that holds them with CUR="]
