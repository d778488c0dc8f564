"""Extract: the rows of closed periods that some groups see, in a folder that notebooks of others work on.

    charges.parquet      a row a posting: COLUMNS of charges.py, with names and exact amounts
    extract.json         which groups and periods, and the currency

In: closed periods that hold, and a `Sight`. What always holds: each row is one that the sight covers and that
somebody is charged, by `visible_rows`; nothing else of books, params or the report is in the folder. So whoever
is given the folder alone cannot see more, whatever they run. It knows the dimensions of the ledger only.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.viewer_rules import table_bytes
from chargeback.books.visible import visible_rows
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.files import replace_folder
from chargeback.core.json_text import read_json
from chargeback.core.paths import named_extract, require_no_extract
from chargeback.core.period import periods_between
from chargeback.engine.tables import CENTS, EXACT
from chargeback.pages.table_view import show_whole_tables
from chargeback.params.viewers import Sight
from chargeback.review.explore import charges as of_books
from chargeback.review.explore.charges import COLUMNS, PAYER, Charges, columns_of, narrowed
from chargeback.review.explore.dimensions import KNOWN, LEDGER, Dimension, dimension_of
from chargeback.review.explore.opened import CLOSED, Opened, names_of
from chargeback.review.trace import origin_of

CHARGES, ABOUT = "charges.parquet", "extract.json"
SCHEMA = pa.schema(
    [*((name, pa.string()) for name in COLUMNS), ("exact_amount", EXACT), ("amount", CENTS)]
)


def charges_by(
    *dimensions: str,
    periods: str = "",
    only: str = "",
    shared: str = PAYER,
    books: str = "",
    report: str = "",
) -> Charges:
    """`charges.charges_by` of the books; in a lab of others that of the extract, for dimensions of the ledger.

    Raises:
        Refusal: (exit 2) as there, and what an extract does not hold; (exit 6) the extract cannot be read.
    """
    folder = named_extract()
    if folder is None:
        return of_books.charges_by(
            *dimensions, periods=periods, only=only, shared=shared, books=books, report=report
        )
    show_whole_tables()
    chosen = tuple(dimension_of(one) for one in dimensions)
    for one in chosen:
        if one.known != LEDGER:
            raise bad_params(
                "this dimension is not in an extract",
                ", ".join(known.name for known in KNOWN if known.known == LEDGER), repr(one.name),
                [str(folder)], ["the FinOps team can look at it in the books"],
            )  # fmt: skip
    if books or report or shared != PAYER:
        require_no_extract("other books, a report, or cost in its pools")
    found = read_extract(folder, chosen, periods)
    return narrowed(found, only) if only else found


def read_extract(folder: Path, chosen: Sequence[Dimension], periods: str) -> Charges:
    """The charges of an extract, of all its periods or some."""
    try:
        about = read_json((folder / ABOUT).read_bytes())
        frame = pq.read_table(folder / CHARGES, schema=SCHEMA).to_pandas()
        there, currency = list(about["periods"]), str(about["currency"])
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise unreachable(
            "the extract cannot be read", f"{CHARGES} and {ABOUT}, as make lab GROUPS= writes them",
            f"{type(error).__name__}: {error}", [str(folder)], ["have it made again"],
        ) from None  # fmt: skip
    wanted = periods_between(periods) if periods else there
    missing = [one for one in wanted if one not in there]
    if missing:
        raise bad_params(
            "there is no such period in this extract", ", ".join(there), ", ".join(missing),
            [str(folder)],
        )  # fmt: skip
    frame = frame[frame["period"].isin(wanted)].reset_index(drop=True)
    frame["amount_float"] = frame["amount"].astype(float)
    charged = {one: sum(frame[frame["period"] == one]["amount"], Decimal("0.00")) for one in wanted}
    whole: pd.DataFrame = frame[[*columns_of(chosen), *of_books.AMOUNTS]]
    return Charges(whole, tuple(chosen), charged, dict.fromkeys(wanted, CLOSED), currency)


def extract_table(books: Books, sight: Sight, periods: Sequence[str]) -> tuple[pa.Table, str]:
    """What a sight covers of closed periods, as SCHEMA, and the currency.

    Raises:
        Refusal: (exit 4) a period is not as it was closed.
    """
    opened = [Opened(origin_of(books, one), CLOSED) for one in periods]
    names = names_of(opened)
    tables = [SCHEMA.empty_table()]
    for one in opened:
        rows = list(of_books.period_rows(one, names, (), PAYER, ""))
        kept = [{name: row[name] for name in SCHEMA.names} for row in rows]
        tables.append(visible_rows(pa.Table.from_pylist(kept, schema=SCHEMA), sight))
    return pa.concat_tables(tables), opened[-1].origin.params.policy.currency


def write_extract(
    books: Books, sight: Sight, groups: Sequence[str], periods: Sequence[str], folder: Path
) -> None:
    """Put an extract in the place of an earlier one; all of it or nothing.

    Args:
        groups: whose it is, for people.
    """
    table, currency = extract_table(books, sight, periods)
    about = {"currency": currency, "groups": list(groups), "periods": list(periods)}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".extract-", dir=folder.parent) as beside:
        made = Path(beside) / "extract"
        made.mkdir()
        (made / CHARGES).write_bytes(table_bytes(table))
        (made / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        replace_folder(made, folder)
