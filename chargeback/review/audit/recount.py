"""Recount: a closed period's totals by a second path, row by row, for an auditor to read in one sitting.

In: the files that AWS delivered, the params kept in evidence, and the postings. Nothing is taken from the
first path: no SQL, no DuckDB, no rollup, and none of the modules that read params, attribute, allocate or
post. The method, in the order of this module:

1. `Rules`: the params folder is read again, plainly: registers as rows of text, rules as TOML, and of both
   only what is in force in the period.
2. `Rules.cost`: what a row costs its owner under the cost basis, by AWS's formulas (CUR fact 2.2). The rows of
   a pod or task on an instance that is billed by itself cost nobody anything (CUR fact 2.14).
3. `Rules.owner`: who owns a row: a pool that overrides tags, else a usable tag, else an ownership rule, else
   another pool, else the account's default, else the pool `untagged`.
4. `count_rows`: exact Decimals are added up, row by row, per posting: invoice, kind, owner, account, product,
   line item type and rule. What is unblended and not charged belongs to the commitments cost center. Rows on
   an invoice that deferrals.csv leaves to a later period are counted and charge nobody. Where AWS sends no
   invoice, rows without one stand on `no-invoice-<period>` or `pro-forma-<period>`.
5. `compare_lines`: each posting of direct, pooled or commitment cost has exactly that amount, and none is
   missing.
6. `compare_pools`: what a pool received on an invoice is what it gave; each part is within 1e-10 of received
   times weight by sum of weights, with weights found here. Weights of keys in SQL are taken from the postings,
   because those keys are SQL by nature; the page says for which pools.
7. `compare_cents`: each posting, and each cost center's total on an invoice, is within one cent of its exact
   amount; each entry sums to zero; what cost centers are charged on an invoice is the invoice's total, and the
   part of it that no line item explains is one rounding posting; adjustments are those of the register.
   Without an invoice the total is what the rows sum to, rounded once: 0.00 where credits cover them, and the
   only one of a pro forma report.

So the cents are not derived a second time. What is promised is that they satisfy these sums, and that is
checked here in full. Postings that correct an earlier period are checked as that period together with all its
corrections, against the rows that were delivered last. The weights of keys in SQL cannot be told from the
postings then, and the page says so.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from chargeback.review.audit.delivered_rows import MAPS, Row, delivered_rows, ten_places
from chargeback.review.audit.findings import Notes, plain_amount
from chargeback.review.audit.provider_rows import invoice_of, without_provider

TEXTS = (
    "bill_invoice_id", "line_item_line_item_description", "line_item_line_item_type",
    "line_item_operation", "line_item_product_code", "line_item_resource_id",
    "line_item_usage_account_id", "line_item_usage_type", "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n",
)  # fmt: skip
AMOUNTS = (
    "line_item_unblended_cost", "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee", "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
)  # fmt: skip

ZERO, CENT, UNIT = Decimal(0), Decimal("0.01"), Decimal("0.0000000001")
COST_CENTER, POOL, PAYABLE = "cost-center:", "pool:", "payable:"
UNTAGGED = "untagged"
DEFERRALS = "deferrals.csv"
#: What rows without an invoice stand on, by the policy's invoicing; with the period where AWS sends no invoice.
STAND_INS = {"invoiced": "not-invoiced", "none": "no-invoice-", "pro-forma": "pro-forma-"}
POSTINGS = "ledger/postings.parquet"


class Line(NamedTuple):
    """What a posting of direct, pooled or commitment cost is about."""

    invoice_id: str
    kind: str
    ledger_account: str
    account_id: str
    product_code: str
    line_item_type: str
    rule: str


@dataclass
class Counted:
    """What the delivered rows add up to."""

    line_items: int = 0
    unblended: Decimal = ZERO
    lines: dict[Line, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))


# 1. The params, read again.


class Rules:
    """The params of a folder as they hold in a period."""

    def __init__(self, folder: Path, period: str) -> None:
        self.folder, self.period = folder, period
        policy = self.toml("policy.toml")
        # [[metric]] only names what quantities are called, and is dated by nothing.
        self.policy = {name: self.held(one) for name, one in policy.items() if name != "metric"}
        self.basis = self.policy.get("cost_basis", "amortized")
        self.tag_keys: list[str] = self.policy["cost_center_tags"]
        self.loosely: list[str] = self.policy.get("tag_value_normalization", [])
        self.units = {
            row["cost_center_id"]: row["business_unit_id"]
            for row in self.in_force("cost_centers.csv")
        }
        self.defaults = {
            row["account_id"]: row["default_cost_center_id"]
            for row in self.in_force("accounts.csv")
        }
        self.aliases = {
            (row["tag_key"], row["tag_value"]): row["cost_center_id"]
            for row in self.in_force("tag_values.csv")
        }
        accounts = self.in_force("accounts.csv")
        self.pools = [
            {**one, "match": without_provider(one["match"], accounts)}
            for one in self.toml("allocation.toml")["pool"] if self.holds(one)
        ]  # fmt: skip
        self.ownership = [
            one for one in self.toml("ownership.toml").get("rule", []) if self.holds(one)
        ]
        self.pool_ids = [one["pool_id"] for one in self.pools]
        self.invoicing = self.policy.get("invoicing") or "invoiced"
        self.stand_in = STAND_INS[self.invoicing] + (period if self.invoicing != "invoiced" else "")
        self.deferred = {
            row["invoice_id"]
            for row in (self.of_period(DEFERRALS) if (folder / DEFERRALS).is_file() else [])
        }
        self._owners: dict[tuple[Any, ...], tuple[str, str]] = {}

    def toml(self, name: str) -> dict[str, Any]:
        """A TOML file; empty when there is none."""
        path = self.folder / name
        return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a register as texts; only the spaces of a tag value are part of it."""
        with (self.folder / name).open(newline="", encoding="utf-8-sig") as stream:
            return [
                {
                    column.strip(): cell if column.strip() == "tag_value" else cell.strip()
                    for column, cell in row.items()
                }
                for row in csv.DictReader(stream)
                if any(cell and cell.strip() for cell in row.values())
            ]

    def of_period(self, name: str) -> list[dict[str, str]]:
        """The rows of a register that are about the period."""
        return [row for row in self.rows(name) if row["billing_period"] == self.period]

    def in_force(self, name: str) -> list[dict[str, str]]:
        """The dated rows of a register that hold in the period."""
        return [row for row in self.rows(name) if self.holds(row)]

    def holds(self, dated: Mapping[str, Any]) -> bool:
        """Whether a dated row holds in the period; both ends inclusive."""
        end = dated.get("valid_to", "")
        return dated["valid_from"] <= self.period and (not end or self.period <= end)

    def held(self, value: Any) -> Any:
        """A policy value: the plain one, or that of its dated ones which holds; None where none does."""
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return next((one["value"] for one in value if self.holds(one)), None)
        return value

    def invoices(self) -> dict[str, Decimal]:
        """The totals of the invoices that the period charges."""
        return {
            row["invoice_id"]: Decimal(row["total"])
            for row in self.of_period("invoices.csv")
            if row["invoice_id"] not in self.deferred
        }

    # 2. What a row costs.

    def cost(self, row: Row) -> tuple[Decimal, Decimal]:
        """Unblended cost, and the cost that its owner is charged."""
        if row["line_item_operation"] in ("EKSPod-EC2", "ECSTask-EC2"):
            return ZERO, ZERO
        unblended = row["line_item_unblended_cost"]
        if self.basis == "unblended":
            return unblended, unblended
        if "effective_cost" in row:  # FOCUS says it itself
            return unblended, row["effective_cost"]
        return unblended, effective(row, unblended)

    def name_invoice(self, row: Row) -> None:
        """Give a row of FOCUS 1.0 the one invoice that its issuer sent for the period."""
        issuer, provider = row.pop("invoice_issuer", None), row.pop("provider", "")
        if issuer is not None and provider:
            sent = [
                one
                for one in self.of_period("invoices.csv")
                if one["invoice_id"] not in self.deferred
            ]
            row["bill_invoice_id"] = invoice_of(issuer, provider, self.period, sent)
        elif issuer is not None:
            row["bill_invoice_id"] = self.only_invoices.get(issuer)

    @cached_property
    def only_invoices(self) -> dict[str, str]:
        """The invoice of each issuer who sent one alone; by a blank issuer the only one that there is."""
        sent: dict[str, list[str]] = defaultdict(list)
        for one in self.of_period("invoices.csv") if not self.deferred else []:
            sent[one["issuer"]].append(one["invoice_id"])
            sent[""].append(one["invoice_id"])
        return {issuer: ids[0] for issuer, ids in sent.items() if len(ids) == 1}

    # 3. Who owns a row.

    def owner(self, row: Row) -> tuple[str, str]:
        """A row's ledger account, and the rule that decided; the same facts are decided once."""
        facts = (
            *(row[name] for name in CONDITIONS.values()),
            *(tag_of(row, key) for key in (*self.tag_keys, *self.owning_keys)),
        )
        if facts not in self._owners:
            self._owners[facts] = self.decide(row)
        return self._owners[facts]

    @cached_property
    def owning_keys(self) -> list[str]:
        """The tags that ownership rules look at."""
        return sorted({key for one in self.ownership for key in one["match"].get("tag", {})})

    def decide(self, row: Row) -> tuple[str, str]:
        """The first that applies, in this order."""
        fitting = [
            one for one in self.pools if one["pool_id"] != UNTAGGED and fits(row, one["match"])
        ]
        for pool in fitting:
            if pool.get("overrides_tags", False):
                return to_pool(pool["pool_id"])
        for key in self.tag_keys[:3]:
            cost_center_id, rule = self.meant(key, tag_of(row, key))
            if cost_center_id:
                return COST_CENTER + cost_center_id, f"{rule}:{key}"
        for one in self.ownership:
            if describes(row, one["match"]):
                return COST_CENTER + one["cost_center_id"], f"ownership:{one['rule_id']}"
        for pool in fitting:
            return to_pool(pool["pool_id"])
        default = self.defaults.get(row["line_item_usage_account_id"] or "", "")
        if default in self.units:
            return COST_CENTER + default, "account-default"
        return to_pool(UNTAGGED)

    def meant(self, key: str, value: str | None) -> tuple[str, str]:
        """Whom a tag value names, with how it was read; empty when nobody."""
        if not value or value == "NULL":
            return "", ""
        named = value if value in self.units else self.aliases.get((key, value))
        if named is not None:
            return (named, "tag") if named in self.units else ("", "")
        plain = self.loose(value)
        if not self.loosely or not plain:
            return "", ""
        aliased = {self.loose(word): one for (of, word), one in self.aliases.items() if of == key}
        own = {self.loose(one): one for one in self.units}
        named = aliased.get(plain) or own.get(plain) or ""
        return (named, "tag-normalized") if named in self.units else ("", "")

    def loose(self, value: str) -> str:
        """A tag value without what the policy says does not matter."""
        if "case" in self.loosely:
            value = value.casefold()
        if "spaces" in self.loosely:
            value = re.sub(r"\s+", "", value)
        if "hyphens" in self.loosely:
            value = re.sub("[-_\u2010-\u2015\u2212\ufe58\ufe63\uff0d\uff3f]+", "", value)
        return value

    def members(self, names: Iterable[str]) -> set[str]:
        """The ledger accounts behind recipients: everybody, business units, cost centers, pools."""
        found = set()
        for name in names:
            if name in self.pool_ids:
                found.add(POOL + name)
            found |= {
                COST_CENTER + one for one, unit in self.units.items() if name in ("*", one, unit)
            }
        return found


