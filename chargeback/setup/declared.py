"""Declared: what check-params says of medical_loss_ratio.csv: which row holds for whom, and for whom none does.

A cost center for which none holds stops a close only where it is charged; the control says that by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargeback.core.text import plain
from chargeback.params import Params
from chargeback.params.medical_loss_ratio import (
    EVERY,
    FILE,
    in_force,
    is_declared,
    split_words,
    undeclared,
)


def declared_lines(params: Params) -> Iterator[str]:
    """The declarations of a month, in lines without a label; nothing where there is no register."""
    if not is_declared(params.digests):
        return
    asked = (params.loss_ratio, params.cost_centers, params.period)
    held = in_force(*asked)
    number = len(held)
    covered = sum(len(centers) for _, centers in held)
    yield (
        f"{number:,} declaration{'' if number == 1 else 's'} of {FILE} for {covered:,} of "
        f"{len(params.cost_centers):,} cost centers"
    )
    for one, centers in held:
        whom = f"all {len(centers)} others" if one.cost_center_id == EVERY else one.cost_center_id
        yield plain(f"  {whom}: {split_words(one)} ({one.reference})")
    without = undeclared(*asked)
    if without:
        yield f"  nothing holds for {', '.join(without)}: a close stops where one is charged"
