"""The source record: every file of a delivery, enough to find and check the same bytes again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

#: The layouts of a report (chargeback/sources/deliveries.py).
CUR_2, LEGACY_CSV, LEGACY_PARQUET = "CUR 2.0", "legacy CUR, CSV", "legacy CUR, Parquet"


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
    layout: str  # CUR_2, LEGACY_PARQUET or LEGACY_CSV
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
