"""Rules as prose: what is in force in a period, in sentences that a general manager can read.

In: the params of a period. Out: text of at most 100 columns, unless a name is longer. It says nothing that the
rules do not say. Cost centers, accounts and pools are named with their ids, and drivers and keys as they stand
in the files, so that a reader can find them there.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from decimal import Decimal

from chargeback.core.period import period_title
from chargeback.engine import read_sql
from chargeback.pages.approvals import approved_words, change_words, who_words
from chargeback.pages.vocabulary import key_name
from chargeback.params import Params
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.params.medical_loss_ratio import is_declared
from chargeback.params.ownership import OwnershipRule
from chargeback.params.published_totals import ALL, NONE, SHARES
from chargeback.params.ratification import is_ratified, rules_digest
from chargeback.params.rules import UNTAGGED, Pool
from chargeback.review.rules_loss_ratio import split_sentences

WIDTH = 100
INDENT = "   "
MOST_SOURCES = 3

#: How conditions read: words before the values.
CONDITIONS = {
    "account_id": "in the account",
    "product_code": "of the product",
    "line_item_type": "of the line item type",
    "operation": "of the operation",
    "usage_type_like": "of a usage type like",
    "resource_like": "of a resource like",
    "provider": "of the provider",
}
NORMALIZATIONS = {
    "case": "capital letters",
    "spaces": "spaces",
    "hyphens": "hyphens and underscores",
}
#: What holds in months that AWS does not invoice.
INVOICING = {
    NO_INVOICE: "AWS sends no invoice for this month, because credits cover what has none: a close stops "
    "unless that comes to 0.00.",
    PRO_FORMA: "These are pro forma costs of AWS Billing Conductor, for which AWS sends no invoice: charges "
    "tie to the sum of their report, and every statement says so.",
}
PUBLISHED_TOTALS = {
    ALL: "Statements print all totals of pools, invoices and the company, also those that tell another unit's "
    "figure to whoever puts them together.",
    NONE: "Statements print no totals of pools, invoices and the company.",
    SHARES: "Statements print of a pool the unit's share alone, rounded to a tenth of a percent, and neither "
    "weights nor totals of pools, invoices and the company.",
}
#: What a pool's fallback is for.
NO_WEIGHT = {
    "direct_spend": "nobody spent anything directly",
    "driver": "all quantities are zero",
    "sql": "that finds nothing",
}


def rules_prose(params: Params) -> str:
    """The rules in force in a period."""
    return "\n\n".join(
        [
            f"Rules of chargeback in force in {period_title(params.period)}",
            textwrap.fill(governed_words(params), WIDTH),
            owner_section(params),
            *([ownership_section(params)] if params.ownership else []),
            pool_section(params),
            policy_section(params),
            *([loss_ratio_section(params)] if is_declared(params.digests) else []),
        ]
    ) + "\n"  # fmt: skip


def item(mark: str, title: str, words: str) -> str:
    """An entry of a list: a mark, a title on a line of its own if there is one, words below each other."""
    first = f"{mark:<{len(INDENT)}}" if len(mark) < len(INDENT) else f"{mark} "
    indent = " " * len(first)
    if not title:
        return textwrap.fill(words, WIDTH, initial_indent=first, subsequent_indent=indent)
    body = textwrap.fill(words, WIDTH, initial_indent=indent, subsequent_indent=indent,
                         break_on_hyphens=False)  # fmt: skip
    return f"{first}{title}\n{body}"


def governed_words(params: Params) -> str:
    """Who ratified these rules, or that nobody did."""
    digest = f"Their digest is {rules_digest(params)}."
    held = params.ratification
    if held and is_ratified(params):
        return (
            f"Ratified by {who_words(held.approved_by)} on {held.approved_on} "
            f"({change_words(held.reference)}), from {period_title(held.valid_from)} on. {digest}"
        )
    if params.governed:
        return (
            "NOT RATIFIED: ratifications.csv is about other rules. A close stops until these are in it, "
            f"and says what changed. {digest}"
        )
    return f"Not governed: there is no ratifications.csv beside these rules. {digest}"


def owner_section(params: Params) -> str:
    """The order in which an owner is looked for."""
    tags = listed([f"the tag {one}" for one in params.policy.cost_center_tags], "then")
    loose = listed([NORMALIZATIONS[one] for one in params.policy.tag_value_normalization])
    read = (
        f"Differences in {loose} do not count; a charge that was found so says it."
        if loose
        else "It is read exactly as it is written."
    )
    steps = [
        "A pool that takes cost whatever its tags say: what is shared on purpose (below).",
        f"{tags[0].upper()}{tags[1:]}, if its value is the id of a cost center, or an alias of one "
        f"(tag_values.csv). {read}",
        *(["A rule for known resources that have no usable tag (below)."] if params.ownership else []),
        "Any other pool that describes the cost.",
        "The default cost center of the account (accounts.csv).",
        f"The pool {pool_name(params, UNTAGGED)}, which takes whatever is left.",
    ]  # fmt: skip
    return "\n".join(
        [
            "WHO PAYS FOR A COST",
            "",
            textwrap.fill(
                "Each line item of the bill has exactly one owner: a cost center, or a pool that is then "
                "split. The first of these that applies decides. A cost center that has ended owns nothing.",
                WIDTH,
            ),
            "",
            *(item(f"{number}.", "", step) for number, step in enumerate(steps, start=1)),
        ]
    )


def ownership_section(params: Params) -> str:
    """The rules for known resources."""
    intro = (
        "The first that describes a cost decides. In patterns, % is any text and _ any character."
    )
    rules = [ownership_item(params, one) for one in params.ownership]
    return "\n\n".join(["KNOWN RESOURCES WITHOUT A USABLE TAG", intro, *rules])


def ownership_item(params: Params, rule: OwnershipRule) -> str:
    """One ownership rule."""
    return item(
        "-", rule.rule_id,
        f"{names(params, [rule.cost_center_id])} pays for cost {match_words(params, rule.match, rule.tags)}. "
        f"Reason: {rule.reason}. {since_words(params, rule)}",
    )  # fmt: skip


def pool_section(params: Params) -> str:
    """All pools, in the order in which they are split."""
    intro = textwrap.fill(
        "Pools are split in this order, each completely, to the cent. Of those that describe the same cost, "
        "the first takes it. What a cost center spends directly is what its tags, rules and accounts give it; "
        "below zero, because of credits, it counts as zero.",
        WIDTH,
    )
    pools = [pool_item(params, number, pool) for number, pool in enumerate(params.pools, start=1)]
    return "\n\n".join(["HOW SHARED COST IS SPLIT", intro, *pools])


def pool_item(params: Params, number: int, pool: Pool) -> str:
    """One pool: what falls in, how it is split, between whom, since when and who approved it."""
    sentences = [taken_words(params, pool)]
    givers = [one.pool_id for one in params.pools if pool.pool_id in params.pool_recipients(one)]
    if givers:
        sentences.append(f"It also bears a part of {names(params, givers)}.")
    sentences.append(
        f"It is split {recipient_words(params, pool)}{key_words(params, pool, pool.key)}"
        f"{called_words(params, pool.key)}."
    )
    if pool.fallback:
        none = NO_WEIGHT.get(pool.key.partition(":")[0], "nobody has a weight")
        sentences.append(f"If {none}, it is split {key_words(params, pool, pool.fallback)}.")
    sentences.append(since_words(params, pool))
    return item(f"{number}.", f"{pool.name} ({pool.pool_id})", " ".join(sentences))


def taken_words(params: Params, pool: Pool) -> str:
    """What falls into a pool."""
    if pool.pool_id == UNTAGGED:
        return "Takes whatever nobody owns."
    cost = f"cost {match_words(params, pool.match, {})}" if pool.match else "any cost"
    if pool.overrides_tags:
        return f"Takes {cost}, whatever its tags say."
    decided = "no tag and no rule for known resources" if params.ownership else "no tag"
    return f"Takes {cost}, where {decided} gives it to anybody."


def key_words(params: Params, pool: Pool, key: str) -> str:
    """How a pool is split under a key."""
    kind, _, name = key.partition(":")
    if kind == "direct_spend":
        return "in proportion to what each spent directly in the month"
    if kind == "even":
        return "in equal parts"
    if kind == "fixed":
        shares = [f"{names(params, [one])} {percent(share)}" for one, share in pool.shares.items()]
        return f"by fixed shares: {listed(shares)}"
    if kind == "driver":
        sources = sorted({one.source for one in params.drivers if one.driver == name} - {""})
        origin = "; ".join(sources) if len(sources) <= MOST_SOURCES else f"{len(sources)} sources"
        return f"in proportion to {name}" + (f" (source: {origin})" if origin else "")
    return f"in proportion to what sql/keys/{name}.sql finds (“{key_question(name)}”)"


def called_words(params: Params, key: str) -> str:
    """What statements call a key, where allocation.toml says it."""
    named = key in params.key_names
    return f"; statements call it “{key_name(key, params.key_names)}”" if named else ""


def percent(share: Decimal) -> str:
    """A share as a percentage, without zeros that say nothing."""
    return f"{(100 * share).normalize():f} %"


def key_question(name: str) -> str:
    """The question that a key's file answers, from its header."""
    for line in read_sql("keys", name).splitlines():
        label, _, question = line.partition("Answers:")
        if label.strip() == "--":
            return question.strip()
    return name.replace("_", " ")


