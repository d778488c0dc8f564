"""Ratification: the rules that decide a period are those that a council approved, or the close stops.

What is ratified is a digest of the rules in force in a period: the policy, the pools in their order, the
ownership rules, and the files of the keys in SQL that pools use. Neither comments nor the dates between which a
rule holds are part of it, so that a rule that goes on keeps its digest. Registers (accounts, aliases, drivers,
invoices) are not either: they change every month with references of their own, and say what is, not what is
fair. A params folder without ratifications.csv is not governed: it closes, and every statement says so.

A close compares the digest with the latest row of ratifications.csv that holds in the period.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from chargeback.errors import CONTROL_FAILED, Refusal
from chargeback.params import Params, read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.params.rules import Pool
from chargeback.period import month_before
from chargeback.places import SQL, Books

MONTHS_LOOKED_BACK = 24


def rules_digest(params: Params) -> str:
    """sha256 of the rules in force, as canonical JSON: sorted keys, texts as they are, no spaces."""
    text = json.dumps(
        rules_content(params), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def rules_content(params: Params) -> dict[str, Any]:
    """The rules in force as plain data; lists keep the order in which rules apply."""
    return {
        "policy": {key: plain(value) for key, value in asdict(params.policy).items()},
        "pools": [pool_content(pool) for pool in params.pools],
        "ownership": [ownership_content(rule) for rule in params.ownership],
        "sql_keys": {name: sql_key_digest(name) for name in sql_keys_used(params)},
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals as text."""
    return list(value) if isinstance(value, tuple) else str(value)


def pool_content(pool: Pool) -> dict[str, Any]:
    """A pool without the dates between which it holds."""
    return {
        "pool_id": pool.pool_id,
        "name": pool.name,
        "match": {name: sorted(values) for name, values in pool.match.items()},
        "overrides_tags": pool.overrides_tags,
        "key": pool.key,
        "shares": {one: str(share.normalize()) for one, share in pool.shares.items()},
        "recipients": sorted(pool.recipients),
        "except": sorted(pool.except_),
        "fallback": pool.fallback or "",
        "approved": pool.approved,
    }


def ownership_content(rule: OwnershipRule) -> dict[str, Any]:
    """An ownership rule without the dates between which it holds."""
    return {
        "rule_id": rule.rule_id,
        "cost_center_id": rule.cost_center_id,
        "match": {name: sorted(values) for name, values in rule.match.items()},
        "tags": {key: sorted(values) for key, values in rule.tags.items()},
        "approved": rule.approved,
        "reason": rule.reason,
    }


def sql_keys_used(params: Params) -> list[str]:
    """Names of the keys in SQL that pools in force are split by, or fall back to."""
    keys = {key for pool in params.pools for key in (pool.key, pool.fallback or "")}
    return sorted(key.removeprefix("sql:") for key in keys if key.startswith("sql:"))


def sql_key_digest(name: str) -> str:
    """sha256 of a key's file."""
    return hashlib.sha256((SQL / "keys" / f"{name}.sql").read_bytes()).hexdigest()


def is_ratified(params: Params) -> bool:
    """Whether the latest ratification that holds in the period is of the rules in force."""
    held = params.ratification
    return held is not None and held.rules_digest == rules_digest(params)


def ratification_record(params: Params) -> dict[str, str] | None:
    """The ratification of the rules in force, as a manifest keeps it; nothing when there is none."""
    return asdict(params.ratification) if params.ratification and is_ratified(params) else None


def check_ratified(params: Params, books: Books) -> None:
    """Stop when rules are governed and nobody ratified them.

    Raises:
        Refusal: (exit 4) with the digest, what changed in words, and the row that would ratify it.
    """
    if not params.governed or is_ratified(params):
        return
    digest, held = rules_digest(params), params.ratification
    before, known_from = rules_before(params, books)
    changes = rule_changes(before, params) if before else []
    where = [f"compared with the rules of {known_from}:", *changes] if before else [
        "no earlier rules are known to compare with; the rules in force are printed by: "
        f"make rules PERIOD={params.period}"
    ]  # fmt: skip
    if before and not changes:
        where = [f"the same words as the rules of {known_from}: a file of sql/keys/ changed"]
    raise Refusal(
        CONTROL_FAILED, f"the rules for {params.period} are not ratified",
        f"{held.rules_digest}, ratified from {held.valid_from} on ({held.reference})" if held
        else f"a row of ratifications.csv that holds in {params.period}",
        digest, "", where,
        [f"see the rules as prose: make rules PERIOD={params.period}",
         "see who would pay what: make what-if PARAMS=… PERIODS=…",
         "when the council has approved them, add this row to ratifications.csv:",
         f"{digest},{params.period},<reference>,<approved by>,<approved on>"],
    )  # fmt: skip


