"""Commitments: Savings Plans and Reserved Instances, exact in every column that amortization reads.

For a Savings Plan, in units of 1e-10 dollars:

- covered usage: unblended is the on-demand cost, effective cost is the part of the commitment that it used;
- negation: one row per plan, operation, usage type, zone and hour, equal and opposite to its covered rows;
- recurring fee: one row per hour; total_commitment_to_date less used_commitment is what was left unused.

So covered and negated unblended cost sum to nothing, and effective cost plus what was unused is the
commitment, hour by hour. For a Reserved Instance, used and unused unit-hours are whole thousandths, so
effective costs plus the unused part of its monthly RIFee row are its recurring fee plus its amortized upfront
fee. AWS's own reservation columns carry fewer decimals and miss this by some millionths (CUR fact 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from chargeback.sample.catalog import BUNDLES, EC2, Kind, instance


@dataclass(frozen=True)
class Coverage:
    """Usage that a Savings Plan covers: where, what, whose, and its permille."""

    account: str
    kind: Kind
    cost_center: str | None
    permille: int


@dataclass(frozen=True)
class SavingsPlan:
    """A Savings Plan, bought by the payer.

    Args:
        hourly_units: commitment for one hour.
        recurring: whether it is paid hour by hour; otherwise it was paid upfront.
        effective_permille: what covered usage costs of its on-demand price.
        used_permille: lowest and highest hourly use of the commitment.
        first_period: when it starts to cover usage; the upfront fee, if any, is billed then.
    """

    arn: str
    product_code: str
    offering: str
    payment_option: str
    term: str
    hourly_units: int
    recurring: bool
    effective_permille: int
    used_permille: tuple[int, int]
    first_period: str
    start: str
    end: str
    covers: tuple[Coverage, ...]


@dataclass(frozen=True)
class Reservation:
    """Reserved Instances of one kind.

    Args:
        buyer, user: accounts that bought it and that use it (CUR fact 6.1).
        count: instances reserved.
        upfront_units, recurring_units: for one instance-hour; multiples of 1000, so thousandths are
            exact.
        used_permille: lowest and highest hourly use.
        purchased: the period whose report has the purchase, "" when long ago.
    """

    name: str
    buyer: str
    user: str
    kind: Kind
    cost_center: str | None
    count: int
    upfront_units: int
    recurring_units: int
    payment_option: str
    used_permille: tuple[int, int]
    purchased: str
    start: str
    end: str

    @property
    def upfront_value_units(self) -> int:
        """What was paid upfront for the whole year."""
        return self.upfront_units * self.count * 8760


DOLLAR = 10**10
PLAN = "arn:aws:savingsplans::012345670123:savingsplan/"
M6I = BUNDLES["ec2"][0]
R6I = BUNDLES["ec2"][1]
C6I = instance("AmazonEC2", "BoxUsage:c6i.8xlarge", "RunInstances", "1.3600000000", 1000, EC2)
HOSTING = BUNDLES["hosting"][0]

SAVINGS_PLANS: tuple[SavingsPlan, ...] = (
    SavingsPlan(
        PLAN + "6b1f0a5e-2f0c-4a8e-9d57-0c5d8f4f1a01", "ComputeSavingsPlans", "ComputeSavingsPlans",
        "No Upfront", "1yr", 150 * DOLLAR, True, 720, (955, 1000), "2025-09",
        "2025-09-01T00:00:00.000Z", "2026-08-31T23:59:59.000Z",
        (
            Coverage("claims-prod", M6I, "CC-1002", 260),
            Coverage("members-prod", C6I, "CC-2001", 210),
            Coverage("providers-prod", M6I, "CC-3001", 150),
            Coverage("pharmacy-prod", R6I, "CC-5001", 160),
            Coverage("digital-prod", C6I, "CC-6001", 130),
            Coverage("claims-stage", M6I, None, 90),
        ),
    ),
    SavingsPlan(
        PLAN + "a94d7c02-77be-4e1b-8a38-51c3b1d6e702", "ComputeSavingsPlans", "ComputeSavingsPlans",
        "All Upfront", "1yr", 15 * DOLLAR, False, 690, (820, 1000), "2026-01",
        "2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.000Z",
        (
            Coverage("analytics-prod", R6I, "CC-4001", 600),
            Coverage("finance-systems", M6I, "CC-7001", 400),
        ),
    ),
    SavingsPlan(
        PLAN + "f3c81e66-0d94-45a7-b6e2-9e2b77a4c803", "MachineLearningSavingsPlans",
        "SageMakerSavingsPlans", "No Upfront", "3yr", 22 * DOLLAR, True, 640, (700, 930), "2025-06",
        "2025-06-01T00:00:00.000Z", "2028-05-31T23:59:59.000Z",
        (
            Coverage("ml-serving", HOSTING, "CC-4003", 1000),
        ),
    ),
)  # fmt: skip

#: Bought twice by mistake and returned within a week: a fee, and its refund on a credit memo (fact
#: 6.2).
RETURNED_PLAN = PLAN + "0e5a92bb-61f3-4f6d-a3c9-2d8f6c1b0904"
RETURNED_PLAN_PERIOD = "2026-01"
RETURNED_PLAN_UNITS = 17_520 * DOLLAR

RESERVATIONS: tuple[Reservation, ...] = (
    Reservation(
        "3d2e1f00-8c11-4f5c-9b1e-claims000001", "claims-prod", "claims-prod",
        instance("AmazonRDS", "InstanceUsage:db.r6i.8xlarge", "CreateDBInstance:0021",
                 "4.6400000000", 1000, BUNDLES["aurora"][0].resource),
        "CC-1002", 8, 0, 30_600_000_000, "No Upfront", (1000, 1000), "",
        "2025-10-14T16:20:00.000Z", "2026-10-14T16:19:59.000Z",
    ),
    Reservation(
        "77b0c4ae-19d2-4bb1-a5a5-members00002", "insurer-payer", "members-prod",
        BUNDLES["cache"][0], "CC-2002", 10, 2_130_000_000, 2_210_000_000, "Partial Upfront",
        (740, 910), "", "2025-08-03T09:41:00.000Z", "2026-08-03T09:40:59.000Z",
    ),
    Reservation(
        "c15d90f1-52a7-4a0e-8f43-members00003", "members-prod", "members-prod",
        instance("AmazonRDS", "InstanceUsage:db.r6i.2xlarge", "CreateDBInstance:0021",
                 "1.1600000000", 1000, BUNDLES["aurora"][0].resource),
        "CC-2001", 14, 7_000_000_000, 0, "All Upfront", (930, 1000), "2026-03",
        "2026-03-01T00:00:00.000Z", "2027-02-28T23:59:59.000Z",
    ),
    Reservation(
        "e8aa3370-b2c6-47d9-93f0-logging00004", "shared-logging", "shared-logging",
        instance("AmazonES", "ESInstance:r6g.2xlarge.search", "ESDomain", "0.6690000000", 1000,
                 BUNDLES["search"][0].resource),
        "CC-9000", 12, 0, 4_620_000_000, "No Upfront", (580, 720), "",
        "2025-11-20T12:00:00.000Z", "2026-11-20T11:59:59.000Z",
    ),
)  # fmt: skip
