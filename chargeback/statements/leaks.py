"""Does a finished statement show anything of another business unit? The scan behind the second
control.

Comes in: the finished files and the period's inputs. Goes out: `statement_leaks`, one row per
foreign thing found: another unit's name, cost centers (id, name), accounts (id, name) or total.
Where it looks: all text of the PDF, with its title and what it says of charts in words; all of the
CSV; and of the HTML the text, comments, styles and attribute values, but not the names of elements
and the geometry of charts.

When is a match no leak?

- Whole words only, in the same case: a unit called "Data" is not found in `data:` or in "metadata".
- What is also the unit's own is not foreign: a shared account, a pool's name, a tag value of its
  own accounts.
- A match inside a longer phrase that the statement may show is that phrase: "Support" in the pool
  "AWS Support". Phrases are the statement's own words, which are declared (`fixed_phrases`), and the
  texts that `extract` gives when it is fed this unit's rows alone, so that a mix-up between units
  cannot excuse itself.
- Another unit's total is no leak when the same figure follows from this unit's rows alone, or is a
  part of this unit's change. The words that a change is told in excuse nothing.

Known drawbacks: a name of one or two characters is not looked for, nor one that is exactly a label
of the statement, such as a cost center called "Total"; their ids still are.
"""

from __future__ import annotations

import calendar
import contextlib
import csv
import dataclasses
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.money import rounded_once, shown
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.parts import MARKUP
from chargeback.pages.vocabulary import key_name, service_name, vocabulary
from chargeback.statements.accounts import unit_accounts
from chargeback.statements.execute import REPORTS
from chargeback.statements.extract import Charges, extract_units, read_charges
from chargeback.statements.extract.corrected import invoice_changes
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.lines import COLUMNS, STATUSES
from chargeback.statements.model import Statement, total_of
from chargeback.statements.readback import MEDIA, statement_file, texts_of_pdf
from chargeback.statements.wording import declared_phrases

LEAKS = pa.schema(
    [
        ("business_unit_id", pa.string()),
        ("medium", pa.string()),
        ("leaked_what", pa.string()),  # "name of claims", "cost center id of claims", …
        ("leaked_text", pa.string()),
    ]
)

SHORTEST_NAME = 3
_GEOMETRY = {
    "d",
    "points",
    "style",
    "transform",
    "viewbox",
    "clip-path",
    "x",
    "y",
    "width",
    "height",
}

#: (what it is, whose it is) by text.
Foreign = dict[str, str]


def find_leaks(folder: Path, inputs: StatementInputs) -> pa.Table:
    """All leaks of all units in all media; empty when every statement shows its own unit only."""
    charges = read_charges(inputs)
    totals = {
        unit_id: sum((row["amount"] for row in charges.of_unit(unit_id)), Decimal("0.00"))
        for unit_id in inputs.params.business_units
    }
    rows = []
    for unit_id in sorted(inputs.params.business_units):
        own = own_texts(inputs, charges, unit_id)
        known = fixed_phrases() | _shared_words(inputs)
        alone = _alone(inputs, unit_id)
        alone.amounts.update(_amounts_of_change(inputs, unit_id))
        foreign = {
            text: what
            for text, what in foreign_texts(inputs, charges, unit_id).items()
            if text not in own and text not in known and len(text) >= SHORTEST_NAME
        }
        phrases = (own | alone.phrases | known) - foreign.keys()
        allowed = alone.amounts | _allowed_totals(inputs, charges)
        amounts = {
            text: f"total of {other}"
            for other, total in totals.items()
            if other != unit_id and total != 0 and total not in allowed and -total not in allowed
            for text in (shown(total), f"{total:.2f}", shown(abs(total)), f"{abs(total):.2f}")
        }
        scan = _Scan(foreign, amounts, phrases)
        for medium in MEDIA:
            path = statement_file(folder, unit_id, medium)
            found = {leak for text in texts_of(path, medium) for leak in scan.leaks(text)}
            rows += [
                dict(zip(LEAKS.names, (unit_id, medium, what, text), strict=True))
                for what, text in sorted(found)
            ]
    return pa.Table.from_pylist(rows, schema=LEAKS)


