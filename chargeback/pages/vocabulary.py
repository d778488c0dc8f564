"""What a statement calls things: periods, kinds of cost, allocation keys, AWS services, numbers.

Fixed vocabulary only; nothing here reads data. All of it is in `vocabulary`, which says what a page may show
of its own accord.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.pages.approvals import approval_words
from chargeback.pages.terms import term_words
from chargeback.params.key_names import KeyName

#: Ledger kind -> what a reader calls it, in the order of the statement.
KINDS = {
    "direct": "Direct cost",
    "allocated": "Shared cost",
    "commitment": "Commitments",
    "rounding": "Rounding",
    "adjustment": "Adjustments",
}

#: Part of a change -> what a reader calls it, and what it is; in the order of the statement.
CHANGES = {
    "usage": ("Usage", "More or less of what you used before, at the price it had then."),
    "price": (
        "Unit price",
        "What one unit costs: prices, and what Savings Plans and reservations cover.",
    ),
    "new": ("New services", "Kinds of usage that you did not have before."),
    "ended": ("Ended services", "Kinds of usage that you no longer have."),
    "fees": ("Fees, credits and one-offs", "Subscriptions, tax and whatever else counts no usage."),
    "direct": ("Direct cost", "All of it in one amount; the note below says why."),
    "tags": (
        "Tags that moved cost",
        "What a tag gives to you now and did not before, or the other way.",
    ),
    "owners": (
        "Owners that moved",
        "Cost centers, account defaults, aliases or ownership rules are not what they were.",
    ),
    "rules": (
        "Rule changes",
        "Your cost of this period, less what it would be under the rules for sharing cost before.",
    ),
    "pools": (
        "Pools that grew or shrank",
        "Your part of that, at the share you had before.",
    ),
    "weight": ("Your weight in pools", "Your share of them is not what it was."),
    "commitment": ("Commitments", "What was prepaid, less what was used up of earlier payments."),
    "adjustment": ("Adjustments", "Charges that people moved between cost centers."),
    "correction": (
        "Corrections to earlier periods",
        "What AWS changed in months that were closed.",
    ),
    "rounding": ("Rounding", "Cents by which AWS's invoices differ from their line items."),
    "cents": ("Rounding to whole cents", "What is left when every part is in cents."),
}

#: Why a change is not taken apart further.
REMARKS = {
    "no-evidence": "Direct cost is one part, because what the earlier period was made from is not kept.",
    "no-quantities": "Direct cost is one part, because an earlier version closed the earlier period "
    "without quantities.",
    "untied": "Direct cost is one part, because what is kept of the earlier period does not sum to "
    "its ledger.",
    "owners-with-rules": "Owners that moved could not be told apart from rule changes; both are in "
    "one part.",
    "other-prices": "One of the two periods is charged at pro forma prices and the other at what AWS "
    "invoiced, so the change is also one of prices.",
    "rules-with-rest": "The earlier rules could not be applied to this period, nor those of now to the earlier "
    "one. What is not shown here of what they change is in the other parts.",
    "kept-pools": "Of pools whose totals finance keeps, all that changed is under “Pools that grew or "
    "shrank”.",
}

#: The part of a change where a remark is said, if it is about one.
REMARK_AT = {
    "no-evidence": "direct",
    "no-quantities": "direct",
    "untied": "direct",
    "owners-with-rules": "rules",
    "rules-with-rest": "rules",
    "kept-pools": "pools",
}

_INSTEAD = (
    ": this is what the earlier period would have cost under the rules of now, less what it did."
)

#: What is to be known of how rule changes were measured; said at their line.
RULE_NOTES = {
    "rules-unknown": "The earlier rules could not be applied to this period, because not all is kept of "
    "what the earlier one was made from. What is not shown here of what they change is in the other parts.",
    "earlier-key": "The earlier rules could not be applied to this period, because the file of a key that "
    "they split by is not what it was" + _INSTEAD,
    "earlier-refused": "The earlier rules could not be applied to this period, because one of their pools "
    "cannot be split in it" + _INSTEAD,
    "earlier-rollup": "The earlier rules could not be applied to this period, because what it was made "
    "from is not at hand" + _INSTEAD,
    "old-driver": "{name} was not measured for this period; the earlier rules were applied with its "
    "quantities of the earlier one.",
    "new-driver": "{name} was not measured for the earlier period; the rules of now were applied to it "
    "with its quantities of this one.",
}

#: What became of a rule -> how that is said.
RULE_CHANGES = {
    "begins": "The pool {name} begins",
    "ends": "The pool {name} ends",
    "filled": "The pool {name} takes other cost than before",
    "split": "The pool {name} is split another way",
    "order": "The pools stand in another order",
    "policy": "The policy on costs, tags or commitments is another",
}

#: What decided an owner -> what a reader calls it.
RULES = {
    "tag": "The tag {name}, read as it is written",
    "tag-normalized": "The tag {name}, though it is written in another way than the cost center",
    "ownership": "No usable tag; the ownership rule {name}",
    "account-default": "No usable tag; the default cost center of the account",
}

#: Line item type of a commitment -> what of it was prepaid or used up; others are shown as AWS calls them.
COMMITMENTS = {
    "Fee": "What was paid up front",
    "RIFee": "Fee of reservations",
    "DiscountedUsage": "Usage that reservations cover",
    "SavingsPlanUpfrontFee": "What was paid up front",
    "SavingsPlanRecurringFee": "Fee of Savings Plans",
    "SavingsPlanCoveredUsage": "Usage that Savings Plans cover",
    "SavingsPlanNegation": "On-demand cost of what Savings Plans cover, taken off",
}

#: Where cost without a usable tag went, in few words.
UNTAGGED_OWNERS = {
    "pool": "split among all",
    "account-default": "your default cost center",
    "ownership": "an ownership rule",
}

#: Allocation key -> what a reader calls it; the others are named after their driver or their file, unless
#: allocation.toml names them.
KEYS = {"direct_spend": "Direct cost", "even": "Equal parts", "fixed": "Fixed shares"}
#: The last word of a driver's or a file's name -> the unit that it says.
UNITS = {
    "mb": "MB", "gb": "GB", "tb": "TB", "pb": "PB", "mib": "MiB", "gib": "GiB", "tib": "TiB",
    "kwh": "kWh", "hours": "hours", "usd": "USD", "eur": "EUR", "percent": "percent",
}  # fmt: skip
#: How many digits of a weight a reader can use, where it is neither money nor a whole number.
SIGNIFICANT_DIGITS = 6
_CENT = Decimal("0.01")

NO_SERVICE = "(no service)"
MARKETPLACE = "Marketplace"
AND, OR = "and", "or"  # before the last of several things

# Product codes whose own spelling says little; the rule in `service_name` covers most others.
_SERVICES = {
    "AWSELB": "Elastic Load Balancing",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AWSSupportEnterprise": "AWS Support (Enterprise)",
    "AmazonApiGateway": "Amazon API Gateway",
    "AmazonEC2": "Amazon EC2",
    "AmazonECR": "Amazon ECR",
    "AmazonECS": "Amazon ECS",
    "AmazonEFS": "Amazon EFS",
    "AmazonEKS": "Amazon EKS",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonMSK": "Amazon MSK",
    "AmazonRDS": "Amazon RDS",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonS3": "Amazon S3",
    "AmazonSNS": "Amazon SNS",
    "AmazonVPC": "Amazon VPC",
    "AWSQueueService": "Amazon SQS",
    "ComputeSavingsPlans": "Compute Savings Plans",
    "ElasticMapReduce": "Amazon EMR",
    "MachineLearningSavingsPlans": "Machine Learning Savings Plans",
    "OCBPremiumSupport": "AWS Support",
    "awskms": "AWS KMS",
    "awswaf": "AWS WAF",
}
_OWNER = re.compile(r"^(Amazon|AWS)(?=[A-Z][a-z])")
# AWS Marketplace gives its products codes that mean nothing to a reader.
_MARKETPLACE = re.compile(r"[0-9a-z]{20,}")


def vocabulary() -> Iterator[str]:
    """All words of this module that a page may show, with the codes that stand for them in files.

    A template is given as the words between its values.
    """
    yield from KINDS
    for label in KINDS.values():
        yield from (label, label.lower())
    yield from CHANGES
    for label, says in CHANGES.values():
        yield from (label, says)
    yield from REMARKS.values()
    for template in (*RULES.values(), *RULE_NOTES.values(), *RULE_CHANGES.values()):
        yield from template.split("{name}")
    yield from COMMITMENTS.values()
    yield from UNTAGGED_OWNERS.values()
    yield from KEYS.values()
    yield from _SERVICES.values()
    yield from UNITS.values()
    yield from (NO_SERVICE, MARKETPLACE, AND, OR)
    yield from approval_words()
    yield from term_words()


def short_period(period: str) -> str:
    """
    >>> short_period("2026-05")
    "May '26"
    """
    year, month = period.split("-")
    return f"{calendar.month_abbr[int(month)]} '{year[2:]}"


def service_name(product_code: str, product_name: str = "") -> str:
    """What a reader calls a product.

    Args:
        product_name: what the report calls it, where that says more (chargeback/rollup/product_names.py).

    >>> service_name("AmazonCloudWatch")
    'Amazon CloudWatch'
    """
    if product_name:
        return product_name
    if not product_code:
        return NO_SERVICE
    if _MARKETPLACE.fullmatch(product_code):
        return f"{MARKETPLACE} {product_code}"
    return _SERVICES.get(product_code) or _OWNER.sub(r"\1 ", product_code)


def rule_name(rule: str) -> str:
    """
    >>> rule_name("ownership:paper-archive")
    'No usable tag; the ownership rule paper-archive'
    """
    kind, _, name = rule.partition(":")
    return RULES.get(kind, rule).format(name=name)


def rule_change(what: str, name: str, reference: str) -> str:
    """
    >>> rule_change("begins", "Container platform", "CHG0031502")
    'The pool Container platform begins (CHG0031502).'
    """
    return RULE_CHANGES[what].format(name=name) + (f" ({reference})." if reference else ".")


def rule_note(note: str, names: Mapping[str, KeyName] | None = None) -> str:
    """
    >>> rule_note("old-driver:driver:headcount").partition(";")[0]
    'Headcount was not measured for this period'
    """
    code, _, key = note.partition(":")
    return RULE_NOTES[code].format(name=key_name(key, names) if key else "")


def commitment_name(line_item_type: str) -> str:
    """
    >>> commitment_name("RIFee")
    'Fee of reservations'
    """
    return COMMITMENTS.get(line_item_type, line_item_type)


def key_label(allocation_key: str, names: Mapping[str, KeyName] | None = None) -> KeyName:
    """What a key is called and what its weights are in: as allocation.toml says, or else after itself.

    >>> key_label("driver:log_volume_tb")
    KeyName(name='Log volume', unit='TB')
    """
    named = (names or {}).get(allocation_key)
    if named:
        return named
    if allocation_key in KEYS:
        return KeyName(KEYS[allocation_key], "")
    words = allocation_key.partition(":")[2].replace("_", " ").split() or [allocation_key]
    unit = UNITS.get(words[-1].lower(), "") if len(words) > 1 else ""
    name = " ".join(words[:-1] if unit else words)
    return KeyName(name[:1].upper() + name[1:], unit)


def key_name(allocation_key: str, names: Mapping[str, KeyName] | None = None) -> str:
    """
    >>> key_name("driver:log_volume_tb")
    'Log volume (TB)'
    """
    label = key_label(allocation_key, names)
    return with_unit(label.name, label.unit)


def with_unit(name: str, unit: str) -> str:
    """What is measured, with its unit where it has one."""
    return f"{name} ({unit})" if unit else name


def weight_text(weight: Decimal, is_money: bool) -> str:
    """A weight as a reader can use it: money in cents; anything else with `SIGNIFICANT_DIGITS` digits, and
    exactly where it has no more. What stands before the point is always whole.

    >>> weight_text(Decimal("717493.0580678599"), True), weight_text(Decimal("12.0345678"), False)
    ('717,493.06', '12.0346')
    """
    if is_money and (not weight or abs(weight) >= _CENT):
        return shown(weight)
    decimals = len(f"{weight:f}".partition(".")[2].rstrip("0"))
    return shown(weight, min(decimals, max(0, SIGNIFICANT_DIGITS - 1 - weight.adjusted())))


def share_text(part: Decimal, whole: Decimal, places: int = 2) -> str:
    """`part` in percent of `whole`; a dash where there is no whole."""
    if whole == 0:
        return "–"
    return f"{shown(part * 100 / whole, places)}%"


def joined(words: list[str], last: str = AND) -> str:
    """
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
