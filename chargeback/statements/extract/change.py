"""Why the total changed, from the bridge of the unit, in a reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chargeback.pages.vocabulary import service_name
from chargeback.params import Params
from chargeback.statements.extract.unit_rows import pool_names
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Change, ChangeDetail, ChangePart

if TYPE_CHECKING:
    from chargeback.statements.bridge import Detail, Part

#: How many things a part of the change names.
DETAILS_OF_CHANGE = 3


def explained(inputs: StatementInputs, unit_id: str) -> Change | None:
    """The parts of the change that are not nothing, each with the largest of what it is for."""
    bridge = inputs.bridges.get(unit_id)
    if bridge is None:
        return None
    return Change(
        parts=tuple(
            ChangePart(part.code, part.amount, _details(inputs, part))
            for part in bridge.parts
            if part.amount
        ),
        remarks=tuple(bridge.remarks),
    )


def _details(inputs: StatementInputs, part: Part) -> tuple[ChangeDetail, ...]:
    labelled = [
        (detail_label(inputs.params, one, inputs.product_names), one.amount)
        for one in part.details[:DETAILS_OF_CHANGE]
    ]
    return tuple(ChangeDetail(label, amount) for label, amount in labelled if label)


def detail_label(params: Params, detail: Detail, product_names: Mapping[str, str]) -> str:
    """What a part of a change is for, in a reader's words; blank where nothing is to be named."""
    if detail.pool_id:
        return pool_names(params).get(detail.pool_id, detail.pool_id)
    if not detail.product_code:
        return ""
    account = params.accounts.get(detail.account_id)
    place = account.name if account else detail.account_id
    service = service_name(detail.product_code, product_names.get(detail.product_code, ""))
    return service + (f" in {place}" if place else "")
