"""Journal: the ledger of all closed periods as plain text, for the programs that accountants trust.

In: the postings of every closed period, after their files were compared with the manifests. Out: one journal
twice, because the two families of programs read different words: `chargeback.beancount` for beancount
(bean-check, bean-query, fava) and `chargeback.journal` for hledger and ledger.

    ledger account         account in the journal                 what it is
    payable:<invoice>      Liabilities:AWS:<invoice>              what AWS is owed; credited
    cost-center:<id>       Expenses:<business unit>:<id>          what a cost center was charged
    pool:<id>              Equity:Clearing:<pool>                 shared cost passing through; ends at 0.00

What always holds: a transaction is an entry of the ledger, dated the last day of its period, with its postings
in the ledger's order and cents; whatever else the ledger knows is metadata. After each period the balance of
every account is asserted, to the cent. Every account begins at nothing, because all closed periods are there,
so no opening balances are needed. The same books give the same bytes.

Drawbacks: payments to AWS are in nobody's ledger here, so the liabilities grow. An id is written as an account
name may be, with a capital first letter and hyphens for other signs. Ids that would become the same get eight
hexadecimal digits of their sha256, and every account says which id it stands for.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from chargeback.books.checked import checked_postings
from chargeback.books.closed_period import kept_params
from chargeback.close.hold import check_closed_periods
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.money import shown
from chargeback.core.period import last_day, period_title
from chargeback.core.text import plain
from chargeback.ledger.invoices import issuer_of
from chargeback.params import Params

Row = dict[str, Any]

BEANCOUNT, HLEDGER = "chargeback.beancount", "chargeback.journal"

#: What a transaction says about all of its postings, and each posting about itself, if the ledger knows it.
OF_ENTRIES = ("entry_id", "kind", "original_period")
OF_POSTINGS = (
    "line", "rule", "pool_id", "invoice_id", "account_id", "product_code", "line_item_type",
    "allocation_key", "weight", "exact_amount",
)  # fmt: skip

#: Where a ledger account goes in the chart of accounts.
PAYABLE, COST_CENTER, POOL = "payable", "cost-center", "pool"


@dataclass(frozen=True)
class Account:
    """An account of the journal: its name, what it is of, and since when."""

    name: str
    opened: date
    currencies: tuple[str, ...]
    about: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Posting:
    """One posting of the ledger, on an account of the journal."""

    account: str
    amount: Decimal
    currency: str
    about: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Transaction:
    """One entry of the ledger."""

    day: date
    title: str
    about: tuple[tuple[str, str], ...]
    postings: tuple[Posting, ...]


@dataclass(frozen=True)
class Period:
    """A closed period: its transactions, and the balance of every account after it, by account and currency."""

    period: str
    transactions: tuple[Transaction, ...]
    balances: tuple[tuple[str, str, Decimal], ...]


@dataclass(frozen=True)
class Journal:
    """All closed periods."""

    accounts: tuple[Account, ...]
    periods: tuple[Period, ...]


def export_journal(books: Books, folder: Path, say: Callable[[str], None]) -> None:
    """Write the journal of a set of books into a folder, and say what it holds.

    Raises:
        Refusal: (exit 2) nothing is closed; (exit 4) a file of a closed period is not what was closed.
    """
    closed = books.closed_periods()
    if not closed:
        raise bad_params(
            "there is no closed period to export", "books with a closed period", "none",
            [str(books.root)],
            ["name the books with BOOKS=, or close one first: make monthly-close PERIOD=2026-05"],
        )  # fmt: skip
    check_closed_periods(books, closed[-1])
    journal = read_journal(books)
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in ((BEANCOUNT, beancount_lines(journal)), (HLEDGER, hledger_lines(journal))):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    entries = sum(len(one.transactions) for one in journal.periods)
    say(f"{closed[0]} to {closed[-1]}: {entries:,} entries on {len(journal.accounts):,} accounts")
    for root in ("Liabilities:AWS", "Equity:Clearing", "Expenses"):
        for currency, amount in root_balances(journal, root).items():
            say(f"  {root:<16} {shown(amount):>18} {currency}")
    say(f"  beancount        {folder / BEANCOUNT}")
    say(f"  hledger, ledger  {folder / HLEDGER}")


def root_balances(journal: Journal, root: str) -> dict[str, Decimal]:
    """What stands on all accounts below a root after the last period, by currency."""
    found: dict[str, Decimal] = {}
    for name, currency, amount in journal.periods[-1].balances:
        if name.startswith(f"{root}:"):
            found[currency] = found.get(currency, Decimal("0.00")) + amount
    return found


def read_journal(books: Books) -> Journal:
    """The journal of a set of books."""
    rows = {
        period: checked_postings(books, period).to_pylist() for period in books.closed_periods()
    }
    names = account_names(row for one in rows.values() for row in one)
    periods, balances = [], dict[tuple[str, str], Decimal]()
    for period, postings in rows.items():
        transactions = tuple(
            transaction(period, list(lines), names)
            for _, lines in groupby(postings, key=lambda row: row["entry_id"])
        )
        for one in (posting for each in transactions for posting in each.postings):
            key = (one.account, one.currency)
            balances[key] = balances.get(key, Decimal("0.00")) + one.amount
        after = tuple(
            (name, currency, balances[name, currency]) for name, currency in sorted(balances)
        )
        periods.append(Period(period, transactions, after))
    return Journal(tuple(opened_accounts(rows, names, books)), tuple(periods))


def account_key(row: Row) -> tuple[str, ...]:
    """What the journal keeps apart: a pool, an invoice, or a cost center of a unit."""
    kind, _, owner = row["ledger_account"].partition(":")
    return (kind, row["business_unit_id"], owner) if kind == COST_CENTER else (kind, owner)


def account_names(rows: Iterable[Row]) -> dict[tuple[str, ...], str]:
    """The account of everything that the journal keeps apart."""
    keys = sorted({account_key(row) for row in rows})
    units = readable({key[1] for key in keys if key[0] == COST_CENTER})
    owners = {
        kind: readable({key[-1] for key in keys if key[0] == kind})
        for kind in (PAYABLE, COST_CENTER, POOL)
    }
    roots = {PAYABLE: "Liabilities:AWS", POOL: "Equity:Clearing"}
    return {
        key: f"{roots.get(key[0]) or 'Expenses:' + units[key[1]]}:{owners[key[0]][key[-1]]}"
        for key in keys
    }


def readable(ids: Iterable[str]) -> dict[str, str]:
    """Each id as a part of an account's name, all different."""
    written: defaultdict[str, list[str]] = defaultdict(list)
    for one in sorted(set(ids)):
        name = re.sub(r"[^A-Za-z0-9]", "-", one)
        name = name[:1].upper() + name[1:]
        written[name if name[:1].isalnum() else f"X{name}"].append(one)
    return {
        one: name if len(same) == 1 else f"{name}-{hashlib.sha256(one.encode()).hexdigest()[:8]}"
        for name, same in written.items()
        for one in same
    }


