"""Plan: what AWS and Marketplace invoice in each period, decided before any line item exists.

Totals are cents that somebody wrote down, as an invoice is; line items are spread to meet them
afterwards. AWS publishes no rounding rule (CUR fact 2.9), so a few invoices ask for a cent or two
more or less than their line items come to (`difference_cents`); all others are their line items
rounded once. The last period is still
open: its bills have no invoice id, and no tax, support or credits are known yet beyond an estimate
of tax.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargeback.sample.spread import UNITS_PER_DOLLAR

UNITS_PER_CENT = UNITS_PER_DOLLAR // 100

USAGE, MARKETPLACE, PURCHASE, REFUND = "usage", "marketplace", "purchase", "refund"


@dataclass(frozen=True)
class Bill:
    """One invoice of a period, or what will become one.

    Args:
        purpose: what it bills: usage, marketplace, purchase or refund.
        invoice_id: blank while the period is open: null or empty, reports have both (CUR fact 2.8).
        total_cents: what the invoice asks for (an open period: what has come together so far).
        difference_cents: invoice less line items, beyond ordinary rounding.
        fraction_units: 1e-10 dollars by which the line items exceed whole cents, within half a
            cent.
    """

    period: str
    purpose: str
    invoice_id: str | None
    total_cents: int
    difference_cents: int = 0
    fraction_units: int = 0

    @property
    def line_item_units(self) -> int:
        """What the line items of the invoice sum to, in 1e-10 dollars."""
        return (self.total_cents - self.difference_cents) * UNITS_PER_CENT + self.fraction_units

    @property
    def bill_type(self) -> str:
        return {PURCHASE: "Purchase", REFUND: "Refund"}.get(self.purpose, "Anniversary")

    @property
    def billing_entity(self) -> str:
        return "AWS Marketplace" if self.purpose == MARKETPLACE else "AWS"


BILLS: tuple[Bill, ...] = (
    Bill("2025-12", USAGE, "2183047715", 274118417, 0, 31_804_246),
    Bill("2025-12", MARKETPLACE, "2183047793", 14261120, 1, -12_771_903),
    Bill("2026-01", USAGE, "2196620418", 264205162, 0, -44_109_377),
    Bill("2026-01", MARKETPLACE, "2196620466", 15134908, 0, 8_330_051),
    Bill("2026-01", PURCHASE, "2191154302", 14892000),
    Bill("2026-01", REFUND, "2191309877", -1752000),
    Bill("2026-02", USAGE, "2209933651", 268807708, -1, 21_995_640),
    Bill("2026-02", MARKETPLACE, "2209933710", 24018655, 0, 40_120_008),
    Bill("2026-03", USAGE, "2224105837", 276641293, 0, -3_118_264),
    Bill("2026-03", MARKETPLACE, "2224105902", 16050477, 0, -27_500_913),
    Bill("2026-03", PURCHASE, "2218870046", 8584800),
    Bill("2026-04", USAGE, "2238514029", 284703146, 0, 47_036_915),
    Bill("2026-04", MARKETPLACE, "2238514088", 16518236, 0, 19_204_777),
    Bill("2026-04", REFUND, "2240071653", -841237),
    Bill("2026-05", USAGE, "2252790164", 293011834, 2, -38_640_527),
    Bill("2026-05", MARKETPLACE, "2252790231", 16987453, 0, 5_913_482),
    Bill("2026-06", USAGE, None, 138420975, 0, 17_402_339),
    Bill("2026-06", MARKETPLACE, "", 5902241, 0, 33_107_586),
)


@dataclass(frozen=True)
class Extras:
    """Parts of a period's usage invoice that are fixed in cents; the rest of it is usage.

    Credits and refunds name the account and product they were booked on: credits land on whoever
    spends most (CUR fact 6.4).
    """

    support_cents: int
    tax_cents: int
    negotiated_discount_cents: int
    credits: tuple[tuple[str, str, int], ...] = ()
    refunds: tuple[tuple[str, str, int], ...] = ()


EXTRAS: dict[str, Extras] = {
    "2025-12": Extras(12184733, 1020418, -8831562,
                      (("warehouse-prod", "AmazonRedshift", -2200000),)),
    "2026-01": Extras(11902210, 997302, -8415027,
                      (("warehouse-prod", "AmazonRedshift", -2200000),)),
    "2026-02": Extras(12037744, 1013856, -8602290,
                      (("warehouse-prod", "AmazonRedshift", -2200000),)),
    "2026-03": Extras(12266309, 1049171, -8890615,
                      (("claims-prod", "AmazonRDS", -1850000),
                       ("ml-serving", "AmazonSageMaker", -400000))),
    "2026-04": Extras(12519880, 1076690, -9140338, (("claims-prod", "AmazonRDS", -1850000),)),
    "2026-05": Extras(12760355, 1109947, -9476121,
                      (("claims-prod", "AmazonRDS", -1850000),
                       ("members-prod", "AmazonEC2", -75050)),
                      (("contact-center-prod", "AmazonConnect", -124055),)),
    "2026-06": Extras(0, 543319, -4450218),
}  # fmt: skip

#: A Marketplace contract that is billed at once and not amortised by the report (CUR fact 6.3).
ANNUAL_CONTRACT_PERIOD = "2026-02"
ANNUAL_CONTRACT_CENTS = 8400000

#: An RI-sized refund on an invoice of its own: a service credit for an outage in the month before.
OUTAGE_REFUND = ("digital-prod", "AmazonCloudFront", -841237)


def bills_of(period: str) -> dict[str, Bill]:
    """The bills of a period by purpose."""
    return {bill.purpose: bill for bill in BILLS if bill.period == period}
