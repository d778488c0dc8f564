"""Changes: rules that a change in ServiceNow ratifies are those that it approved, or the close stops.

In: the ratification in force. Where its reference names a change, that is read when the period is closed: it
must be approved, and its correlation id must be the digest of the rules in force. What was answered is kept
with the close. Nobody is asked when a closed period is closed again: what was read then is in its evidence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chargeback.books.delivery_log import now
from chargeback.books.manifest import RULES_CHANGE
from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.params import Ratification
from chargeback.params.ratification import OF_CHANGES, change_number, rules_digest
from chargeback.servicenow.changes import APPROVED, Change, find_changes
from chargeback.servicenow.connection import Connection, Patience
from chargeback.servicenow.settings import read_instance

FILE = "ratifications.csv"


def approved_change(work: WorkFolder, patience: Patience | None = None) -> dict[str, Any] | None:
    """The change that ratifies the rules in force, as it was read; None where none is named.

    Raises:
        Refusal: (exit 4) it is not approved, is of other rules or not there, or the ratification must name one
            and does not; (exit 2) no instance is configured; (exit 6) ServiceNow does not answer.
    """
    params, held = work.params, work.params.ratification
    if not params.governed or held is None:
        return None
    number = change_number(held.reference)
    if not number:
        changes_from = params.delivery.servicenow.changes_from
        if changes_from and held.valid_from >= changes_from:
            raise Refusal(
                CONTROL_FAILED, f"the rules for {work.period} are ratified by no change",
                f"{OF_CHANGES}<number>, for ratifications from {changes_from} on", held.reference, "",
                [f"{FILE}, {held.valid_from}", "delivery.toml, [servicenow] changes_from"],
                [f"open a change for these rules: make propose-rules PARAMS=… PERIOD={work.period}",
                 "when it is approved, name it in the row's reference"],
            )  # fmt: skip
        return None
    instance = read_instance(work.params_folder)
    if instance is None:
        raise bad_params(
            f"no instance of ServiceNow is configured to read {number} from",
            'servicenow = "https://<name>.service-now.com" in sources.toml', "nothing",
            [f"{FILE}, {held.valid_from}: {held.reference}"],
        )  # fmt: skip
    found = find_changes(Connection(instance, patience or Patience()), number)
    change = require_approved(work, held, found, instance.address)
    return {**change.record(), "instance": instance.address, "read_at": now()}


def require_approved(
    work: WorkFolder, held: Ratification, found: Sequence[Change], address: str
) -> Change:
    """The change, which is approved and of the rules in force (exit 4)."""
    digest, number = rules_digest(work.params), change_number(held.reference)
    where = [f"{FILE}, the row of {held.valid_from}", address]
    if len(found) != 1:
        raise Refusal(
            CONTROL_FAILED, f"{number}, which ratifies the rules, is not in ServiceNow",
            "one change of this number that our account may read", f"{len(found)}", "", where,
            ["correct the reference, or give our account the right to read changes"],
        )  # fmt: skip
    change = found[0]
    if change.correlation_id != digest:
        raise Refusal(
            CONTROL_FAILED, f"{number}, which ratifies the rules, is of other rules",
            f"the correlation id {digest}, the digest of the rules in force",
            change.correlation_id or "none", "", where,
            [f"see the rules as prose: make rules PERIOD={work.period}",
             f"open a change for these rules: make propose-rules PARAMS=… PERIOD={work.period}"],
        )  # fmt: skip
    if change.approval != APPROVED:
        raise Refusal(
            CONTROL_FAILED, f"{number}, which ratifies the rules, is not approved", APPROVED,
            change.approval or "no approval", "", where,
            ["have it approved in ServiceNow, then run the same command again; nothing was closed"],
        )  # fmt: skip
    return change


def keep_change(work: WorkFolder, change: dict[str, Any] | None) -> None:
    """Leave what was read in the work folder, for the evidence; nothing of an earlier run stays."""
    path = work.path(RULES_CHANGE)
    path.unlink(missing_ok=True)
    if change is not None:
        path.write_text(json.dumps(change, indent=1, sort_keys=True) + "\n", "utf-8")