def tag_of(row: Row, key: str) -> str | None:
    """The value of a tag: of the resource's own, or "cost_category:<name>" or "tags:<key>"."""
    column, colon, name = key.partition(":")
    found = row[column].get(name) if colon and column in MAPS else row["resource_tags"].get(key)
    return found if found is None else str(found)


def to_pool(pool_id: str) -> tuple[str, str]:
    """The ledger account of a pool, and its rule."""
    return POOL + pool_id, f"pool:{pool_id}"


def effective(row: Row, unblended: Decimal) -> Any:
    """The amortized cost of a row (CUR fact 2.2)."""
    kind = row["line_item_line_item_type"]
    if kind == "SavingsPlanCoveredUsage":
        return row["savings_plan_savings_plan_effective_cost"]
    if kind == "SavingsPlanRecurringFee":
        return row["savings_plan_total_commitment_to_date"] - row["savings_plan_used_commitment"]
    if kind in ("SavingsPlanNegation", "SavingsPlanUpfrontFee"):
        return ZERO
    if kind == "DiscountedUsage":
        return row["reservation_effective_cost"]
    if kind == "RIFee":
        upfront = row["reservation_unused_amortized_upfront_fee_for_billing_period"]
        return upfront + row["reservation_unused_recurring_fee"]
    if kind in ("Fee", "Refund") and buys_or_returns(row):
        return ZERO
    return unblended