def rules_before(params: Params, books: Books) -> tuple[Params | None, str]:
    """The rules that the period's were made from, and where they were found.

    The ratified ones where they are kept: in the evidence of closed periods, or in the same folder for an
    earlier month; else those of the last closed period.
    """
    ratified = params.ratification.rules_digest if params.ratification else ""
    last: tuple[Params | None, str] = (None, "")
    for one, words in earlier_rules(params, books):
        if rules_digest(one) == ratified:
            return one, words
        if last[0] is None:
            last = (one, words)
    return last


def earlier_rules(params: Params, books: Books) -> Iterator[tuple[Params, str]]:
    """Rules of closed periods, newest first, then those of the same folder in earlier months."""
    for period in reversed(books.closed_periods()):
        if period < params.period:
            yield from readable(
                books.evidence(period) / "params", period, f"{period} as it was closed"
            )
    period = params.period
    for _ in range(MONTHS_LOOKED_BACK):
        period = month_before(period)
        yield from readable(params.folder, period, f"{period} in the same folder")


def readable(folder: Any, period: str, words: str) -> Iterator[tuple[Params, str]]:
    """Params of a folder if they can be read for the period."""
    try:
        yield read_params(folder, period), words
    except Refusal:
        return


def rule_changes(before: Params, after: Params) -> list[str]:
    """What changed from some rules to others, in words, one line a change."""
    changes = [
        f"policy: {key} {said(value)} -> {said(asdict(after.policy)[key])}"
        for key, value in asdict(before.policy).items()
        if value != asdict(after.policy)[key]
    ]
    changes += entry_changes(
        "pool", {one.pool_id: pool_content(one) for one in before.pools},
        {one.pool_id: pool_content(one) for one in after.pools}, "pool_id", "name",
    )  # fmt: skip
    orders = [
        [one.pool_id for one in params.pools if one.pool_id in both_pools(before, after)]
        for params in (before, after)
    ]
    if orders[0] != orders[1]:
        changes.append(f"pools are matched and split in the order {', '.join(orders[1])}")
    changes += entry_changes(
        "ownership rule", {one.rule_id: ownership_content(one) for one in before.ownership},
        {one.rule_id: ownership_content(one) for one in after.ownership}, "rule_id", "reason",
    )  # fmt: skip
    return changes


def both_pools(before: Params, after: Params) -> set[str]:
    """Pools that hold before and after."""
    return {one.pool_id for one in before.pools} & {one.pool_id for one in after.pools}


def entry_changes(
    what: str,
    before: dict[str, dict[str, Any]],
    after: dict[str, dict[str, Any]],
    id_key: str,
    name_key: str,
) -> list[str]:
    """New, ended and changed entries, in the order of the rules after, then of those before."""
    changes = []
    for one, content in after.items():
        if one not in before:
            parts = "; ".join(
                f"{key} {said(value)}" for key, value in content.items() if value and key != id_key
            )
            changes.append(f"{what} {one!r} is new: {parts}")
            continue
        parts = "; ".join(
            f"{key} {said(before[one][key])} -> {said(value)}"
            for key, value in content.items()
            if before[one][key] != value
        )
        if parts:
            changes.append(f"{what} {one!r} ({content[name_key]}): {parts}")
    changes += [
        f"{what} {one!r} ({before[one][name_key]}) ends" for one in before if one not in after
    ]
    return changes


def said(value: Any) -> str:
    """A value of a rule as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {said(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "none"
    return str(value) or "none"
