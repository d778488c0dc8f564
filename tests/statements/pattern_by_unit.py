"""The search for texts of others as it was first written, a pattern for each unit: the judge of `foreign`.

Every unit has all texts of all others in a pattern of its own, so that its time grows with the square of the
units; for that the product does it in another way. What it finds is plain to see, which is why it is kept:
whatever looks for all texts at once must find the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from string import digits
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.money import shown
from chargeback.ledger.budgets import budgeted_centers
from chargeback.pages.vocabulary import service_name
from chargeback.statements.accounts import unit_accounts
from chargeback.statements.extract import Charges
from chargeback.statements.foreign import (
    _COMMON,
    _collect,
    _one_line,
    _places,
    _shared_words,
    fixed_phrases,
)
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement

#: (what it is, whose it is) by text.
Foreign = dict[str, str]


def scan_for(
    inputs: StatementInputs, charges: Charges, totals: dict[str, Decimal], statement: Statement
) -> Scan:
    """What finds things of others in texts of one unit's files.

    Args:
        totals: what each unit is charged, and what finance keeps, by what they are of.
    """
    unit_id = statement.unit.business_unit_id
    own = own_texts(inputs, charges, unit_id)
    known = fixed_phrases() | _shared_words(inputs)
    phrases, figures = set[str](), set[Decimal]()
    _collect(statement, phrases, figures)
    foreign = {
        text: what
        for text, what in foreign_texts(inputs, charges, unit_id).items()
        if text and text not in own and text not in known
    }
    amounts = {
        text: f"total of {other}"
        for other, total in totals.items()
        if other != unit_id and total != 0 and not {total, -total} & figures
        for text in (shown(total), f"{total:.2f}", shown(abs(total)), f"{abs(total):.2f}")
    }
    return Scan(foreign, amounts, (own | phrases | known) - foreign.keys())


class Scan:
    """One unit's foreign texts as two patterns, and the phrases that excuse a match inside them."""

    def __init__(self, foreign: Foreign, amounts: Foreign, phrases: Iterable[str]) -> None:
        self.foreign, self.amounts = foreign, amounts
        self.words = _whole_words(foreign)
        self.figures = _pattern(amounts, r"(?<![0-9.,])", r"(?![0-9])")
        self.phrases = sorted({phrase for phrase in phrases if self._can_excuse(phrase)})

    def _can_excuse(self, phrase: str) -> bool:
        return bool(self.words and phrase not in self.foreign and self.words.search(phrase))

    def found_in(self, text: str) -> Iterator[tuple[str, str]]:
        """What a text has of others, and which words of it."""
        text = " ".join(text.split())
        if self.words:
            excused: list[tuple[int, int]] | None = None
            for match in self.words.finditer(text):
                if excused is None:
                    excused = [span for phrase in self.phrases for span in _places(phrase, text)]
                if not any(start <= match.start() and match.end() <= end for start, end in excused):
                    yield self.foreign[match.group(0)], match.group(0)
        if self.figures:
            for match in self.figures.finditer(text):
                yield self.amounts[match.group(0)], match.group(0)

    def found_in_common(self, text: str) -> Iterator[tuple[str, str]]:
        """The same of a text that a renderer puts into every unit's file: no totals, and nothing short."""
        for what, words in self.found_in(text):
            if words not in self.amounts and not _COMMON.fullmatch(words):
                yield what, words


def _pattern(texts: Iterable[str], before: str, after: str) -> re.Pattern[str] | None:
    """The longest of some texts, as whole words; a digit at an end of one is that of no longer number."""
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    if not ordered:
        return None
    words = (
        (r"(?<![0-9][.,])" if text[0] in digits else "")
        + re.escape(text)
        + (r"(?![.,][0-9])" if text[-1] in digits else "")
        for text in ordered
    )
    return re.compile(f"{before}(?:{'|'.join(words)}){after}")


def _whole_words(texts: Iterable[str]) -> re.Pattern[str] | None:
    return _pattern(texts, r"(?<![\w-])", r"(?![\w-])")


def foreign_texts(inputs: StatementInputs, charges: Charges, unit_id: str) -> Foreign:
    """What belongs to other units, or to none, by the params and the ledger."""
    params, found = inputs.params, Foreign()
    for other, unit in params.business_units.items():
        if other != unit_id:
            found[_one_line(unit.name)] = f"name of {other}"
    for key, center in params.cost_centers.items():
        if center.business_unit_id != unit_id:
            found[key] = f"cost center id of {center.business_unit_id}"
            found.setdefault(
                _one_line(center.name), f"cost center name of {center.business_unit_id}"
            )
    for other, rows in charges.by_unit.items():
        if other != unit_id:
            found |= {row["cost_center_id"]: f"cost center id of {other}" for row in rows}
            found |= {
                row["account_id"]: f"account id of {other}" for row in rows if row["account_id"]
            }
    for key, account in params.accounts.items():
        center_found = params.cost_centers.get(account.default_cost_center_id or "")
        owner = center_found.business_unit_id if center_found else "no unit"
        if owner != unit_id:
            found[key] = f"account id of {owner}"
            found.setdefault(_one_line(account.name), f"account name of {owner}")
    return found


def own_texts(inputs: StatementInputs, charges: Charges, unit_id: str) -> set[str]:
    """Names and ids that are this unit's, straight from the params and its rows."""
    params = inputs.params
    rows = charges.of_unit(unit_id)
    centers = {key for key, one in params.cost_centers.items() if one.business_unit_id == unit_id}
    accounts = unit_accounts(inputs.params, inputs.owned_costs, unit_id)
    found = {
        unit_id,
        params.business_units[unit_id].name,
        params.business_units[unit_id].owner or "",
    }
    for values in inputs.owned_costs.select(["account_id", "unusable_tag_value"]).to_pylist():
        if values["account_id"] in accounts:
            found.add(values["unusable_tag_value"] or "")
    centers |= {row["cost_center_id"] for row in rows}
    centers |= budgeted_centers(params.budgets, {unit_id})
    codes = set[str]()
    for postings in inputs.history.values():
        mine = postings.filter(_is(postings, "business_unit_id", unit_id))
        centers |= set(mine["cost_center_id"].unique().to_pylist())
        codes |= set(mine["product_code"].unique().to_pylist()) - {None}
        accounts |= set(mine["account_id"].unique().to_pylist()) - {None}
    accounts |= {row["account_id"] for row in rows if row["account_id"]}
    codes |= {row["product_code"] for row in rows if row["product_code"]}
    found |= centers | accounts | codes
    found |= {service_name(code, inputs.product_names.get(code, "")) for code in codes}
    found |= {params.cost_centers[key].name for key in centers if key in params.cost_centers}
    found |= {params.accounts[key].name for key in accounts if key in params.accounts}
    for pool in params.pools:
        found |= {pool.pool_id, pool.name}
    return {_one_line(text) for text in found if text}


def _is(table: pa.Table, column: str, value: str) -> Any:
    return pc.fill_null(pc.equal(table[column], value), False)
