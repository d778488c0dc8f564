"""Asked: ServiceNow's tables of disputes and acknowledgements, read into the log record by record.

What is wrong with one record keeps no other from being written down; it is said at the end. Of a dispute that
stands in a register and in ServiceNow each may say what the other does not, and neither something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from chargeback.books.delivery_log import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
)
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.delivery.disputes_read import DisputesOfBooks, record
from chargeback.delivery.disputes_servicenow import OpenTable, RegisterTable, merged
from chargeback.delivery.disputes_told import Told
from chargeback.params.disputes import (
    ACKNOWLEDGEMENTS,
    DISPUTES,
    acknowledgement_of,
    check_names_apart,
    dispute_of,
    read_disputes,
)
from chargeback.params.registers import Row, check_cells, read_register

#: Gives what opens a table of ServiceNow, if there is one.
Connect = Callable[[], OpenTable | None]


def record_servicenow(run: DisputesOfBooks, connect: Connect) -> Iterator[Refusal]:
    """Write what is new in ServiceNow's tables into the log, record by record, and tell it there.

    Yields:
        what is wrong: of each record by itself; when ServiceNow is down, the one refusal of it.
    """
    if not run.policy.asks_servicenow:
        return
    try:
        open_table = connect()
        if open_table is None:
            raise bad_params(
                "a table of ServiceNow is named, and no ServiceNow",
                'servicenow = "https://<name>.service-now.com" in sources.toml', "none",
                ["delivery.toml, [disputes]"],
                ["name it there or as CHARGEBACK_SERVICENOW, or take the table out of [disputes]"],
            )  # fmt: skip
        if run.policy.servicenow_disputes:
            table = RegisterTable(open_table, run.policy.servicenow_disputes, DISPUTES, run.policy)
            yield from record_disputes_of(run, table)
        if run.policy.servicenow_acknowledgements:
            name = run.policy.servicenow_acknowledgements
            table = RegisterTable(open_table, name, ACKNOWLEDGEMENTS, run.policy)
            yield from record_acknowledgements_of(run, table)
    except Refusal as refusal:
        yield refusal


def record_disputes_of(run: DisputesOfBooks, table: RegisterTable) -> Iterator[Refusal]:
    """The disputes of a table: all of them read into the log, then each told how it stands."""
    written = {row["dispute_id"]: row for row in rows_of(run.params_folder, DISPUTES)}
    records = [one for one in table.records() if run.asks(one.row["billing_period"])]
    names = Counter(one.row["dispute_id"].casefold() for one in records)
    done = []
    for one in records:
        name = one.row["dispute_id"]
        try:
            if names[name.casefold()] > 1:
                raise twice(name, table)
            dispute = dispute_of(checked(merged(written.get(name), one)))
            registered = read_disputes(run.params_folder)
            check_names_apart(
                [dispute, *(other for other in registered if other.dispute_id != name)]
            )
            record(run, [dispute], [], table.place)
        except Refusal as refusal:
            yield refusal
        else:
            done.append(one)
    told = Told(run.books, run.params_folder, run.log, (), run.latest)
    for one in done:
        table.write_back(one, told_of(told, one.row["dispute_id"]))


def checked(row: Row) -> Row:
    """A row whose ids and period have the form that a register's have (exit 2)."""
    check_cells(row)
    return row


def told_of(told: Told, dispute_id: str) -> dict[str, str]:
    """What a record of ServiceNow is told of a dispute: how it stands, and what the log holds of it."""
    standing = next(one for one in told.standings if one.dispute_id == dispute_id)
    found = {
        "state": standing.state(told.day), "answer_due": str(standing.answer_due),
        "decide_due": str(standing.decide_due), "adjusted_in": told.adjusted_in(standing),
    }  # fmt: skip
    for entry in told.log.entries:
        if entry.subject == dispute_id and entry.action in (ANSWERED, DECIDED):
            found |= entry.details["row"]
    return found


def record_acknowledgements_of(run: DisputesOfBooks, table: RegisterTable) -> Iterator[Refusal]:
    """The acknowledgements of a table."""
    written = {
        (row["billing_period"], row["business_unit_id"]): row
        for row in rows_of(run.params_folder, ACKNOWLEDGEMENTS)
    }
    for one in table.records():
        if not run.asks(one.row["billing_period"]):
            continue
        try:
            key = (one.row["billing_period"], one.row["business_unit_id"])
            record(
                run, [], [acknowledgement_of(checked(merged(written.get(key), one)))], table.place
            )
        except Refusal as refusal:
            yield refusal
        else:
            table.write_back(one, {"state": ACKNOWLEDGED})


def rows_of(folder: Path, name: str) -> list[Row]:
    """The rows of an optional register."""
    return read_register(folder, name) if (folder / name).is_file() else []


def twice(name: str, table: RegisterTable) -> Refusal:
    """That two records of ServiceNow have one id (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "two records of ServiceNow are one dispute", "an id for each", repr(name), "",
        [table.place], ["give one of them another dispute_id; nothing of the two was written down"],
    )  # fmt: skip
