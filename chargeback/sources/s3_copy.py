"""Reports in S3 that are closed from a folder: the files of the needed deliveries, fetched once.

In: s3://bucket/prefix with a report of either layout, and periods. Out: a folder under build/ that holds all
manifests and the data files of the newest delivery of each period, with their times in S3. What was fetched
before and has the same ETag is not fetched again. Nothing is ever written to the report's bucket.

Everything after this reads the folder, so sha256 and control totals are those of the bytes that arrived. A
delivery that changes in the meantime is noticed, because each object is requested by the ETag of the listing.
An object whose name would be a file outside of the folder is refused by name, and nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from chargeback.aws.bucket import TAKEN, S3Place, s3_place
from chargeback.aws.calls import AwsClients, calling, error_code, patience
from chargeback.books.names import is_confined
from chargeback.core.errors import unreachable
from chargeback.core.json_text import read_json
from chargeback.core.paths import BUILD
from chargeback.sources.deliveries import has_period, newest_deliveries

MANIFEST_END = "-Manifest.json"
ETAGS = ".etags.json"
READERS = 4
CHUNK = 1 << 20

#: Bytes: some hundred for each data file and each column.
MOST_OF_MANIFEST = 64 << 20

_LEGACY_FOLDER = re.compile(r"[0-9]{8}-[0-9]{8}/")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it."""

    etag: str
    size: int
    modified: datetime


def fetch_report(uri: str, periods: Sequence[str], progress: Progress) -> Path:
    """The folder with the report's manifests, and with the data files of these periods.

    Raises:
        Refusal: (exit 2) the place is not valid; (exit 6) S3 does not answer, or a delivery
            changed while it was fetched.
    """
    place = s3_place(uri, "CUR")
    report = S3Report(place, AwsClients(None, patience()).client("s3"))
    return report.fetch(periods, progress)


