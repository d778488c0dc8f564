"""Untagged, side by side: what each unit put into the pool for untagged cost, and what it pays of it.

In: a period that is closed or drafted in the books. Out: `SideBySide`, and the text that `make rules` prints
below the rules. What a unit put in is what its statement says: exact costs of line items in its accounts that
nobody owns, shown in cents, so that all of them together may be some cents off what was posted. What it pays
is posted.

It shows the figures of all units, and is finance's own.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.money import exact_amount, exact_units, rounded_once, shown
from chargeback.core.period import period_title
from chargeback.pages.parts import signed
from chargeback.pages.vocabulary import joined, key_name
from chargeback.params.rules import UNTAGGED
from chargeback.review.explore.opened import CLOSED, Opened, open_periods
from chargeback.statements.extract.grouped import Grouped
from chargeback.statements.extract.unit_rows import account_name, pool_names, rows_by, sum_of
from chargeback.statements.extract.untagged import without_usable_tag
from chargeback.statements.inputs import StatementInputs

WIDTH = 100
INDENT = "   "
NAME, FIGURE = 49, 16  # columns
ACCOUNTS_NAMED = 5
IN_OWN_ACCOUNTS = "sql:untagged_in_own_accounts"


@dataclass(frozen=True)
class Sides:
    """A unit's two figures, in cents."""

    business_unit_id: str
    name: str
    put_in: Decimal
    paid: Decimal


@dataclass(frozen=True)
class SideBySide:
    """The pool for untagged cost in a period, as all units have a part in it. Amounts are in cents.

    Args:
        status: "closed" or "PROVISIONAL".
        key: that split it; blank where it was empty.
        units: that put something in or pay, those that put most in first.
        elsewhere: what lies in accounts of several units, or of nobody.
        accounts: the names of these, the largest first.
        passed_on: what other pools gave to this one.
        posted: what fell into the pool from the report, as posted.
    """

    period: str
    status: str
    currency: str
    pool: str
    key: str
    key_name: str
    units: tuple[Sides, ...]
    elsewhere: Decimal
    accounts: tuple[str, ...]
    passed_on: Decimal
    posted: Decimal


def side_by_side(opened: Opened) -> SideBySide:
    """What each unit put in and pays in a period."""
    origin = opened.origin
    params, postings = origin.params, origin.postings.to_pylist()
    inputs = StatementInputs(
        origin.period, params.policy.currency, opened.status != CLOSED, origin.postings, origin.owned_costs,
        history={}, invoices=[], params=params, digests={}, product_names=origin.product_names,
    )  # fmt: skip
    rows, grouped = without_usable_tag(inputs), Grouped.of(inputs)
    into = [row for row in postings if row["ledger_account"] == f"pool:{UNTAGGED}"]
    split = [
        row
        for row in postings
        if row["kind"] == "allocated" and row["pool_id"] == UNTAGGED and row["cost_center_id"]
    ]
    key, paid_by = split[0]["allocation_key"] if split else "", rows_by(split, "business_unit_id")
    units, owned_accounts = [], set[str]()
    for unit_id, unit in sorted(params.business_units.items()):
        untagged = grouped.untagged_of(inputs, unit_id)
        owned_accounts |= {one.account_id for one in untagged.accounts}
        paid = sum_of(paid_by.get(unit_id, ()))
        if untagged.pooled or paid:
            units.append(Sides(unit_id, unit.name, untagged.pooled, paid))
    left: dict[str, int] = {}
    for row in rows:
        if row["pool_id"] == UNTAGGED and row["account_id"] not in owned_accounts:
            cost = exact_units(row[f"{params.policy.cost_basis}_cost"])
            left[row["account_id"]] = left.get(row["account_id"], 0) + cost
    ordered = sorted((one for one in left if left[one]), key=lambda one: (-left[one], one))
    return SideBySide(
        period=origin.period,
        status=opened.status,
        currency=params.policy.currency,
        pool=f"{pool_names(params).get(UNTAGGED, UNTAGGED)} ({UNTAGGED})",
        key=key,
        key_name=key_name(key, params.key_names) if key else "",
        units=tuple(sorted(units, key=lambda one: (-one.put_in, one.business_unit_id))),
        elsewhere=rounded_once(exact_amount(sum(left.values()))),
        accounts=tuple(account_name(params, one) for one in ordered),
        passed_on=sum_of(
            row for row in into if row["kind"] == "allocated" and row["pool_id"] != UNTAGGED
        ),
        posted=sum_of(row for row in into if row["kind"] == "pooled"),
    )


