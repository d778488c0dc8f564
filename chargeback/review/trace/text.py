"""What a trace says: text for a terminal, from postings, shares and line items.

Everything that a person or a tag wrote goes through `plain`, so that nothing in it can hide or overwrite the
rest. Amounts are exact where they are added up, and in cents where they are posted.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc

from chargeback.allocation.pools import COMMITMENT, DIRECT, POOLED
from chargeback.books.checked import Gone, checked_bytes
from chargeback.core.books_folders import Books
from chargeback.core.money import rounded_once, shown
from chargeback.core.period import period_title
from chargeback.core.sums import sum_of
from chargeback.core.text import plain
from chargeback.ledger.post import ADJUSTMENT
from chargeback.ledger.references import References
from chargeback.ledger.statement_lines import Row, by_unit, charges, posting_id
from chargeback.pages.vocabulary import KINDS, key_name, share_text
from chargeback.params import Params
from chargeback.params.adjustments import Adjustment
from chargeback.params.published_totals import hides_weights
from chargeback.review.rules import governed_words, ownership_item, pool_item
from chargeback.review.trace.line_items import LineItems
from chargeback.review.trace.origin import Correction, Origin
from chargeback.review.trace.shares import Share
from chargeback.review.trace.told import EVERYTHING
from chargeback.statements.extract.totals import with_register_rows

EXACTLY = 10  # decimals
MOST_RESOURCES, MOST_LINE_ITEMS = 12, 20

#: What each rule that is no pool and no ownership rule means, by its first word.
RULES = {
    "tag": "The line items carry the tag {name}, with a value that is this cost center or an alias of it.",
    "tag-normalized": "The line items carry the tag {name}, with a value that is this cost center once the "
    "differences that the policy declares are left out.",
    "account-default": "No pool, no usable tag and no ownership rule took the line items; the account's "
    "default cost center (accounts.csv) pays.",
    "commitment": "Prepaid less used up: what the line items cost unblended, less what owners are charged.",
    "rounding": "The invoice's total less its line items, rounded once.",
    "adjustment": "None: people moved this charge, by a row of adjustments.csv that is approved by itself.",
}


def heading(books: Books, origin: Origin, rows: Sequence[Row]) -> Iterator[str]:
    """The postings, who is charged, and the statement they are on."""
    for row in rows:
        yield f"{posting_id(row)}"
        about = about_words(origin, row)
        yield f"  {shown(row['amount']):>16} {row['currency']}  {KINDS.get(row['kind'], 'In a pool')}  {about}"
    total = sum((row["amount"] for row in rows), Decimal("0.00"))
    if len(rows) > 1:
        yield f"  {shown(total):>16} {rows[0]['currency']}  together, {len(rows)} postings"
    for unit, path, numbers in statement_places(books, origin, rows):
        name = origin.params.business_units.get(unit)
        yield f"  on the statement of {plain(name.name) if name else unit}: {path}{numbers}"


def reference_words(origin: Origin, rows: Sequence[Row]) -> Iterator[str]:
    """The reference of each unit's line that postings are; those of a part of a line have none."""
    mine = by_unit(filter(charges, origin.postings.to_pylist()))
    for unit, those in by_unit(rows).items():
        text = References.of(origin.period, unit, mine[unit]).of_rows(those)
        if text:
            yield f"  reference {unit}/{text}"


def about_words(origin: Origin, row: Row) -> str:
    """The account, product and line item type of a posting; a product's code with its name."""
    cells = (row["account_id"], product_words(origin, row["product_code"]), row["line_item_type"])
    return " ".join(plain(one) for one in cells if one)


def product_words(origin: Origin, product_code: str | None) -> str:
    """A product's code, and what the report calls it, where that says more."""
    code = product_code or ""
    name = origin.product_names.get(code)
    return plain(f"{code} ({name})" if name else code)


def statement_places(
    books: Books, origin: Origin, rows: Sequence[Row]
) -> Iterator[tuple[str, Path, str]]:
    """The statement of each unit that is charged, and the rows of its CSV file."""
    for unit in sorted({row["business_unit_id"] for row in rows if row["business_unit_id"]}):
        path = books.statements(origin.period) / unit / "statement.csv"
        wanted = {posting_id(row) for row in rows}
        found: list[str] = []
        with contextlib.suppress(Gone):
            name = f"statements/{unit}/statement.csv"
            text = checked_bytes(books, origin.period, name).decode()
            found = [
                str(number)
                for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=1)
                if f"{row['entry_id']}:{row['line']}" in wanted
            ]
        rest = " and more" if len(found) > 8 else ""
        yield unit, path, f", row {', '.join(found[:8])}{rest}" if found else ""


def rule_words(params: Params, rows: Sequence[Row]) -> Iterator[str]:
    """The rule that decided, in words, and who approved the rules; adjustments are approved one by one."""
    yield ""
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    for rule in rules:
        yield f"The rule: {plain(rule)}"
        yield from (f"  {line}" for line in told_rule(params, rule).splitlines())
    if not all(is_adjustment(rule) for rule in rules):
        yield f"  {governed_words(params)}"


