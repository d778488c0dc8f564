"""What was opened in the portal: whether the access log is whole, and what to say of it."""

from __future__ import annotations

from chargeback.books.access_log import ROOM, access_room, read_access_log
from chargeback.books.history import SHOWN_DIGITS, History
from chargeback.books.verify.findings import Finding, counted
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal


def accessed(books: Books, history: History) -> tuple[list[Finding], list[str]]:
    """What is not as the portal wrote it, and what to say of its log; nothing where no portal ran."""
    room = access_room(books)
    try:
        log = read_access_log(room, history.books_id)
    except Refusal as refusal:
        if refusal.exit_code != CONTROL_FAILED:
            raise
        where = refusal.where[0].removeprefix(room.place).strip("/")
        return [Finding("", f"{ROOM}/{where}", refusal.expected, refusal.found)], []
    if not log.segments and not log.notes:
        return [], []
    said = (
        f"access log, {counted(log.segments, 'segment')}, {log.entries:,} entries, "
        f"head {log.head[:SHOWN_DIGITS]}: whole"
    )
    return [], [said, *(f"NOTE  access log: {one}" for one in log.notes)]
