"""What the sources notebook shows: the delivery, file by file, and the policy that it is read by."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from chargeback.books.source_record import SourceRecord
from chargeback.core.period import period_title
from chargeback.pages.figures import Chart, bar
from chargeback.params import Params


def policy_table(params: Params) -> pd.DataFrame:
    """What policy.toml says of how line items are read."""
    policy = params.policy
    rows = [
        ("currency", policy.currency, "a line item in another one stops the close"),
        ("cost_basis", policy.cost_basis, "which cost of a line item is charged"),
        ("cost_center_tags", ", ".join(policy.cost_center_tags), "tags that may name an owner, in order"),
        ("mandatory_tags", ", ".join(policy.mandatory_tags), "tags that every resource should carry"),
        ("ownership.toml", f"{len(params.ownership)} rules", "what else line items are looked at by"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["param", "value", "what it decides here"])


def facts(record: SourceRecord, currency: str) -> str:
    """Files, line items and cost of the delivery."""
    return (
        f"period {record.billing_period}, {record.layout}, {len(record.files)} files, "
        f"{record.line_items:,} line items\n"
        f"unblended cost {Decimal(record.unblended_cost):,f} {currency}"
    )


def completeness_facts(record: SourceRecord) -> str:
    """What lies beside the delivery, and which columns it does not have."""
    return (
        f"files beside the delivery that are not read: {len(record.unlisted_files)}\n"
        f"columns of the close that it lacks: {', '.join(record.absent_columns) or 'none'}"
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
            for one in (*record.manifests, *record.files)
        ]
    )


def figure(record: SourceRecord) -> Chart:
    """Line items by file, which are of much the same size when none was cut short."""
    return bar(
        [one.path.rpartition("/")[2] for one in record.files],
        [Decimal(one.line_items) for one in record.files],
        f"Line items by file of the delivery, {period_title(record.billing_period)}", "line items",
    )  # fmt: skip