def recipient_words(params: Params, pool: Pool) -> str:
    """Between whom a pool is split; fixed shares have said it."""
    if pool.key == "fixed":
        return ""
    pools = params.pool_recipients(pool)
    others = [one for one in pool.recipients if one not in pools and one not in pool.except_]
    words = []
    if others:
        count = f"all {len(params.cost_centers)} cost centers"
        left_out = [one for one in pool.except_ if one not in pool.recipients]
        words.append(count if "*" in others else names(params, others))
        if left_out:
            words[0] += f" except {names(params, left_out, 'those')}"
    if pools:
        words.append(f"the pools {names(params, pools)}, which pass their part on")
    return f"among {listed(words)}, "


def names(params: Params, ids: Sequence[str], members: str = "the cost centers") -> str:
    """Business units' cost centers, cost centers and pools as a reader knows them, units first."""
    units = [params.business_units[one].name for one in ids if one in params.business_units]
    words = [f"{members} of {listed(units)}"] if units else []
    for one in ids:
        if one in params.cost_centers:
            words.append(f"{params.cost_centers[one].name} ({one})")
        elif one not in params.business_units:
            words.append(pool_name(params, one))
    return listed(words)


def pool_name(params: Params, pool_id: str) -> str:
    """A pool by name, or what is not in force by its id alone."""
    for pool in params.pools:
        if pool.pool_id == pool_id:
            return f"{pool.name} ({pool_id})"
    return f"{pool_id} (not in force)"


