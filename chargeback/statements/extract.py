"""From a period's books to one small dict per business unit: everything its statement may know.

Comes in: `StatementInputs`, with every unit's rows. Goes out: per unit a dict of strings, lists and
dicts (exact decimals as text) that is written as `unit.json`. What always holds:

- a dict contains rows of its own unit only, and these allowed totals: each pool's total and total
  weight, what one pool passed on to another, the invoices' totals, and what all units together were
  charged;
- the cost centers' totals, the kinds' totals and the periods' trend each sum to the unit's total;
- the parts of the change sum to the total less that of the last closed period;
- nothing is rounded, except what was untagged: those are exact costs of line items, shown in cents
  so that the shown rows add up to the shown total (`cents_that_add_up`).

Known drawback: a pool's total weight and amount tell a unit in a pool of two what the other one
pays. The share could not be checked without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from chargeback.core.money import cents_amount, exact_units, nearest_cents
from chargeback.pages.names import KINDS, service_name
from chargeback.statements import StatementInputs
from chargeback.statements.accounts import unit_accounts

if TYPE_CHECKING:
    from chargeback.params import Params
    from chargeback.statements.bridge import Detail

Row = dict[str, Any]
ZERO = Decimal("0.00")

#: A part of an account's services, or of the untagged rows, longer than this is folded into one
#: last row.
ROWS_PER_ACCOUNT = 12
ROWS_OF_SERVICES = 20
ROWS_OF_UNTAGGED = 20
ROWS_OF_CORRECTIONS = 30
#: How many things a part of the change names.
DETAILS_OF_CHANGE = 3

_HISTORY_COLUMNS = ["business_unit_id", "kind", "cost_center_id", "pool_id", "product_code"]


@dataclass(frozen=True)
class Charges:
    """The ledger lines that charge a cost center, by unit, and what each pool was in all."""

    by_unit: dict[str, list[Row]]
    pools: dict[str, Row]
    passed_on: dict[tuple[str, str], Decimal]  # from a pool to a later one: cents
    total: Decimal

    def of_unit(self, unit_id: str) -> list[Row]:
        return self.by_unit.get(unit_id, [])


def read_charges(inputs: StatementInputs) -> Charges:
    """The period's charges, in the ledger's order."""
    rows = inputs.postings.filter(pc.is_valid(inputs.postings["cost_center_id"])).to_pylist()
    by_unit: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_unit[row["business_unit_id"]].append(row)
    return Charges(dict(by_unit), _pool_totals(rows), _passed_on(inputs), _sum(rows))


def extract_units(inputs: StatementInputs, charges: Charges) -> dict[str, Row]:
    """One dict per business unit of the params, also for those without any cost."""
    past, untagged = _history(inputs), _untagged_rows(inputs)
    return {
        unit_id: _unit(inputs, unit_id, charges, past.get(unit_id, {}), untagged)
        for unit_id in sorted(inputs.params.business_units)
    }


def _unit(
    inputs: StatementInputs,
    unit_id: str,
    charges: Charges,
    past: dict[str, list[Row]],
    untagged: list[Row],
) -> Row:
    rows = charges.of_unit(unit_id)
    params = inputs.params
    unit = params.business_units[unit_id]
    periods = sorted(period for period in inputs.history if period < inputs.billing_period)
    before = inputs.previous_period
    old = past.get(before, []) if before else []
    total = _sum(rows)
    return {
        "billing_period": inputs.billing_period,
        "currency": inputs.currency,
        "provisional": inputs.provisional,
        "cost_basis": params.policy.cost_basis,
        "unit": {"id": unit_id, "name": unit.name, "owner": unit.owner or ""},
        "total": str(total),
        "previous_period": before,
        "previous_total": str(_sum(old)) if before else None,
        "kinds": _kinds(rows, old, before),
        "change": _change(inputs, unit_id),
        "cost_centers": _cost_centers(inputs, unit_id, rows, old, before),
        "direct": _direct(inputs, rows, old, before),
        "pools": _pools(inputs, rows, old, before, charges.pools),
        "steps": _steps(inputs, rows, charges.passed_on),
        "commitments": _commitments(rows),
        "roundings": [
            {"invoice_id": key, "amount": str(amount)}
            for key, amount in _sums(_of_kind(rows, "rounding"), "invoice_id").items()
        ],
        "adjustments": _adjustments(inputs, rows),
        "corrections": _corrections(inputs, rows),
        "untagged": _untagged(inputs, unit_id, untagged),
        "trend": [_trend(period, past.get(period, [])) for period in periods]
        + [_trend(inputs.billing_period, rows)],
        "invoices": [
            {
                name: str(invoice[name])
                for name in ("invoice_id", "issuer", "total", "rows_total", "rounding")
            }
            for invoice in sorted(inputs.invoices, key=lambda invoice: str(invoice["invoice_id"]))
        ],
        "invoice_changes": [
            {"original_period": one["billing_period"], **change}
            for one in inputs.restated
            for change in one["invoice_changes"]
        ],
        "charged_total": str(charges.total),
        "digests": dict(inputs.digests),
        "governed": inputs.governed,
        "ratification": inputs.ratification,
        "signer": inputs.signer.record() if inputs.signer else None,
    }


def _history(inputs: StatementInputs) -> dict[str, dict[str, list[Row]]]:
    """Earlier charges, summed to what statements compare: unit -> period -> rows."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for period, postings in sorted(inputs.history.items()):
        if period >= inputs.billing_period:
            continue
        charges = postings.filter(pc.is_valid(postings["cost_center_id"]))
        sums = (
            charges.select([*_HISTORY_COLUMNS, "amount"])
            .group_by(_HISTORY_COLUMNS)
            .aggregate([("amount", "sum")])
        )
        for row in sums.rename_columns(
            ["amount" if name == "amount_sum" else name for name in sums.column_names]
        ).to_pylist():
            found[row["business_unit_id"]].setdefault(period, []).append(row)
    return found


