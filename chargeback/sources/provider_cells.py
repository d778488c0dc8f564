"""Provider cells: what sql/sources/focus_report.sql reads of another provider's files, written in its own way.

In: the columns of a delivery's files. Out: the cells of `focus_charges`, in DuckDB's SQL. What providers do
otherwise than AWS (docs/other-providers.md):

    accounts        SubAccountId, else BillingAccountId, behind the last slash (Azure writes whole paths)
    invoices        InvoiceId, else x_InvoiceId (Azure), else the one invoice of the issuer in invoices.csv
    tags            a map, JSON, or a list of keys with values (Google), of which the first of a key counts
    categories      with a capital letter (an earlier view of Google had small ones)
    times           ChargePeriodStart, else the first day of the billing period, as what is for a whole month

What always holds: a charge whose invoice nobody entered stands on `<provider>-<period>`, so that the tie-out
names it; a provider that sent two invoices, and does not say which a charge is on, stops by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.source_record import SourceRecord
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.params import Invoice
from chargeback.sources.flat_columns import name_of, text
from chargeback.sources.provider_rows import (
    AZURE_INVOICE,
    BILLING_ACCOUNT,
    ISSUER,
    PERIOD_START,
    SUB_ACCOUNT,
    names_each_invoice,
)

INVOICE, TAGS, CHARGED_FROM = "InvoiceId", "Tags", "ChargePeriodStart"


def provider_values(
    values: Mapping[str, str],
    cells: Mapping[str, str],
    files: Sequence[Path],
    record: SourceRecord,
    invoices: Mapping[str, Invoice],
) -> dict[str, str]:
    """The cells of `focus_charges` as another provider writes them, in DuckDB's SQL.

    Args:
        values: of each column that is read, its cell.
        cells: of each column that the files have.
        files: of the delivery.
        invoices: of the period.

    Raises:
        Refusal: (exit 4) rows name no invoice, and their issuer sent two.
    """
    named = [filled(cells[one]) for one in (SUB_ACCOUNT, BILLING_ACCOUNT) if one in cells]
    category = values["ChargeCategory"]
    told = {
        SUB_ACCOUNT: f"regexp_replace(coalesce({', '.join(named)}), '^.*/', '')",
        "ChargeCategory": f"upper(left({category}, 1)) || substr({category}, 2)",
    }
    if PERIOD_START in cells:
        times = (values[CHARGED_FROM], cells[PERIOD_START])
        told[CHARGED_FROM] = f"coalesce({', '.join(f'cast({one} as timestamp)' for one in times)})"
    if INVOICE not in cells:
        told[INVOICE] = invoice_cell(cells, files, record, invoices)
    if has_tag_lists(files[0]):
        told[TAGS] = tag_list_cell(name_of(TAGS))
    return {**values, **told}


def invoice_cell(
    cells: Mapping[str, str],
    files: Sequence[Path],
    record: SourceRecord,
    invoices: Mapping[str, Invoice],
) -> str:
    """The invoice of a charge whose row does not name one."""
    own = [filled(cells[AZURE_INVOICE])] if AZURE_INVOICE in cells else []
    issuer = f"coalesce({filled(cells[ISSUER])}, '')" if ISSUER in cells else "''"
    unnamed = [one for one in record.issuers if not own or not names_each_invoice(files, one)]
    whens = " ".join(
        f"when {text(name)} then {text(invoice_of(name, record, invoices))}" for name in unnamed
    )
    found = [*own, *([f"case {issuer} {whens} end"] if whens else [])]
    return f"coalesce({', '.join(found)})"


def filled(cell: str) -> str:
    """A cell as a text, null where it is blank; programs write ids as whole numbers too."""
    return f"nullif(cast({cell} as varchar), '')"


def invoice_of(issuer: str, record: SourceRecord, invoices: Mapping[str, Invoice]) -> str:
    """The one invoice of an issuer, by its name or the provider's; what stands for it where there is none.

    Raises:
        Refusal: (exit 4) there are two.
    """
    sent = [one for one, told in invoices.items() if told.issuer in {issuer, record.provider}]
    if len(sent) > 1:
        raise Refusal(
            CONTROL_FAILED, f"the rows of {record.provider} name no invoice, and it sent several",
            f"one invoice of {issuer or record.provider} in {record.billing_period}, or rows with InvoiceId",
            f"{len(sent)}: " + ", ".join(sorted(sent)), "", ["invoices.csv", record.manifest.path],
            ["have the provider deliver FOCUS 1.2, whose rows name their invoices; or enter the invoices as "
             "one, with the sum of their totals"],
        )  # fmt: skip
    return sent[0] if sent else unknown_invoice(record.provider, record.billing_period)


def unknown_invoice(provider: str, period: str) -> str:
    """What stands for an invoice that nobody entered.

    >>> unknown_invoice("Google Cloud", "2026-05")
    'Google-Cloud-2026-05'
    """
    letters = "".join(one if one.isascii() and one.isalnum() else " " for one in provider)
    return "-".join([*letters.split(), period])


def has_tag_lists(first: Path) -> bool:
    """Whether the tags of a file are lists of keys with values."""
    if not first.name.endswith(".parquet"):
        return False
    schema = pq.read_schema(first)
    return TAGS in schema.names and is_tag_list(schema.field(TAGS).type)


def is_tag_list(kind: pa.DataType) -> bool:
    """Whether a type is a list of structures with a key and a value."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    one = kind.value_type
    return pa.types.is_struct(one) and {"key", "value"} <= {field.name for field in one}


def tag_list_cell(cell: str) -> str:
    """A list of keys with values as a map; of two values of a key the first."""
    keys = f"list_transform({cell}, lambda one: one.key)"
    is_first = f"one.key is not null and list_position({keys}, one.key) = place"
    first = f"list_filter({cell}, lambda one, place: {is_first})"
    pairs = f"list_transform({first}, lambda one: struct_pack(key := one.key, value := one.value))"
    return f"map_from_entries({pairs})"
