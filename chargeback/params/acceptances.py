"""Acceptances: acceptances.csv, what people let a close pass although a control would stop it.

Some controls say that something is probably wrong, not that it is: an account that no register knows may be
new, a tag key that nobody carries may be for next month. Each can be accepted, by the control's name and by
what exactly is accepted, for some periods and with a reference. What is accepted is printed by every close
that relies on it and stands in its manifest. Controls on sums can never be accepted. The file is optional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chargeback.core.errors import apart, bad_params
from chargeback.core.text import suggestion
from chargeback.params.registers import Row, need_cell

FILE = "acceptances.csv"

#: The controls that can be accepted, and which column of their rows is the subject of an acceptance.
ACCEPTABLE = {
    "the_delivery_has_line_items": "billing_period",
    "every_account_is_registered": "account_id",
    "tag_keys_are_carried": "tag_key",
    "ratifications_are_of_these_params": "rules_digest",
    "nobodys_share_is_within_its_limit": "pool_id",
    "fallback_share_is_within_its_limit": "pool_id",
    "every_export_has_delivered": "export_name",
    "every_invoice_has_line_items": "invoice_id",
    "commitments_tie_out_over_their_life": "commitment_arn",
    # A closed period whose new delivery is then taken for another view of the same month: nothing is corrected.
    "deliveries_are_comparable": "billing_period",
    # Whose figure is told, where policy.toml has all totals printed; nowhere else does it count.
    "statements_isolate_no_unit": "isolated_unit_id",
}


@dataclass(frozen=True)
class Acceptance:
    """What one row lets pass."""

    control: str
    subject: str
    reference: str
    accepted_by: str
    where: str = field(compare=False, default="")


def read_acceptances(rows: Iterable[Row]) -> tuple[Acceptance, ...]:
    """The acceptances of rows that hold in a period.

    Raises:
        Refusal: (exit 2) a row names no control that can be accepted, or lacks a cell.
    """
    found = []
    for row in rows:
        with apart():
            found.append(read_acceptance(row))
    return tuple(found)


def read_acceptance(row: Row) -> Acceptance:
    """One row."""
    if row["control"] not in ACCEPTABLE:
        raise bad_params(
            "this is no control that can be accepted", "one of " + ", ".join(ACCEPTABLE),
            repr(row["control"]), [row.where], suggestion(row["control"], ACCEPTABLE),
        )  # fmt: skip
    for column in ("subject", "reference", "accepted_by"):
        need_cell(row, column, "an acceptance")
    return Acceptance(
        row["control"], row["subject"], row["reference"], row["accepted_by"], row.where
    )