def _compared(column: str, rows: list[Row], old: list[Row], before: str | None) -> list[Row]:
    """Sums by a column beside those of the last closed period, the largest first."""
    now, then = _sums(rows, column), _sums(old, column)
    return [
        {
            column: key,
            "amount": str(now.get(key, ZERO)),
            "previous": str(then.get(key, ZERO)) if before else None,
        }
        for key in sorted(now.keys() | then.keys(), key=lambda key: (-now.get(key, ZERO), key))
    ]


def _kinds(rows: list[Row], old: list[Row], before: str | None) -> list[Row]:
    """By kind, in the order of the statement; direct and shared cost even when zero."""
    found = {row["kind"]: row for row in _compared("kind", rows, old, before)}
    for kind in ("direct", "allocated"):
        found.setdefault(
            kind, {"kind": kind, "amount": str(ZERO), "previous": str(ZERO) if before else None}
        )
    return [found[kind] for kind in KINDS if kind in found]


def _change(inputs: StatementInputs, unit_id: str) -> Row | None:
    """The parts of the change that are not nothing, each with the largest of what it is for."""
    bridge = inputs.bridges.get(unit_id)
    if bridge is None:
        return None
    return {
        "parts": [
            {
                "code": part.code,
                "amount": str(part.amount),
                "details": [
                    {"label": label, "amount": str(one.amount)}
                    for one in part.details[:DETAILS_OF_CHANGE]
                    if (label := detail_label(inputs.params, one))
                ],
            }
            for part in bridge.parts
            if part.amount
        ],
        "remarks": list(bridge.remarks),
    }


def detail_label(params: Params, detail: Detail) -> str:
    """What a part of a change is for, in a reader's words; blank where nothing is to be named."""
    if detail.pool_id:
        return {pool.pool_id: pool.name for pool in params.pools}.get(
            detail.pool_id, detail.pool_id
        )
    if not detail.product_code:
        return ""
    account = params.accounts.get(detail.account_id)
    place = account.name if account else detail.account_id
    return service_name(detail.product_code) + (f" in {place}" if place else "")


def _cost_centers(
    inputs: StatementInputs, unit_id: str, rows: list[Row], old: list[Row], before: str | None
) -> list[Row]:
    params = inputs.params
    own = {key for key, center in params.cost_centers.items() if center.business_unit_id == unit_id}
    charged = {row["cost_center_id"] for row in rows}
    then = _sums(old, "cost_center_id")
    found = []
    for key in sorted(own | charged | then.keys()):
        mine = [row for row in rows if row["cost_center_id"] == key]
        direct, allocated = _sum(_of_kind(mine, "direct")), _sum(_of_kind(mine, "allocated"))
        total = _sum(mine)
        found.append(
            {
                "cost_center_id": key,
                "name": _cost_center_name(inputs, key),
                "direct": str(direct),
                "allocated": str(allocated),
                "other": str(total - direct - allocated),
                "amount": str(total),
                "previous": str(then.get(key, ZERO)) if before else None,
            }
        )
    return sorted(found, key=lambda row: (-Decimal(row["amount"]), row["cost_center_id"]))


