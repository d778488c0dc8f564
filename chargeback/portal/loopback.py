"""Loopback: the portal for one person on this machine, who started it and says which groups they are in.

    http://127.0.0.1:8095/start?token=…      printed where it was started

What always holds: it answers this machine only, and only under its own name and port, so that no name of
somebody else's leads to it; and nobody comes in without the token that was printed, so that other users of the
machine and pages of other origins see nothing. There is nothing in it that whoever started it could not read in
the books themselves.
"""

from __future__ import annotations

import getpass
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from chargeback.portal.door import Door
from chargeback.portal.person import Person
from chargeback.portal.sessions import random_text
from chargeback.portal.settings import Settings

START = "/start"
HOST, PORT = "127.0.0.1", 8095


@dataclass(frozen=True)
class Resident:
    """Whoever started the portal, and what lets them in."""

    person: Person
    token: str = field(default_factory=random_text, repr=False)

    def address(self, settings: Settings) -> str:
        """What is printed for them."""
        return f"{settings.address}{START}?token={self.token}"


def resident_of(groups: Sequence[str]) -> Resident:
    """Whoever runs this process, as a member of some groups."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "somebody"
    return Resident(Person(f"local:{name}", name, "", tuple(groups)))


def loopback_settings(port: int = PORT) -> Settings:
    """The settings of a portal without a provider."""
    return Settings(f"http://{HOST}:{port}", HOST, port)


class Start:
    """The way in by the address that was printed."""

    def __init__(self, door: Door, resident: Resident) -> None:
        self.door, self.resident = door, resident

    @property
    def routes(self) -> list[Route]:
        """What it answers."""
        return [Route(START, self.start)]

    async def start(self, request: Request) -> Response:
        """Begin a session of the resident's."""
        wait = self.door.sign_ins.wait(self.door.caller(request))
        if wait:
            return self.door.too_often(wait)
        token = request.query_params.get("token", "")
        if not hmac.compare_digest(token.encode(), self.resident.token.encode()):
            return self.door.page(
                "This portal is for whoever started it",
                "Open the address that was printed where it was started, all of it.", status=401,
            )  # fmt: skip
        person = self.resident.person
        await self.door.here(self.door.records.record, person.by, "signed in")
        session_id = await self.door.here(
            self.door.sessions.sign_in, person, "", self.door.clock(), ""
        )
        answer = RedirectResponse(self.door.address("/"), 303)
        self.door.set_cookie(answer, self.door.cookie, session_id)
        return answer
