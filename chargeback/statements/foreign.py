"""What belongs to other units, and finding it in a text that is not known to be the unit's own.

Only texts are looked at here that no part of the unit's own statement explains (`leaks`): what somebody
wrote into a finished file, or what a renderer put around it. Names and ids are found as whole words in the
same case: a unit called "Data" is not found in `data:` or in "metadata". Totals are found as whole amounts:
those of other units, and those of all units together that finance keeps. The texts of all units are looked for
at once (`occurrences`), and of each that is there it is asked whose it is.

When is a match nothing?

- What is also the unit's own is not foreign: a shared account, a pool's name, a tag value of its own
  accounts, a figure that its statement has too.
- A match inside a longer phrase that the statement may show is that phrase: "Support" in the pool "AWS
  Support". Phrases are the statement's own words, which are declared (`fixed_phrases`), and the texts of
  the unit's own statement.
"""

from __future__ import annotations

import calendar
import contextlib
import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property
from typing import Any, Protocol

from chargeback.core.money import shown
from chargeback.core.paths import REPORTS
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.parts import MARKUP
from chargeback.pages.vocabulary import joined, key_name, service_name, short_period, vocabulary
from chargeback.statements.accounts import accounts_of_units, values_by_unit
from chargeback.statements.extract import Charges
from chargeback.statements.extract.corrected import invoice_changes
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.lines import COLUMNS, STATUSES
from chargeback.statements.model import Statement
from chargeback.statements.occurrences import AMOUNTS, WORDS, Occurrences
from chargeback.statements.pieces import html_pieces
from chargeback.statements.wording import declared_phrases

#: A name or an id that a renderer's own texts may have by chance: short, or of digits alone.
_COMMON = re.compile(r".{1,2}|[0-9.,]+", re.S)


class Everyone:
    """The texts of all business units of a period, with whose each is; gone through once for all units.

    Args:
        totals: what each unit is charged, and what finance keeps, by what they are of.
    """

    def __init__(
        self, inputs: StatementInputs, charges: Charges, totals: Mapping[str, Decimal]
    ) -> None:
        self.inputs, self.charges = inputs, charges
        self.claims = claims_on_texts(inputs, charges)
        self.amounts: dict[str, list[tuple[str, Decimal]]] = {}
        for owner, total in totals.items():
            if total:
                for text in {shown(total), f"{total:.2f}", shown(abs(total)), f"{abs(total):.2f}"}:
                    self.amounts.setdefault(text, []).append((owner, total))
        self.words = Occurrences(self.claims, WORDS)
        self.figures = Occurrences(self.amounts, AMOUNTS)

    def scan(self, statement: Statement) -> Scan:
        """What finds things of others in texts of the files of a statement's unit."""
        return Scan(_Of(self, statement))

    @cached_property
    def known(self) -> frozenset[str]:
        """What every statement may show."""
        return fixed_phrases() | _shared_words(self.inputs)

    @cached_property
    def own(self) -> dict[str, set[str]]:
        """Names and ids that are each unit's, straight from the params and its rows."""
        return own_texts(self.inputs, self.charges)


class Texts(Protocol):
    """What is looked for in the files of one unit or page, and what excuses a match."""

    @property
    def words(self) -> Occurrences:
        """Names and ids, of others and perhaps of more."""

    @property
    def figures(self) -> Occurrences:
        """Amounts, of others and perhaps of more."""

    def foreign(self, text: str) -> str:
        """What a name or id is, and whose; blank where it is nobody else's."""

    def amount(self, text: str) -> str:
        """What an amount is of; blank where it is nobody else's."""

    @property
    def phrases(self) -> Collection[str]:
        """What may be shown, and excuses a match inside it."""


class _Of:
    """The texts of everyone as one unit's statement sees them."""

    def __init__(self, everyone: Everyone, statement: Statement) -> None:
        self.everyone, self.statement = everyone, statement
        self.unit_id = statement.unit.business_unit_id
        self.words, self.figures = everyone.words, everyone.figures

    def foreign(self, text: str) -> str:
        what = _claimed(self.everyone.claims.get(text, ()), self.unit_id)
        is_own = text in self.everyone.own.get(self.unit_id, ()) or text in self.everyone.known
        return "" if is_own else what

    def amount(self, text: str) -> str:
        _, figures = self._stated
        others = [
            owner
            for owner, total in self.everyone.amounts.get(text, ())
            if owner != self.unit_id and not {total, -total} & figures
        ]
        return f"total of {others[-1]}" if others else ""

    @cached_property
    def phrases(self) -> Collection[str]:
        found, _ = self._stated
        return found | self.everyone.own.get(self.unit_id, set()) | self.everyone.known

    @cached_property
    def _stated(self) -> tuple[set[str], set[Decimal]]:
        """All texts and figures of the statement."""
        phrases, figures = set[str](), set[Decimal]()
        _collect(self.statement, phrases, figures)
        return phrases, figures


