"""Export: the rows that somebody may see of all closed periods, as files for spreadsheets and programs.

In: closed periods whose files are as their manifests say, and a `Sight`. Out: a table with a row a posting, the
columns of statement.csv (chargeback/statements/lines.py) without what is of others, as Parquet and as CSV. What
always holds: the rows are those of `visible_rows` that somebody is charged; names are those of the period;
nothing else of the books is in the files. So the amounts of a whole unit sum to its statements, month by month.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import checked_postings, checked_table
from chargeback.books.closed_period import kept_params
from chargeback.books.schema import POSTINGS
from chargeback.books.viewer_rules import table_bytes
from chargeback.books.visible import CENTER, UNIT, visible_rows
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import begin_csv
from chargeback.core.errors import bad_params
from chargeback.core.period import check_period, period_title
from chargeback.core.progress import Progress, show_path
from chargeback.core.text import suggestion
from chargeback.delivery.released import ClosedForDelivery, released_months, require_released
from chargeback.pages.vocabulary import service_name
from chargeback.params import Params
from chargeback.params.published_totals import hides_weights
from chargeback.params.viewers import (
    AUDITOR,
    FILE,
    FINANCE,
    FINOPS,
    Sight,
    Viewers,
    todays_viewers,
)
from chargeback.rollup.product_names import product_names

Row = dict[str, Any]

PARQUET, CSV, README = "charges.parquet", "charges.csv", "README.txt"

#: Names beside ids; all other columns are the ledger's.
NAMES = (
    "business_unit_name", "cost_center_name", "pool_name", "account_name", "product_name",
)  # fmt: skip
COLUMNS = (
    "billing_period", UNIT, "business_unit_name", CENTER, "cost_center_name", "kind", "pool_id", "pool_name",
    "allocation_key", "weight", "invoice_id", "account_id", "account_name", "product_code", "product_name",
    "line_item_type", "rule", "exact_amount", "amount", "currency", "original_period", "entry_id", "line",
)  # fmt: skip
SCHEMA = pa.schema(
    [pa.field(name, pa.string() if name in NAMES else POSTINGS.field(name).type) for name in COLUMNS]
)  # fmt: skip


def seen_charges(postings: pa.Table, sight: Sight) -> pa.Table:
    """The postings that charge somebody and are seen, in their order."""
    seen = visible_rows(postings, sight)
    return seen.filter(pc.and_(pc.is_valid(seen[UNIT]), pc.is_valid(seen[CENTER])))


def export_table(books: Books, sight: Sight, periods: Sequence[str]) -> pa.Table:
    """What is seen of closed periods, with names; SCHEMA.

    Raises:
        Refusal: (exit 4) a period is not as it was closed.
    """
    tables = [period_table(books, one, sight) for one in periods]
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def period_table(books: Books, period: str, sight: Sight) -> pa.Table:
    """What is seen of a closed period; blank weights where policy has shares only, unless all is seen."""
    rows = seen_charges(checked_postings(books, period), sight).to_pylist()
    if not rows:
        return SCHEMA.empty_table()
    names = product_names([checked_table(books, period, "rollup.parquet")])
    params = kept_params(books, period)
    pools = {one.pool_id: one.name for one in params.pools}
    if hides_weights(params.policy.published_totals) and not sight.everything:
        rows = [row | {"weight": None} for row in rows]
    named = [named_row(row, params, pools, names) for row in rows]
    return pa.Table.from_pylist(named, schema=SCHEMA)


def named_row(row: Row, params: Params, pools: Mapping[str, str], names: Mapping[str, str]) -> Row:
    """A posting with what its ids are called in its period; None where nothing is known."""
    unit = params.business_units.get(row[UNIT])
    center = params.cost_centers.get(row[CENTER])
    account = params.accounts.get(row["account_id"] or "")
    code = row["product_code"]
    return {
        **row,
        "business_unit_name": unit.name if unit else None,
        "cost_center_name": center.name if center else None,
        "pool_name": pools.get(row["pool_id"] or ""),
        "account_name": account.name if account else None,
        "product_name": service_name(code, names.get(code, "")) if code else None,
    }


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet."""
    return table_bytes(table)


def csv_bytes(table: pa.Table) -> bytes:
    """The table as CSV in UTF-8; no cell is a formula (chargeback/core/csv_files.py)."""
    stream = io.StringIO()
    write = begin_csv(stream, table.column_names)
    for batch in table.to_batches():
        for row in batch.to_pylist():
            write(list(row.values()))
    return stream.getvalue().encode()


