"""The organization: a health insurer's AWS accounts, and what their teams write into tags.

params/ describes the same organization from finance's side: which cost centers exist, who owns an
account. Here is only what AWS would know. One account, `acquisition-landing`, is active and has no
line items at all; it exists only in params/accounts.csv.
"""

from __future__ import annotations

from dataclasses import dataclass

PAYER_ID = "012345670123"
PAYER_NAME = "insurer-payer"


@dataclass(frozen=True)
class Account:
    """An AWS account as its report shows it.

    Args:
        business_unit_tag, environment_tag, application: what its tagged resources carry.
        tags: user_cost_center values with the permille of taggable spend that carries them; None
            means that the key is absent, NULL_VALUE that it is there with a null. Each is a group of
            resources; a value may be on several.
    """

    account_id: str
    name: str
    business_unit_tag: str
    environment_tag: str
    application: str
    tags: tuple[tuple[str | None, int], ...]
    region: str = "us-east-1"


#: A tag key that is present with a null value; None in `Account.tags` is an absent key.
NULL_VALUE = "\0null"

# Values that people really type.
MISSPELT = ("CC-10O2", "CC1002", "cc-1001", "CC-1001 ")
UNKNOWN = "CC-8888"
RETIRED = "CC-1009"  # ended with 2026-02
LITERAL_NULL = "NULL"

#: What analysts of the laboratory typed, and on how many groups of its instances each; none is a cost center.
LAB_VALUES = {"TBD": 5, "Analytics ": 4, "cc-4O01": 3, "claim": 2, "n/a": 2}
LAB_GROUP_PERMILLE = 18


def tagged(
    cost_center_id: str, *others: tuple[str | None, int]
) -> tuple[tuple[str | None, int], ...]:
    """A cost center on most of an account's spend, other values on the rest (permille)."""
    return ((cost_center_id, 1000 - sum(permille for _, permille in others)), *others)


