"""Which postings a line is.

A line is named in one of three ways, in any case:

- by its reference, as pages and statement.csv have it (chargeback/ledger/references.py), alone or after the
  unit: `K7M2QX`, `claims/K7M2QX`;
- by the page's words, names or ids, as `owner/what` (chargeback/ledger/line_words.py): `claims/AWS Support`,
  `Claims Operations/137482950067/Amazon S3`, `claims/AmazonS3` over all accounts, `claims/adjustments`;
  without the owner where only one unit has such a line;
- by `entry_id:line` or `entry_id`, as in statement.csv, with or without the period.

Words that name several lines, or costs of several kinds, are refused with the lines that they may mean. What
comes near is looked for among lines that exist. Where the words name a unit, only that unit's lines are told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from chargeback.allocation.pools import ALLOCATED, POOL
from chargeback.core.errors import bad_params
from chargeback.core.money import shown
from chargeback.ledger.line_words import (
    ALL,
    SLASH,
    UNIT,
    LineNames,
    Named,
    named_lines,
    plain_words,
)
from chargeback.ledger.references import References, is_reference, posting_key

Row = dict[str, Any]

_NUMBERED = re.compile(r"(.+):([0-9]{1,9})")
MOST_HINTS = 8
#: The ways in which a line is named, for who named none.
LINE_IS = (
    "LINE= is a reference of the statement, entry_id:line of statement.csv, or words of a page: unit/pool, "
    "unit/service, unit/account/service"
)


@dataclass(frozen=True)
class LinePostings:
    """The postings of a line, in the ledger's order; all of one kind, or all corrections."""

    text: str
    rows: tuple[Row, ...]


def postings_of_line(
    postings: pa.Table, period: str, text: str, names: LineNames | None = None
) -> LinePostings:
    """The postings that a line names.

    Args:
        names: what ids are called; without them lines are named by ids and codes alone.

    Raises:
        Refusal: (exit 2) it names none, several lines, several kinds of cost, or a posting that only balances
            others; says what comes near.
    """
    rows: list[Row] = postings.to_pylist()
    charging = list(filter(charges, rows))
    text = text.strip()
    found = of_entry(rows, period, text) or of_reference(charging, period, text)
    if not found:
        named = named_lines(charging, names or LineNames())
        found = of_words(named, charging, period, text)
    kinds = {(row["kind"], row["original_period"]) for row in found}
    if len(kinds) > 1 and not all(row["original_period"] for row in found):
        raise several(text, [posting_hint(row) for row in found])
    return LinePostings(text, tuple(found))


def of_entry(rows: Sequence[Row], period: str, text: str) -> list[Row]:
    """The postings of an entry, or one of them; none where no entry is called so."""
    entry = text.casefold()
    entry = entry if entry.startswith(f"{period}/") else f"{period}/{entry}"
    numbered = _NUMBERED.fullmatch(entry)
    found = [row for row in rows if row["entry_id"].casefold() == entry]
    if not found and numbered:
        entries = [row for row in rows if row["entry_id"].casefold() == numbered[1]]
        found = [row for row in entries if row["line"] == int(numbered[2])]
        if entries and not (found and all(map(charges, found))):
            near = [row for row in entries if charges(row)]
            raise no_line(text, period, hints_of(near))
    return [row for row in found if charges(row)]


def of_reference(charging: Sequence[Row], period: str, text: str) -> list[Row]:
    """The postings of the line that has a reference, alone or after its unit; none where no line has it.

    Raises:
        Refusal: (exit 2) lines of several units have it.
    """
    owner, _, reference = text.rpartition(SLASH)
    if not is_reference(reference):
        return []
    found: dict[str, list[Row]] = {}
    for unit_id, rows in by_unit(charging).items():
        if not owner or owner.casefold() == unit_id.casefold():
            lines = References.of(period, unit_id, rows)
            if key := lines.line(reference):
                found[unit_id] = [dict(row) for row in lines.rows[key]]
    if len(found) > 1:
        raise several(text, [f"{unit_id}/{reference.upper()}" for unit_id in found])
    return next(iter(found.values()), [])


def of_words(named: Named, charging: Sequence[Row], period: str, text: str) -> list[Row]:
    """The postings of the line that has words.

    Raises:
        Refusal: (exit 2) no line has them, or several.
    """
    wanted = plain_words(text)
    lines = named.words.get(wanted, ())
    lines = tuple(one for one in lines if one[0] == UNIT) or lines
    by_rows = {tuple(map(posting_id, named.rows[one])): one for one in lines}
    if not by_rows:
        raise no_line(text, period, near(named, charging, period, wanted))
    found = [dict(row) for line in by_rows.values() for row in named.rows[line]]
    [first, *others] = by_rows.values()
    if others or first[-1] == ALL or (len(units_of(found)) > 1):
        raise several(text, page_hints(charging, found, period) or hints_of(found))
    return found