def is_adjustment(rule: str) -> bool:
    """Whether people moved the charge, by a row that no council ratifies."""
    return rule.partition(":")[0] == ADJUSTMENT


def told_rule(params: Params, rule: str) -> str:
    """A rule in the words of `make rules`."""
    kind, _, name = rule.partition(":")
    if kind == "pool":
        numbered = enumerate(params.pools, start=1)
        found = [pool_item(params, number, one) for number, one in numbered if one.pool_id == name]
        return found[0] if found else rule
    if kind == "ownership":
        found = [ownership_item(params, one) for one in params.ownership if one.rule_id == name]
        return found[0] if found else rule
    return RULES.get(kind, rule).format(name=name)


def line_item_words(
    origin: Origin, rows: Sequence[Row], items: LineItems, sign: int = 1
) -> Iterator[str]:
    """That line items sum to each posting, the resources, and the largest line items."""
    sums, currency = items.sums(), origin.params.policy.currency
    counted = sum(count for count, _ in sums.values())
    yield ""
    yield f"Line items: {counted:,}, which sum to each posting exactly"
    for row in rows:
        count, amount = sums[posting_id(row)]
        yield (
            f"  {shown(sign * amount, EXACTLY):>26} {currency} in {count:,} line items  =  exact amount of "
            f"{posting_id(row)}"
        )
    resources = items.resources()
    yield ""
    yield f"By resource, the largest of {resources.num_rows:,}"
    for row in resources.slice(0, MOST_RESOURCES).to_pylist():
        product = product_words(origin, row["product_code"])
        where = f"{row['account_id']} {product} {row['line_item_type']}"
        name = plain(row["resource_id"]) or "(no resource)"
        yield f"  {shown(sign * row['amount'], EXACTLY):>26}  {row['line_items']:>8,}  {where}  {name}"
    yield ""
    yield "Line items, the largest" if counted > MOST_LINE_ITEMS else "Line items"
    for row in items.largest(MOST_LINE_ITEMS):
        yield from one_line_item(row, sign)


def one_line_item(row: Row, sign: int = 1) -> Iterator[str]:
    """One line item: its amount and its place, then what it is."""
    at = f"{row['source_file']} row {row['source_row'] or '(CSV)'}"
    yield f"  {shown(sign * row['amount'], EXACTLY):>26}  {at}  id {plain(row['identity_line_item_id'] or '-')}"
    tags = ", ".join(f"{key}={value}" for key, value in row["resource_tags"] if value)
    cells = (
        str(row["usage_date"] or ""), row["operation"], row["usage_type"], row["resource_id"],
        row["description"], f"tags: {tags}" if tags else "no tags",
    )  # fmt: skip
    yield " " * 30 + "  ".join(plain(one) for one in cells if one)


def share_words(
    origin: Origin, share: Share, chosen: Sequence[Row], told: frozenset[str]
) -> Iterator[str]:
    """A pool's part of an invoice for the unit that pays: its own weights, the totals that it is told, and the
    arithmetic of its parts. Nothing of others.
    """
    currency = origin.params.policy.currency
    yield from pool_words(origin, share)
    if hides_weights(origin.params.policy.published_totals):
        for row in chosen:
            yield part_row(row)
        yield "  Of pools, statements have shares alone: the unit's, rounded, stands on its own."
        yield "  All weights are left out: FULL=yes prints them, for auditors."
        return
    if "pool_total" in told:
        yield f"  {shown(share.exact_amount, EXACTLY):>26} {currency}  in the pool, to be split"
    yield from weights_heading(origin, share)
    mine = {posting_id(row) for row in chosen}
    own = [row for row in share.parts if posting_id(row) in mine]
    yield from (weight_row(share, row, "total_weight" in told or "share" in told) for row in own)
    if "total_weight" in told:
        yield f"  {exact_weight(share.total_weight, share.key):>26}  all weights"
    for row in own:
        yield from arithmetic(share, row, told)
    yield "  What others weigh and pay is left out: FULL=yes prints it, for auditors."


def full_share_words(origin: Origin, share: Share, chosen: Sequence[Row]) -> Iterator[str]:
    """The same for auditors: what the pool was given, all weights and parts, and the arithmetic."""
    currency = origin.params.policy.currency
    yield from pool_words(origin, share)
    for row in share.pooled:
        about = about_words(origin, row)
        yield f"  {shown(row['exact_amount'], EXACTLY):>26} {currency}  {about}  {posting_id(row)}"
    for row, giver in share.earlier:
        amount = shown(row["exact_amount"], EXACTLY)
        yield f"  {amount:>26} {currency}  from the pool {giver.pool_id}, above  {posting_id(row)}"
    yield f"  {shown(share.exact_amount, EXACTLY):>26} {currency}  to be split"
    yield from weights_heading(origin, share)
    mine = {posting_id(row) for row in chosen}
    for row in sorted(share.parts, key=lambda row: (-row["weight"], row["ledger_account"])):
        yield f"{weight_row(share, row, True)} {'<-' if posting_id(row) in mine else ''}".rstrip()
    yield f"  {exact_weight(share.total_weight, share.key):>26}  all weights"
    for row in (row for row in share.parts if posting_id(row) in mine):
        yield from arithmetic(share, row, EVERYTHING)


