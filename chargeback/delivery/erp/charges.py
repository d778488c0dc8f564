"""Charges: what each cost center is charged in a period by kind, and the row of gl_accounts.csv that books it.

In: the postings of a closed period and the mapping as it is today. Out: a booking for each charge that is not
0.00. A correction of an earlier period is a kind of its own, and knows its period. What no row maps, and what
two rows map differently, is refused with all of it named at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.errors import bad_params
from chargeback.core.money import cents, cents_amount, shown
from chargeback.core.sums import sums_by
from chargeback.params.gl_accounts import CORRECTION, FILE, Ambiguous, GlAccount, gl_account_for


@dataclass(frozen=True, order=True)
class Charge:
    """What a cost center is charged, of one kind.

    Args:
        original_period: the period that a correction is about; blank otherwise.
        cents: more than nothing is a debit of the cost center, less is a credit.
    """

    original_period: str
    currency: str
    cost_center_id: str
    kind: str
    business_unit_id: str
    cents: int

    @property
    def words(self) -> str:
        """The charge on a line of a refusal or a note."""
        about = f" of {self.original_period}" if self.original_period else ""
        amount = shown(cents_amount(self.cents))
        return f"{self.cost_center_id} {self.kind}{about}: {amount} {self.currency}"


@dataclass(frozen=True)
class Booked:
    """A charge, and how it is booked."""

    charge: Charge
    account: GlAccount


KEYS = ("original_period", "currency", "cost_center_id", "kind", "business_unit_id")


def charges_of(postings: pa.Table) -> list[Charge]:
    """The charges of a period that are not 0.00, sorted."""
    charged = postings.filter(pc.is_valid(postings["cost_center_id"]))
    sums: dict[Charge, int] = {}
    for key_values, amount in sums_by(charged, KEYS, "amount").items():
        original, currency, center, kind, unit = key_values
        of_what = CORRECTION if original else kind
        key = Charge(original or "", currency, center, of_what, unit, 0)
        sums[key] = sums.get(key, 0) + cents(amount)
    return sorted(replace(key, cents=amount) for key, amount in sums.items() if amount)


def book(charges: Sequence[Charge], mapping: Sequence[GlAccount], period: str) -> list[Booked]:
    """How each charge is booked.

    Raises:
        Refusal: (exit 2) some are mapped by no row, or by rows that say different things.
    """
    booked, missing, ambiguous = [], [], []
    for charge in charges:
        try:
            account = account_of(charge, mapping)
        except Ambiguous as error:
            ambiguous += [charge.words, *(f"  {one.where}" for one in error.rows)]
            continue
        if account is None:
            missing.append(charge.words)
        else:
            booked.append(Booked(charge, account))
    if missing:
        raise bad_params(
            f"charges of {period} have no account in the ERP", f"a row of {FILE} for each",
            f"{len(missing)} without one", missing,
            ["a row names a kind and a cost center, a business unit, or * for all",
             "nothing was exported: a journal that leaves out a charge would not tie to the ledger"],
        )  # fmt: skip
    if ambiguous:
        raise bad_params(
            "two rows of gl_accounts.csv hold for a charge, and neither is more specific",
            "one row that is: a cost center before its unit before *, a kind before *",
            "rows that say different things", ambiguous,
            ["add a row for this kind and this cost center or unit, which then counts"],
        )  # fmt: skip
    return booked


def account_of(charge: Charge, mapping: Sequence[GlAccount]) -> GlAccount | None:
    """The row that a charge is booked by, as `gl_account_for`."""
    return gl_account_for(mapping, charge.kind, charge.cost_center_id, charge.business_unit_id)
