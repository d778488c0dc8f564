"""The portal on a free port, as long as a test needs it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import requests
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from chargeback.params.viewers import Grant, Viewers
from chargeback.portal.app import make_app
from chargeback.portal.provider import Provider
from chargeback.portal.settings import Settings

CLIENT_ID, CLIENT_SECRET = "showback", "secret-of-the-client-44d0"
PATIENCE_SECONDS = 60


@dataclass
class Told:
    """Who did what, as the access log would have it."""

    entries: list[tuple[str, str, str]] = field(default_factory=list)

    def record(
        self, by: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Keep an entry."""
        self.entries.append((by, action, subject))


@dataclass
class Portal:
    """A running portal.

    Args:
        log: the lines that it said.
    """

    settings: Settings
    told: Told
    log: list[str]

    @property
    def address(self) -> str:
        """As browsers have it."""
        return self.settings.address

    def is_inside(self, browser: requests.Session) -> bool:
        """Whether a browser gets to a room without signing in again."""
        answer = browser.get(f"{self.address}/", allow_redirects=False, timeout=PATIENCE_SECONDS)
        return answer.status_code == 200


def who_is_here(request: Request) -> JSONResponse:
    """A room that says who is in it, for tests of the door alone."""
    visit = request.state.visit
    return JSONResponse({
        "subject": visit.person.subject, "name": visit.person.name, "groups": visit.person.groups,
        "form_token": visit.form_token,
    })  # fmt: skip


#: By which each group of these tests gets into a room, and some into that of a unit.
POLICY = Viewers((
    Grant("finops-team", "finops", all=True),
    Grant("shop-people", "viewer", business_units=("shop",)),
    Grant("core-people", "viewer", business_units=("core",)),
))  # fmt: skip


@contextlib.contextmanager
def opened(
    issuer: str,
    rooms: Callable[[Told], Sequence[BaseRoute]] | None = None,
    *,
    clock: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    **changes: Any,
) -> Iterator[Portal]:
    """The portal's door before some rooms, which is a real server in a thread of this process.

    Args:
        rooms: without them, one that says who is here.
        clock, steady: seconds since 1970, and those by which the provider's keys grow old.
        changes: of the settings, such as `idle_seconds`.
    """
    told, log = Told(), list[str]()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = replace(
        Settings(f"http://127.0.0.1:{port}", "127.0.0.1", port, issuer, CLIENT_ID, CLIENT_SECRET),
        **changes,
    )
    routes = rooms(told) if rooms else [Route("/", who_is_here), Route("/{path:path}", who_is_here)]
    app = make_app(
        settings, routes, told, lambda: POLICY, provider=Provider(issuer, clock=steady),
        progress=log.append, clock=clock,
    )  # fmt: skip
    with serving(app, listening):
        yield Portal(settings, told, log)


@contextlib.contextmanager
def serving(app: Any, listening: socket.socket | None = None) -> Iterator[int]:
    """An application in a thread of this process; the port.

    Args:
        listening: a free port of 127.0.0.1 without it.
    """
    listening = listening or socket.create_server(("127.0.0.1", 0))
    port: int = listening.getsockname()[1]
    config = uvicorn.Config(
        app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        listening.close()