def pool_words(origin: Origin, share: Share) -> Iterator[str]:
    """Which pool, on which invoice, and the pools before it."""
    yield ""
    yield f"The pool {share.pool_id} on invoice {plain(share.invoice_id)}"
    if share.earlier:
        names = ", ".join(giver.pool_id for _, giver in share.earlier)
        yield f"  with what it was given by: {names}"


def weights_heading(origin: Origin, share: Share) -> Iterator[str]:
    """What the weights are of."""
    yield f"  weights: {plain(key_name(share.key, origin.params.key_names))} ({plain(share.key)})"


def weight_row(share: Share, row: Row, has_share: bool) -> str:
    """A recipient's weight, its share, and its part exactly and as posted."""
    part = share_text(row["weight"], share.total_weight) if has_share else ""
    return f"  {exact_weight(row['weight'], share.key):>26}  {part:>8}{part_row(row)}"


def part_row(row: Row) -> str:
    """A recipient's part of a pool, exactly and as posted."""
    return f"  {shown(row['exact_amount'], EXACTLY):>26}  {shown(row['amount']):>16}  {row['ledger_account']}"


def arithmetic(share: Share, row: Row, told: frozenset[str]) -> Iterator[str]:
    """How a part follows from the weights: in figures where all of them are told."""
    posted = f"{row['exact_amount']}, posted as {row['amount']}  ({row['ledger_account']})"
    if {"pool_total", "total_weight"} <= told:
        own, all_of = (f"{one.normalize():f}" for one in (row["weight"], share.total_weight))
        yield f"  {share.exact_amount} × {own} ÷ {all_of} = {posted}"
    elif "share" in told:
        yield f"  {share.split.share(row['weight']).normalize():f} of the pool = {posted}"
    else:
        yield f"  the part of the pool that this weight is = {posted}; finance keeps the pool's totals"


def pool_item_words(origin: Origin, rows: Sequence[Row], items: LineItems) -> Iterator[str]:
    """That the line items behind a pool sum to it, without what they are: they are those of all units."""
    counted = sum(count for count, _ in items.sums().values())
    yield ""
    yield f"Line items behind the pool: {counted:,}, which sum to its {len(rows):,} postings exactly"
    yield "  They are those of all business units: FULL=yes prints them, for auditors."


def exact_weight(weight: Decimal, key: str) -> str:
    """A weight with all its decimals; direct cost has cents."""
    fraction = f"{weight:f}".partition(".")[2].rstrip("0")
    return shown(weight, 2 if key == "direct_spend" else len(fraction))


def rounding_words(origin: Origin, row: Row) -> Iterator[str]:
    """What an invoice's total differs from its line items by."""
    costs = origin.owned_costs
    costs = costs.filter(pc.equal(costs["invoice_id"], row["invoice_id"]))
    exact, counted = sum_of(costs, "unblended_cost"), sum_of(costs, "line_items")
    invoice = origin.params.invoices[row["invoice_id"]]
    yield ""
    yield f"  {shown(invoice.total):>16} {invoice.currency}  invoice {plain(row['invoice_id'])}, invoices.csv"
    once = f"its {counted:,} line items, {exact}, rounded once"
    yield f"  {shown(rounded_once(exact)):>16} {invoice.currency}  {once}"
    yield f"  {shown(row['amount']):>16} {invoice.currency}  the difference, posted"


def adjustment_words(origin: Origin, row: Row) -> Iterator[str]:
    """The row of adjustments.csv that an adjustment is, and who approved it."""
    yield ""
    wanted = posting_id(row)
    lines = [
        one
        for one in origin.postings.filter(
            pc.equal(origin.postings["rule"], row["rule"])
        ).to_pylist()
        if one["kind"] == ADJUSTMENT and not one["original_period"]
    ]
    for line, one in with_register_rows(origin.params, lines):
        if posting_id(line) == wanted and one:
            way = f"from {one.from_cost_center_id} to {one.to_cost_center_id}"
            yield f"  {shown(one.amount):>16} {row['currency']}  {way}"
            yield f"  {plain(one.reference)}: {plain(one.reason)} (adjustments.csv of {origin.period})"
            yield f"  {approval_words(one)}"


def approval_words(one: Adjustment) -> str:
    """Who approved an adjustment."""
    if not one.approved_by:
        return "Who approved it is not recorded: it was posted before adjustments had to say it."
    return plain(
        f"Approved by {one.approved_by} on {one.approved_on} ({one.reference}), entered by {one.entered_by}."
    )


def correction_words(row: Row, found: Correction) -> Iterator[str]:
    """What a correcting posting corrects, and where that comes from."""
    did = "takes back what was held" if found.reversed else "books what was delivered last"
    record = found.origin.record
    yield ""
    yield f"It corrects {period_title(row['original_period'])}: it {did}, {posting_id(found.row)} of"
    yield f"the delivery {plain(record.execution_id)} ({plain(record.manifest.path)})"


CHARGES_LINE_ITEMS = (DIRECT, POOLED, COMMITMENT)
