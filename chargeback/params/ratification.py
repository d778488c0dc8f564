"""Ratification: the rules that decide a period are those that a council approved, or the close stops.

What is ratified is a digest of the rules in force in a period: the policy, the pools in their order, the
ownership rules, and the files of the keys in SQL that pools use. Neither comments nor the dates between which a
rule holds are part of it, so that a rule that goes on keeps its digest. Nor is what is empty, so that a digest
outlives versions that know one key more. Registers (accounts, aliases, drivers, invoices) are not either: they
change every month with references of their own, and say what is, not what is fair. A params folder without
ratifications.csv is not governed: it closes, and every statement says so.

A close compares the digest with the latest row of ratifications.csv that holds in the period. What always
holds: rules with two digests differ in words too, for both are made of the same content.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.paths import sql_folder
from chargeback.core.period import month_before
from chargeback.params import Params, read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.params.rules import Pool

MONTHS_LOOKED_BACK = 24

#: How the reference of a ratification names a change in ServiceNow, such as servicenow:CHG0031502.
OF_CHANGES = "servicenow:"

Content = dict[str, Any]

#: The files of keys in SQL: a folder with keys/ in it, or their sha256 by name, as a manifest has them; None is
#: the SQL that runs.
KeyFiles = Path | Mapping[str, str] | None


def rules_digest(params: Params, sql: KeyFiles = None) -> str:
    """sha256 of the rules in force, as canonical JSON: sorted keys, texts as they are, no spaces.

    Args:
        sql: the files of the keys that pools are split by; those of a closed period are in its evidence.
    """
    text = json.dumps(
        rules_content(params, sql), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def rules_content(params: Params, sql: KeyFiles = None) -> Content:
    """The rules in force as plain data; lists keep the order in which rules apply."""
    return {
        "policy": present({key: plain(value) for key, value in asdict(params.policy).items()}),
        "pools": [present(pool_content(pool)) for pool in params.pools],
        "ownership": [present(ownership_content(rule)) for rule in params.ownership],
        "sql_keys": {name: sql_key_digest(name, sql) for name in sql_keys_used(params)},
    }


def present(content: Content) -> Content:
    """What is not empty, false or absent."""
    return {key: value for key, value in content.items() if value}


def plain(value: Any) -> Any:
    """A value as JSON has it: decimals as text, without zeros that say nothing."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return list(value) if isinstance(value, tuple) else str(value)


def pool_content(pool: Pool) -> Content:
    """A pool without the dates between which it holds."""
    return {
        "pool_id": pool.pool_id,
        "name": pool.name,
        "match": {name: sorted(values) for name, values in pool.match.items()},
        "overrides_tags": pool.overrides_tags,
        "key": pool.key,
        "shares": {one: plain(share) for one, share in pool.shares.items()},
        "recipients": sorted(pool.recipients),
        "except": sorted(pool.except_),
        "fallback": pool.fallback,
        "approved": pool.approved,
    }


def ownership_content(rule: OwnershipRule) -> Content:
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


def sql_key_digest(name: str, sql: KeyFiles) -> str:
    """sha256 of a key's file, or that it was not there."""
    if isinstance(sql, Mapping):
        return sql.get(name, "no file")
    path = (sql or sql_folder()) / "keys" / f"{name}.sql"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"


def change_number(reference: str) -> str:
    """The number of the change that a ratification names; blank where it names none.

    >>> change_number("servicenow:CHG0031502"), change_number("council minutes 2026-04-22")
    ('CHG0031502', '')
    """
    return reference.removeprefix(OF_CHANGES).strip() if reference.startswith(OF_CHANGES) else ""


def is_ratified(params: Params) -> bool:
    """Whether the latest ratification that holds in the period is of the rules in force."""
    held = params.ratification
    return held is not None and held.rules_digest == rules_digest(params)


def ratification_record(params: Params) -> dict[str, str] | None:
    """The ratification of the rules in force, as a manifest keeps it; nothing when there is none."""
    return asdict(params.ratification) if params.ratification and is_ratified(params) else None


@dataclass(frozen=True)
class EarlierRules:
    """Rules to compare with: their params, the keys they were used with, and where they were found."""

    params: Params
    sql: KeyFiles
    words: str


def check_ratified(params: Params, closed: Iterable[EarlierRules]) -> None:
    """Stop when rules are governed and nobody ratified them.

    Args:
        closed: rules of closed periods before this one, newest first; only looked at to say what changed.

    Raises:
        Refusal: (exit 4) with the digest, what changed in words, and the row that would ratify it.
    """
    if not params.governed or is_ratified(params):
        return
    digest, held, period = rules_digest(params), params.ratification, params.period
    row = f"{digest},{period},<reference>,<approved by>,<approved on>"
    replaces = held is not None and held.valid_from == period
    raise Refusal(
        CONTROL_FAILED, f"the rules for {period} are not ratified",
        f"{held.rules_digest}, ratified from {held.valid_from} on ({held.reference})" if held
        else f"a row of ratifications.csv that holds in {period}",
        f"{digest}, the digest of the rules in force", "", changes_found(params, closed),
        [f"see the rules as prose: make rules PERIOD={period}",
         f"see who would pay what: make what-if PARAMS={params.folder} PERIODS=…",
         "if nobody meant to change a rule, undo the change",
         "when the council has approved these rules, put this row "
         + (f"in place of the one for {period} in ratifications.csv:" if replaces
            else "into ratifications.csv:"),
         row],
    )  # fmt: skip


