"""Rules: policy.toml and allocation.toml, the decisions a council ratifies.

Unknown keys are refused by name, because a misspelt key that is silently ignored changes money. Numbers that
mean money or shares are strings, because TOML floats are not exact.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from chargeback.errors import bad_params
from chargeback.params.registers import check_dates, suggestion
from chargeback.period import check_period, holds_in

UNTAGGED = "untagged"
MAX_COST_CENTER_TAGS = 3  # sql/rollup has three tag columns
CONDITIONS = (
    "account_id", "product_code", "line_item_type", "operation", "usage_type_like", "has_resource",
)  # fmt: skip
POOL_KEYS = (
    "pool_id", "name", "match", "overrides_tags", "key", "shares", "recipients", "except",
    "fallback", "valid_from", "valid_to", "approved",
)  # fmt: skip
POLICY_KEYS = (
    "currency", "cost_basis", "cost_center_tags", "mandatory_tags", "commitments_cost_center_id",
    "rounding_cost_center_id", "invoice_rounding_limit",
)  # fmt: skip
SIMPLE_KEYS = ("direct_spend", "even", "fixed")


@dataclass(frozen=True)
class Policy:
    """policy.toml: what holds for every line item and invoice."""

    currency: str
    cost_basis: str  # "amortized" or "unblended"
    cost_center_tags: tuple[str, ...]  # in order of trust
    mandatory_tags: tuple[str, ...]
    commitments_cost_center_id: str
    rounding_cost_center_id: str
    invoice_rounding_limit: Decimal  # currency units per invoice


@dataclass(frozen=True)
class Pool:
    """One [[pool]] of allocation.toml: what falls in, which key splits it, who takes part."""

    pool_id: str
    name: str
    match: dict[
        str, tuple[str, ...]
    ]  # condition -> values; and-ed, values or-ed; empty matches all
    overrides_tags: bool
    key: str  # direct_spend, even, fixed, driver:<name>
    shares: dict[str, Decimal]  # fixed only: cost center -> share, summing to exactly 1
    recipients: tuple[str, ...]  # "*", business unit ids or cost center ids
    except_: tuple[str, ...]
    fallback: str | None
    valid_from: str
    valid_to: str
    approved: str
    where: str = field(compare=False, default="")


def read_toml(folder: Path, name: str) -> dict[str, Any]:
    """A TOML file of the params folder as plain data (exit 2 when absent or malformed)."""
    path = folder / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise bad_params(
            f"the params folder has no {name}", found="no such file", where=[str(path)],
            todo=["copy it from the params/ folder of the repository and edit it, or check PARAMS="],
        ) from None  # fmt: skip
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise bad_params(
            f"{name} is not readable TOML", found=str(error), where=[str(path)]
        ) from None


def check_names(where: str, found: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse unknown keys by name."""
    for key in found:
        if key not in known:
            raise bad_params(
                f"unknown key {key!r}", "one of " + ", ".join(known), key, [where],
                suggestion(key, known),
            )  # fmt: skip


def text_value(where: str, table: dict[str, Any], key: str, default: str | None = None) -> str:
    """A key that must be text; refused when absent without default, or of another type."""
    if key not in table:
        if default is not None:
            return default
        raise bad_params(f"the key {key!r} is missing", f'{key} = "…"', "nothing", [where])
    if not isinstance(table[key], str):
        raise bad_params(
            f"{key} must be text in quotes", f'{key} = "{table[key]}"', repr(table[key]), [where]
        )
    return str(table[key])


