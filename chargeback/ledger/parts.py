"""Parts: what the statements of a period charge together, by what it is, so that the parts sum to the total.

In: postings. Out: amounts in cents, one for each kind of posting and for each earlier period that is corrected.
What always holds: together they are `statement_total`, for every posting of a cost center is in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.money import shown
from chargeback.core.sums import sums_by
from chargeback.ledger.post import ADJUSTMENT, ROUNDING

#: Kind of posting -> what it is called in the terminal, and what it is; in the order in which they are told.
KINDS = {
    "direct": ("direct", "on whoever used it"),
    "allocated": ("pools", "split onto all who take part"),
    "commitment": ("commitments", "billed less amortized: prepaid now, less what was prepaid before"),
    ROUNDING: ("rounding", "what invoices ask for beside their line items"),
    ADJUSTMENT: ("adjustments", "moved between cost centers"),
}  # fmt: skip


@dataclass(frozen=True)
class ChargedPart:
    """What cost centers are charged of one kind, in cents.

    Args:
        corrects: the earlier period that it corrects; blank for the period's own.
        moved: of adjustments, what people moved; they sum to nothing.
    """

    kind: str
    corrects: str
    amount: Decimal
    moved: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        """What it is called."""
        if self.corrects:
            return f"corrections of {self.corrects}"
        return KINDS[self.kind][0]

    @property
    def note(self) -> str:
        """What it is."""
        if self.corrects:
            return "what changed after it was closed"
        if self.kind == ADJUSTMENT:
            return f"net: people moved {shown(self.moved)} between cost centers"
        return KINDS[self.kind][1]


def charged_parts(postings: pa.Table) -> list[ChargedPart]:
    """The parts that there are, in the order of `KINDS`, corrections last."""
    charged = postings.filter(pc.is_valid(postings["cost_center_id"]))
    sums = sums_by(charged, ["kind", "original_period"], "amount")
    given = charged.filter(pc.greater(charged["amount"], pa.scalar(Decimal(0))))
    moved = sums_by(given, ["kind", "original_period"], "amount").get(
        (ADJUSTMENT, None), Decimal(0)
    )
    order = list(KINDS)
    return [
        ChargedPart(kind, corrects or "", amount, moved if kind == ADJUSTMENT and not corrects else Decimal(0))
        for (kind, corrects), amount in sorted(
            sums.items(), key=lambda item: (item[0][1] or "", order.index(item[0][0]))
        )
    ]  # fmt: skip