def _direct(inputs: StatementInputs, rows: list[Row], old: list[Row], before: str | None) -> Row:
    direct, then = _of_kind(rows, "direct"), _of_kind(old, "direct")
    accounts = []
    for account_id, total in _sums(direct, "account_id").items():
        services = _sums(
            [row for row in direct if (row["account_id"] or "") == account_id], "product_code"
        )
        accounts.append(
            {
                "account_id": account_id,
                "name": _account_name(inputs, account_id),
                "amount": str(total),
                "services": _folded(
                    [
                        {"product_code": code, "amount": str(amount)}
                        for code, amount in services.items()
                    ],
                    ROWS_PER_ACCOUNT,
                ),
            }
        )
    return {
        "total": str(_sum(direct)),
        "previous": str(_sum(then)) if before else None,
        "services": _folded(_compared("product_code", direct, then, before), ROWS_OF_SERVICES),
        "accounts": sorted(accounts, key=lambda row: (-Decimal(row["amount"]), row["account_id"])),
        "rules": [
            {"rule": rule, "about": _about_rule(inputs, rule), "amount": str(amount)}
            for rule, amount in _sums(direct, "rule").items()
        ],
        "credits": str(
            _sum(row for row in direct if row["line_item_type"] in ("Credit", "Refund"))
        ),
        "tax": str(_sum(row for row in direct if row["line_item_type"] == "Tax")),
    }


def _about_rule(inputs: StatementInputs, rule: str) -> str:
    """Why an ownership rule gives cost without a usable tag, and who approved that; else nothing."""
    kind, _, name = rule.partition(":")
    found = [one for one in inputs.params.ownership if kind == "ownership" and one.rule_id == name]
    return f"{found[0].reason} ({found[0].approved})" if found else ""


def _folded(rows: list[Row], limit: int) -> list[Row]:
    """The largest rows by absolute amount, and one that sums the rest and counts them."""
    if len(rows) <= limit:
        return rows
    largest = sorted(rows, key=lambda row: -abs(Decimal(row["amount"])))[: limit - 1]
    kept = [row for row in rows if any(row is large for large in largest)]
    rest = [row for row in rows if not any(row is large for large in largest)]
    folded: Row = {"folded": len(rest), "amount": str(_add(row["amount"] for row in rest))}
    if "previous" in rows[0]:
        known = rows[0]["previous"] is not None
        folded["previous"] = str(_add(row["previous"] for row in rest)) if known else None
    return [*kept, folded]


def _pool_totals(charges: list[Row]) -> dict[str, Row]:
    """Per pool: amount, key, and each cost center's weight, once: all invoices have the same."""
    pools: dict[str, Row] = {}
    for row in _of_kind(charges, "allocated"):
        pool = pools.setdefault(
            row["pool_id"], {"amount": ZERO, "key": row["allocation_key"] or "", "weights": {}}
        )
        pool["amount"] += row["amount"]
        pool["weights"].setdefault(row["cost_center_id"], row["weight"] or ZERO)
    return pools


def _passed_on(inputs: StatementInputs) -> dict[tuple[str, str], Decimal]:
    """What each pool gave to later pools, in the ledger's order."""
    postings = inputs.postings
    steps = postings.filter(
        pc.and_(
            pc.equal(postings["kind"], "allocated"),
            pc.starts_with(postings["ledger_account"], pattern="pool:"),
        )
    )
    found: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in steps.to_pylist():
        receiver = row["ledger_account"].removeprefix("pool:")
        if receiver != row["pool_id"]:
            found[row["pool_id"], receiver] += row["amount"]
    return dict(found)


def _pools(
    inputs: StatementInputs,
    rows: list[Row],
    old: list[Row],
    before: str | None,
    totals: dict[str, Row],
) -> list[Row]:
    mine, then = _of_kind(rows, "allocated"), _sums(_of_kind(old, "allocated"), "pool_id")
    declared = {pool.pool_id: pool for pool in inputs.params.pools}
    amounts = _sums(mine, "pool_id")
    found = []
    for pool_id in sorted(
        amounts.keys() | then.keys(), key=lambda key: (-amounts.get(key, ZERO), key)
    ):
        pool = totals.get(pool_id, {"amount": ZERO, "key": "", "weights": {}})
        centers = {row["cost_center_id"] for row in mine if row["pool_id"] == pool_id}
        found.append(
            {
                "pool_id": pool_id,
                "name": declared[pool_id].name if pool_id in declared else pool_id,
                "approved": (declared[pool_id].approved or "") if pool_id in declared else "",
                "key": pool["key"],
                "weight": str(sum((pool["weights"][center] for center in centers), ZERO)),
                "total_weight": str(sum(pool["weights"].values(), ZERO)),
                "pool_total": str(pool["amount"]),
                "amount": str(amounts.get(pool_id, ZERO)),
                "previous": str(then.get(pool_id, ZERO)) if before else None,
            }
        )
    return found


