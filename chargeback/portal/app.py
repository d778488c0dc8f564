"""App: the portal, put together: what every request passes on its way to a room, and on its way back.

    SafeAnswers    what every answer carries           chargeback/portal/headers.py
    Answering      one line of log; no error gets out  chargeback/portal/answering.py
    Arrival        where a request comes from          chargeback/portal/arrival.py
    Entrance       a session, and what it sees         chargeback/portal/entrance.py
    the rooms      what is served, by colleagues' routes

What always holds: whatever there is not, whatever is not for somebody, and whatever is asked for in a way that
it is not served, is answered with the same bytes and headers, so that nobody learns which of these it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Router

from chargeback.core.progress import Progress, say
from chargeback.params.viewers import Viewers
from chargeback.portal.answering import Answering
from chargeback.portal.arrival import Arrival
from chargeback.portal.door import Door
from chargeback.portal.entrance import Entrance
from chargeback.portal.headers import SafeAnswers
from chargeback.portal.loopback import START, Resident, Start
from chargeback.portal.person import Records
from chargeback.portal.provider import Provider
from chargeback.portal.sessions import MEMORY, Sessions
from chargeback.portal.settings import Settings
from chargeback.portal.sign_in import CALLBACK, SIGN_IN, SignIn
from chargeback.portal.sign_out import BACK_CHANNEL, SIGNED_OUT, SignOut


def make_app(
    settings: Settings, rooms: Sequence[BaseRoute], records: Records, policy: Callable[[], Viewers], *,
    sessions: Sessions | None = None, provider: Provider | None = None, resident: Resident | None = None,
    progress: Progress = say, clock: Callable[[], float] = time.time,
) -> Starlette:  # fmt: skip
    """The portal.

    Args:
        rooms: what is served; `request.state.visit` says to whom (chargeback/portal/person.py), and
            `request.scope["root_path"]` what an address begins with. What a visit may not see they answer with
            HTTPException(404), as what there is not.
        records: where is written down who did what.
        policy: viewers.toml as it is now; asked at every request.
        sessions: kept in memory where none are given.
        provider: that of the settings' issuer where none is given.
        resident: in place of a provider, the one person of this machine who may come in.
        progress: takes the lines of the log.
        clock: seconds since 1970.
    """
    kept = sessions or Sessions(MEMORY, settings.idle_seconds, settings.session_seconds, clock)
    door = Door(settings, kept, records, policy, progress, clock)
    if resident is None:
        provider = provider or Provider(settings.issuer)
        ways_in = SignIn(door, provider).routes
        open_paths = [SIGN_IN, CALLBACK, SIGNED_OUT, BACK_CHANNEL]
    else:
        ways_in = Start(door, resident).routes
        open_paths = [START, SIGNED_OUT]
    app = Starlette(
        routes=[*ways_in, *SignOut(door, provider).routes, *rooms],
        middleware=[
            Middleware(SafeAnswers, is_https=settings.is_https),
            Middleware(Answering, door=door),
            Middleware(Arrival, settings=settings),
            Middleware(Entrance, door=door, open_paths=open_paths, has_sign_in=resident is None),
        ],
        exception_handlers={HTTPException: door_answer(door)},
    )
    app.state.settings = settings
    plain_router(app.router)
    return app


def plain_router(router: Router) -> None:
    """Let a router send nobody to a path with or without a slash: that would say which paths there are."""
    router.redirect_slashes = False


def door_answer(door: Door) -> Callable[[Request, Exception], Response]:
    """How what a room refuses is answered."""

    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        visit = getattr(request.state, "visit", None)
        if error.status_code in (404, 405):
            return door.page(
                "There is no such page", "It may have another address by now, or it is not for you to see.",
                f"If you think that you should see it, ask {door.whom_to_ask}.", status=404, visit=visit,
            )  # fmt: skip
        if error.status_code == 403:
            return door.page(
                "This was not sent from a page of yours",
                "Nothing was changed. Open the page again and send it from there.", status=403, visit=visit,
            )  # fmt: skip
        return door.page(
            "This cannot be done", str(error.detail), status=error.status_code, visit=visit
        )

    return answer
