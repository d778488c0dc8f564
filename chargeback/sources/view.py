"""What the sources notebook shows: the delivery, file by file."""

from __future__ import annotations

import pandas as pd

from chargeback.books.source_record import SourceRecord


def facts(record: SourceRecord, currency: str) -> str:
    """Files, line items and cost of the delivery."""
    return (
        f"period {record.billing_period}, {record.layout}, {len(record.files)} files, "
        f"{record.line_items} line items, {record.unblended_cost} {currency}\n"
        f"unlisted files {len(record.unlisted_files)}, absent columns "
        f"{', '.join(record.absent_columns) or 'none'}"
    )


def files_table(record: SourceRecord) -> pd.DataFrame:
    """The files of the delivery."""
    return pd.DataFrame(
        [
            {
                "file": one.path,
                "line items": one.line_items,
                "bytes": one.size,
                "sha256": one.sha256,
                **({"ETag": one.etag, "version": one.version_id} if one.etag else {}),
            }
            for one in (record.manifest, *record.files)
        ]
    )
