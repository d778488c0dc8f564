"""Delivery: what was closed is handed out and booked, each thing once, with every step on record.

    pack -> journal for the ERP -> ServiceNow -> QuickSight -> mail

In: a closed period that is released, and the params of today. Out: files in the delivery room, what others
hold, and an entry in the delivery log for each thing done. A target that is down keeps no other from being
served: what it did not take is left, and the next run does what is left and nothing else. The books never
depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.progress import Progress
from chargeback.delivery import quicksight
from chargeback.delivery.erp.export import ErpJournal, is_configured
from chargeback.delivery.mail import MailTarget
from chargeback.delivery.pack import PackTarget
from chargeback.delivery.released import (
    ClosedForDelivery,
    is_waiting,
    is_who_closed,
    require_released,
)
from chargeback.delivery.servicenow import ServiceNowTarget


class Target(Protocol):
    """Somewhere that a period is delivered to."""

    @property
    def name(self) -> str:
        """What it is called, for people."""

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """Do what is not done yet and say it; where all is done, say that and change nothing.

        Raises:
            Refusal: it could not be done, or not all of it.
        """


def targets(period: ClosedForDelivery) -> Sequence[Target]:
    """The targets that are configured, in order."""
    found: list[Target] = [PackTarget()]
    if is_configured(period):
        found.append(ErpJournal())
    if period.delivery.servicenow.expense_lines:
        found.append(ServiceNowTarget())
    if quicksight.is_configured(period.params_folder):
        found.append(quicksight.QuickSightTarget())
    found.append(MailTarget())
    return found


def deliver(period: ClosedForDelivery, progress: Progress) -> None:
    """Deliver a period to every target.

    Raises:
        Refusal: (exit 4) nobody has approved it; (exit 2) a target's settings are wrong; (exit 6) one is down
            or answers badly, after all others have been served.
    """
    require_released(period)
    refused: list[tuple[str, Refusal]] = []
    for target in targets(period):
        try:
            target.deliver(period, progress)
        except Refusal as refusal:
            refused.append((target.name, refusal))
    if len(refused) == 1:
        raise refused[0][1]
    if refused:
        raise several(period.period, refused)


def deliver_closed(period: ClosedForDelivery, progress: Progress) -> list[Refusal]:
    """Deliver a period that was just closed, or say that it waits for an approval; what was refused."""
    if is_waiting(period):
        progress(waiting_words(period))
        return []
    try:
        deliver(period, progress)
    except Refusal as refusal:
        progress(f"  not delivered  {refusal.what}")
        again = (
            f"what is left of the delivery of {period.period}: make handout PERIOD={period.period}"
        )
        return [
            replace(
                refusal, todo=["the period is closed, and stays as it is", again, *refusal.todo]
            )
        ]
    return []


def require_delivered(refused: Sequence[Refusal]) -> None:
    """Stop with the first of what was refused, and the others named in it."""
    if refused:
        first, *others = refused
        also = [f"also: {one.what}" for one in others if one.what != first.what]
        raise replace(first, where=[*first.where, *also])


def waiting_words(period: ClosedForDelivery) -> str:
    """That a period is prepared, and for whom it waits."""
    others = [
        one.approver_id for one in period.delivery.approvers if not is_who_closed(period, one)
    ]
    names = " or ".join(others) or "…"
    return (
        f"{period.period} is prepared: its numbers are final, and nothing is handed out or booked yet\n"
        f"  approval    make approve PERIOD={period.period} BY={names}"
    )


def several(period: str, refused: Sequence[tuple[str, Refusal]]) -> Refusal:
    """More than one target that refused, in one block, with the exit code of the gravest."""
    codes = [one.exit_code for _, one in refused]
    return Refusal(
        next((one for one in codes if one != UNREACHABLE), UNREACHABLE),
        "some of the targets of this delivery did not take it", "", f"{len(refused)} of them",
        "",
        [f"{name}: {one.what}{f': {one.found}' if one.found else ''}" for name, one in refused],
        [*dict.fromkeys(line for _, one in refused for line in one.todo),
         f"all others have been served; run it again: make handout PERIOD={period}"],
    )  # fmt: skip