class _Scan:
    """One unit's foreign texts as two patterns, and the phrases that excuse a match inside them."""

    def __init__(self, foreign: Foreign, amounts: Foreign, phrases: Iterable[str]) -> None:
        self.foreign, self.amounts = foreign, amounts
        self.words = _whole_words(foreign)
        self.figures = _pattern(amounts, r"(?<![\d.,])", r"(?![\d]|[.,]\d)")
        self.phrases = sorted({phrase for phrase in phrases if self._can_excuse(phrase)})

    def _can_excuse(self, phrase: str) -> bool:
        return bool(self.words and phrase not in self.foreign and self.words.search(phrase))

    def leaks(self, text: str) -> Iterator[tuple[str, str]]:
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


def _pattern(texts: Iterable[str], before: str, after: str) -> re.Pattern[str] | None:
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    if not ordered:
        return None
    return re.compile(f"{before}(?:{'|'.join(re.escape(text) for text in ordered)}){after}")


def _whole_words(texts: Iterable[str]) -> re.Pattern[str] | None:
    return _pattern(texts, r"(?<![\w-])", r"(?![\w-])")


def _places(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(phrase)
    while start >= 0:
        yield start, start + len(phrase)
        start = text.find(phrase, start + 1)


def _one_line(text: str) -> str:
    return " ".join(plain(text).split())


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
    codes = set[str]()
    for postings in inputs.history.values():
        mine = postings.filter(_is(postings, "business_unit_id", unit_id))
        centers |= set(mine["cost_center_id"].unique().to_pylist())
        codes |= set(mine["product_code"].unique().to_pylist()) - {None}
        accounts |= set(mine["account_id"].unique().to_pylist()) - {None}
    accounts |= {row["account_id"] for row in rows if row["account_id"]}
    codes |= {row["product_code"] for row in rows if row["product_code"]}
    found |= centers | accounts | codes | {service_name(code) for code in codes}
    found |= {params.cost_centers[key].name for key in centers if key in params.cost_centers}
    found |= {params.accounts[key].name for key in accounts if key in params.accounts}
    for pool in params.pools:
        found |= {pool.pool_id, pool.name}
    return {_one_line(text) for text in found if text}


def _shared_words(inputs: StatementInputs) -> set[str]:
    """Vocabulary that every statement may show: keys, tags, invoices, digests, periods."""
    params = inputs.params
    found = {
        inputs.currency,
        *params.policy.cost_center_tags,
        *calendar.month_name[1:],
        *inputs.digests,
    }
    found |= {period_title(period) for period in [inputs.billing_period, *inputs.history]}
    for pool in params.pools:
        found |= {pool.approved or "", pool.key, key_name(pool.key), f"pool:{pool.pool_id}"}
    for invoice in inputs.invoices:
        found |= {invoice.invoice_id, invoice.issuer}
    for one in inputs.restated:
        found |= {period_title(one["billing_period"]), one["sources"]["execution_id"]}
        found |= set(one.get("taken", ()))
    for change in invoice_changes(inputs):
        found |= {change.invoice_id, change.issuer}
    for deferred in inputs.deferred:
        found |= {deferred.invoice_id, period_title(deferred.deferred_to)}
    return {_one_line(text) for text in found if text}


@dataclasses.dataclass(frozen=True)
class Alone:
    """What follows from one unit's rows without the others'."""

    phrases: set[str]
    amounts: set[Decimal]


def _alone(inputs: StatementInputs, unit_id: str) -> Alone:
    params = inputs.params
    accounts = sorted(unit_accounts(inputs.params, inputs.owned_costs, unit_id))
    owned = inputs.owned_costs
    mine = dataclasses.replace(
        inputs,
        postings=inputs.postings.filter(_is(inputs.postings, "business_unit_id", unit_id)),
        owned_costs=owned.filter(pc.is_in(owned["account_id"], pa.array(accounts, pa.string()))),
        history={
            period: postings.filter(_is(postings, "business_unit_id", unit_id))
            for period, postings in inputs.history.items()
        },
        params=dataclasses.replace(
            params, business_units={unit_id: params.business_units[unit_id]}
        ),
        bridges={},
    )
    statement = extract_units(mine, read_charges(mine))[unit_id]
    phrases, amounts = set[str](), set[Decimal]()
    _collect(statement, phrases, amounts)
    amounts |= _derived_amounts(statement)
    for row in mine.postings.to_pylist():
        amounts |= {row["amount"], row["exact_amount"]}
        phrases |= {_one_line(row[name]) for name in ("rule", "line_item_type") if row[name]}
    return Alone(phrases, amounts)


def _amounts_of_change(inputs: StatementInputs, unit_id: str) -> Iterator[Decimal]:
    """The parts of a unit's change and what they are for; the control on changes proves their sum."""
    if unit_id in inputs.bridges:
        for part in inputs.bridges[unit_id].parts:
            yield part.amount
            yield from (one.amount for one in part.details)


def _collect(value: Any, phrases: set[str], amounts: set[Decimal]) -> None:
    """All texts and amounts of a unit's statement, and the changes of amounts that have a `previous`."""
    if dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            _collect(getattr(value, one.name), phrases, amounts)
        amount, previous = getattr(value, "amount", None), getattr(value, "previous", None)
        if amount is not None:
            amounts.add(amount)  # also what a list with its rest sums to
        if amount is not None and previous is not None:
            amounts.add(amount - previous)
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


def _derived_amounts(statement: Statement) -> set[Decimal]:
    """What a page shows that is a sum or a difference of amounts of the statement."""
    found = set[Decimal]()
    if statement.previous_total is not None:
        found.add(statement.total - statement.previous_total)
    found |= {later.amount - earlier.amount for earlier, later in pairwise(statement.trend)}
    found.add(total_of(statement.trend))
    for rows in (statement.cost_centers, statement.trend):
        found.add(sum((row.direct for row in rows), Decimal(0)))
        found.add(sum((row.allocated for row in rows), Decimal(0)))
        found.add(sum((row.other for row in rows), Decimal(0)))
    return found


def _allowed_totals(inputs: StatementInputs, charges: Charges) -> set[Decimal]:
    pools = [pool for key, pool in charges.pools.items() if charges.published.pool(key)]
    found = {charges.total} | {pool.amount for pool in pools}
    found |= {pool.total_weight for pool in pools}
    found |= {sum((pool.amount for pool in pools), Decimal(0)), *charges.passed_on.values()}
    found.add(sum(charges.passed_on.values(), Decimal(0)))
    for invoice in inputs.invoices:
        found |= {invoice.total, invoice.rounding}
    found |= {rounded_once(one.rows_total) for one in inputs.deferred}
    changes = invoice_changes(inputs)
    for change in changes:
        found |= {change.line_items, change.rounding, change.total}
    invoiced = sum((invoice.total for invoice in inputs.invoices), Decimal(0))
    return found | {
        invoiced,
        invoiced + sum((change.total for change in changes), Decimal(0)),
    }


def _is(table: pa.Table, column: str, value: str) -> Any:
    return pc.fill_null(pc.equal(table[column], value), False)


@cache
def fixed_phrases() -> frozenset[str]:
    """The words of a statement that are its own, all of them declared.

    What it says (`wording`), what it calls things (`names`), the headings of its CSV (`lines`), what
    the attributes of its HTML are made of (`parts`), and the page and the style around it, which
    the renderer puts into every file (`reports/`). Which module says something makes no difference.
    """
    found = {*declared_phrases(), *vocabulary(), *COLUMNS, *STATUSES, *MARKUP}
    frame = _TextParser()
    frame.feed((REPORTS / "embedded.html").read_text(encoding="utf-8"))
    found |= set(frame.texts)
    found |= set((REPORTS / "statement.css").read_text(encoding="utf-8").splitlines())
    return frozenset(_one_line(text) for text in found if text.strip())


class _TextParser(HTMLParser):
    """Everything in an HTML file that could carry a name or a figure."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.charts = 0  # how many charts the place is in

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.charts += tag == "svg"
        skipped = _GEOMETRY if self.charts else frozenset[str]()
        self.texts += [value for name, value in attrs if value and name not in skipped]

    def handle_endtag(self, tag: str) -> None:
        self.charts -= tag == "svg" and self.charts > 0

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.texts.append(data)

    def handle_decl(self, decl: str) -> None:
        self.texts.append(decl)

    def handle_pi(self, data: str) -> None:
        self.texts.append(data)


def texts_of(path: Path, medium: str) -> Iterator[str]:
    """The texts of a finished file; a phrase never runs across two of them."""
    if medium == "html":
        parser = _TextParser()
        parser.feed(path.read_text(encoding="utf-8"))
        parser.close()
        yield from parser.texts
    elif medium == "pdf":
        yield from texts_of_pdf(path)
    else:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                yield from row