#: How the ARN of what AWS sells as a commitment goes on after the account, and of what it does not spread over
#: use although it is reserved.
SOLD = re.compile(r"arn:.*:(reserved-?instance|reserved-?node|ri:|savingsplan/)")
NOT_SPREAD = (":capacity-", ":host-")

#: Words of a refund that gives back something else than what was paid once for a commitment.
OTHER_REFUNDS = ("hourly fee", "ecurring", "iscount")


def buys_or_returns(row: Row) -> bool:
    """Whether a fee or refund is the purchase of a commitment or its reversal (CUR fact 2.15)."""
    named = row["reservation_reservation_a_r_n"] or ""
    said = row["line_item_line_item_description"] or ""
    is_refund = row["line_item_line_item_type"] == "Refund"
    if "CapacityBlock" in (row["line_item_usage_type"] or ""):
        return False
    if any(one in named for one in NOT_SPREAD):
        return False
    if is_refund and any(one in said for one in OTHER_REFUNDS):
        return False
    if named or row["savings_plan_savings_plan_a_r_n"]:
        return True
    if SOLD.match(row["line_item_resource_id"] or ""):
        return True
    return is_refund and said.startswith("Refund for ") and "Savings Plan ID" in said


#: The conditions of pools and ownership rules, and the columns that they look at.
CONDITIONS = {
    "account_id": "line_item_usage_account_id",
    "product_code": "line_item_product_code",
    "line_item_type": "line_item_line_item_type",
    "operation": "line_item_operation",
    "usage_type_like": "line_item_usage_type",
    "resource_like": "line_item_resource_id",
}