def _steps(
    inputs: StatementInputs, rows: list[Row], passed_on: dict[tuple[str, str], Decimal]
) -> list[Row]:
    """What pools gave each other, where the unit pays for one of the two."""
    mine = {row["pool_id"] for row in _of_kind(rows, "allocated")}
    names = {pool.pool_id: pool.name for pool in inputs.params.pools}
    return [
        {
            "giver": names.get(giver, giver),
            "receiver": names.get(receiver, receiver),
            "amount": str(amount),
        }
        for (giver, receiver), amount in passed_on.items()
        if amount and mine & {giver, receiver}
    ]


def _commitments(rows: list[Row]) -> list[Row]:
    groups: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in _of_kind(rows, "commitment"):
        groups[row["product_code"] or "", row["line_item_type"] or ""] += row["amount"]
    listed = [
        {"product_code": code, "line_item_type": item_type, "amount": str(amount)}
        for (code, item_type), amount in sorted(
            groups.items(), key=lambda item: (-abs(item[1]), item[0])
        )
    ]
    return _folded(listed, ROWS_PER_ACCOUNT)


def _adjustments(inputs: StatementInputs, rows: list[Row]) -> list[Row]:
    groups: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in _of_kind(rows, "adjustment"):
        if row["original_period"]:
            continue
        reference = (row["rule"] or "").partition(":")[2] or row["rule"] or ""
        groups[reference, row["cost_center_id"]] += row["amount"]
    reasons = {one.reference: one.reason for one in inputs.params.adjustments}
    return [
        {
            "reference": reference,
            "reason": reasons.get(reference, ""),
            "cost_center_id": center,
            "name": _cost_center_name(inputs, center),
            "amount": str(amount),
        }
        for (reference, center), amount in sorted(groups.items())
    ]


def _corrections(inputs: StatementInputs, rows: list[Row]) -> list[Row]:
    """Per earlier period that AWS changed: why, and what changes for whom and for what."""
    reasons = {
        one["billing_period"]: one["sources"]["execution_id"] if one["redelivered"] else ""
        for one in inputs.restated
    }
    found = []
    mine = [row for row in _of_kind(rows, "adjustment") if row["original_period"]]
    for period in sorted({row["original_period"] for row in mine}):
        about = [row for row in mine if row["original_period"] == period]
        groups: dict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
        for row in about:
            groups[_corrected(inputs, row)] += row["amount"]
        columns = ("cost_center_id", "name", "what", "pool", "product_code", "account", "ended")
        found.append(
            {
                "original_period": period,
                "execution_id": reasons.get(period, ""),
                "amount": str(_sum(about)),
                "rows": _folded(
                    [
                        {**dict(zip(columns, group, strict=True)), "amount": str(amount)}
                        for group, amount in sorted(groups.items())
                        if amount
                    ],
                    ROWS_OF_CORRECTIONS,
                ),
            }
        )
    return found


def _corrected(inputs: StatementInputs, row: Row) -> tuple[str, ...]:
    """What a correcting line is for: cost center, kind of charge, pool or service and account."""
    names = {pool.pool_id: pool.name for pool in inputs.params.pools}
    pool_id, account_id = row["pool_id"] or "", row["account_id"] or ""
    ended = (row["rule"] or "").split(":")
    return (
        row["cost_center_id"],
        _cost_center_name(inputs, row["cost_center_id"]),
        row["entry_id"].split("/")[3],
        names.get(pool_id, pool_id),
        row["product_code"] or "",
        _account_name(inputs, account_id) if account_id else "",
        ended[1] if ended[0] == "ended" else "",
    )


def _untagged_rows(inputs: StatementInputs) -> list[Row]:
    owned = inputs.owned_costs
    wanted = pc.or_(
        pc.fill_null(pc.equal(owned["pool_id"], "untagged"), False),
        pc.match_substring_regex(owned["rule"], "^(account-default$|ownership:)"),
    )
    return owned.filter(wanted).to_pylist()