class S3Report:
    """A report in a bucket and the folder that it is fetched into."""

    def __init__(self, place: S3Place, client: Any) -> None:
        self.place, self.client = place, client
        digest = hashlib.sha256(str(place).encode()).hexdigest()[:8]
        self.folder = BUILD / "s3-reports" / f"{place.bucket}-{digest}"

    def fetch(self, periods: Sequence[str], progress: Progress) -> Path:
        """Bring the folder up to date."""
        manifests = self.manifests()
        self.folder.mkdir(parents=True, exist_ok=True)
        etags = self.known_etags()
        for path in self.folder.rglob(f"*{MANIFEST_END}"):
            if path.relative_to(self.folder).as_posix() not in manifests:
                path.unlink()
        self.fetch_files(manifests, etags)
        for period in periods:
            if has_period(self.folder, period):
                wanted = self.data_files(period)
                new = {
                    name: one for name, one in wanted.items() if not self.is_here(name, one, etags)
                }
                if new:
                    size = sum(one.size for one in new.values())
                    progress(
                        f"  {period}  fetching {len(new)} files, {size:,} bytes, from {self.place}"
                    )
                self.fetch_files(new, etags)
        return self.folder

    def manifests(self) -> dict[str, Listed]:
        """All manifests of the report, by their names in it: its own, or those of the exports below it."""
        found = self.export_manifests("")
        if not found:
            for folder in self.folders(""):
                found |= self.export_manifests(folder)
        manifests = {name: one for name, one in found.items() if name.endswith(MANIFEST_END)}
        for name, one in manifests.items():
            self.require_manifest(name, one)
        return manifests

    def require_manifest(self, name: str, one: Listed) -> None:
        """Stop at an object that AWS does not deliver, whose name ends like that of a manifest (exit 6)."""
        self.require_confined(name)
        if one.size > MOST_OF_MANIFEST:
            raise unreachable(
                "a manifest of the report is larger than any that AWS writes",
                f"at most {MOST_OF_MANIFEST:,} bytes", f"{one.size:,} bytes", [f"{self.place}{name}"],
                ["nothing was fetched: find out who put it, and remove it"],
            )  # fmt: skip

    def require_confined(self, name: str) -> None:
        """Stop at an object that would be a file outside of the folder (exit 6)."""
        if not is_confined(name):
            raise unreachable(
                "an object of the report would be a file outside of its folder",
                "names as AWS gives them, without . or .. or empty parts", repr(name), [str(self.place)],
                ["nothing was fetched: AWS does not write such a name; find out who did, and remove it"],
            )  # fmt: skip

    def export_manifests(self, under: str) -> dict[str, Listed]:
        """What may be manifests of the export below a name, of either layout."""
        found = self.listed(f"{under}metadata/")
        if not found:
            for folder in self.folders(under):
                if _LEGACY_FOLDER.fullmatch(folder.removeprefix(under)):
                    found |= self.listed(folder)
        return found

    def folders(self, under: str) -> list[str]:
        """The names below a name that end with a slash, one level down."""
        prefix = self.place.prefix + under
        with calling("s3:ListBucket", f"{self.place}{under}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=prefix, Delimiter="/"
            )
            return [
                one["Prefix"].removeprefix(self.place.prefix)
                for page in pages
                for one in page.get("CommonPrefixes", [])
            ]

    def data_files(self, period: str) -> dict[str, Listed]:
        """The objects of a period's newest delivery; one that is missing is refused when it is read."""
        paths = [path for one in newest_deliveries(self.folder, period) for path in one.paths]
        found: dict[str, Listed] = {}
        for folder in sorted({path.rpartition("/")[0] for path in paths}):
            found |= self.listed(f"{folder}/")
        return {path: found[path] for path in paths if path in found}

    def listed(self, under: str) -> dict[str, Listed]:
        """The objects whose names begin with a text, by their names in the report."""
        with calling("s3:ListBucket", f"{self.place}{under}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=self.place.prefix + under
            )
            return {
                one["Key"].removeprefix(self.place.prefix): Listed(
                    one["ETag"], one["Size"], one["LastModified"]
                )
                for page in pages
                for one in page.get("Contents", [])
            }

    def fetch_files(self, wanted: dict[str, Listed], etags: dict[str, str]) -> None:
        """Fetch what is not here, and remember what it is."""
        new = {name: one for name, one in wanted.items() if not self.is_here(name, one, etags)}
        with ThreadPoolExecutor(READERS) as readers:
            list(readers.map(self.fetch_file, new, new.values()))
        if new:
            etags |= {name: one.etag for name, one in new.items()}
            beside = self.folder / f"{ETAGS}.new"
            beside.write_text(json.dumps(etags, indent=1, sort_keys=True))
            beside.rename(self.folder / ETAGS)

    def fetch_file(self, name: str, one: Listed) -> None:
        """One object as a file, whole or not at all."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.part")
        with calling("s3:GetObject", f"{self.place}{name}"):
            try:
                answer = self.client.get_object(
                    Bucket=self.place.bucket, Key=self.place.prefix + name, IfMatch=one.etag
                )
                with beside.open("wb") as stream:
                    for chunk in iter(partial(answer["Body"].read, CHUNK), b""):
                        stream.write(chunk)
            except ClientError as error:
                if error_code(error) in TAKEN:
                    raise unreachable(
                        "the delivery changed while it was being fetched", one.etag, "another object",
                        [f"{self.place}{name}"], ["AWS writes deliveries within minutes: run it again"],
                    ) from None  # fmt: skip
                raise
        os.utime(beside, (one.modified.timestamp(), one.modified.timestamp()))
        beside.rename(target)

    def is_here(self, name: str, one: Listed, etags: dict[str, str]) -> bool:
        """Whether an object was fetched before."""
        path = self.folder / name
        return etags.get(name) == one.etag and path.is_file() and path.stat().st_size == one.size

    def known_etags(self) -> dict[str, str]:
        """What was fetched; nothing where that is not known."""
        try:
            found: dict[str, str] = read_json((self.folder / ETAGS).read_bytes())
        except (OSError, ValueError):
            return {}
        return found
