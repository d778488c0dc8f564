"""Restatements: closed periods that AWS delivered again, and the corrections that follow from that.

AWS changes months that are closed (CUR facts 1.12, 2.8, 6.6): support on day six or seven, refunds and credits
later. The closed period never changes. What differs is posted with the next period that is closed:

    held          what the books say about a closed period: its postings, and corrections posted since
    redeliveries  closed periods whose report has other files than the books were made from
    restated      such a delivery, done again with the params and rules that its period was closed with
    corrections   per entry of the closed ledger: what was charged is reversed, what is to be charged is booked

What always holds: held postings and corrections together are, line by line and to the cent, what closing the
last delivery alone would have posted; each correcting entry sums to zero; what the corrections charge on an
invoice is what its total changed by. A delivery with the same bytes under a new execution id is no restatement,
and one with the same costs in other bytes posts nothing.

A close keeps the deliveries that it corrected from in its evidence, and is derived again from those alone, so
that what AWS changes later belongs to a later close. Drawbacks: every closed month of the report is hashed at
each close; a correction cannot be derived by software that would have posted the closed period otherwise.
"""

from chargeback.restatements.corrections import Restated, correct, restate
from chargeback.restatements.held import Held, held_period
from chargeback.restatements.redeliveries import Redelivery, find_redeliveries

__all__ = [
    "Held",
    "Redelivery",
    "Restated",
    "correct",
    "find_redeliveries",
    "held_period",
    "restate",
]
