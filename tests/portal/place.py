"""Small books that a portal serves, and whoever looks at them: a browser with a session of the real portal.

May and June of tests/delivery/pack/months.py: the units shop (CC-1, CC-2) and core (CC-9). The pages of the
dashboards are a line each, which names their scope, as it is nobody's business here what a dashboard shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from chargeback.books.delivery_room import Room
from chargeback.core.books_folders import Books
from chargeback.dashboards.editions import PAGE, dashboards_room, file_of, publish_edition
from chargeback.dashboards.pages import script_digests
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.params.viewers import Grant, Viewers
from chargeback.portal.app import make_app
from chargeback.portal.loopback import Resident, loopback_settings
from chargeback.portal.person import Person
from chargeback.portal.rooms import Place, rooms
from tests.close.months import Month

SCOPES = [
    Scope(ALL),
    Scope(UNIT, "shop"),
    Scope(UNIT, "core"),
    Scope(COST_CENTER, "CC-1"),
    Scope(COST_CENTER, "CC-9"),
]
NOW = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)

#: Groups, and what each sees.
POLICY = Viewers((
    Grant("shop-people", "viewer", business_units=("shop",)),
    Grant("core-people", "viewer", business_units=("core",)),
    Grant("web-lead", "viewer", cost_centers=("CC-1",)),
    Grant("finance", "finance", all=True),
    Grant("finops", "finops", all=True),
    Grant("audit", "auditor", all=True),
    Grant("board", "viewer", all=True),
))  # fmt: skip


def page_of(scope: Scope) -> bytes:
    """What stands for a dashboard."""
    return f"<!DOCTYPE html><title>{scope.kind} {scope.id}</title><p>Dashboard</p>".encode()


def publish_pages(room: Room, scopes: Iterable[Scope] = SCOPES) -> None:
    """An edition of pages."""
    pages = {file_of(one, PAGE): page_of(one) for one in scopes}
    publish_edition(room, pages, {"scripts": list(script_digests())})


def with_pages(books: Books) -> Books:
    """The books with an edition."""
    publish_pages(dashboards_room(books))
    return books


class Written:
    """An access log in memory."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str, dict[str, Any]]] = []

    def record(self, by: str, action: str, subject: str = "", details: Any = None) -> None:
        self.entries.append((by, action, subject, dict(details or {})))

    @property
    def said(self) -> list[tuple[str, str]]:
        """Action and subject of each."""
        return [one[1:3] for one in self.entries]


@dataclass
class Looker:
    """Somebody who is signed in, and their browser."""

    client: TestClient
    log: Written

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, follow_redirects=False, **options)

    def post(self, path: str, token: str | None = None, **fields: str) -> Any:
        """Send a form as a page of the portal does."""
        fields["form_token"] = self.token() if token is None else token
        return self.client.post(
            path,
            data=fields,
            headers={"origin": str(self.client.base_url).rstrip("/")},
            follow_redirects=False,
        )

    def token(self) -> str:
        """That of their forms, as the home page has it."""
        return str(self.get("/").text.split('name="form_token" value="')[1].split('"')[0])


def person(*groups: str, name: str = "Dana") -> Person:
    """Somebody in groups."""
    return Person(f"id-{name}", name, f"{name.lower()}@insurer.example", groups)


@dataclass
class Portal:
    """Books that are served."""

    books: Books
    params: Path
    policy: Viewers = POLICY
    now: datetime = NOW

    def app(self, who: Person, log: Any) -> tuple[Starlette, Resident]:
        """The real portal, for one person."""
        place = Place(self.books, self.params, log, lambda: self.now, lambda _: None)
        place.library.catalogues.seconds = 0
        resident = Resident(who)
        app = make_app(
            loopback_settings(), rooms(place), log, lambda: self.policy, resident=resident,
            progress=lambda _: None,
        )  # fmt: skip
        return app, resident

    def looker(self, *groups: str, name: str = "Dana", log: Any = None) -> Looker:
        """Somebody who has just signed in."""
        written = log or Written()
        app, resident = self.app(person(*groups, name=name), written)
        settings = loopback_settings()
        client = TestClient(
            app, base_url=settings.address, raise_server_exceptions=False, client=("127.0.0.1", 9)
        )
        assert (
            client.get(f"/start?token={resident.token}", follow_redirects=False).status_code == 303
        )
        if isinstance(written, Written):
            written.entries.clear()
        return Looker(client, written)


def portal_of(month: Month, scopes: Sequence[Scope] = SCOPES) -> Portal:
    """The books of a month with pages, served."""
    publish_pages(dashboards_room(month.books), scopes)
    return Portal(month.books, month.params)
