"""Optional: what check-params says of registers that a params folder may do without.

In: the params of a month. Out: which of them are not there, and what metrics.csv has of the month. What always
holds: none of them decides a charge.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargeback.core.text import plain
from chargeback.params import Params
from chargeback.params.medical_loss_ratio import FILE as LOSS_RATIO
from chargeback.params.metrics import FILE as METRICS

OPTIONAL = ("budgets.csv", LOSS_RATIO, METRICS)


def optional_lines(params: Params) -> Iterator[tuple[str, str]]:
    """A label and a line each; nothing of metrics where there is no such register."""
    absent = [one for one in OPTIONAL if not (params.folder / one).is_file()]
    if METRICS not in absent:
        own = [one for one in params.metrics if one.billing_period == params.period]
        names = ", ".join(sorted({one.metric for one in own}))
        number = f"{len(own):,} quantit{'y' if len(own) == 1 else 'ies'} of {METRICS}"
        yield (
            "unit costs",
            plain(f"{number}: {names}") if own else f"{METRICS} has no quantity of the month yet",
        )
    if absent:
        yield "optional", "not there: " + ", ".join(absent)
