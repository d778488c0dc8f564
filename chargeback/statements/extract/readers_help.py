"""Whom a reader asks, and how and until when a line is disputed: from the params of the close, for all units.

What always holds: nothing is of one unit alone, and nothing follows from the day on which this runs, so that an
audit derives the same words. Who gets a unit's mail (`[[contact]]`) is not told here.
"""

from __future__ import annotations

from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ReadersHelp


def readers_help(inputs: StatementInputs) -> ReadersHelp:
    """The help of a period: who is to be asked, else who answers mails or disputes; blank for nobody."""
    delivery = inputs.params.delivery
    agreed, handout = delivery.disputes, delivery.handout
    until = agreed.until(inputs.billing_period)
    return ReadersHelp(
        ask=handout.ask or handout.reply_to or agreed.owner,
        until=until.isoformat() if until else "",
        business_days=agreed.raise_business_days,
        how=agreed.how,
    )