ACCOUNTS: tuple[Account, ...] = (
    # Shared infrastructure. Its tags are proper, and still the pools take it (overrides_tags).
    Account(PAYER_ID, PAYER_NAME, "platform", "prod", "landing-zone",
            tagged("CC-9000", (None, 300))),
    Account("001840295716", "shared-network", "platform", "prod", "network",
            tagged("CC-9000", (None, 250))),
    Account("109283746550", "shared-logging", "platform", "prod", "observability",
            tagged("CC-9000", (None, 200))),
    Account("000417385926", "shared-security", "platform", "prod", "security",
            tagged("CC-9001", (None, 150))),
    Account("318840275519", "shared-integration", "platform", "prod", "edi-gateway",
            tagged("CC-1001", (None, 400))),
    Account("402917365508", "platform-tooling", "platform", "prod", "toolchain",
            tagged("CC-9000", (None, 120))),
    Account("557201948362", "platform-ci", "platform", "dev", "build-farm",
            tagged("CC-9000", ("", 100))),
    Account("660184927753", "platform-sandbox", "platform", "sandbox", "sandbox",
            ((None, 500), ("", 150), ("test", 150), ("CC-9000", 200))),
    # Claims: the always-on databases are its largest line.
    Account("210984736615", "claims-prod", "claims", "prod", "adjudication",
            (("CC-1002", 700), ("CC-1001", 200), ("claims-intake", 40), ("CC-10O2", 20),
             (None, 40))),
    Account("045519283746", "claims-batch", "claims", "prod", "nightly-batch",
            tagged("CC-1002", ("CC1002", 120), (None, 60))),
    Account("719283640058", "claims-fraud-prod", "claims", "prod", "payment-integrity",
            tagged("CC-1003", (None, 50))),
    Account("831927465502", "claims-stage", "claims", "stage", "adjudication",
            tagged("CC-1002", ("cc-1001", 150), ("", 100))),
    Account("926018374451", "claims-dev", "claims", "dev", "adjudication",
            (("CC-1001", 400), ("CC-1002", 300), (None, 180), ("CC-1001 ", 60),
             (LITERAL_NULL, 60))),
    Account("137482950067", "claims-archive", "claims", "prod", "paper-archive",
            (("CC-1009", 850), (None, 150)), "us-west-2"),
    # Members.
    Account("248573910064", "members-prod", "members", "prod", "enrollment",
            (("CC-2001", 550), ("CC-2002", 380), (None, 70))),
    Account("359284710635", "members-stage", "members", "stage", "enrollment",
            tagged("CC-2001", (None, 200))),
    Account("460395821746", "members-dev", "members", "dev", "portal",
            (("CC-2002", 600), ("member portal", 150), (NULL_VALUE, 100), (None, 150))),
    Account("571406932857", "contact-center-prod", "members", "prod", "contact-center",
            tagged("CC-2003", (None, 90))),
    # Provider network.
    Account("682517043968", "providers-prod", "providers", "prod", "directory",
            (("CC-3001", 500), ("CC-3002", 400), (None, 60), (UNKNOWN, 40))),
    Account("793628154079", "providers-stage", "providers", "stage", "directory",
            tagged("CC-3001", (None, 150))),
    Account("804739265180", "providers-dev", "providers", "dev", "credentialing",
            tagged("CC-3003", (None, 250), ("Credentialing", 150))),
    # Analytics: the training account has no default owner, and its spike is remembered.
    Account("915840376291", "analytics-prod", "analytics", "prod", "reporting",
            (("CC-4001", 450), ("CC-4002", 450), ("Actuarial", 50), (None, 50))),
    Account("026951487302", "analytics-dev", "analytics", "dev", "reporting",
            (("CC-4001", 450), (None, 350), ("", 200))),
    Account("137062598413", "ml-training", "analytics", "prod", "risk-models",
            tagged("CC-4003", (None, 150))),
    Account("248173609524", "ml-serving", "analytics", "prod", "risk-models", tagged("CC-4003")),
    Account("359284710646", "warehouse-prod", "analytics", "prod", "warehouse",
            tagged("CC-4002", (None, 40))),
    Account("470395821757", "actuarial-lab", "analytics", "lab", "reserving",
            (("CC-4001", 512), (None, 200),
             *((value, LAB_GROUP_PERMILLE) for value, groups in LAB_VALUES.items() for _ in range(groups)))),
    # Pharmacy benefits.
    Account("581406932868", "pharmacy-prod", "pharmacy", "prod", "rx-claims",
            tagged("CC-5001", ("CC-5002", 250), (None, 50))),
    Account("692517043979", "pharmacy-stage", "pharmacy", "stage", "rx-claims",
            tagged("CC-5001", (None, 180))),
    Account("003628154080", "pharmacy-dev", "pharmacy", "dev", "formulary",
            tagged("CC-5002", ("formulary", 200), (None, 100))),
    Account("814739265191", "pharmacy-pricing", "pharmacy", "prod", "drug-pricing",
            tagged("CC-5003", (None, 80))),
    # Digital products.
    Account("925840376202", "digital-prod", "digital", "prod", "member-app",
            (("CC-6001", 850), ("mobile", 70), (None, 80))),
    Account("036951487313", "digital-stage", "digital", "stage", "member-app",
            tagged("CC-6001", (None, 200))),
    Account("147062598424", "digital-dev", "digital", "dev", "member-app",
            tagged("CC-6001", ("", 300))),
    Account("258173609535", "telehealth-prod", "digital", "prod", "telehealth",
            tagged("CC-6002", (None, 60)), "us-west-2"),
    # Moved from members to digital with 2026-03: its tags are few, so the account register decides.
    Account("369284710647", "care-management-prod", "digital", "prod", "care-plans",
            (("care-mgmt", 250), (None, 650), ("CC-2003", 100))),
    # Corporate.
    Account("470395821768", "finance-systems", "corporate", "prod", "general-ledger",
            tagged("CC-7001", (None, 70))),
    Account("581406932879", "hr-systems", "corporate", "prod", "payroll",
            tagged("CC-7002", (None, 90))),
    Account("692517043980", "legal-discovery", "corporate", "prod", "e-discovery",
            tagged("CC-7003", (None, 300))),
)  # fmt: skip

SAMPLE_ACCOUNTS = frozenset(account.account_id for account in ACCOUNTS)
BY_NAME = {account.name: account for account in ACCOUNTS}

#: In params/accounts.csv, active, and without a single line item.
DORMANT_ACCOUNT_ID = "703628154091"


def resource_tags(account: Account, cost_center: str | None) -> dict[str, str | None]:
    """The tags of one resource: normalised keys, as CUR fact 1.5 has them, present only with a
    value.

    Untagged resources carry only what AWS puts there itself.
    """
    created_by: dict[str, str | None] = {
        "aws_created_by": f"AssumedRole:AROA{account.account_id}:deploy"
    }
    if cost_center is None:
        return created_by
    value = None if cost_center == NULL_VALUE else cost_center
    return {
        **created_by,
        "user_application": account.application,
        "user_business_unit": account.business_unit_tag,
        "user_cost_center": value,
        "user_environment": "Prod" if cost_center in MISSPELT else account.environment_tag,
    }
