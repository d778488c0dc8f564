"""The verb `disputes`: registers and ServiceNow read into the delivery log, and what is open told.

    registers -> log          all or nothing: what is wrong in them is said before anything is written
    ServiceNow -> log         record by record: what is wrong with one is said at the end, the others are done
    log -> table, metrics     what is open and overdue, who has acknowledged, what is to be adjusted

What always holds: no closed period is written, and running it again changes nothing and says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.metrics import emit
from chargeback.core.period import check_day_text
from chargeback.core.progress import Progress
from chargeback.delivery.disputes_asked import Connect, record_servicenow
from chargeback.delivery.disputes_read import DisputesOfBooks, as_one, record_registers
from chargeback.delivery.disputes_told import Told, dispute_metrics, tell


def run_disputes(
    books: Books,
    params_folder: Path,
    periods: Sequence[str],
    day_text: str,
    by: str,
    connect: Connect,
    progress: Progress,
) -> None:
    """Read what units say of their statements into the log, and tell how it stands.

    Args:
        periods: whose statements are asked about; all where there are none.
        day_text: the day to look from; today, in UTC, when it is blank.
        connect: gives a connection to ServiceNow, if there is one.

    Raises:
        Refusal: (exit 2) a register is wrong; (exit 4) it differs from the log, or a dispute is overdue;
            (exit 6) ServiceNow could not be asked, after everything else was done.
    """
    day = check_day_text(day_text) if day_text else datetime.now(UTC).date()
    run = DisputesOfBooks(books, params_folder, tuple(periods), day, by, progress)
    run.require_asked()
    record_registers(run)
    refused = list(record_servicenow(run, connect))
    told = Told(run.books, run.params_folder, run.log, run.only, run.day)
    tell(told, progress)
    emit(dispute_metrics(told), books, "disputes", progress)
    if told.overdue:
        refused.append(overdue(told))
    if refused:
        raise as_one(refused)


def overdue(told: Told) -> Refusal:
    """That disputes are not answered or decided in time (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "a dispute is overdue", "every dispute answered and decided in time",
        f"{len(told.overdue)} overdue on {told.day}", "",
        [f"{one.dispute_id}: {'answer' if one.state == 'raised' else 'decision'} due on {one.due_on}, "
         f"by {one.owner}" for one in told.overdue],
        ["answer it: answered_on and answer of its row; decide it: decided_on, decision and decided_by",
         "everything was read and written down; the agreed days are in [disputes] of delivery.toml"],
    )  # fmt: skip
