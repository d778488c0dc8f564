"""What the index of a month may know: all statements together, for those who may see every unit.

One `MonthIndex` per period is written as `month.json` beside the index's notebook, and read again by the
notebook's kernel; `extract.month` makes it. Unlike a statement it keeps no total back.

What always holds: the units' amounts sum to the total, and so do their amounts in the last closed period
together with what units had then that get no statement any more (`ended`).

The kernels import this module, so nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chargeback.ledger.outlook import Outlook
from chargeback.signing import Signer
from chargeback.statements import exact_json
from chargeback.statements.model import (
    Account,
    Digest,
    LeftInvoice,
    PeriodAmount,
    Ratified,
    TieOut,
)

#: What the files are called, beside the folders of the units.
INDEX, MONTH_FILE = "index.html", "month.json"


@dataclass(frozen=True)
class UnitOfMonth:
    """One unit's line of the index.

    Args:
        owner: blank where the params name none.
        previous: None where there is no earlier period.
        trend: its total in each of the index's periods, in their order.
    """

    business_unit_id: str
    name: str
    owner: str
    amount: Decimal
    previous: Decimal | None
    trend: tuple[Decimal, ...]


@dataclass(frozen=True)
class MonthIndex:
    """All statements of a period.

    Args:
        total, previous_total: what all units together are charged, and were in the last closed period.
        units: the largest first.
        ended: what was charged in the last closed period to units that get no statement now.
        trend: of all units together, the closed periods and this one, in order.
        tie_out: with every total that a statement may keep back.
        outlook: of a draft: how far its data reaches, and what all units are estimated to come to.
        payers: the accounts that AWS sends the invoices to; the name is the id where the params do not know it.
        ratification: of the rules; None where nobody ratified them, and in what an earlier version wrote.
    """

    billing_period: str
    currency: str
    provisional: bool
    invoicing: str
    total: Decimal
    previous_period: str | None
    previous_total: Decimal | None
    units: tuple[UnitOfMonth, ...]
    ended: Decimal
    trend: tuple[PeriodAmount, ...]
    tie_out: TieOut
    deferred: tuple[LeftInvoice, ...]
    payers: tuple[Account, ...]
    digests: tuple[Digest, ...]
    signer: Signer | None
    outlook: Outlook | None = field(default=None, metadata={exact_json.LATER: True})
    ratification: Ratified | None = field(default=None, metadata={exact_json.LATER: True})

    def to_json(self) -> str:
        """The one form in which an index is written; `from_json` gives the same index."""
        return exact_json.to_json(self)

    @classmethod
    def from_json(cls, text: str) -> MonthIndex:
        """The index that was written.

        Raises:
            ValueError: it is not the form of `to_json`; says where.
        """
        return exact_json.from_json(cls, text)
