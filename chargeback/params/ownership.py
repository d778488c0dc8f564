"""Ownership: ownership.toml, known resources that a rule gives to a cost center.

Tags are not retroactive and some resources cannot carry any; an approved, dated rule says whose they are. A
usable tag goes first. What a rule owns is posted under the rule's name, apart from what is tagged, so that the
debt stays visible. The file is optional.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import holds_in
from chargeback.params.registers import SAFE_ID
from chargeback.params.rules import read_dates
from chargeback.params.toml_files import (
    check_account_ids,
    check_names,
    read_toml,
    text_list,
    text_value,
)

FILE = "ownership.toml"
CONDITIONS = (
    "account_id", "product_code", "line_item_type", "operation", "usage_type_like", "resource_like",
)  # fmt: skip
RULE_KEYS = (
    "rule_id", "cost_center_id", "match", "valid_from", "valid_to", "approved", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class OwnershipRule:
    """One [[rule]]: every condition must hold, any value of a condition will do."""

    rule_id: str
    cost_center_id: str
    match: dict[str, tuple[str, ...]]  # condition -> values or patterns
    tags: dict[str, tuple[str, ...]]  # tag key -> values
    valid_from: str
    valid_to: str
    approved: str
    reason: str
    where: str = field(compare=False, default="")


def read_ownership(folder: Path, period: str) -> tuple[OwnershipRule, ...]:
    """The ownership rules in force, in the order of the file; none without the file.

    Raises:
        Refusal: (exit 2) a rule is malformed, or dated rules of one id overlap or leave a gap.
    """
    if not (folder / FILE).is_file():
        return ()
    file = read_toml(folder, FILE)
    file.check_names(("rule",))
    rules = file.dated_entries("rule", "rule_id", read_rule)
    return tuple(rule for rule in rules if holds_in(period, rule.valid_from, rule.valid_to))


def read_rule(where: str, raw: dict[str, Any]) -> OwnershipRule:
    """One [[rule]] table."""
    with together():
        check_names(where, raw, RULE_KEYS)
        with apart():
            rule_id = text_value(where, raw, "rule_id")
            if not SAFE_ID.fullmatch(rule_id):
                raise bad_params(
                    "rule_id is not a valid id",
                    "1 to 64 letters, digits, points, underscores and hyphens", repr(rule_id), [where],
                )  # fmt: skip
        with apart():
            conditions, tags = read_conditions(where, raw)
        with apart():
            valid_from, valid_to = read_dates(where, raw, "rule")
        with apart():
            cost_center_id = text_value(where, raw, "cost_center_id")
        with apart():
            approved = text_value(where, raw, "approved")
        with apart():
            reason = text_value(where, raw, "reason")
    return OwnershipRule(
        rule_id, cost_center_id, conditions, tags, valid_from, valid_to, approved, reason, where
    )


Conditions = dict[str, tuple[str, ...]]


def read_conditions(where: str, raw: dict[str, Any]) -> tuple[Conditions, Conditions]:
    """The conditions of a rule on line items, and those on their tags."""
    match = raw.get("match")
    if not isinstance(match, dict) or not match:
        raise bad_params(
            "an ownership rule needs a condition", 'match = { resource_like = ["…%"] }',
            repr(match), [where],
        )  # fmt: skip
    with together():
        check_names(f"{where}, match", match, (*CONDITIONS, "tag"))
        with apart():
            tags = match.get("tag", {})
            if not isinstance(tags, dict):
                raise bad_params(
                    "the condition 'tag' must be a table", 'tag = { user_application = ["…"] }',
                    repr(tags), [where],
                )  # fmt: skip
            if "tag" in match:
                need_values(where, "tag", tags)
            read_tags = {key: some_texts(where, tags, key) for key in tags}
        with apart():
            conditions = {name: some_texts(where, match, name) for name in match if name != "tag"}
            check_account_ids(where, conditions.get("account_id", ()))
    return conditions, read_tags


def some_texts(where: str, table: dict[str, Any], name: str) -> tuple[str, ...]:
    """A condition's values, at least one."""
    values = text_list(where, table, name)
    need_values(where, name, values)
    return values


def need_values(where: str, name: str, values: Collection[str]) -> None:
    """Refuse a condition that would describe everything, or nothing."""
    if not values:
        raise bad_params(f"the condition {name!r} has no values", where=[where])