def fits(row: Row, match: Mapping[str, Any]) -> bool:
    """Whether a row meets all conditions of a pool; blank operations and usage types are empty texts."""
    for name, wanted in match.items():
        if name == "has_resource":
            met = bool(row["line_item_resource_id"]) == wanted
        else:
            cell = row[CONDITIONS[name]]
            met = meets(name, "" if cell is None and name in BLANK else cell, wanted)
        if not met:
            return False
    return True


BLANK = ("operation", "usage_type_like")


def describes(row: Row, match: Mapping[str, Any]) -> bool:
    """Whether a row meets all conditions of an ownership rule, those on its tags as well."""
    own = {name: wanted for name, wanted in match.items() if name != "tag"}
    return all(meets(name, row[CONDITIONS[name]], wanted) for name, wanted in own.items()) and all(
        tag_of(row, key) in values for key, values in match.get("tag", {}).items()
    )


def meets(name: str, cell: str | None, wanted: Sequence[str]) -> bool:
    """Whether a cell is one of the wanted texts, or is like one of the wanted patterns."""
    if cell is None or not name.endswith("_like"):
        return cell is not None and cell in wanted
    return any(re.fullmatch(pattern_of(one), cell, re.DOTALL) for one in wanted)


def pattern_of(like: str) -> str:
    """A pattern with % (any text) and _ (any character) as a regular expression."""
    return "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in like)


# 4. The rows, added up.


def count_rows(
    report: Path,
    record: Mapping[str, Any],
    rules: Rules,
    exact: Callable[[Any], Decimal] = ten_places,
) -> Counted:
    """Add up every row of a delivery.

    Args:
        record: the source record, as JSON.
        exact: how a cell becomes an amount.
    """
    counted = Counted()
    commitments = COST_CENTER + rules.policy["commitments_cost_center_id"]
    with localcontext() as context:
        context.prec = 60
        for row in all_rows(report, record, exact):
            counted.line_items += 1
            rules.name_invoice(row)
            counted.unblended += row["line_item_unblended_cost"]
            unblended, charged = rules.cost(row)
            if (row["bill_invoice_id"] or "") in rules.deferred or not (unblended or charged):
                continue
            account, rule = rules.owner(row)
            kind = "pooled" if account.startswith(POOL) else "direct"
            of_row = (
                row["line_item_usage_account_id"], row["line_item_product_code"] or "",
                row["line_item_line_item_type"],
            )  # fmt: skip
            invoice_id = row["bill_invoice_id"] or rules.stand_in
            counted.lines[Line(invoice_id, kind, account, *of_row, rule)] += charged
            if unblended != charged:
                line = Line(invoice_id, "commitment", commitments, *of_row, "commitment")
                counted.lines[line] += unblended - charged
    return counted


