"""The source record: every file of a period's delivery, enough to find and check the same bytes again.

A company may have several payers, or exports of several accounts: then a period has several exports, each with
a manifest of its own, and the record names them beside what they sum to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from chargeback.books.names import is_confined
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.json_text import read_json

#: The layouts of a report (chargeback/sources/deliveries.py).
CUR_2, LEGACY_CSV, LEGACY_PARQUET = "CUR 2.0", "legacy CUR, CSV", "legacy CUR, Parquet"
CUR_2_CSV = "CUR 2.0, CSV"
FOCUS_1_0, FOCUS_1_0_CSV = "FOCUS 1.0", "FOCUS 1.0, CSV"
FOCUS_1_2, FOCUS_1_2_CSV = "FOCUS 1.2", "FOCUS 1.2, CSV"

#: How long the interval of a line item of usage is, as an export's setting calls it; blank where nothing says.
HOURLY, DAILY, MONTHLY = "HOURLY", "DAILY", "MONTHLY"


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
class Export:
    """One of several exports that delivered a period; `paths` are among the record's files."""

    export_name: str
    execution_id: str
    layout: str
    manifest: SourceFile
    paths: tuple[str, ...]
    absent_columns: tuple[str, ...]
    line_items: int
    unblended_cost: str
    columns: tuple[str, ...] = ()
    payer_account_ids: tuple[str, ...] = ()
    granularity: str = ""
    provider: str = ""
    account_ids: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceRecord:
    """What a period's delivery consists of, enough to find and check the same bytes again.

    Args:
        export_name, execution_id: of several exports, all of them, joined by " + ".
        manifest: of several exports, the first one's; `manifests` has all.
        absent_columns: columns of the close that no file has.
        columns: all columns of the delivery by CUR 2.0's names; the first versions did not keep them.
        granularity: HOURLY, DAILY, MONTHLY, or blank where no line item says.
        exports: the parts, where there are several.
        provider: who delivered it, where that is not AWS; then account_ids are the accounts that it bills, and
            issuers who sends the invoices, as its rows have it.
    """

    billing_period: str
    export_name: str
    execution_id: str
    layout: str  # CUR_2, CUR_2_CSV, LEGACY_PARQUET, LEGACY_CSV or one of FOCUS
    manifest: SourceFile
    files: tuple[SourceFile, ...]
    unlisted_files: tuple[str, ...]  # data files beside them that the manifest does not name
    absent_columns: tuple[str, ...]
    line_items: int  # control total, counted apart from the rollup
    unblended_cost: str  # control total, ten decimals
    location: str = ""  # of a delivery in S3: the address that the paths are relative to
    columns: tuple[str, ...] = ()
    payer_account_ids: tuple[str, ...] = ()
    granularity: str = ""
    exports: tuple[Export, ...] = ()
    provider: str = ""
    account_ids: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()

    @property
    def manifests(self) -> tuple[SourceFile, ...]:
        """The manifest of each export."""
        return tuple(one.manifest for one in self.exports) or (self.manifest,)

    def parts(self) -> tuple[SourceRecord, ...]:
        """A record for each export, with the files that are its own; the record itself where there is one."""
        if not self.exports:
            return (self,)
        by_path = {one.path: one for one in self.files}
        return tuple(
            replace(
                self,
                files=tuple(by_path[path] for path in one.paths),
                exports=(),
                **{
                    field.name: getattr(one, field.name)
                    for field in fields(Export)
                    if field.name != "paths"
                },
            )
            for one in self.exports
        )

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, one final newline; what is not known or only S3 knows is left out."""
        record = asdict(self)
        files = [record["manifest"], *record["files"]]
        for one in (
            record,
            *files,
            *record["exports"],
            *(one["manifest"] for one in record["exports"]),
        ):
            for name in LEFT_OUT:
                if name in one and not one[name]:
                    del one[name]
        return json.dumps(record, indent=1, sort_keys=True) + "\n"

    def digest(self) -> str:
        """sha256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @staticmethod
    def from_json(text: str) -> SourceRecord:
        """The inverse of `to_json`.

        Raises:
            ValueError: it is no JSON.
            Refusal: (exit 4) a path leads out of the report's folder.
        """
        record: dict[str, Any] = read_json(text)
        parts = [one["manifest"] for one in (record, *record.get("exports", ()))]
        for one in (*parts, *record["files"]):
            if not is_confined(one["path"]):
                raise Refusal(
                    CONTROL_FAILED, "a source record names a file outside of its report",
                    "a path in the report's folder, without . or .. or empty parts", repr(one["path"]), "",
                    [f"the source record of {record['billing_period']}"],
                    ["no close writes such a path: find out who made these books; nothing was read under it"],
                )  # fmt: skip
        record["manifest"] = SourceFile(**record["manifest"])
        record["files"] = tuple(SourceFile(**one) for one in record["files"])
        record.setdefault("layout", CUR_2)  # all that the first version could read
        record["exports"] = tuple(
            Export(**listed({**one, "manifest": SourceFile(**one["manifest"])}))
            for one in record.get("exports", ())
        )
        return SourceRecord(**listed(record))


#: What a record leaves out where there is nothing to say.
LEFT_OUT = (
    "etag", "location", "version_id", "columns", "payer_account_ids", "granularity", "exports", "provider",
    "account_ids", "issuers",
)  # fmt: skip


def listed(record: dict[str, Any]) -> dict[str, Any]:
    """A record as JSON has it, with tuples where it has lists."""
    return {name: tuple(one) if isinstance(one, list) else one for name, one in record.items()}
