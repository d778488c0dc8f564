"""Why the total changed, from the bridge of the unit, in a reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chargeback.pages.vocabulary import (
    REMARK_AT,
    REMARKS,
    rule_change,
    rule_note,
    service_name,
)
from chargeback.params import Params
from chargeback.statements.extract.unit_rows import pool_names
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Change, ChangeDetail, ChangePart

if TYPE_CHECKING:
    from chargeback.statements.bridge import Bridge, Detail, Part, RuleChange

#: The part that rules have, and what is said where it could not be measured.
RULES, RULES_UNKNOWN, RULES_WITH_REST = "rules", "rules-unknown", "rules-with-rest"

#: How many things a part of the change names.
DETAILS_OF_CHANGE = 3


def explained(inputs: StatementInputs, unit_id: str) -> Change | None:
    """The parts of the change that are not nothing, each with the largest of what it is for and what is to be
    known of it."""
    bridge = inputs.bridges.get(unit_id)
    if bridge is None:
        return None
    is_unknown = bool({RULES_UNKNOWN, RULES_WITH_REST} & {*bridge.rule_notes, *bridge.remarks})
    parts = [
        ChangePart(
            part.code, part.amount, _details(inputs, bridge, part), notes(inputs.params, bridge, part.code),
            is_unknown=not part.amount,
        )
        for part in bridge.parts
        if part.amount or (part.code == RULES and is_unknown)
    ]  # fmt: skip
    shown = {part.code for part in parts}
    return Change(
        parts=tuple(parts),
        remarks=tuple(one for one in bridge.remarks if REMARK_AT.get(one) not in shown),
    )


def notes(params: Params, bridge: Bridge, code: str) -> tuple[str, ...]:
    """What is said at the line of a part: which rules changed, by what approval, and what could not be done."""
    found = [REMARKS[one] for one in bridge.remarks if REMARK_AT.get(one) == code]
    if code != RULES:
        return tuple(found)
    changed = [rule_change(one.what, one.name, one.reference) for one in bridge.rule_changes]
    found += [rule_note(one, params.key_names) for one in bridge.rule_notes]
    return (" ".join(changed), *found) if changed else tuple(found)


def _details(inputs: StatementInputs, bridge: Bridge, part: Part) -> tuple[ChangeDetail, ...]:
    labelled = [
        (detail_label(inputs.params, one, inputs.product_names, bridge.rule_changes), one.amount)
        for one in part.details[:DETAILS_OF_CHANGE]
    ]
    return tuple(ChangeDetail(label, amount) for label, amount in labelled if label)


def detail_label(
    params: Params,
    detail: Detail,
    product_names: Mapping[str, str],
    rule_changes: Iterable[RuleChange] = (),
) -> str:
    """What a part of a change is for, in a reader's words; blank where nothing is to be named.

    Args:
        rule_changes: of the bridge, for the names of pools that ended.
    """
    if detail.pool_id:
        ended = {one.pool_id: one.name for one in rule_changes}
        return (ended | pool_names(params)).get(detail.pool_id, detail.pool_id)
    if not detail.product_code:
        return ""
    account = params.accounts.get(detail.account_id)
    place = account.name if account else detail.account_id
    service = service_name(detail.product_code, product_names.get(detail.product_code, ""))
    return service + (f" in {place}" if place else "")
