"""Rules as prose: what is in force in a period, in sentences that a general manager can read.

In: the params of a period. Out: text of at most 100 columns. It says nothing that the rules do not say, and
names what they name: cost centers and pools with their ids, drivers and keys as they stand in the files.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from chargeback.engine import read_sql
from chargeback.params import Params
from chargeback.params.ownership import OwnershipRule
from chargeback.params.rules import UNTAGGED, Pool
from chargeback.period import period_title
from chargeback.ratification import is_ratified, rules_digest

WIDTH = 100

#: How conditions read: words before the values.
CONDITIONS = {
    "account_id": "in the account",
    "product_code": "of the product",
    "line_item_type": "of the type",
    "operation": "with the operation",
    "usage_type_like": "with a usage type like",
    "resource_like": "of a resource like",
    "has_resource": "",
}
NORMALIZATIONS = {
    "case": "capital letters",
    "spaces": "spaces",
    "hyphens": "hyphens and underscores",
}


def rules_prose(params: Params) -> str:
    """The rules in force in a period."""
    blocks = [
        f"Rules of chargeback in force in {period_title(params.period)}",
        governed_words(params),
        "WHO OWNS A COST",
        *numbered(owner_words(params)),
    ]
    if params.ownership:
        blocks += [
            "KNOWN RESOURCES WITHOUT A TAG",
            *(ownership_words(params, one) for one in params.ownership),
        ]
    blocks += ["HOW SHARED COST IS SPLIT", order_words()]
    blocks += [
        pool_words(params, number, pool) for number, pool in enumerate(params.pools, start=1)
    ]
    blocks += ["WHAT ELSE HOLDS", *policy_words(params)]
    return "\n\n".join(wrapped(one) for one in blocks) + "\n"


def wrapped(block: str) -> str:
    """A paragraph within the width; list items hang."""
    number, dot, _ = block.partition(". ")
    hanging = " " * (len(number) + 2) if dot and number.isdigit() else ""
    if block.startswith("- "):
        hanging = "  "
    return textwrap.fill(block, WIDTH, subsequent_indent=hanging, break_on_hyphens=False)


def numbered(sentences: Iterable[str]) -> list[str]:
    """Sentences as a numbered list."""
    return [f"{number}. {one}" for number, one in enumerate(sentences, start=1)]


def governed_words(params: Params) -> str:
    """Who ratified these rules, or that nobody did."""
    digest = f"Their digest is {rules_digest(params)}."
    if not params.governed:
        return f"These rules are not governed: there is no ratifications.csv beside them. {digest}"
    held = params.ratification
    if held and is_ratified(params):
        return (
            f"Ratified from {period_title(held.valid_from)} on by {held.approved_by} on "
            f"{held.approved_on} ({held.reference}). {digest}"
        )
    return f"NOT RATIFIED: a close stops until these rules are in ratifications.csv. {digest}"


def owner_words(params: Params) -> list[str]:
    """The order in which an owner is looked for."""
    tags = listed([f"the tag {one}" for one in params.policy.cost_center_tags], "then")
    read = "exactly as it is written, or by an alias of tag_values.csv"
    if params.policy.tag_value_normalization:
        loose = listed([NORMALIZATIONS[one] for one in params.policy.tag_value_normalization])
        read += f"; {loose} do not matter, and a charge says when they were left out"
    words = [
        "Cost that everybody shares on purpose goes to its pool, whatever its tags say (pools marked "
        "“tags or no tags” below).",
        f"Otherwise {tags} decides: its value names a cost center, {read}.",
    ]
    if params.ownership:
        words.append("Otherwise a rule for known resources decides (below).")
    return [
        *words,
        "Otherwise a pool that describes the cost takes it.",
        "Otherwise the cost center that is the account's default pays it (accounts.csv).",
        f"Whatever is left falls to the pool {UNTAGGED}.",
    ]


def order_words() -> str:
    """What holds for all pools."""
    return (
        "Pools are split in this order. The first that describes a cost takes it; each is empty afterwards, "
        "to the cent. A weight below zero counts as zero."
    )


def pool_words(params: Params, number: int, pool: Pool) -> str:
    """One pool: what falls in, how it is split, between whom, since when and who approved it."""
    taken = (
        "whatever nobody owns"
        if pool.pool_id == UNTAGGED
        else f"cost {match_words(params, pool.match)}"
    )
    tags = ", tags or no tags" if pool.overrides_tags else ""
    if not pool.match and pool.pool_id != UNTAGGED:
        taken = "any cost"
    fallback = (
        f" If nobody has any, it is {key_words(pool.fallback, pool)}." if pool.fallback else ""
    )
    until = f" until {period_title(pool.valid_to)}" if pool.valid_to else ""
    return (
        f"{number}. {pool.name} ({pool.pool_id}): {taken}{tags}. It is {key_words(pool.key, pool)}, "
        f"{recipient_words(params, pool)}.{fallback} Since {period_title(pool.valid_from)}{until}, "
        f"approved by {pool.approved}."
    )


def key_words(key: str, pool: Pool) -> str:
    """How a pool is split."""
    if key == "fixed":
        shares = listed([f"{one} {share * 100:f}".rstrip("0").rstrip(".") + " %"
                         for one, share in pool.shares.items()])  # fmt: skip
        return f"split by fixed shares ({shares})"
    known = {
        "direct_spend": "split in proportion to direct spend in the month",
        "even": "split in equal parts",
    }
    if key in known:
        return known[key]
    kind, _, name = key.partition(":")
    if kind == "driver":
        return f"split in proportion to the month's {name.replace('_', ' ')} (drivers.csv)"
    return f"split by the answer to “{key_question(name)}” (sql/keys/{name}.sql)"


def key_question(name: str) -> str:
    """The question that a key's file answers, from its header."""
    for line in read_sql("keys", name).splitlines():
        label, _, question = line.partition("Answers:")
        if label.strip() == "--":
            return question.strip()
    return name.replace("_", " ")


