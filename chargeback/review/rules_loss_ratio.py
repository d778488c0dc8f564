"""What make rules says of the split for the medical loss ratio: each declaration that holds, and its basis.

It is no rule that a council ratifies with the others, and no part of their digest: each row has an approval of
its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.approvals import change_words, who_words
from chargeback.params import Params
from chargeback.params.medical_loss_ratio import (
    EVERY,
    Declaration,
    in_force,
    split_words,
    undeclared,
)


def split_sentences(params: Params) -> Iterator[tuple[str, str]]:
    """Each declaration as a title and a sentence; the cost centers without one last."""
    asked = (params.loss_ratio, params.cost_centers, params.period)
    for one, centers in in_force(*asked):
        if one.cost_center_id == EVERY:
            title = f"Every other cost center ({len(centers)} of {len(params.cost_centers)})"
        else:
            title = f"{plain(params.cost_centers[one.cost_center_id].name)} ({one.cost_center_id})"
        basis = plain(one.basis).rstrip(". ")
        yield title, f"{split_words(one)}. Basis: {basis}. {decision_words(one)}"
    without = undeclared(*asked)
    if without:
        yield (
            "Nothing is declared for",
            f"{', '.join(without)}: a close stops where one is charged.",
        )


def decision_words(one: Declaration) -> str:
    """Since when it holds, until when, and whose decision it is."""
    until = f" until {period_title(one.valid_to)}" if one.valid_to else ""
    return (
        f"Since {period_title(one.valid_from)}{until}, entered by {plain(one.entered_by)}, approved by "
        f"{plain(who_words(one.approved_by))} on {one.approved_on} ({plain(change_words(one.reference))})."
    )