def text_list(where: str, table: dict[str, Any], key: str) -> tuple[str, ...]:
    """A key that must be a list of texts; absent means empty."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_params(
            f"{key} must be a list of texts", f'{key} = ["…", "…"]', repr(value), [where]
        )
    return tuple(value)


def read_policy(folder: Path) -> Policy:
    """policy.toml, checked key by key (exit 2)."""
    where = "policy.toml"
    table = read_toml(folder, where)
    check_names(where, table, POLICY_KEYS)
    basis = text_value(where, table, "cost_basis", "amortized")
    if basis not in ("amortized", "unblended"):
        raise bad_params(
            "cost_basis is not known", '"amortized" or "unblended"', repr(basis), [where]
        )
    tags = text_list(where, table, "cost_center_tags")
    if not 1 <= len(tags) <= MAX_COST_CENTER_TAGS or len(set(tags)) != len(tags):
        raise bad_params(
            "cost_center_tags must name one to three different tag keys, in order of trust",
            found=repr(list(tags)), where=[where],
        )  # fmt: skip
    limit_text = text_value(where, table, "invoice_rounding_limit")
    try:
        limit = Decimal(limit_text)
        if not limit.is_finite() or limit < 0:
            raise InvalidOperation
    except InvalidOperation:
        raise bad_params(
            "invoice_rounding_limit is not an amount", '"1.00"', repr(limit_text), [where]
        ) from None
    return Policy(
        text_value(where, table, "currency"), basis, tags,
        text_list(where, table, "mandatory_tags"),
        text_value(where, table, "commitments_cost_center_id"),
        text_value(where, table, "rounding_cost_center_id"), limit,
    )  # fmt: skip


def read_pools(folder: Path) -> list[Pool]:
    """All dated pools of allocation.toml in the order of the file, checked by themselves (exit 2)."""
    table = read_toml(folder, "allocation.toml")
    check_names("allocation.toml", table, ("pool",))
    raw_pools = table.get("pool", [])
    if not isinstance(raw_pools, list) or not all(isinstance(raw, dict) for raw in raw_pools):
        raise bad_params("allocation.toml must hold [[pool]] tables", where=["allocation.toml"])
    pools = [read_pool(number, raw) for number, raw in enumerate(raw_pools, start=1)]
    by_id: dict[str, list[Pool]] = {}
    for pool in pools:
        by_id.setdefault(pool.pool_id, []).append(pool)
    for pool_id, same in by_id.items():
        dated = sorted((pool.valid_from, pool.valid_to, pool.where) for pool in same)
        check_dates(f"allocation.toml: {pool_id}", dated)
    return pools


def read_pool(number: int, raw: dict[str, Any]) -> Pool:
    """One [[pool]] table."""
    where = f"allocation.toml pool {number} ({raw.get('pool_id', 'no pool_id')})"
    check_names(where, raw, POOL_KEYS)
    match = raw.get("match")
    if not isinstance(match, dict):
        raise bad_params(
            "the key 'match' is missing", 'match = { product_code = ["…"] } or match = {}',
            repr(match), [where],
        )  # fmt: skip
    check_names(where + ", match", match, CONDITIONS)
    conditions: dict[str, tuple[str, ...]] = {}
    for name, value in match.items():
        if name == "has_resource":
            if not isinstance(value, bool):
                raise bad_params(
                    "has_resource must be true or false", found=repr(value), where=[where]
                )
            conditions[name] = ("true" if value else "false",)
            continue
        conditions[name] = text_list(where, match, name)
        if not conditions[name]:
            raise bad_params(f"the condition {name!r} has no values", where=[where])
    for account_id in conditions.get("account_id", ()):
        if not (len(account_id) == 12 and account_id.isdigit()):
            raise bad_params(
                "an account id is not 12 digits", "12 digits as text", repr(account_id), [where],
                [f"a leading zero was probably lost: {account_id.zfill(12)}"],
            )  # fmt: skip
    overrides = raw.get("overrides_tags", False)
    if not isinstance(overrides, bool):
        raise bad_params(
            "overrides_tags must be true or false", found=repr(overrides), where=[where]
        )
    fallback = raw.get("fallback")
    for name, key in (("key", raw.get("key")), ("fallback", fallback)):
        if name == "key" or key is not None:
            check_key(where, name, key)
    valid_from = check_period(text_value(where, raw, "valid_from"), where)
    valid_to = text_value(where, raw, "valid_to", "")
    if valid_to:
        check_period(valid_to, where)
    pool = Pool(
        text_value(where, raw, "pool_id"), text_value(where, raw, "name"), conditions, overrides,
        raw["key"], read_shares(where, raw), text_list(where, raw, "recipients"),
        text_list(where, raw, "except"), fallback, valid_from, valid_to,
        text_value(where, raw, "approved"), where,
    )  # fmt: skip
    if not pool.recipients:
        raise bad_params(
            f"nobody takes part in the pool {pool.pool_id!r}", 'recipients = ["*"] or a list',
            "no recipients", [where],
        )  # fmt: skip
    return pool


def check_key(where: str, name: str, key: object) -> None:
    """Refuse an allocation key that does not exist."""
    known = key in SIMPLE_KEYS and not (name == "fallback" and key == "fixed")
    if isinstance(key, str) and (known or (key.startswith("driver:") and key != "driver:")):
        return
    raise bad_params(
        f"the allocation {name} is not known", "direct_spend, even, fixed or driver:<name>",
        repr(key), [where], suggestion(str(key), (*SIMPLE_KEYS, "driver:headcount")),
    )  # fmt: skip


def read_shares(where: str, raw: dict[str, Any]) -> dict[str, Decimal]:
    """The shares of a fixed key: decimals as text, each positive or zero, summing to exactly 1."""
    shares = raw.get("shares")
    if raw.get("key") != "fixed":
        if shares is not None:
            raise bad_params("shares belong to the key fixed only", where=[where])
        return {}
    form = 'shares = { "CC-1001" = "0.25", "CC-1002" = "0.75" }'
    if not isinstance(shares, dict) or not shares:
        raise bad_params("a fixed key needs its shares", form, repr(shares), [where])
    read: dict[str, Decimal] = {}
    for cost_center_id, text in shares.items():
        try:
            if not isinstance(text, str):
                raise InvalidOperation
            read[cost_center_id] = Decimal(text)
            if not read[cost_center_id].is_finite() or read[cost_center_id] < 0:
                raise InvalidOperation
            if read[cost_center_id] != round(read[cost_center_id], 10):
                raise InvalidOperation
        except InvalidOperation:
            raise bad_params(
                "a fixed share is not a decimal in quotes", form,
                f"{cost_center_id} = {text!r}", [where],
            ) from None  # fmt: skip
    total = sum(read.values(), Decimal(0))
    if total != 1:
        raise bad_params(
            "the fixed shares do not sum to 1", "1", str(total), [where],
            [f"change the shares by {1 - total:+} in all"],
        )  # fmt: skip
    return read


def pools_in(pools: list[Pool], period: str) -> list[Pool]:
    """The pools that hold in a period, in the order of the file; `untagged` must be among them."""
    held = [pool for pool in pools if holds_in(period, pool.valid_from, pool.valid_to)]
    untagged = [pool for pool in held if pool.pool_id == UNTAGGED]
    if not untagged:
        raise bad_params(
            "there is no pool 'untagged'",
            f"a pool that takes what nobody owns, in force in {period}",
            ", ".join(pool.pool_id for pool in held) or "no pools", ["allocation.toml"],
            ['add [[pool]] with pool_id = "untagged" and match = {}'],
        )  # fmt: skip
    if untagged[0].match or untagged[0].overrides_tags:
        raise bad_params(
            "the pool 'untagged' must take whatever is left",
            "match = {} and no overrides_tags", repr(untagged[0].match), [untagged[0].where],
        )  # fmt: skip
    return held
