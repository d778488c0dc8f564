"""What a statement calls things: periods, kinds of cost, allocation keys, AWS services, numbers.

Fixed vocabulary only; nothing here reads data. All of it is in `vocabulary`, which says what a page may show
of its own accord.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from decimal import Decimal

from chargeback.core.money import shown

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
        "What the period before would have cost under the rules of now.",
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
    "rules-with-rest": "Rule changes could not be carried out on the earlier period; what they "
    "changed is in the other parts.",
    "kept-pools": "What changed in pools whose totals finance keeps is one part, under Pools that grew "
    "or shrank.",
}

#: What decided an owner -> what a reader calls it.
RULES = {
    "tag": "The tag {name}, read as it is written",
    "tag-normalized": "The tag {name}, though it is written in another way than the cost center",
    "ownership": "No usable tag; the ownership rule {name}",
    "account-default": "No usable tag; the default cost center of the account",
}

#: Where cost without a usable tag went, in few words.
UNTAGGED_OWNERS = {
    "pool": "split among all",
    "account-default": "your default",
    "ownership": "an ownership rule",
}

#: Allocation key -> what a reader calls it; the others are named after their driver or their file.
KEYS = {"direct_spend": "Direct cost", "even": "Equal parts", "fixed": "Fixed weights"}
_DRIVER, _RULE = "Driver: ", "Rule: "

NO_SERVICE = "(no service)"
MARKETPLACE = "Marketplace"
AND, OR = "and", "or"  # before the last of several things

# Product codes whose own spelling says little; the rule in `service_name` covers most others.
_SERVICES = {
    "AWSELB": "Elastic Load Balancing",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AWSSupportEnterprise": "AWS Support (Enterprise)",
    "AmazonEC2": "Amazon EC2",
    "AmazonECR": "Amazon ECR",
    "AmazonECS": "Amazon ECS",
    "AmazonEFS": "Amazon EFS",
    "AmazonEKS": "Amazon EKS",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonRDS": "Amazon RDS",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonS3": "Amazon S3",
    "AmazonSNS": "Amazon SNS",
    "AmazonVPC": "Amazon VPC",
    "AWSQueueService": "Amazon SQS",
    "ComputeSavingsPlans": "Compute Savings Plans",
    "ElasticMapReduce": "Amazon EMR",
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
    for template in RULES.values():
        yield from template.split("{name}")
    yield from UNTAGGED_OWNERS.values()
    yield from KEYS.values()
    yield from _SERVICES.values()
    yield from (_DRIVER, _RULE, NO_SERVICE, MARKETPLACE, AND, OR)


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


def key_name(allocation_key: str) -> str:
    """
    >>> key_name("driver:claims_processed")
    'Driver: claims processed'
    """
    if allocation_key.startswith("driver:"):
        return _DRIVER + allocation_key.removeprefix("driver:").replace("_", " ")
    if allocation_key.startswith("sql:"):
        return _RULE + allocation_key.removeprefix("sql:").replace("_", " ")
    return KEYS.get(allocation_key, allocation_key)


def weight_text(weight: Decimal, allocation_key: str) -> str:
    """A weight for a reader: money with cents, anything else with the decimals it has."""
    if allocation_key == "direct_spend":
        return shown(weight)
    fraction = f"{weight:f}".partition(".")[2].rstrip("0")
    return shown(weight, len(fraction))


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