def untagged_prose(find_books: Callable[[], Books], period: str) -> str:
    """The figures of a period as text, or why there are none.

    Raises:
        Refusal: (exit 4) a closed period is not as it was closed.
    """
    try:
        paragraphs = _paragraphs(find_books(), period)
    except Refusal as refusal:
        if refusal.exit_code not in (BAD_USAGE, UNREACHABLE):
            raise
        paragraphs = [_filled(f"There are no figures: {refusal.what}.")]
    return "\n\n".join(["WHAT IS UNTAGGED, SIDE BY SIDE", *paragraphs]) + "\n"


def _paragraphs(books: Books, period: str) -> list[str]:
    if period not in (*books.closed_periods(), *books.drafted_periods()):
        return [
            _filled(
                f"{period} is neither closed nor drafted in the books {books.root.name}/, so there are no "
                f"figures yet. make draft PERIOD={period} makes them for an open month."
            )
        ]
    [opened] = open_periods(books, period)
    found = side_by_side(opened)
    if not found.units and not found.elsewhere:
        return [_filled(f"Nothing was untagged in {period_title(period)}.")]
    return [_filled(_introduction(found)), "\n".join(_table(found)), *map(_filled, _notes(found))]


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


def _introduction(found: SideBySide) -> str:
    month = period_title(found.period)
    if found.status != CLOSED:
        month = f"{month} ({found.status}, it is still open)"
    by = f", which was split by {found.key_name} ({found.key})" if found.key else ""
    return (
        f"What a unit put into the pool {found.pool} in {month} is the cost in its own accounts that nobody "
        f"owns; what it pays is its part of that pool{by}. In {found.currency}. These are figures of all "
        "units, for finance and the council."
    )


def _table(found: SideBySide) -> list[str]:
    put_in = sum((one.put_in for one in found.units), found.elsewhere) + found.passed_on
    paid = sum((one.paid for one in found.units), Decimal("0.00"))
    lines = [_line("", "put in", "pays", "more or less")]
    lines += [
        _line(f"{one.name} ({one.business_unit_id})", shown(one.put_in), shown(one.paid),
              signed(one.paid - one.put_in))
        for one in found.units
    ]  # fmt: skip
    lines.append(_line("in accounts of several units, or of nobody", shown(found.elsewhere)))
    if found.passed_on:
        lines.append(_line("passed on by other pools", shown(found.passed_on)))
    return [*lines, _line("together", shown(put_in), shown(paid))]


def _line(name: str, *figures: str) -> str:
    first = textwrap.shorten(name, NAME, placeholder=" …").ljust(NAME)
    return (INDENT + first + "".join(one.rjust(FIGURE) for one in figures)).rstrip()


def _notes(found: SideBySide) -> list[str]:
    notes = []
    if found.accounts:
        named = list(found.accounts[:ACCOUNTS_NAMED])
        if len(found.accounts) > ACCOUNTS_NAMED:
            named.append(f"{len(found.accounts) - ACCOUNTS_NAMED} more")
        notes.append(f"The accounts of several units, or of nobody: {joined(named)}.")
    put_in = sum((one.put_in for one in found.units), found.elsewhere)
    if put_in != found.posted:
        notes.append(
            "What was put in is exact cost, shown in cents unit by unit; what was posted of it is "
            f"{shown(found.posted)}."
        )
    if found.key != IN_OWN_ACCOUNTS:
        notes.append(
            f"The key {IN_OWN_ACCOUNTS} weighs by what each puts in. A council can ratify it for this pool; "
            "make what-if with a proposed params folder shows what everybody would pay."
        )
    return notes
