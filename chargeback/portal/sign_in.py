"""Sign in: to the provider and back, with nothing believed on the way that this portal did not begin itself.

    /sign-in?to=/statements    remembers nonce and verifier, gives the browser a cookie, goes to the provider
    /callback                  the provider's answer: the browser, the code, the id token, the groups

What always holds: an answer counts once, within ten minutes, in the browser that began; after signing in a
browser goes to a page of this portal and nowhere else; whatever is wrong is said to the log, and to the person
only that it did not work and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from chargeback.core.text import plain
from chargeback.portal.door import Door
from chargeback.portal.fetching import NotFetched
from chargeback.portal.groups import UnknownGroups, read_groups
from chargeback.portal.person import Person
from chargeback.portal.plain_page import Way
from chargeback.portal.provider import Provider
from chargeback.portal.redeem import Refused, redeem, way_to_provider
from chargeback.portal.sessions import SIGN_IN_SECONDS, Begun, random_text
from chargeback.portal.tokens import Expected, Untrusted, read_id_token

#: A path of this portal with what may follow it: no second slash at the beginning, which would name a host.
RETURN = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
LONGEST_RETURN = 2000

SIGN_IN, CALLBACK = "/sign-in", "/callback"


def is_inside(to: str) -> bool:
    """Whether a text is a path within the portal that somebody may be sent on to.

    >>> [is_inside(one) for one in ("/", "/a?b=1", "//evil.example", "https://evil.example", "/a\\\\b", "")]
    [True, True, False, False, False, False]
    """
    return len(to) <= LONGEST_RETURN and RETURN.fullmatch(to) is not None


def way_in(door: Door, to: str = "/") -> str:
    """The address that begins a sign-in, which leads back to a path."""
    back = quote(to, safe="/") if is_inside(to) and to != "/" else ""
    return door.address(SIGN_IN) + (f"?to={back}" if back else "")


class SignIn:
    """The way in through the provider."""

    def __init__(self, door: Door, provider: Provider) -> None:
        self.door, self.provider = door, provider
        self.settings = door.settings

    @property
    def routes(self) -> list[Route]:
        """What it answers."""
        return [Route(SIGN_IN, self.begin), Route(CALLBACK, self.come_back)]

    async def begin(self, request: Request) -> Response:
        """Send a browser to the provider."""
        wait = self.door.sign_ins.wait(self.door.caller(request))
        if wait:
            return self.door.too_often(wait)
        to = request.query_params.get("to", "/")
        if not is_inside(to):
            return self.not_done(request, 400, "the way back leads out of the portal")
        browser = self.door.id_of(request, self.door.browser_cookie) or random_text()
        state, begun = random_text(), Begun(random_text(), random_text(), to)
        try:
            address = await self.door.there(self.address, state, begun)
        except NotFetched as error:
            return self.not_there(error)
        await self.door.here(self.door.sessions.begin, state, browser, begun)
        answer = RedirectResponse(address, 303)
        self.door.set_cookie(answer, self.door.browser_cookie, browser, SIGN_IN_SECONDS)
        return answer

    def address(self, state: str, begun: Begun) -> str:
        """Where the browser goes."""
        return way_to_provider(self.settings, self.provider.addresses(), state, begun)

    async def come_back(self, request: Request) -> Response:
        """Take the provider's answer."""
        wait = self.door.answers.wait(self.door.caller(request))
        if wait:
            return self.door.too_often(wait)
        said, browser = request.query_params, self.door.id_of(request, self.door.browser_cookie)
        once = all(len(said.getlist(one)) == 1 for one in said)
        state = said.get("state", "")
        begun = None
        if once and browser and 0 < len(state) <= 100:
            begun = await self.door.here(self.door.sessions.finish, state, browser)
        if begun is None:
            return self.not_done(request, 400, "nobody began it in this browser, or too long ago")
        try:
            claims, text = await self.door.there(self.claims, dict(said), begun)
        except (Refused, Untrusted) as error:
            return self.not_done(request, 401, str(error))
        except NotFetched as error:
            return self.not_there(error)
        return await self.let_in(request, claims, text, begun.return_to)

    def claims(self, said: Mapping[str, str], begun: Begun) -> tuple[Mapping[str, Any], str]:
        """What the provider's id token says, and the token."""
        addresses = self.provider.addresses()
        named = said.get("iss")
        if (named is None and addresses.names_issuer) or named not in (None, self.settings.issuer):
            raise Refused("the answer is another provider's")
        if "error" in said:
            raise Refused(f"the provider answers {said['error'][:80]!r}")
        id_token, access_token = redeem(self.settings, addresses, said.get("code", ""), begun)
        expected = Expected(
            self.settings.issuer, self.settings.client_id, addresses.algorithms, self.door.clock()
        )
        found = read_id_token(id_token, self.provider.keys, expected, begun.nonce, access_token)
        return found, id_token

    async def let_in(
        self, request: Request, claims: Mapping[str, Any], id_token: str, return_to: str
    ) -> Response:
        """Begin a session of somebody who is known now; one that the browser had ends."""
        try:
            groups = read_groups(claims, self.settings.groups_claim)
        except UnknownGroups as error:
            person = person_of(claims, ())
            await self.door.here(
                self.door.records.record, person.by, "refused", "sign-in", {"why": "groups unknown"}
            )
            self.door.say(f"sign-in refused: groups unknown: {error}")
            return self.door.page(
                "Your groups are not known", *error.said,
                f"Nobody is let in until then. Ask {self.door.whom_to_ask}.",
                status=403,
            )  # fmt: skip
        person = person_of(claims, groups)
        sid = claims.get("sid")
        await self.door.here(self.door.records.record, person.by, "signed in")
        session_id = await self.door.here(
            self.door.sessions.sign_in, person, sid if isinstance(sid, str) else "",
            float(claims["iat"]), id_token,
        )  # fmt: skip
        if not session_id:
            return self.not_done(request, 401, "the provider has ended it in the meantime")
        before = self.door.id_of(request, self.door.cookie)
        if before:
            await self.door.here(self.door.sessions.end, before)
        answer = RedirectResponse(self.door.address(return_to), 303)
        self.door.set_cookie(answer, self.door.cookie, session_id)
        return answer

    def not_done(self, request: Request, status: int, why: str) -> Response:
        """That signing in did not work; why is for the log."""
        self.door.say(f"sign-in refused for {self.door.caller(request)}: {why}")
        return self.door.page(
            "Signing in did not work",
            "The answer of your sign-in could not be used. That happens when a page was open for a long "
            "time, when it was opened from a bookmark or the list of earlier pages, or when it was stopped.",
            f"Sign in again. If it does not work then either, ask {self.door.whom_to_ask}.",
            status=status, way=Way("Sign in again", way_in(self.door)),
        )  # fmt: skip

    def not_there(self, error: NotFetched) -> Response:
        """That the provider cannot be asked."""
        self.door.say(f"the identity provider {self.settings.issuer} cannot be used: {error}")
        return self.door.page(
            "Signing in is not possible at the moment",
            "The service that signs people in does not answer. Try again in a minute.",
            status=503, way=Way("Try again", way_in(self.door)),
        )  # fmt: skip


def person_of(claims: Mapping[str, Any], groups: tuple[str, ...]) -> Person:
    """Somebody, as the claims of a token that was checked name them."""

    def text(*names: str) -> str:
        found = (claims.get(one) for one in names)
        return next((plain(one)[:200] for one in found if isinstance(one, str) and one.strip()), "")

    subject = plain(claims["sub"])
    return Person(subject, text("name", "preferred_username") or subject, text("email"), groups)