def opened_accounts(
    rows: Mapping[str, list[Row]], names: Mapping[tuple[str, ...], str], books: Books
) -> Iterator[Account]:
    """The accounts in the order of their names, opened in the first period that posts on them.

    People's names for them are those of the last period that has one.
    """
    opened: dict[tuple[str, ...], date] = {}
    used: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    titles: dict[tuple[str, ...], str] = {}
    for period, postings in rows.items():
        params = kept_params(books, period)
        for row in postings:
            key = account_key(row)
            opened.setdefault(key, last_day(period).replace(day=1))
            used[key].add(row["currency"])
            titles[key] = account_title(key, params) or titles.get(key, "")
    for key, name in sorted(names.items(), key=lambda item: item[1]):
        about = {
            "invoice": key[1] if key[0] == PAYABLE else "",
            "pool": key[1] if key[0] == POOL else "",
            "business-unit": key[1] if key[0] == COST_CENTER else "",
            "cost-center": key[2] if key[0] == COST_CENTER else "",
            "name": titles[key],
        }
        said = tuple((what, text) for what, text in about.items() if text)
        yield Account(name, opened[key], tuple(sorted(used[key])), said)


def account_title(key: tuple[str, ...], params: Params) -> str:
    """What people call an account, as far as a period's params say."""
    if key[0] == POOL:
        return next((pool.name for pool in params.pools if pool.pool_id == key[1]), "")
    if key[0] == PAYABLE:
        named = key[1] in params.invoices or key[1] == params.stand_in
        return issuer_of(key[1], params) if named else ""
    center, unit = params.cost_centers.get(key[2]), params.business_units.get(key[1])
    return f"{unit.name}, {center.name}" if center and unit else ""


