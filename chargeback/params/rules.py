"""Rules: allocation.toml, the pools that a council ratifies.

Unknown keys are refused by name, because a misspelt key that is silently ignored changes money. Shares are
strings, because TOML's floats are not exact. A pool may give to pools that stand later in the file (step-down);
they are split in the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.money import read_decimal
from chargeback.core.paths import sql_folder
from chargeback.core.period import check_period, holds_in
from chargeback.core.text import suggestion
from chargeback.params.registers import SAFE_ID
from chargeback.params.toml_files import (
    check_account_ids,
    check_names,
    read_toml,
    text_list,
    text_value,
)

FILE = "allocation.toml"
UNTAGGED = "untagged"
CONDITIONS = (
    "account_id", "product_code", "line_item_type", "operation", "usage_type_like", "has_resource",
    "provider",
)  # fmt: skip
POOL_KEYS = (
    "pool_id", "name", "match", "overrides_tags", "key", "shares", "recipients", "except",
    "fallback", "valid_from", "valid_to", "approved",
)  # fmt: skip
SIMPLE_KEYS = ("direct_spend", "even", "fixed")


@dataclass(frozen=True)
class Pool:
    """One [[pool]] of allocation.toml: what falls in, which key splits it, who takes part."""

    pool_id: str
    name: str
    match: dict[
        str, tuple[str, ...]
    ]  # condition -> values; and-ed, values or-ed; empty matches all
    overrides_tags: bool
    key: str  # direct_spend, even, fixed, driver:<name>, sql:<name>
    shares: dict[str, Decimal]  # fixed only: cost center or pool -> share, summing to exactly 1
    recipients: tuple[str, ...]  # "*" (all cost centers), business units, cost centers, later pools
    except_: tuple[str, ...]
    fallback: str | None
    valid_from: str
    valid_to: str
    approved: str
    where: str = field(compare=False, default="")


def read_pools(folder: Path) -> list[Pool]:
    """All dated pools of allocation.toml in the order of the file, checked by themselves (exit 2)."""
    file = read_toml(folder, FILE)
    file.check_names(("pool", "key"))
    return file.dated_entries("pool", "pool_id", read_pool)


def read_pool(where: str, raw: dict[str, Any]) -> Pool:
    """One [[pool]] table."""
    with together():
        check_names(where, raw, POOL_KEYS)
        with apart():
            pool_id = text_value(where, raw, "pool_id")
            if not SAFE_ID.fullmatch(pool_id):
                raise bad_params(
                    "pool_id is not a valid id",
                    "1 to 64 letters, digits, points, underscores and hyphens", repr(pool_id), [where],
                )  # fmt: skip
        with apart():
            conditions = read_match(where, raw)
        with apart():
            overrides = raw.get("overrides_tags", False)
            if not isinstance(overrides, bool):
                raise bad_params(
                    "overrides_tags must be true or false", found=repr(overrides), where=[where]
                )
        fallback = raw.get("fallback")
        for name, key in (("key", raw.get("key")), ("fallback", fallback)):
            with apart():
                if name == "key" or key is not None:
                    check_key(where, name, key)
        with apart():
            shares = read_shares(where, raw)
        with apart():
            valid_from, valid_to = read_dates(where, raw, "pool")
        with apart():
            recipients = text_list(where, raw, "recipients")
            if not recipients:
                raise bad_params(
                    f"nobody takes part in the pool {raw.get('pool_id')!r}", 'recipients = ["*"] or a list',
                    "no recipients", [where],
                )  # fmt: skip
        with apart():
            left_out = text_list(where, raw, "except")
        with apart():
            name = text_value(where, raw, "name")
        with apart():
            approved = text_value(where, raw, "approved")
    return Pool(
        pool_id, name, conditions, overrides, raw["key"], shares, recipients, left_out, fallback,
        valid_from, valid_to, approved, where,
    )  # fmt: skip


def read_dates(where: str, raw: dict[str, Any], kind: str) -> tuple[str, str]:
    """valid_from and valid_to of a pool, or of a rule."""
    valid_from = check_period(text_value(where, raw, "valid_from"), f"{where}, valid_from")
    valid_to = text_value(where, raw, "valid_to", "")
    if valid_to and check_period(valid_to, f"{where}, valid_to") < valid_from:
        raise bad_params(
            "a pool ends before it begins" if kind == "pool" else "a rule ends before it begins",
            f"{valid_from} or later", valid_to, [where],
        )  # fmt: skip
    return valid_from, valid_to


def read_match(where: str, raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The conditions of a pool."""
    match = raw.get("match")
    if not isinstance(match, dict):
        raise bad_params(
            "the key 'match' is missing", 'match = { product_code = ["…"] } or match = {}',
            repr(match), [where],
        )  # fmt: skip
    with together():
        check_names(where + ", match", match, CONDITIONS)
        conditions: dict[str, tuple[str, ...]] = {}
        for name, value in match.items():
            with apart():
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
        with apart():
            check_account_ids(where, conditions.get("account_id", ()))
    return conditions