def recipient_words(params: Params, pool: Pool) -> str:
    """Between whom a pool is split."""
    names = [name for name in pool.recipients if name not in params.pool_recipients(pool)]
    words = "among all cost centers" if "*" in names else "among " + listed(
        [name_words(params, name) for name in names]
    )  # fmt: skip
    if pool.except_:
        words += " except " + listed([name_words(params, name) for name in pool.except_])
    later = params.pool_recipients(pool)
    if later:
        words += " and the pools " + listed(list(later)) + ", which pass their part on"
    return words if names else words.replace("among  and the", "among the")


def name_words(params: Params, name: str) -> str:
    """A business unit, cost center or pool as a reader knows it."""
    if name in params.business_units:
        return f"the cost centers of {params.business_units[name].name}"
    if name in params.cost_centers:
        return f"{params.cost_centers[name].name} ({name})"
    return name


def match_words(params: Params, match: dict[str, tuple[str, ...]]) -> str:
    """Conditions in words."""
    parts = []
    for condition, values in match.items():
        if condition == "has_resource":
            parts.append(
                "that names a resource" if values[0] == "true" else "that names no resource"
            )
        else:
            names = [
                account_words(params, one) if condition == "account_id" else one for one in values
            ]
            parts.append(f"{CONDITIONS[condition]} {listed(names, 'or')}")
    return " and ".join(parts)


def account_words(params: Params, account_id: str) -> str:
    """An account by name, if it has one in the period."""
    account = params.accounts.get(account_id)
    return f"{account.name} ({account_id})" if account else account_id


def ownership_words(params: Params, rule: OwnershipRule) -> str:
    """One ownership rule."""
    parts = [match_words(params, rule.match)] if rule.match else []
    parts += [
        f"with the tag {key} = {listed(list(values), 'or')}" for key, values in rule.tags.items()
    ]
    until = f" until {period_title(rule.valid_to)}" if rule.valid_to else ""
    return (
        f"- {rule.rule_id}: cost {' and '.join(parts)} belongs to "
        f"{name_words(params, rule.cost_center_id)} ({rule.reason}). "
        f"Since {period_title(rule.valid_from)}{until}, approved by {rule.approved}."
    )


def policy_words(params: Params) -> list[str]:
    """The rest of the policy."""
    policy = params.policy
    basis = (
        "Usage is charged at its effective cost: Savings Plans and reservations are spread over what they "
        "cover. What is prepaid and not used up yet is held by "
        f"{name_words(params, policy.commitments_cost_center_id)}."
        if policy.cost_basis == "amortized"
        else "Usage is charged as AWS billed it in the month, prepaid or not (unblended cost)."
    )
    return [
        basis,
        f"All amounts are in {policy.currency}. Where an invoice differs from its line items, the difference, "
        f"at most {policy.invoice_rounding_limit} an invoice, is charged to "
        f"{name_words(params, policy.rounding_cost_center_id)}; above it the close stops.",
        "Every resource should carry the tags " + listed(list(policy.mandatory_tags)) + ".",
    ]


def listed(words: list[str], last: str = "and") -> str:
    """Words with commas and a last word between the last two."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