@dataclasses.dataclass(frozen=True)
class Named:
    """Texts of others that are given one by one: what each is, and phrases that may be shown."""

    texts: Mapping[str, str]
    phrases: Collection[str]

    @cached_property
    def words(self) -> Occurrences:
        """All of them."""
        return Occurrences(self.texts, WORDS)

    @cached_property
    def figures(self) -> Occurrences:
        """None."""
        return Occurrences((), AMOUNTS)

    def foreign(self, text: str) -> str:
        """What a text is, and whose."""
        return self.texts.get(text, "")

    def amount(self, _: str) -> str:
        """Nothing."""
        return ""


def kept_totals(charges: Charges) -> dict[str, Decimal]:
    """The amounts of all units together that no statement prints, by what they are of."""
    found = {}
    for pool_id, pool in charges.pools.items():
        if not charges.published.pool(pool_id):
            found[f"the pool {pool_id}"] = pool.amount
            passed = [one for (giver, _), one in charges.passed_on.items() if giver == pool_id]
            if passed:
                found[f"what cost centers pay of the pool {pool_id}"] = pool.amount - sum(passed)
    return found if charges.published.company else found | {"all business units": charges.total}


class Scan:
    """Finds texts of others that no phrase excuses."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def found_in(self, text: str) -> Iterator[tuple[str, str]]:
        """What a text has of others, and which words of it."""
        text = " ".join(text.split())
        excused: dict[str, list[tuple[int, int]]] = {}
        for start, end, what in _chosen(self.texts.words, text, self.texts.foreign):
            word = text[start:end]
            if word not in excused:
                excused[word] = list(self._excused(word, text))
            if not any(before <= start and end <= after for before, after in excused[word]):
                yield what, word
        for start, end, what in _chosen(self.texts.figures, text, self.texts.amount):
            yield what, text[start:end]

    def _excused(self, word: str, text: str) -> Iterator[tuple[int, int]]:
        """The places in a text of phrases that have a word of others in them and are not of others."""
        for phrase in self.texts.phrases:
            if word in phrase and phrase in text and not self.texts.foreign(phrase):
                yield from _places(phrase, text)

    def found_in_common(self, text: str) -> Iterator[tuple[str, str]]:
        """The same of a text that a renderer puts into every unit's file: no totals, and nothing short."""
        for what, words in self.found_in(text):
            if not self.texts.amount(words) and not _COMMON.fullmatch(words):
                yield what, words


def _chosen(
    texts: Occurrences, text: str, what_of: Callable[[str], str]
) -> Iterator[tuple[int, int, str]]:
    """Where texts of others stand: from left to right, the longest that begins at a place, none in another."""
    reached = 0
    for start, ends in texts.places(text):
        if start < reached:
            continue
        for end in ends:
            if what := what_of(text[start:end]):
                yield start, end, what
                reached = end
                break


def _places(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(phrase)
    while start >= 0:
        yield start, start + len(phrase)
        start = text.find(phrase, start + 1)


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())


#: Who claims a text, in the order of the registers: whose it is, what it is, and whether that holds against
#: what claimed it before.
Claim = tuple[str, str, bool]


def claims_on_texts(inputs: StatementInputs, charges: Charges) -> dict[str, list[Claim]]:
    """What belongs to units, or to none, by the params and the ledger, and who claims it.

    Ids hold against names; of two names the first holds, of two units that of the later one.
    """
    params = inputs.params
    found: dict[str, list[Claim]] = {}

    def claim(text: str, owner: str, what: str, is_firm: bool = True) -> None:
        if text:
            found.setdefault(text, []).append((owner, f"{what} of {owner}", is_firm))

    for unit_id, unit in params.business_units.items():
        claim(_one_line(unit.name), unit_id, "name")
    for key, center in params.cost_centers.items():
        claim(key, center.business_unit_id, "cost center id")
        claim(_one_line(center.name), center.business_unit_id, "cost center name", is_firm=False)
    for unit_id, rows in charges.by_unit.items():
        for key in dict.fromkeys(row["cost_center_id"] for row in rows):
            claim(key, unit_id, "cost center id")
        for key in dict.fromkeys(row["account_id"] for row in rows):
            claim(key or "", unit_id, "account id")
    for key, account in params.accounts.items():
        center_found = params.cost_centers.get(account.default_cost_center_id or "")
        owner = center_found.business_unit_id if center_found else "no unit"
        claim(key, owner, "account id")
        claim(_one_line(account.name), owner, "account name", is_firm=False)
    return found


def _claimed(claims: Iterable[Claim], unit_id: str) -> str:
    """What a text is that others than a unit claim; blank where none does."""
    found = ""
    for owner, what, is_firm in claims:
        if owner != unit_id and (is_firm or not found):
            found = what
    return found


