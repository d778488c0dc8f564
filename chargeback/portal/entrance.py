"""Entrance: nobody gets to a room without a session, and what they see is asked anew at every request.

What always holds: whoever is not signed in is answered alike, whatever they ask for; viewers.toml counts as it
is on the disk when a request comes, and while it is malformed nothing is served at all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chargeback.core.errors import Refusal
from chargeback.params.viewers import Sight
from chargeback.portal.arrival import inner_path
from chargeback.portal.door import Door
from chargeback.portal.person import Visit
from chargeback.portal.plain_page import Way
from chargeback.portal.sessions import digest
from chargeback.portal.sign_in import is_inside, way_in
from chargeback.portal.sign_out import SIGN_OUT


class Entrance:
    """Lets whoever is signed in to the rooms, each request with their visit.

    Args:
        open_paths: what is answered to everybody.
        has_sign_in: whether strangers are sent to a provider; else they are told what to do.
    """

    def __init__(
        self, app: ASGIApp, door: Door, open_paths: Collection[str], has_sign_in: bool
    ) -> None:
        self.app, self.door = app, door
        self.open_paths, self.has_sign_in = frozenset(open_paths), has_sign_in
        self.said = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or inner_path(scope) in self.open_paths:
            await self.app(scope, receive, send)
            return
        answer = await self.enter(scope)
        await (answer or self.app)(scope, receive, send)

    async def enter(self, scope: Scope) -> Response | None:
        """Why somebody does not get to where they want; None when they do, and `state.visit` is theirs."""
        request = Request(scope)
        session_id = self.door.id_of(request, self.door.cookie)
        session = await self.door.here(self.door.sessions.find, session_id) if session_id else None
        if session is None:
            return self.stranger(request)
        wait = self.door.requests.wait(digest(session_id))
        if wait:
            return self.door.too_often(wait)
        if inner_path(scope) == SIGN_OUT:  # whatever the policy says, or does not say
            scope["state"] = self.state(scope, Visit(session.person, Sight(), session.form_token))
            return None
        try:
            sight = (await self.door.here(self.door.policy)).sight(session.person.groups)
        except Refusal as refusal:
            return self.no_policy(refusal)
        self.said = ""
        visit = Visit(session.person, sight, session.form_token)
        if sight.nothing:
            return self.nothing_to_see(visit)
        scope["state"] = self.state(scope, visit)
        return None

    def state(self, scope: Scope, visit: Visit) -> dict[str, Any]:
        """What a request carries, with a visit."""
        return {**scope.get("state", {}), "visit": visit}

    def stranger(self, request: Request) -> Response:
        """The answer to whoever is not signed in: the way in, or that their session has ended."""
        if not self.has_sign_in:
            return self.door.page(
                "This portal is for whoever started it",
                "Open the address that was printed where it was started.", status=401,
            )  # fmt: skip
        way, had_one = self.way_for(request), self.door.cookie in request.cookies
        if not had_one and request.method in ("GET", "HEAD") and is_navigation(request):
            return RedirectResponse(way, 303)
        answer = self.door.page(
            "Your session has ended" if had_one else "Sign in first",
            "You were signed out here, because nothing was asked for in a while, or because it is some hours "
            "since you signed in. What you had not sent is not kept." if had_one
            else "Only people who have signed in see anything here.",
            status=401, way=Way("Sign in", way),
        )  # fmt: skip
        if had_one:
            self.door.clear_cookie(answer, self.door.cookie)
        return answer

    def way_for(self, request: Request) -> str:
        """The address that signs somebody in and leads back to what they asked for."""
        path = inner_path(request.scope) or "/"
        query = request.scope.get("query_string", b"").decode("latin-1")
        to = path + (f"?{query}" if query else "")
        is_page = request.method in ("GET", "HEAD") and is_inside(to)
        return way_in(self.door, to if is_page else "/")

    def no_policy(self, refusal: Refusal) -> Response:
        """That nobody is served, since who may see what is not known; the log hears of it once."""
        block = refusal.block()
        if block != self.said:
            self.said = block
            self.door.say("nothing is served: who may see what is not known")
            for line in block.split("\n"):
                self.door.say(line)
        return self.door.page(
            "Nothing can be shown at the moment",
            f"Who may see what cannot be read, so nobody sees anything. Tell {self.door.whom_to_ask}:",
            status=503, code=block,
        )  # fmt: skip

    def nothing_to_see(self, visit: Visit) -> Response:
        """The answer to somebody who is signed in and whose groups see nothing."""
        groups = ", ".join(visit.person.groups) or "none"
        return self.door.page(
            "There is nothing here for you to see",
            f"You are signed in as {visit.person.name}, and none of your groups sees any cost.",
            f"Your groups, as your sign-in names them: {groups}.",
            f"To be given access, ask {self.door.whom_to_ask}.", status=403, visit=visit,
        )  # fmt: skip


def is_navigation(request: HTTPConnection) -> bool:
    """Whether a browser opens a page; one that does not say so is taken for one that does."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"