def near(named: Named, charging: Sequence[Row], period: str, wanted: str) -> list[str]:
    """Lines whose words are like a text, best first; of one unit alone where the text names it."""
    owner = wanted.partition(SLASH)[0]
    lines = named.words.get(owner, ())
    units = {
        unit for one in lines if one[0] == UNIT and one[-1] == ALL for unit in named.units(one)
    }
    texts = [
        text
        for text, those in named.words.items()
        if not units or any(named.units(one) == units and one[-1] != ALL for one in those)
    ]
    best = difflib.get_close_matches(wanted, texts, MOST_HINTS)
    own = [row for row in charging if not units or row["business_unit_id"] in units]
    entries = {row["entry_id"].casefold(): row for row in own}
    entry = wanted if wanted.startswith(f"{period}/") else f"{period}/{wanted}"
    rows = [entries[one] for one in difflib.get_close_matches(entry, entries, MOST_HINTS)]
    found = dict.fromkeys(
        named.shown[line]
        for text in best
        for line in named.words[text]
        if not units or named.units(line) == units
    )
    return [*found, *hints_of(rows)][:MOST_HINTS]


def page_hints(charging: Iterable[Row], rows: Iterable[Row], period: str) -> list[str]:
    """The lines of pages that consist of some postings, with their references; the most telling first.

    Amounts are left out where the postings are of several units.
    """
    chosen = {posting_id(row) for row in rows}
    all_units = by_unit(charging)
    units = units_of(rows)
    found: list[tuple[int, str, str]] = []
    for unit_id in units:
        lines = References.of(period, unit_id, all_units[unit_id])
        within = (
            key for key in lines.pages() if chosen.issuperset(map(posting_id, lines.rows[key]))
        )
        for place, key in enumerate(within):
            amount = sum(row["amount"] for row in lines.rows[key])
            what = f"{lines.texts[key]}  {unit_id}  {' '.join(one for one in key if one)}"
            told = f"  {shown(amount)} {lines.rows[key][0]['currency']}" if len(units) == 1 else ""
            found.append((place, unit_id, what + told))
    return [text for _, _, text in sorted(found)]


def by_unit(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Postings by the business unit that they charge; those that charge none are left out."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["business_unit_id"]:
            found.setdefault(row["business_unit_id"], []).append(row)
    return dict(sorted(found.items()))


def units_of(rows: Iterable[Row]) -> list[str]:
    """The business units that postings charge."""
    return list(by_unit(rows))


def charges(row: Row) -> bool:
    """Whether a posting charges somebody or a pool; others balance an entry."""
    account = row["ledger_account"]
    if account.startswith("payable:"):
        return False
    if row["original_period"]:
        return not (row["allocation_key"] and row["weight"] is None)
    return bool(row["kind"] != ALLOCATED or account != f"{POOL}{row['pool_id']}")


def shown_as(row: Row) -> set[str]:
    """How a page of a statement shows a posting: by owner, account and service, or by owner and pool."""
    if row["original_period"]:
        return set()
    owners = [row["business_unit_id"], row["cost_center_id"]]
    if row["kind"] == ALLOCATED:
        return {f"{one}/{row['pool_id']}" for one in owners if one}
    if row["kind"] not in ("direct", "pooled"):
        return set()
    rest = f"{row['account_id']}/{row['product_code']}"
    return {f"{one}/{rest}" for one in (*owners, row["pool_id"]) if one}


def posting_id(row: Mapping[str, Any]) -> str:
    """What names one posting."""
    return posting_key(row)[1]


def posting_hint(row: Row) -> str:
    """A posting as a refusal names it."""
    return f"{posting_id(row)}  {row['ledger_account']}  {shown(row['amount'])} {row['currency']}"


def hints_of(rows: Sequence[Row]) -> list[str]:
    """Postings as a refusal names them; without amounts where they are of several units."""
    if len(units_of(rows)) <= 1:
        return [posting_hint(row) for row in rows]
    return [f"{posting_id(row)}  {row['ledger_account']}" for row in rows]


def shortened(hints: Sequence[str]) -> list[str]:
    """The first hints, and how many are left out."""
    left = len(hints) - MOST_HINTS
    return [*hints[:MOST_HINTS], *([f"and {left} more"] if left > 0 else [])]


def several(text: str, hints: Sequence[str]) -> Exception:
    """The refusal of words that name more than one line."""
    return bad_params(
        "this names more than one line of the period", "one line", repr(text), shortened(hints),
        ["name one of them by its reference, the six signs before it, or in full as unit/account/service"],
    )  # fmt: skip


def no_line(text: str, period: str, hints: Sequence[str]) -> Exception:
    """The refusal of a line that is not there, with lines that could be meant."""
    return bad_params(
        "there is no such line in this period", "one posting, or postings of one kind", repr(text),
        shortened(hints) or [f"the ledger of {period}"],
        [LINE_IS,
         "the lines above come near" if hints else "look for the amount in the unit's statement.csv"],
    )  # fmt: skip