def own_texts(inputs: StatementInputs, charges: Charges) -> dict[str, set[str]]:
    """Names and ids that are each unit's, straight from the params and its rows."""
    params, ledgers = inputs.params, list(inputs.history.values())
    centers_of = values_by_unit(ledgers, "cost_center_id")
    codes_of = values_by_unit(ledgers, "product_code")
    accounts_in = values_by_unit(ledgers, "account_id")
    for key, center in params.cost_centers.items():
        centers_of.setdefault(center.business_unit_id, set()).add(key)
    for year in params.budgets:
        for one in year.months:
            centers_of.setdefault(one.business_unit_id, set()).add(year.cost_center_id)
    tagged: dict[str, set[str]] = {}
    pairs = inputs.owned_costs.select(["account_id", "unusable_tag_value"])
    for values in pairs.group_by(pairs.column_names).aggregate([]).to_pylist():
        tagged.setdefault(values["account_id"], set()).add(values["unusable_tag_value"] or "")
    accounts_of = accounts_of_units(params, inputs.owned_costs)
    pools = {text for pool in params.pools for text in (pool.pool_id, pool.name)}
    found = {}
    for unit_id, unit in params.business_units.items():
        rows = charges.of_unit(unit_id)
        accounts = accounts_of.get(unit_id, set())
        own = {unit_id, unit.name, unit.owner or "", *pools}
        own |= {text for account in accounts for text in tagged.get(account, ())}
        accounts = accounts | accounts_in.get(unit_id, set())
        accounts |= {row["account_id"] for row in rows if row["account_id"]}
        centers = centers_of.get(unit_id, set()) | {row["cost_center_id"] for row in rows}
        codes = codes_of.get(unit_id, set()) | {row["product_code"] or "" for row in rows}
        own |= centers | accounts | codes
        own |= {service_name(one, inputs.product_names.get(one, "")) for one in codes if one}
        own |= {params.cost_centers[key].name for key in centers if key in params.cost_centers}
        own |= {params.accounts[key].name for key in accounts if key in params.accounts}
        found[unit_id] = {_one_line(text) for text in own if text}
    return found


def _shared_words(inputs: StatementInputs) -> set[str]:
    """Vocabulary that every statement may show: keys, tags, invoices, digests, periods."""
    params = inputs.params
    found = {
        inputs.currency,
        *params.policy.cost_center_tags,
        *calendar.month_name[1:],
        *calendar.month_abbr[1:],
        *inputs.digests,
    }
    for period in [inputs.billing_period, *inputs.history]:
        found |= {period_title(period), short_period(period)}
    for pool in params.pools:
        found |= {pool.approved or "", pool.key, f"pool:{pool.pool_id}"}
        found.add(key_name(pool.key, params.key_names))
    for invoice in inputs.invoices:
        found |= {invoice.invoice_id, invoice.issuer}
    for one in inputs.restated:
        found |= {period_title(one["billing_period"]), one["sources"]["execution_id"]}
        found |= set(one.get("taken", ())) | {joined(list(one.get("delivered_by", ())))}
    for change in invoice_changes(inputs):
        found |= {change.invoice_id, change.issuer}
    for deferred in inputs.deferred:
        found |= {deferred.invoice_id, period_title(deferred.deferred_to)}
    return {_one_line(text) for text in found if text}


def _collect(value: Any, phrases: set[str], amounts: set[Decimal]) -> None:
    """All texts and figures of a unit's statement."""
    if dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            _collect(getattr(value, one.name), phrases, amounts)
        if code := getattr(value, "product_code", ""):
            phrases.add(_one_line(service_name(code)))
    elif isinstance(value, tuple):
        for one in value:
            _collect(one, phrases, amounts)
    elif isinstance(value, Decimal):
        phrases.add(str(value))
        amounts.add(value)
    elif isinstance(value, str) and value:
        phrases.add(_one_line(value))
        with contextlib.suppress(InvalidOperation):
            amounts.add(Decimal(value))


@cache
def fixed_phrases() -> frozenset[str]:
    """The words of a statement that are its own, all of them declared.

    What it says (`wording`), what it calls things (`names`), the headings of its CSV (`lines`), what
    the attributes of its HTML are made of (`parts`), and the page and the style around it, which
    the renderer puts into every file (`reports/`). Which module says something makes no difference.
    """
    found = {*declared_phrases(), *vocabulary(), *COLUMNS, *STATUSES, *MARKUP}
    page = html_pieces((REPORTS / "embedded.html").read_text(encoding="utf-8"))
    found |= {text for one in page for text in one.texts}
    found |= set((REPORTS / "statement.css").read_text(encoding="utf-8").splitlines())
    return frozenset(_one_line(text) for text in found if text.strip())
