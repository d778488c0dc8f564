"""Making dashboards: gather, render, prove, publish, in this order.

    gather      everything is read once (gather.py)                          reads only
    render      a page for each scope, each from its own data alone          in a folder of its own
    prove       what the finished files show is the ledger's, and their own  or nothing is published
    publish     BOOKS/dashboards/000001/, whole, the index last              the same pages make no new edition

A page whose data and look are those of the newest edition is taken from there, and proved like any other.

Nothing of the books is written by it but editions and what was read of the report, so that it undoes nothing,
and two runs at once each publish pages of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from chargeback.books.delivery_room import FolderRoom, Room
from chargeback.core.books_folders import Books
from chargeback.core.code_digest import code_digest
from chargeback.core.paths import REPORTS
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress, show_path
from chargeback.dashboards.editions import (
    DATA,
    FOLDER,
    PAGE,
    Edition,
    dashboards_room,
    file_of,
    newest_whole,
    publish_edition,
    read_page,
)
from chargeback.dashboards.gather import Gathered, gather
from chargeback.dashboards.leaks import DATA as OF_DATA
from chargeback.dashboards.leaks import HTML
from chargeback.dashboards.model import Dashboard
from chargeback.dashboards.months import FindReport
from chargeback.dashboards.pages import render_dashboards, script_digests
from chargeback.dashboards.proof import require_true_pages
from chargeback.dashboards.scope import Scope
from chargeback.statements.exact_json import to_json
from chargeback.statements.render import find_renderer


def make_dashboards(
    books: Books, params_folder: Path, find: FindReport, renderer: str, progress: Progress
) -> Edition:
    """Make the pages of everybody and publish them.

    Args:
        params_folder: today's params.
        find: the folder of a report that has some periods.
        renderer: quarto or embedded; blank as statements choose it.

    Raises:
        Refusal: (exit 2) no closed period is released, or viewers.toml or budgets.csv is malformed; (exit 4) a
            page does not say what the ledger says, or shows what is another's; (exit 6) a page could not be
            made.
    """
    # What was read of the report can be read again, so that it lies beside the books also where they are in S3.
    found = gather(books, params_folder, FolderRoom(books.root / FOLDER), find)
    dashboards = dict(found.dashboards())
    progress(f"Dashboards of {counted(len(dashboards))}, {span(found)}")
    data = {scope: to_json(one).encode() for scope, one in dashboards.items()}
    room, look = dashboards_room(books), look_of(renderer)
    pages = unchanged_pages(room, data, look)
    changed = {scope: one for scope, one in dashboards.items() if scope not in pages}
    if changed:
        with temporary_folder("dashboards") as folder:
            pages |= rendered(changed, folder, renderer)
    require_true_pages(found, {OF_DATA: data, HTML: {scope: pages[scope] for scope in data}})
    contents = {file_of(scope, PAGE): content for scope, content in pages.items()}
    contents |= {file_of(scope, DATA): content for scope, content in data.items()}
    edition, is_new = publish_edition(
        room, contents, {**said_of(found), "look": look, "scripts": list(script_digests())}
    )
    for remark in dict.fromkeys(line for one in dashboards.values() for line in one.remarks):
        progress(f"  note        {remark}")
    what = "published" if is_new else "unchanged"
    place = show_path(Path(room.place)) if isinstance(room, FolderRoom) else room.place.rstrip("/")
    progress(f"  {what}   {place}/{edition.number:06d}")
    return edition


def rendered(
    dashboards: Mapping[Scope, Dashboard], folder: Path, renderer: str
) -> dict[Scope, bytes]:
    """The finished pages."""
    paths = render_dashboards(dashboards, folder, renderer)
    return {scope: path.read_bytes() for scope, path in paths.items()}


def look_of(renderer: str) -> str:
    """A digest of all that a page is made with besides its data: code, templates and renderer."""
    hashed = hashlib.sha256(code_digest().encode())
    for path in sorted(REPORTS.glob("dashboard*")):
        hashed.update(path.read_bytes())
    hashed.update(json.dumps(find_renderer(renderer).record, sort_keys=True).encode())
    return hashed.hexdigest()


def unchanged_pages(room: Room, data: Mapping[Scope, bytes], look: str) -> dict[Scope, bytes]:
    """The pages of the newest edition that would be the same again: from the same data, with the same look.

    They are proved with the others, whoever made them.
    """
    newest = newest_whole(room)
    if newest is None or newest.said.get("look") != look:
        return {}
    found = {}
    for scope, content in data.items():
        if newest.files.get(file_of(scope, DATA)) == hashlib.sha256(content).hexdigest():
            page = read_page(room, newest, scope)
            if page is not None:
                found[scope] = page
    return found


def counted(pages: int) -> str:
    """How many pages."""
    return f"{pages} pages" if pages != 1 else "one page"


def span(found: Gathered) -> str:
    """Which months are on the pages."""
    months = found.months
    closed = f"{len(months.closed)} closed months up to {months.last.period}"
    if len(months.closed) == 1:
        closed = f"{months.last.period}, which is closed"
    if months.open is None:
        return closed
    as_of = f" to {months.open.as_of}" if months.open.as_of else ""
    return f"{closed}, and {months.open.period}{as_of} ({months.open.status})"


def said_of(found: Gathered) -> dict[str, str]:
    """What an edition's index says besides its files."""
    known = found.months.open
    return {
        "last_closed": found.months.last.period,
        "open": known.period if known else "",
        "status": known.status if known else "",
        "as_of": known.as_of if known else "",
        "made_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