def all_rows(
    report: Path, record: Mapping[str, Any], exact: Callable[[Any], Decimal]
) -> Iterator[Row]:
    """Every row of every export that delivered the period."""
    every = [one["path"] for one in record["files"]]
    for one in record.get("exports") or [{**record, "paths": every}]:
        layout = one.get("layout", "CUR 2.0")
        for row in delivered_rows(report, layout, one["paths"], TEXTS, AMOUNTS, exact):
            yield {**row, "provider": one["provider"]} if one.get("provider") else row


# 5. Each posting of what rows cost.


def compare_lines(counted: Counted, postings: Sequence[Row], notes: Notes) -> int:
    """Compare each posting of direct, pooled or commitment cost; returns how many there are."""
    posted: dict[Line, Decimal] = defaultdict(lambda: ZERO)
    names: dict[Line, str] = {}
    for row in postings:
        if row["kind"] in ("direct", "pooled", "commitment") and not is_payable(row):
            line = Line(*(row[name] or "" for name in Line._fields))
            posted[line] += row["exact_amount"]
            names[line] = name_of(row)
    for line in sorted(posted.keys() | counted.lines.keys()):
        where = names.get(line) or "no posting of " + " ".join(one or "(none)" for one in line)
        notes.expect_amount(
            POSTINGS, where, counted.lines.get(line, ZERO), posted.get(line, ZERO)
        )  # fmt: skip
    return len(names)


def is_payable(row: Row) -> bool:
    """Whether a posting is what AWS is owed."""
    return bool(row["ledger_account"].startswith(PAYABLE))


def name_of(row: Row) -> str:
    """A posting, as a reader finds it."""
    return f"{row['entry_id']} line {row['line']}, {row['ledger_account']}"


# 6. Pools.


def compare_pools(
    rules: Rules, counted: Counted, postings: Sequence[Row], corrected: bool, notes: Notes
) -> int:
    """Check how every pool was split on every invoice; returns how many parts there are.

    Args:
        corrected: whether these are postings of two closes or more; weights may be of either then.
    """
    given: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)  # (pool, invoice) -> parts
    received: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for line, exact in counted.lines.items():
        received[line.ledger_account, line.invoice_id] += exact
    for row in postings:
        if row["kind"] == "allocated" and row["ledger_account"] != POOL + row["pool_id"]:
            given[POOL + row["pool_id"], row["invoice_id"]][row["ledger_account"]] = row
            received[row["ledger_account"], row["invoice_id"]] += row["exact_amount"]
    for pool in rules.pools:
        place = POOL + pool["pool_id"]
        mine = {invoice: parts for (of, invoice), parts in given.items() if of == place}
        costs = {invoice: one for (of, invoice), one in received.items() if of == place and one}
        weights = (
            pool_weights(rules, pool, postings, mine, corrected, notes) if costs or mine else {}
        )
        for invoice_id in sorted(mine.keys() | costs.keys()):
            parts = mine.get(invoice_id, {})
            whole = costs.get(invoice_id, ZERO)
            where = f"pool {pool['pool_id']} on invoice {invoice_id}"
            notes.expect_amount(
                POSTINGS, f"{where}, all parts", whole,
                sum((row["exact_amount"] for row in parts.values()), ZERO),
            )  # fmt: skip
            if weights:
                compare_parts(parts, whole, weights, where, corrected, notes)
            elif not corrected:
                notes.expect(POSTINGS, f"{where}, weights", "a positive one", "none")
    unknown = {place for place, _ in given} - {POOL + one for one in rules.pool_ids}
    for place in sorted(unknown):
        notes.expect(POSTINGS, place, "no such pool in force", "parts of it")
    return sum(len(parts) for parts in given.values())


def compare_parts(
    parts: Mapping[str, Row], whole: Decimal, weights: Mapping[str, Decimal], where: str,
    corrected: bool, notes: Notes,
) -> None:  # fmt: skip
    """Each part of a pool on an invoice with whole times weight by all weights."""
    every = sum(weights.values(), ZERO)
    for recipient in sorted(parts.keys() | weights.keys()):
        row, weight = parts.get(recipient), weights.get(recipient, ZERO)
        exact = row["exact_amount"] if row else ZERO
        name = name_of(row) if row else f"{where}, no part of {recipient}"
        with localcontext() as context:
            context.prec = 60
            share = whole * weight / every
        notes.expect_amount(POSTINGS, name, share, exact, by=UNIT)
        if row and not corrected:
            notes.expect_amount(POSTINGS, f"{name}, weight", weight, row["weight"] or ZERO)