def _untagged(inputs: StatementInputs, unit_id: str, rows: list[Row]) -> Row:
    params = inputs.params
    own = {key for key, center in params.cost_centers.items() if center.business_unit_id == unit_id}
    accounts = {
        key: params.accounts[key] for key in unit_accounts(params, inputs.owned_costs, unit_id)
    }
    basis = f"{params.policy.cost_basis}_cost"
    groups: dict[tuple[str, str, str], int] = defaultdict(int)
    values: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["account_id"] not in accounts:
            continue
        units = exact_units(row[basis])
        owner = "pool" if row["pool_id"] else row["rule"].partition(":")[0]
        groups[row["account_id"], row["product_code"] or "", owner] += units
        if row["unusable_tag_value"]:
            value = values[_tag_key(inputs, row), row["unusable_tag_value"], row["account_id"]]
            value[0] += units
            value[1] += row["line_items"]
    ordered = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    amounts = cents_that_add_up([units for _, units in ordered])
    listed: list[Row] = [
        {
            "account_id": account_id,
            "name": _account_name(inputs, account_id),
            "product_code": code,
            "owner": owner,
            "amount": str(amount),
        }
        for ((account_id, code, owner), _), amount in zip(ordered, amounts, strict=True)
    ]
    by_value = sorted(values.items(), key=lambda item: (-item[1][0], item[0]))
    value_amounts = cents_that_add_up([units for _, (units, _) in by_value])
    return {
        "accounts": [{"account_id": key, "name": accounts[key].name} for key in sorted(accounts)],
        "total": str(_add(row["amount"] for row in listed)),
        "owners": {
            owner: str(_add(row["amount"] for row in listed if row["owner"] == owner))
            for owner in ("pool", "account-default", "ownership")
        },
        "rows": _folded(listed, ROWS_OF_UNTAGGED),
        "values": _folded(
            [
                {
                    "tag_key": tag_key,
                    "tag_value": tag_value,
                    "account_id": account_id,
                    "line_items": count,
                    "amount": str(amount),
                }
                for ((tag_key, tag_value, account_id), (_, count)), amount in zip(
                    by_value, value_amounts, strict=True
                )
            ],
            ROWS_OF_UNTAGGED,
        ),
        "tag_key": params.policy.cost_center_tags[0] if params.policy.cost_center_tags else "",
        "cost_centers": [
            {"cost_center_id": key, "name": _cost_center_name(inputs, key)} for key in sorted(own)
        ],
    }


def _tag_key(inputs: StatementInputs, row: Row) -> str:
    """Which tag holds the unusable value: the columns follow the policy's order of trust."""
    for number, key in enumerate(inputs.params.policy.cost_center_tags, start=1):
        if row.get(f"cost_center_tag_{number}") == row["unusable_tag_value"]:
            return key
    return ""


def cents_that_add_up(exact: list[int]) -> list[Decimal]:
    """Exact units in cents, each within one cent, whose sum is the sum of the exact units rounded
    once.

    >>> cents_that_add_up([333_333_333, 333_333_333, 333_333_334])
    [Decimal('0.03'), Decimal('0.04'), Decimal('0.03')]
    """
    found, running, before = [], 0, 0
    for units in exact:
        running += units
        found.append(cents_amount(nearest_cents(running) - before))
        before = nearest_cents(running)
    return found


def _trend(period: str, rows: list[Row]) -> Row:
    direct, allocated = _sum(_of_kind(rows, "direct")), _sum(_of_kind(rows, "allocated"))
    total = _sum(rows)
    return {
        "period": period,
        "direct": str(direct),
        "allocated": str(allocated),
        "other": str(total - direct - allocated),
        "amount": str(total),
    }


def _cost_center_name(inputs: StatementInputs, cost_center_id: str) -> str:
    center = inputs.params.cost_centers.get(cost_center_id)
    return center.name if center else cost_center_id


def _account_name(inputs: StatementInputs, account_id: str) -> str:
    account = inputs.params.accounts.get(account_id)
    return account.name if account else account_id or "(no account)"


def _of_kind(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _sum(rows: Iterable[Row]) -> Decimal:
    return sum((row["amount"] for row in rows), ZERO)


def _add(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), ZERO)


def _sums(rows: Iterable[Row], column: str) -> dict[str, Decimal]:
    """Amounts by a column, the largest first."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        found[row[column] or ""] += row["amount"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
