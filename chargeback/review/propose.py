"""The verb `propose-rules`: a change in ServiceNow for proposed rules, opened once, with what decides them.

In: proposed params, and closed periods where there are any. The change carries the digest of the rules as its
correlation id, the rules as prose, and the what-if page over the last closed periods. Whoever runs it again for
the same rules is told of the change that is there. What it prints is the row that makes the approved change a
ratification (chargeback/close/changes.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chargeback.books.delivery_room import delivery_room
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import csv_line
from chargeback.core.errors import UNREACHABLE, Refusal, bad_params
from chargeback.core.period import month_before
from chargeback.core.progress import Progress
from chargeback.params import Params, read_params
from chargeback.params.ratification import OF_CHANGES, is_ratified, rules_digest
from chargeback.review.rules import rules_prose
from chargeback.review.what_if.page import PAGE
from chargeback.review.what_if.run import FindReport, run_what_if
from chargeback.servicenow.attachments import attach
from chargeback.servicenow.changes import CHANGES, Change, change_of, changes
from chargeback.servicenow.claims import Claims
from chargeback.servicenow.connection import Connection, Patience
from chargeback.servicenow.once import Once
from chargeback.servicenow.settings import read_instance
from chargeback.servicenow.table import Record

MOST_MONTHS = 3
LONGEST_DESCRIPTION = 4000
KEY, PARENT = "correlation_id", "task"


@dataclass(frozen=True)
class Attachment:
    """A file for the change; its name says what is in it, so that it is attached once."""

    name: str
    content: bytes
    content_type: str


def propose_rules(
    period: str, params_folder: Path, books: Books, find_report: FindReport, progress: Progress,
    patience: Patience | None = None,
) -> Change:  # fmt: skip
    """Open the change for the rules of a params folder in a period, or find the one that is there.

    Raises:
        Refusal: (exit 2) no instance is configured, or the params cannot be used; (exit 4) a closed period is
            not what it was; (exit 6) ServiceNow does not answer or refuses: run it again, nothing is doubled.
    """
    params = read_params(params_folder, period)
    instance = read_instance(params_folder)
    if instance is None:
        raise bad_params(
            "no instance of ServiceNow is configured to propose rules in",
            'servicenow = "https://<name>.service-now.com" in sources.toml, or CHARGEBACK_SERVICENOW',
            "nothing", [str(params_folder)],
            ["to ratify rules without it, put the row of make rules into ratifications.csv"],
        )  # fmt: skip
    connection = Connection(instance, patience or Patience())
    files = [rules_text(params), *what_if_page(params, books, find_report, progress)]
    change, new = opened(connection, params, books)
    for one in files:
        attach(connection, CHANGES, change.sys_id, one.name, one.content, one.content_type)
    say_change(change, new, params, files, connection, progress)
    return change


def opened(connection: Connection, params: Params, books: Books) -> tuple[Change, bool]:
    """The change of the rules, and whether this run opened it."""
    digest, table = rules_digest(params), changes(connection)

    def look() -> dict[str, Record]:
        found = table.find(KEY, digest)
        return {digest: found[0]} if found else {}

    column = table.column(KEY, PARENT)
    claims = Claims(delivery_room(books), f"rules/{digest[:16]}/claims", connection.patience.quiet)
    once = Once(table, KEY, column is not None and column.unique, claims, look)
    made = once.make({digest: fields_of(params, digest)})
    return change_of(look()[digest]), made > 0


def fields_of(params: Params, digest: str) -> dict[str, str]:
    """The change as it is opened."""
    prose = rules_prose(params)
    if len(prose) > LONGEST_DESCRIPTION:
        more = "\n… (the whole text is attached)"
        prose = prose[: LONGEST_DESCRIPTION - len(more)] + more
    group = params.delivery.servicenow.change_group
    return {
        "short_description": f"Cost allocation rules from {params.period} on, {digest[:12]}",
        "description": prose,
        "justification": f"The rules by which AWS cost is charged. Their digest: {digest}",
        "type": "normal",
        KEY: digest,
        "correlation_display": "Chargeback rules",
        **({"assignment_group": group} if group else {}),
    }


def rules_text(params: Params) -> Attachment:
    """The rules as prose."""
    name = f"rules-{params.period}-{rules_digest(params)[:12]}.txt"
    return Attachment(name, rules_prose(params).encode(), "text/plain")


def what_if_page(
    params: Params, books: Books, find_report: FindReport, progress: Progress
) -> list[Attachment]:
    """The what-if page over the last closed periods, where they allow one."""
    periods = last_months(books.closed_periods())
    if not periods:
        progress("NOTE  no period is closed yet: the change has no what-if page")
        return []
    text = periods[0] if len(periods) == 1 else f"{periods[0]}..{periods[-1]}"
    try:
        folder = run_what_if(text, params.folder, books, find_report, progress)
    except Refusal as refusal:
        if refusal.exit_code != UNREACHABLE:
            raise
        progress(f"NOTE  the change has no what-if page: {refusal.what}")
        return []
    return [Attachment(f"what-if-{folder.name}.html", (folder / PAGE).read_bytes(), "text/html")]


def last_months(closed: Sequence[str]) -> list[str]:
    """The last closed periods without a gap, at most three."""
    found: list[str] = []
    for period in sorted(closed, reverse=True):
        if len(found) == MOST_MONTHS or (found and month_before(found[0]) != period):
            break
        found.insert(0, period)
    return found


def say_change(
    change: Change, new: bool, params: Params, files: Sequence[Attachment], connection: Connection,
    progress: Progress,
) -> None:  # fmt: skip
    """The change, and the row that it becomes a ratification by."""
    said = "opened" if new else f"was opened before; its approval: {change.approval or 'none'}"
    progress(f"{change.number} {said}")
    progress(f"  {'rules':<11} {rules_digest(params)}")
    progress(f"  {'attached':<11} {', '.join(one.name for one in files)}")
    progress(f"  {'see':<11} {connection.link(CHANGES, change.sys_id)}")
    if is_ratified(params):
        progress("These rules are ratified already; nothing needs to be entered.")
        return
    row = (
        rules_digest(params),
        params.period,
        f"{OF_CHANGES}{change.number}",
        "<approved by>",
        "<approved on>",
    )
    progress("When it is approved, put this row into ratifications.csv:")
    progress(csv_line(row))