def pool_weights(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row],
    given: Mapping[str, Mapping[str, Row]], corrected: bool, notes: Notes,
) -> dict[str, Decimal]:  # fmt: skip
    """The positive weights of a pool's recipients under its key, or under its fallback when there are none."""
    recipients = rules.members(pool["recipients"]) - rules.members(pool.get("except", []))
    parts = [row for by_recipient in given.values() for row in by_recipient.values()]
    used = sorted({row["allocation_key"] for row in parts})
    keys = [one for one in (pool["key"], pool.get("fallback")) if one]
    for key in keys:
        if key.startswith("sql:"):
            if used != [key]:
                continue  # it had no weights, as the postings have it
            if corrected:
                notes.remarks.append(
                    f"pool {pool['pool_id']}: only that its parts sum to what it received could be checked, "
                    f"because its key is a query ({key}) and its weights changed with corrections"
                )
                return {}
            notes.remarks.append(
                f"pool {pool['pool_id']}: its weights are those of the postings, because its key is a query "
                f"({key})"
            )
            found = {row["ledger_account"]: row["weight"] for row in parts}
        else:
            found = WEIGHTS.get(key.partition(":")[0], no_weights)(rules, pool, postings, key)
        weights = {one: found[one] for one in recipients if found.get(one, ZERO) > 0}
        if weights:
            notes.expect(POSTINGS, f"pool {pool['pool_id']}, key", key, ", ".join(used) or key)
            return weights
    return {}