def match_words(
    params: Params, match: dict[str, tuple[str, ...]], tags: dict[str, tuple[str, ...]]
) -> str:
    """Conditions in words, and-ed by commas."""
    parts = []
    for condition, values in match.items():
        known = [account(params, one) if condition == "account_id" else one for one in values]
        if condition != "has_resource":
            parts.append(f"{CONDITIONS[condition]} {listed(known, 'or')}")
    parts += [f"with the tag {key} = {listed(list(values), 'or')}" for key, values in tags.items()]
    if "has_resource" in match:
        parts.append(f"that names {'a' if match['has_resource'] == ('true',) else 'no'} resource")
    return ", ".join(parts)


def account(params: Params, account_id: str) -> str:
    """An account by name, if it has one in the period."""
    known = params.accounts.get(account_id)
    return f"{known.name} ({account_id})" if known else account_id


def since_words(params: Params, rule: Pool | OwnershipRule) -> str:
    """Since when a rule holds, until when, and who approved it."""
    until = f" until {period_title(rule.valid_to)}" if rule.valid_to else ""
    held = params.ratification
    council = held.approved_by if held and is_ratified(params) else ""
    return (
        f"Since {period_title(rule.valid_from)}{until}, {approved_words(rule.approved, council)}."
    )


def policy_section(params: Params) -> str:
    """The rest of the policy."""
    policy = params.policy
    holder, rounding = (
        names(params, [one])
        for one in (policy.commitments_cost_center_id, policy.rounding_cost_center_id)
    )
    basis = (
        "Usage is charged at its effective cost: Savings Plans and reservations are spread over what they "
        f"cover. {holder} holds what is prepaid and not used up yet."
        if policy.cost_basis == "amortized"
        else "Usage is charged as AWS billed it in the month, prepaid or not (unblended cost)."
    )
    paragraphs = [
        basis,
        f"All amounts are in {policy.currency}. Where an invoice differs from its line items, {rounding} bears "
        f"the difference, at most {policy.invoice_rounding_limit} {policy.currency} an invoice; above it the "
        "close stops.",
    ]
    if policy.invoicing:
        paragraphs.append(INVOICING[policy.invoicing])
    if policy.published_totals:
        paragraphs.append(PUBLISHED_TOTALS[policy.published_totals])
    if policy.mandatory_tags:
        paragraphs.append(
            f"Every resource should carry the tags {listed(list(policy.mandatory_tags))}."
        )
    return "\n\n".join(["WHAT ELSE HOLDS", *(textwrap.fill(one, WIDTH) for one in paragraphs)])


def loss_ratio_section(params: Params) -> str:
    """What is declared for the medical loss ratio."""
    intro = textwrap.fill(
        "What each cost center is charged is split, for the insurer's medical loss ratio (45 CFR Part 158), "
        "into claims, activities that improve the quality of care, and administration. It changes no charge, "
        "and is no part of the digest above: each row of medical_loss_ratio.csv has an approval of its own.",
        WIDTH,
    )
    items = [item("-", *one) for one in split_sentences(params)]
    return "\n\n".join(["FOR THE MEDICAL LOSS RATIO", intro, *items])


def listed(words: list[str], last: str = "and") -> str:
    """Words with commas, and a last word between the last two."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
