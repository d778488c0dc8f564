"""Provider rows: what the rows of another provider's delivery say that they are, before they are charged.

In: the FOCUS files of a delivery. Out: the accounts that they hold line items of, by the ids that accounts.csv
has. What always holds: each row is of the period (BillingPeriodStart) and of the provider that sources.toml
declares, by ProviderName, ServiceProviderName or InvoiceIssuerName; and where a manifest says how many rows
there are, there are so many. Currencies are looked at by the control `one_currency_is_billed`, as those of AWS
are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from chargeback.core.errors import unreachable
from chargeback.sources import flat_columns

PERIOD_START = "BillingPeriodStart"
#: Who sold it; FOCUS calls it one way until 1.2, and another from 1.3 on.
SELLERS = ("ProviderName", "ServiceProviderName")
ISSUER = "InvoiceIssuerName"
SUB_ACCOUNT, BILLING_ACCOUNT = "SubAccountId", "BillingAccountId"
#: The invoice that Azure may name in a column of its own.
AZURE_INVOICE = "x_InvoiceId"
WANTED = (PERIOD_START, *SELLERS, ISSUER, AZURE_INVOICE, SUB_ACCOUNT, BILLING_ACCOUNT)

#: So many strange values are named.
NAMED = 5

Kind = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class ProviderRows:
    """What the rows of a provider's delivery say: their accounts, and who sends the invoices; both sorted."""

    account_ids: tuple[str, ...]
    issuers: tuple[str, ...]


def rows_delivered(
    report: Path,
    paths: Sequence[str],
    provider: str,
    period: str,
    manifest: str,
    announced: int | None,
) -> ProviderRows:
    """What a provider's files say, once every row is of the period and the provider.

    Args:
        paths: relative to the report's folder.
        manifest: of the delivery, for refusals.
        announced: how many rows the manifest says there are; None where it does not.

    Raises:
        Refusal: (exit 6) a row is of another period or provider, or rows are missing or too many.
    """
    accounts: set[str] = set()
    issuers: set[str] = set()
    count = 0
    for path in paths:
        kinds = kinds_of_rows(report / path)
        count += sum(kinds.values())
        rows = [(dict(kind), number) for kind, number in kinds.items()]
        check_period(rows, period, path)
        check_provider(rows, provider, path)
        accounts |= {account_id_of(row) for row, _ in rows}
        issuers |= {text_of(row.get(ISSUER)) for row, _ in rows}
    if announced is not None and announced != count:
        raise unreachable(
            "the files of a provider do not have the rows that its manifest announces",
            f"{announced:,} rows", f"{count:,} rows", [manifest],
            ["copy the run's folder again, part files first and the manifest last"],
        )  # fmt: skip
    return ProviderRows(tuple(sorted(accounts - {""})), tuple(sorted(issuers)))


def names_each_invoice(files: Iterable[Path], issuer: str) -> bool:
    """Whether each row of an issuer names its invoice in Azure's own column."""
    return all(
        text_of(row.get(AZURE_INVOICE))
        for path in files
        for row in map(dict, kinds_of_rows(path))
        if text_of(row.get(ISSUER)) == issuer
    )


def kinds_of_rows(path: Path) -> Counter[Kind]:
    """How many rows of a file say the same about period, provider, invoice and account."""
    if not path.name.endswith(".parquet"):
        rows: Iterable[Mapping[str, Any]] = flat_columns.csv_rows(path)
        return Counter(
            tuple((name, row.get(name)) for name in WANTED if name in row) for row in rows
        )
    file = pq.ParquetFile(path)
    wanted = [one for one in WANTED if one in file.schema_arrow.names]
    if not wanted:
        return Counter()
    found: Counter[Kind] = Counter()
    for number in range(file.num_row_groups):
        table = file.read_row_group(number, wanted)
        for row in table.group_by(wanted).aggregate([([], "count_all")]).to_pylist():
            found[tuple((name, row[name]) for name in wanted)] += row["count_all"]
    return found


def check_period(rows: Iterable[tuple[Mapping[str, Any], int]], period: str, path: str) -> None:
    """Stop at rows of another billing period (exit 6)."""
    others: Counter[str] = Counter()
    for row, number in rows:
        month = month_of(row.get(PERIOD_START))
        if month != period:
            others[month or str(text_of(row.get(PERIOD_START)) or "(blank)")] += number
    if others:
        raise unreachable(
            f"a provider's file has rows of another billing period than {period}",
            f"{PERIOD_START} in {period} in each row",
            "; ".join(f"{number:,} of {month}" for month, number in others.most_common(NAMED)), [path],
            ["export each month by itself, into the month's own folder or file: no row is left out in silence"],
        )  # fmt: skip


def check_provider(rows: Iterable[tuple[Mapping[str, Any], int]], provider: str, path: str) -> None:
    """Stop at rows that are of another provider, by who sold it and who sends the invoice (exit 6)."""
    others: Counter[str] = Counter()
    for row, number in rows:
        names = [text_of(row.get(one)) for one in (*SELLERS, ISSUER)]
        if provider not in names:
            others[" by ".join(dict.fromkeys(one for one in names if one)) or "nobody"] += number
    if others:
        raise unreachable(
            f"a file of the provider {provider} has rows of another",
            f"{' or '.join((*SELLERS, ISSUER))} = {provider!r} in each row",
            "; ".join(f"{number:,} of {name}" for name, number in others.most_common(NAMED)), [path],
            ["name the provider in sources.toml as its rows do; put rows of several providers into folders of "
             "their own, each with an entry"],
        )  # fmt: skip


def account_id_of(row: Mapping[str, Any]) -> str:
    """The account of a row: its SubAccountId, else its BillingAccountId, behind the last slash.

    >>> account_id_of({"SubAccountId": "/subscriptions/1f9c", "BillingAccountId": "77"})
    '1f9c'
    """
    named = text_of(row.get(SUB_ACCOUNT)) or text_of(row.get(BILLING_ACCOUNT))
    return named.rpartition("/")[2]


def text_of(cell: Any) -> str:
    """A cell as a text; blank where it is null, or where a CSV file writes NULL."""
    return "" if cell is None or cell == "NULL" else str(cell)


def month_of(cell: Any) -> str:
    """The month of a time, in UTC, that a cell has; blank where it has none.

    >>> month_of("2026-05-01T00:00Z"), month_of("05/01/2026")
    ('2026-05', '')
    """
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC) if cell.tzinfo else cell:%Y-%m}"
    found = re.match(r"([0-9]{4}-[0-9]{2})-[0-9]{2}", "" if cell is None else str(cell))
    return found[1] if found else ""