def by_spend(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row], key: str
) -> dict[str, Decimal]:
    """Posted direct cost of cost centers, and what pools were posted from the report, in cents."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in postings:
        if row["kind"] in ("direct", "pooled") and not is_payable(row):
            found[row["ledger_account"]] += row["amount"]
    return found


def by_heads(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row], key: str
) -> dict[str, Decimal]:
    """Everybody the same."""
    return {
        place: Decimal(1)
        for place in (*map(COST_CENTER.__add__, rules.units), *map(POOL.__add__, rules.pool_ids))
    }


def by_shares(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row], key: str
) -> dict[str, Decimal]:
    """The shares that stand in the rule."""
    return {
        (POOL if one in rules.pool_ids else COST_CENTER) + one: Decimal(share)
        for one, share in pool["shares"].items()
    }


def by_driver(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row], key: str
) -> dict[str, Decimal]:
    """The quantities of drivers.csv."""
    return {
        COST_CENTER + row["cost_center_id"]: Decimal(row["quantity"])
        for row in rules.of_period("drivers.csv")
        if row["driver"] == key.removeprefix("driver:")
    }


def no_weights(
    rules: Rules, pool: Mapping[str, Any], postings: Sequence[Row], key: str
) -> dict[str, Decimal]:
    """A key that this module does not know has no weights, so that its pool fails."""
    return {}


Weigh = Callable[[Rules, Mapping[str, Any], Sequence[Row], str], dict[str, Decimal]]
WEIGHTS: dict[str, Weigh] = {
    "direct_spend": by_spend, "even": by_heads, "fixed": by_shares, "driver": by_driver,
}  # fmt: skip


# 7. Cents.


def compare_cents(
    rules: Rules, counted: Counted, postings: Sequence[Row], invoices: Mapping[str, Decimal],
    notes: Notes,
) -> dict[str, Decimal]:  # fmt: skip
    """Check cents against exact amounts and invoices; returns what is charged per invoice.

    Args:
        invoices: totals by id.
    """
    entries: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    charged: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    invoiced: dict[str, Decimal] = defaultdict(lambda: ZERO)
    roundings: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in postings:
        both = (row["exact_amount"], row["amount"])
        add(entries[row["entry_id"]], both)
        if not is_payable(row):
            notes.expect_amount(POSTINGS, name_of(row), *both, by=CENT)
        if row["cost_center_id"]:
            add(charged[row["invoice_id"] or "", row["cost_center_id"]], both)
            invoiced[row["invoice_id"] or ""] += row["amount"]
            unit = rules.units.get(row["cost_center_id"], "")
            notes.expect(POSTINGS, f"{name_of(row)}, unit", unit, row["business_unit_id"] or "")
            if row["kind"] == "rounding":
                roundings[row["invoice_id"]] += row["amount"]
        notes.expect(
            POSTINGS, f"{name_of(row)}, currency", rules.policy["currency"], row["currency"]
        )
    for entry_id, (exact, cents) in sorted(entries.items()):
        notes.expect_amount(POSTINGS, f"entry {entry_id}, exactly", ZERO, exact)
        notes.expect_amount(POSTINGS, f"entry {entry_id}, in cents", ZERO, cents)
    for (invoice_id, cost_center_id), (exact, cents) in sorted(charged.items()):
        where = f"{cost_center_id} on invoice {invoice_id or '(none)'}"
        notes.expect_amount(POSTINGS, where, exact, cents, by=CENT)
    explained: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for line, exact in counted.lines.items():
        explained[line.invoice_id] += exact
    billed = {one for one, exact in explained.items() if exact}
    once = {one: exact.quantize(CENT, ROUND_HALF_UP) for one, exact in explained.items()}
    if rules.invoicing == "pro-forma":
        named = ", ".join(sorted(explained.keys() - {rules.stand_in}))
        notes.expect("report", "invoices of a pro forma report", "", named)
        invoices = {**invoices, rules.stand_in: once.get(rules.stand_in, ZERO)}
    for invoice_id in sorted(billed | invoices.keys() | set(invoiced) - {""}):
        total = invoices.get(invoice_id, ZERO)
        where = f"invoice {invoice_id}"
        notes.expect_amount(POSTINGS, f"{where}, charged", total, invoiced.get(invoice_id, ZERO))
        apart = total - once.get(invoice_id, ZERO)
        notes.expect_amount(POSTINGS, f"{where}, rounding", apart, roundings.get(invoice_id, ZERO))
    return dict(invoiced)


def add(sums: list[Decimal], both: tuple[Decimal, Decimal]) -> None:
    """Add an exact amount and its cents."""
    sums[0] += both[0]
    sums[1] += both[1]


def compare_adjustments(rules: Rules, postings: Sequence[Row], notes: Notes) -> int:
    """Charges that people moved are those of the register, from and to; returns how many rows it has."""
    wanted: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    entered = rules.of_period("adjustments.csv")
    for row in entered:
        rule, amount = f"adjustment:{row['reference']}", Decimal(row["amount"])
        wanted[rule, COST_CENTER + row["from_cost_center_id"]] -= amount
        wanted[rule, COST_CENTER + row["to_cost_center_id"]] += amount
    posted: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for line in postings:
        if line["kind"] == "adjustment":
            posted[line["rule"], line["ledger_account"]] += line["amount"]
    for place in sorted(wanted.keys() | posted.keys()):
        notes.expect_amount(
            POSTINGS, " ".join(place), wanted.get(place, ZERO), posted.get(place, ZERO)
        )
    return len(entered)


def recount(
    counted: Counted, rules: Rules, postings: Sequence[Row], record: Mapping[str, Any],
    invoices: Mapping[str, Decimal], notes: Notes, corrected: bool = False,
) -> str:  # fmt: skip
    """All comparisons of one period's postings with its counted rows.

    Args:
        postings: those of the period, with its corrections counted into them.
        record: the source record, whose control totals are compared as well.

    Returns:
        What was compared, with counts.
    """
    record_file = "evidence/sources.json"
    notes.expect(record_file, "line items", f"{counted.line_items:,}", f"{record['line_items']:,}")
    notes.expect_amount(
        record_file, "unblended cost", counted.unblended, Decimal(record["unblended_cost"])
    )
    lines = compare_lines(counted, postings, notes)
    parts = compare_pools(rules, counted, postings, corrected, notes)
    charged = compare_cents(rules, counted, postings, invoices, notes)
    moved = compare_adjustments(rules, postings, notes)
    by_cost_center = {row["cost_center_id"] for row in postings if row["cost_center_id"]}
    totals = ", ".join(
        f"{one} {plain_amount(amount)}" for one, amount in sorted(charged.items()) if one
    )
    return (
        f"{counted.line_items:,} rows of {plain_amount(counted.unblended)} unblended; {lines:,} postings of "
        f"what rows cost, {parts:,} parts of pools, {moved} adjustments, {len(by_cost_center)} cost centers; "
        f"charged on invoices: {totals or 'nothing'}"
    )
