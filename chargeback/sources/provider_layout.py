"""Provider layout: which FOCUS another provider's files are, by their columns.

In: the files of a delivery. Out: its layout, as source records name it. What always holds: files that lack a
column without which nothing can be charged, or that are of a later version than is read, stop by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from chargeback.books.source_record import FOCUS_1_0, FOCUS_1_0_CSV, FOCUS_1_2, FOCUS_1_2_CSV
from chargeback.core.errors import unreachable
from chargeback.sources import focus
from chargeback.sources.column_types import is_text
from chargeback.sources.provider_cells import INVOICE, TAGS, is_tag_list
from chargeback.sources.provider_deliveries import ProviderDelivery
from chargeback.sources.provider_rows import (
    BILLING_ACCOUNT,
    ISSUER,
    PERIOD_START,
    SELLERS,
    SUB_ACCOUNT,
)

#: Without these nothing can be charged to anyone; of each group one is enough.
REQUIRED = (
    ("BilledCost",), ("EffectiveCost",), ("BillingCurrency",), ("ChargeCategory",), ("ServiceName",),
    (PERIOD_START,), (SUB_ACCOUNT, BILLING_ACCOUNT), (*SELLERS, ISSUER),
)  # fmt: skip


def layout_of(delivery: ProviderDelivery, report: Path) -> str:
    """The layout of a provider's delivery, by its first file: 1.2 where it names invoices, else 1.0.

    Raises:
        Refusal: (exit 6) it is no FOCUS, lacks a column, or is of a version that is not read.
    """
    first = report / delivery.paths[0]
    is_csv = not first.name.endswith(".parquet")
    headers = focus.headers_read([first])
    require(headers, delivery.paths[0], str(delivery.manifest))
    if INVOICE in headers:
        return FOCUS_1_2_CSV if is_csv else FOCUS_1_2
    return FOCUS_1_0_CSV if is_csv else FOCUS_1_0


def require(headers: Sequence[str], path: str, manifest: str) -> None:
    """Stop at files that are no FOCUS, or of a later version than is read (exit 6)."""
    newer = sorted(focus.SINCE_1_3 & set(headers) - {"ServiceProviderName", "HostProviderName"})
    if newer:
        raise unreachable(
            "the export is of a FOCUS version that is not read", "FOCUS 1.0 to 1.2",
            f"the column {newer[0]}, which came with 1.3", [path, manifest],
            ["have the provider deliver FOCUS 1.2"],
        )  # fmt: skip
    lacking = [group for group in REQUIRED if not set(group) & set(headers)]
    if lacking:
        raise unreachable(
            f"a provider's file has no column {' or '.join(lacking[0])}",
            "the columns " + ", ".join(" or ".join(one) for one in REQUIRED),
            f"{len(headers)} columns without it" if headers else "no columns that can be read", [path],
            ["have the provider export FOCUS with all columns that the standard requires",
             *([] if path.endswith(".parquet") else ["CSV is read as UTF-8, with commas between its cells"])],
        )  # fmt: skip


def types_read(schema: pa.Schema) -> dict[str, str]:
    """The columns of FOCUS whose types are looked at in a file, with what the engine is told.

    Tags that are JSON, or a list of keys with values, are no map, and read all the same.
    """
    found = dict(focus.COLUMNS)
    kind = schema.field(TAGS).type if TAGS in schema.names else None
    if kind is not None and (is_tag_list(kind) or is_text(kind)):
        del found[TAGS]
    return found