def changes_found(params: Params, closed: Iterable[EarlierRules]) -> list[str]:
    """What changed from the ratified rules, or else from the last ones that are known, one line each."""
    ratified = params.ratification.rules_digest if params.ratification else ""
    before: EarlierRules | None = None
    for one in itertools.chain(closed, earlier_rules(params)):
        if rules_digest(one.params, one.sql) == ratified:
            changes = rule_changes(one.params, params, one.sql)
            return [f"what changed from the ratified rules ({one.words}):", *changes]
        before = before or one
    if before is None:
        return [f"no earlier rules are kept to compare with; those for {params.period} are new"]
    lines = [f"what changed from the last rules that are kept ({before.words}):"]
    lines += rule_changes(before.params, params, before.sql) or ["nothing"]
    then = before.params.ratification
    if before.params.governed and not (
        then and then.rules_digest == rules_digest(before.params, before.sql)
    ):
        lines.append(
            f"those are not ratified for {before.params.period} either: a rule that was changed in place, not "
            "ended and followed by another, is not shown"
        )
    return lines


def earlier_rules(params: Params) -> Iterator[EarlierRules]:
    """Rules of the same folder in earlier months."""
    period = params.period
    for _ in range(MONTHS_LOOKED_BACK):
        period = month_before(period)
        yield from readable(params.folder, period, f"{period}, in the same folder")


def readable(folder: Path, period: str, words: str) -> Iterator[EarlierRules]:
    """Params of a folder if they can be read for the period."""
    try:
        yield EarlierRules(read_params(folder, period), None, words)
    except Refusal:
        return


def rule_changes(before: Params, after: Params, sql_before: KeyFiles = None) -> list[str]:
    """What changed from some rules to others, in words, one line a change; empty if their digests agree.

    Args:
        sql_before: the files of keys that the rules before were used with.
    """
    was, now = rules_content(before, sql_before), rules_content(after)
    return [
        *(f"policy: {one}" for one in value_changes(was["policy"], now["policy"])),
        *entry_changes("pool", was["pools"], now["pools"], "pool_id", "name"),
        *entry_changes("ownership rule", was["ownership"], now["ownership"], "rule_id", "reason"),
        *(
            f"key sql:{name}: its file sql/keys/{name}.sql changed"
            for name, sha in now["sql_keys"].items()
            if was["sql_keys"].get(name, sha) != sha
        ),
    ]


def entry_changes(
    what: str, before: list[Content], after: list[Content], id_key: str, name_key: str
) -> list[str]:
    """New, changed and ended entries, and another order; in the order of the rules after, then before."""
    was, now = ({one[id_key]: one for one in entries} for entries in (before, after))
    changes = []
    for (one, content), following in itertools.zip_longest(now.items(), list(now)[1:]):
        name = f"{what} {one!r} ({content[name_key]})"
        if one not in was:
            said_keys = (key for key in content if key not in (id_key, name_key))
            parts = "; ".join(f"{key} {said(content[key])}" for key in said_keys)
            place = f"before {following!r}" if following else "the last"
            changes.append(f"{name} is new, {place}: {parts}")
        elif content != was[one]:
            changes.append(f"{name}: " + "; ".join(value_changes(was[one], content)))
    changes += [f"{what} {one!r} ({was[one][name_key]}) ends" for one in was if one not in now]
    orders = [[one for one in ids if one in was and one in now] for ids in (was, now)]
    if orders[0] != orders[1]:
        changes.append(f"order of {what}s: {' → '.join(map(said, moved(*orders)))}")
    return changes


def moved(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Two orders of the same things without what they begin and end with alike."""
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    inside = slice(differ[0], differ[-1] + 1)
    return before[inside], after[inside]


def value_changes(before: Content, after: Content) -> list[str]:
    """Each value that is another one: "key even -> direct_spend"; tables value by value."""
    changes = []
    for key in {**after, **before}:
        was, now = before.get(key), after.get(key)
        if isinstance(was, dict) or isinstance(now, dict):
            changes += [f"{key} {one}" for one in value_changes(was or {}, now or {})]
        elif was != now:
            none = "no" if True in (was, now) else "none"
            changes.append(f"{key} {said(was or none)} → {said(now or none)}")
    return changes


def said(value: Any) -> str:
    """A value of a rule as people write it."""
    if isinstance(value, dict):
        conditions = all(isinstance(one, list) for one in value.values())  # not shares
        parts = [f"{key} {' or '.join(one) if conditions else one}" for key, one in value.items()]
        return (" and " if conditions else ", ").join(parts)
    if isinstance(value, list):
        return ", ".join(value)
    return "yes" if value is True else str(value)
