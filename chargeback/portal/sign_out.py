"""Sign out: here, at the provider, and when the provider says that somebody has signed out there.

    /sign-out               ends the session, then goes on to the provider to end its own
    /signed-out             where the provider sends people afterwards
    /back-channel-logout    the provider itself tells of a sign-out (OpenID Connect Back-Channel Logout 1.0)

What always holds: the session here has ended before the browser goes anywhere; what the provider tells counts
once, and at once. The browser goes on by a page, not by an answer to the form: a browser holds a form's target
to the pages' content policy, wherever providers that stand behind each other send it.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from chargeback.portal.door import Door
from chargeback.portal.fetching import NotFetched
from chargeback.portal.forms import encoding, read_form
from chargeback.portal.person import Visit
from chargeback.portal.plain_page import Way
from chargeback.portal.provider import Provider
from chargeback.portal.sign_in import way_in
from chargeback.portal.tokens import Expected, Untrusted, read_logout_token

SIGN_OUT, SIGNED_OUT, BACK_CHANNEL = "/sign-out", "/signed-out", "/back-channel-logout"


class SignOut:
    """The ways out; without a provider, only the one here."""

    def __init__(self, door: Door, provider: Provider | None) -> None:
        self.door, self.provider = door, provider

    @property
    def routes(self) -> list[Route]:
        """What it answers."""
        told = [Route(BACK_CHANNEL, self.be_told, methods=["POST"])] if self.provider else []
        return [
            Route(SIGN_OUT, self.sign_out, methods=["POST"]), Route(SIGNED_OUT, self.signed_out), *told
        ]  # fmt: skip

    async def sign_out(self, request: Request) -> Response:
        """End the session of whoever asks, and go on to the provider."""
        await read_form(request)
        visit: Visit = request.state.visit
        id_token = await self.door.here(
            self.door.sessions.end, self.door.id_of(request, self.door.cookie)
        )
        await self.door.here(self.door.records.record, visit.person.by, "signed out")
        address = await self.end_at_provider(id_token)
        answer: Response
        if address:
            answer = self.door.page(
                "Signing out", "Your session here has ended. The one of your sign-in is ended now.",
                way=Way("Go on", address), onward=address,
            )  # fmt: skip
        else:
            answer = RedirectResponse(self.door.address(SIGNED_OUT), 303)
        self.door.clear_cookie(answer, self.door.cookie)
        # Pages that a browser holds ready for going back are dropped too.
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    async def end_at_provider(self, id_token: str) -> str:
        """The provider's address that ends its session; blank where it has none or cannot be asked."""
        if self.provider is None:
            return ""
        try:
            address = (await self.door.there(self.provider.addresses)).end_session
        except NotFetched as error:
            self.door.say(f"a session could not be ended at the identity provider: {error}")
            return ""
        if not address:
            return ""
        said = {
            "client_id": self.door.settings.client_id,
            "post_logout_redirect_uri": self.door.settings.signed_out,
            **({"id_token_hint": id_token} if id_token else {}),
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(said)}"

    async def signed_out(self, request: Request) -> Response:
        """Say that it is done."""
        way = Way("Sign in", way_in(self.door)) if self.provider else None
        return self.door.page("You have signed out", "You can close this page.", way=way)

    async def be_told(self, request: Request) -> Response:
        """Take what the provider tells of a sign-out."""
        wait = self.door.logouts.wait(self.door.caller(request))
        if wait:
            return self.door.too_often(wait)
        if encoding(request) != "application/x-www-form-urlencoded":
            return self.not_taken(request, "it is no form")
        tokens = (await request.form(max_files=0, max_fields=10)).getlist("logout_token")
        if len(tokens) != 1 or not isinstance(tokens[0], str):
            return self.not_taken(request, "it has no logout token")
        try:
            ended = await self.door.there(self.end_told, tokens[0])
        except Untrusted as error:
            return self.not_taken(request, str(error))
        except NotFetched as error:
            self.door.say(f"a sign-out that was told could not be checked: {error}")
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        if ended is None:
            return self.not_taken(request, "it was told before")
        self.door.say(f"the identity provider ended {ended} session{'' if ended == 1 else 's'}")
        return Response(status_code=200)

    def end_told(self, token: str) -> int | None:
        """End what a logout token says; how many, or None where it was told before."""
        assert self.provider is not None
        settings = self.door.settings
        expected = Expected(
            settings.issuer,
            settings.client_id,
            self.provider.addresses().algorithms,
            self.door.clock(),
        )
        claims = read_logout_token(token, self.provider.keys, expected)
        sid, subject = claims.get("sid", ""), claims.get("sub", "")
        ended = self.door.sessions.end_for_provider(
            claims["jti"], sid, subject, float(claims["iat"])
        )
        if ended:
            who = subject or "a session of the provider's"
            self.door.records.record(who, "signed out at the provider", "", {"sessions": ended})
        return ended

    def not_taken(self, request: Request, why: str) -> Response:
        """That what was told is not believed."""
        self.door.say(f"a sign-out told by {self.door.caller(request)} was refused: {why}")
        return JSONResponse({"error": "invalid_request"}, 400)