def transaction(period: str, rows: list[Row], names: Mapping[tuple[str, ...], str]) -> Transaction:
    """An entry of the ledger as a transaction."""
    first = rows[0]
    name = first["entry_id"].split("/", 2)[2]
    corrected = f" of {first['original_period']}" if first["original_period"] else ""
    return Transaction(
        last_day(period),
        f"{period_title(period)}, {first['kind']}{corrected}: {name}",
        facts(first, OF_ENTRIES),
        tuple(
            Posting(
                names[account_key(row)], row["amount"], row["currency"], facts(row, OF_POSTINGS)
            )
            for row in rows
        ),
    )


def facts(row: Row, columns: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What a posting says in some columns, without those that it leaves empty."""
    return tuple(
        (name.replace("_", "-"), f"{row[name]:f}" if isinstance(row[name], Decimal) else str(row[name]))
        for name in columns
        if row[name] not in (None, "")
    )  # fmt: skip


def currencies(journal: Journal) -> list[str]:
    """The currencies of all postings."""
    return sorted({currency for one in journal.accounts for currency in one.currencies})


def beancount_lines(journal: Journal) -> Iterator[str]:
    """The journal as beancount reads it; a balance is asserted on the morning after, without tolerance."""
    yield 'option "title" "Chargeback"'
    yield from (f'option "operating_currency" "{one}"' for one in currencies(journal))
    for account in journal.accounts:
        yield ""
        yield f"{account.opened} open {account.name} {','.join(account.currencies)}"
        yield from (f"  {what}: {beancount_text(text)}" for what, text in account.about)
    for period in journal.periods:
        for one in period.transactions:
            yield ""
            yield f"{one.day} * {beancount_text(one.title)}"
            yield from (f"  {what}: {beancount_text(text)}" for what, text in one.about)
            for posting in one.postings:
                yield f"  {posting.account}  {posting.amount} {posting.currency}"
                yield from (f"    {what}: {beancount_text(text)}" for what, text in posting.about)
        yield ""
        morning = last_day(period.period) + timedelta(days=1)
        for name, currency, amount in period.balances:
            yield f"{morning} balance {name}  {amount} ~ 0.00 {currency}"


def beancount_text(text: str) -> str:
    """A string of beancount's: one line, quotes and backslashes escaped."""
    return '"' + plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def hledger_lines(journal: Journal) -> Iterator[str]:
    """The journal as hledger and ledger read it; balances are asserted by a transaction that moves nothing."""
    yield from (f"commodity 1000.00 {one}" for one in currencies(journal))
    for account in journal.accounts:
        yield f"account {account.name}"
        yield from (f"  ; {what}: {hledger_tag(text)}" for what, text in account.about)
    for period in journal.periods:
        for one in period.transactions:
            yield ""
            yield f"{one.day} * {hledger_text(one.title)}"
            yield from (f"    ; {what}: {hledger_tag(text)}" for what, text in one.about)
            for posting in one.postings:
                yield f"    {posting.account}  {posting.amount} {posting.currency}"
                yield from (f"    ; {what}: {hledger_tag(text)}" for what, text in posting.about)
        yield ""
        yield f"{last_day(period.period)} * Balances after {period_title(period.period)}"
        for name, currency, amount in period.balances:
            yield f"    {name}  0.00 {currency} = {amount} {currency}"


def hledger_text(text: str) -> str:
    """Text for a description, where two signs would begin something else: those as %3B."""
    return re.sub(r"[%;|]", percent_encoded, plain(text))


def hledger_tag(text: str) -> str:
    """Text for a tag, which also ends at a comma, and takes brackets for a date."""
    return re.sub(r"[%,\[\]]", percent_encoded, plain(text))


def percent_encoded(sign: re.Match[str]) -> str:
    """A sign as in an address."""
    return f"%{ord(sign.group()):02X}"
