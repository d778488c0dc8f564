"""References: six letters and digits that name a line of a unit's statement, on paper and on the phone.

In: a period, a unit and its postings. Out: the lines that its statement has, each with its postings and its
reference. A line of a page is several postings; each posting is a line of statement.csv besides. `trace` and
disputes take a reference in place of the line's words (chargeback/ledger/statement_lines.py).

What always holds: a reference is that of one line within a statement; it has a letter and a digit, so that no
word is one and no spreadsheet takes it for a number; it follows from period, unit and what the line is of, so
that it can be found again in any closed period, also of versions that printed none. The signs are
Crockford's: no I, L, O or U, which are misread.

Known drawback: lines of two units may have the same reference, so the unit is named too where it matters.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chargeback.allocation.pools import ALLOCATED, COMMITMENT, DIRECT
from chargeback.ledger.post import ROUNDING

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 6
DIGITS = set(SIGNS[:10])
#: Letters without E: of digits and an E alone a spreadsheet makes a number.
WORDLIKE = set(SIGNS[10:]) - {"E"}

Row = Mapping[str, Any]

#: What a line of a statement is of: its kind, then the ids that tell it apart.
Key = tuple[str, ...]

POSTING = "posting"
SERVICE, ACCOUNT, ACCOUNT_SERVICE = "service", "account", "account-service"
POOL_LINE, ADJUSTED, CORRECTED = "pool", "adjustment", "correction"


def page_keys(row: Row) -> tuple[Key, ...]:
    """The lines of the page that a posting is in, the one with the fewest postings first."""
    kind, code = row["kind"], row["product_code"] or ""
    account, pool_id = row["account_id"] or "", row["pool_id"] or ""
    if row["original_period"]:
        what = correction_key(row)
        return what, what[:2]
    if kind == DIRECT:
        return (ACCOUNT_SERVICE, account, code), (SERVICE, code), (ACCOUNT, account)
    if kind == ALLOCATED:
        return ((POOL_LINE, pool_id),)
    if kind == COMMITMENT:
        return ((COMMITMENT, code, row["line_item_type"] or ""),)
    if kind == ROUNDING:
        return ((ROUNDING, row["invoice_id"] or ""),)
    return ((ADJUSTED, rule_reference(row), row["cost_center_id"] or ""),)


def correction_key(row: Row) -> Key:
    """What a correcting posting is for: the period, the cost center, and what was charged there."""
    ended = (row["rule"] or "").split(":")
    return (
        CORRECTED, row["original_period"], row["cost_center_id"] or "",
        (row["entry_id"].split("/") + [""] * 4)[3],
        row["pool_id"] or "", row["product_code"] or "", row["account_id"] or "",
        ended[1] if ended[0] == "ended" else "",
    )  # fmt: skip


def rule_reference(row: Row) -> str:
    """The reference that people gave an adjustment, such as the number of a change."""
    return (row["rule"] or "").partition(":")[2] or row["rule"] or ""


def posting_key(row: Row) -> Key:
    """A posting by itself."""
    return POSTING, f"{row['entry_id']}:{row['line']}"


@dataclass(frozen=True)
class References:
    """The lines of a unit's statement.

    Args:
        rows: the postings of each line.
        texts: the reference of each line.
    """

    unit_id: str
    rows: Mapping[Key, tuple[Row, ...]]
    texts: Mapping[Key, str]

    @classmethod
    def of(cls, period: str, unit_id: str, rows: Iterable[Row]) -> References:
        """The lines that postings of a unit make."""
        lines: dict[Key, list[Row]] = defaultdict(list)
        for row in rows:
            for key in (*page_keys(row), posting_key(row)):
                lines[key].append(row)
        found: dict[str, Key] = {}
        for key in sorted(lines):
            text = next(one for one in candidates(period, unit_id, key) if one not in found)
            found[text] = key
        texts = {key: text for text, key in found.items()}
        return cls(unit_id, {key: tuple(those) for key, those in lines.items()}, texts)

    def of_key(self, *key: str) -> str:
        """The reference of a line; empty where no posting is in it."""
        return self.texts.get(key, "")

    def of_page(self, row: Row) -> str:
        """The reference of the line of the page that a posting is in."""
        return self.texts[page_keys(row)[0]]

    def of_posting(self, row: Row) -> str:
        """The reference of a posting by itself."""
        return self.texts[posting_key(row)]

    def of_rows(self, rows: Iterable[Row]) -> str:
        """The reference of the line that is exactly these postings; empty where none is."""
        those = list(rows)
        for key in page_keys(those[0]):
            if len(self.rows[key]) == len(those):
                return self.texts[key]
        return self.of_posting(those[0]) if len(those) == 1 else ""

    def line(self, text: str) -> Key | None:
        """The line that a reference names, in any case."""
        return next((key for key, one in self.texts.items() if one == text.upper()), None)

    def pages(self) -> list[Key]:
        """The lines of the page, the largest amounts first."""
        keys = [key for key in self.rows if key[0] != POSTING]
        return sorted(
            keys, key=lambda key: (-abs(sum(row["amount"] for row in self.rows[key])), key)
        )


def candidates(period: str, unit_id: str, key: Key) -> Iterator[str]:
    """References that a line may have: the first that no other line of the statement has is its own."""
    for attempt in itertools.count():
        digest = hashlib.sha256(
            "\x1f".join((period, unit_id, str(attempt), *key)).encode()
        ).digest()
        number = int.from_bytes(digest[:4], "big")
        text = "".join(SIGNS[number >> (5 * place) & 31] for place in range(LENGTH))
        if is_reference(text):
            yield text


def is_reference(text: str) -> bool:
    """Whether a text has the form of a reference, in any case.

    >>> is_reference("k7m2qx"), is_reference("claims")
    (True, False)
    """
    signs = set(text.upper())
    return len(text) == LENGTH and signs <= set(SIGNS) and bool(signs & DIGITS and signs & WORDLIKE)