def readme_text(table: pa.Table, periods: Sequence[str], groups: Iterable[str]) -> str:
    """What the files are, in a line, and what each period comes to."""
    first, last = period_title(periods[0]), period_title(periods[-1])
    when = first if first == last else f"{first} to {last}"
    head = (
        f"What the groups {', '.join(groups)} see of the cloud charges of {when}: a row a posting, "
        "without what others are charged. Amounts sum to the statements of units that are seen as a whole.\n"
    )
    return head + "".join(
        f"{one}  {rows:,} rows  {amount:,.2f}\n" for one, rows, amount in sums(table, periods)
    )


def sums(table: pa.Table, periods: Iterable[str]) -> Iterator[tuple[str, int, Decimal]]:
    """Each period with the number of its rows and what they come to."""
    pairs = list(zip(table["billing_period"].to_pylist(), table["amount"].to_pylist(), strict=True))
    for one in periods:
        amounts = [amount for period, amount in pairs if period == one]
        yield one, len(amounts), sum(amounts, Decimal("0.00"))


def sight_of(viewers: Viewers, groups: Sequence[str]) -> Sight:
    """What some groups see, each of which sees something.

    Raises:
        Refusal: (exit 2) one of them sees nothing by the policy.
    """
    for one in groups:
        if one not in viewers.groups:
            raise bad_params(
                "this group sees nothing", ", ".join(viewers.groups) or f"a group of {FILE}", repr(one),
                [FILE], [*suggestion(one, viewers.groups),
                         "say there what it sees, and who approved it; make viewers shows who sees what"],
            )  # fmt: skip
    return viewers.sight(groups)


def groups_in(text: str) -> list[str]:
    """The groups that GROUPS= names, each once (exit 2 where it names none)."""
    found = list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if not found:
        raise bad_params(
            "no group is named", "GROUPS=finops-claims,finops-members", repr(text), ["GROUPS="]
        )
    return found


def open_to(books: Books, params_folder: Path, sight: Sight, periods: Sequence[str]) -> list[str]:
    """The closed periods that somebody may see something of: those that are named, or all.

    A period that is prepared and not approved is for those who see all as finance, FinOps or auditors.

    Raises:
        Refusal: (exit 2) one of them is not closed, or none is; (exit 4) one that is named is not approved.
    """
    wanted = closed_among(books, periods)
    if sight.sees_all_as(FINANCE, FINOPS, AUDITOR):
        return wanted
    released = released_months(books, params_folder)
    found = [one for one in wanted if one in released]
    for one in wanted if periods or not found else ():
        require_released(ClosedForDelivery(books, one, params_folder))
    return found


def closed_among(books: Books, periods: Sequence[str]) -> list[str]:
    """Closed periods: those that are named, or all.

    Raises:
        Refusal: (exit 2) one of them is not closed, or none is.
    """
    closed = books.closed_periods()
    missing = [one for one in periods if check_period(one) not in closed]
    if missing or not closed:
        raise bad_params(
            "this period is not closed", "one of " + ", ".join(closed) if closed else "a closed period",
            ", ".join(missing) or "nothing", [books.place],
            ["name closed periods, or none for all of them"],
        )  # fmt: skip
    return list(periods) or closed


def export(
    books: Books,
    params_folder: Path,
    groups: Sequence[str],
    periods: Sequence[str],
    folder: Path,
    say: Progress,
) -> None:
    """Write what some groups see of closed periods into a folder, by today's policy.

    Args:
        periods: none for all.

    Raises:
        Refusal: (exit 2) a group sees nothing, or a period is not closed; (exit 4) one is not as it was closed,
            or waits for an approval.
    """
    sight = sight_of(todays_viewers(params_folder), groups)
    wanted = open_to(books, params_folder, sight, periods)
    table = export_table(books, sight, wanted)
    contents = {
        PARQUET: parquet_bytes(table),
        CSV: csv_bytes(table),
        README: readme_text(table, wanted, groups).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    say(f"What {', '.join(groups)} see{'s' if len(groups) == 1 else ''}, in {show_path(folder)}")
    for period, rows, amount in sums(table, wanted):
        say(f"  {period}  {rows:>7,} rows  {amount:>16,.2f}")