def check_key(where: str, name: str, key: object) -> None:
    """Refuse an allocation key that does not exist."""
    known = key in SIMPLE_KEYS and not (name == "fallback" and key == "fixed")
    if isinstance(key, str) and (known or (key.startswith("driver:") and key != "driver:")):
        return
    if isinstance(key, str) and key.startswith("sql:"):
        there = sql_keys()
        if key.removeprefix("sql:") not in there:
            raise bad_params(
                f"the allocation {name} has no SQL file", f"sql/keys/{key.removeprefix('sql:')}.sql",
                "there are " + (", ".join(there) or "none"), [where],
                suggestion(key.removeprefix("sql:"), there),
            )  # fmt: skip
        return
    raise bad_params(
        f"the allocation {name} is not known",
        "direct_spend, even, fixed, driver:<name> or sql:<name>", repr(key), [where],
        suggestion(str(key), (*SIMPLE_KEYS, "driver:headcount", *(f"sql:{one}" for one in sql_keys()))),
    )  # fmt: skip


def sql_keys() -> list[str]:
    """The names of the keys in sql/keys/, sorted."""
    return sorted(
        path.stem
        for path in (sql_folder() / "keys").glob("*.sql")
        if re.fullmatch(r"[a-z0-9_]+", path.stem)
    )


def read_shares(where: str, raw: dict[str, Any]) -> dict[str, Decimal]:
    """The shares of a fixed key: decimals as text, each positive or zero, summing to exactly 1."""
    shares = raw.get("shares")
    if raw.get("key") != "fixed":
        if shares is not None:
            raise bad_params("only the key fixed has shares", where=[where])
        return {}
    form = 'shares = { "CC-1001" = "0.25", "CC-1002" = "0.75" }'
    if not isinstance(shares, dict) or not shares:
        raise bad_params("a fixed key needs shares", form, repr(shares), [where])
    read: dict[str, Decimal] = {}
    for cost_center_id, text in shares.items():
        try:
            if not isinstance(text, str):
                raise InvalidOperation
            read[cost_center_id] = read_decimal(text)
            if read[cost_center_id] < 0:
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
    if pools and not held:
        first = min(pool.valid_from for pool in pools)
        ends = "" if any(not one.valid_to for one in pools) else max(one.valid_to for one in pools)
        raise bad_params(
            f"no pool is in force in {period}", f"pools whose valid_from and valid_to include {period}",
            f"pools from {first} to {ends}" if ends else f"pools from {first} on", [FILE],
            [f"name a period that these params describe, or date the pools so that they hold in {period}"],
        )  # fmt: skip
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


def check_step_down(pools: Sequence[Pool]) -> None:
    """Refuse pools that give to each other in a circle, or to a pool that was split before.

    Args:
        pools: those in force, in the order of the file.
    """
    at = {pool.pool_id: number for number, pool in enumerate(pools)}
    gives = {
        pool.pool_id: [one for one in pool.recipients if one in at and one not in pool.except_]
        for pool in pools
    }
    for pool in pools:
        path = way_back(pool.pool_id, gives)
        if path:
            raise bad_params(
                "pools give to each other in a circle", "recipients that stand later in the file",
                " -> ".join(path), [pools[at[one]].where for one in path[:-1]],
                ["leave one of these recipients out: no dollar may come back to where it was"],
            )  # fmt: skip
    for pool in pools:
        for one in gives[pool.pool_id]:
            if at[one] < at[pool.pool_id]:
                raise bad_params(
                    f"the pool {pool.pool_id!r} gives to a pool that stands before it",
                    "recipients that stand later in the file", repr(one),
                    [pool.where, pools[at[one]].where],
                    [f"pools are split in the order of the file: move {pool.pool_id!r} above {one!r}"],
                )  # fmt: skip


def way_back(pool_id: str, gives: dict[str, list[str]]) -> list[str]:
    """A path from a pool back to itself; empty if there is none."""
    paths = [[pool_id]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for one in gives[path[-1]]:
            if one == pool_id:
                return [*path, one]
            if one not in seen:
                seen.add(one)
                paths.append([*path, one])
    return []
