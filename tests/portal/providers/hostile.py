"""A provider that forges: each forgery is an issuer of its own, at a path of its name.

    http://localhost:PORT/honest            what a good provider answers
    http://localhost:PORT/wrong-nonce       the same, but for one thing

No real provider sends forged tokens, so this one must (tests/portal/providers/forgeries.py says which). It
signs in whoever comes, as somebody who sees everything: what lets one in has not only looked at groups.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.portal.providers.forgeries import FORGERIES, Forgery, Signed
from tests.portal.providers.open_portal import CLIENT_ID, serving

LIFE_SECONDS = 300
#: Seconds between the bytes of an answer that never ends.
DRIP_SECONDS = 0.2
SLOW_BYTES = 100_000
#: Of 64 kB, of an answer that has far too much in it.
POURED_PIECES = 1000


@dataclass
class Hostile:
    """The running provider.

    Args:
        base: its address; an issuer is this and the name of a forgery.
        codes: what it was asked for, by the code that it gave.
        seen: the paths that were asked for, in order.
        elsewhere: what was sent to where only redirects lead.
    """

    base: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: new_key("honest-key"))
    other_key: RSAKey = field(default_factory=lambda: new_key("honest-key"))

    def issuer(self, name: str) -> str:
        """The issuer that forges something."""
        assert name in FORGERIES, name
        return f"{self.base}/{name}"

    def claims(self, name: str, nonce: str = "") -> dict[str, Any]:
        """What an honest token of an issuer says, now."""
        now = int(time.time())
        said = {
            "iss": self.issuer(name), "sub": "mallory", "aud": CLIENT_ID, "iat": now, "exp": now + LIFE_SECONDS,
            "sid": f"sid-of-{name}", "name": "Mallory", "email": "mallory@insurer.example",
            "groups": ["finops-team"],
        }  # fmt: skip
        return {**said, "nonce": nonce} if nonce else said

    def logout_claims(self, name: str) -> dict[str, Any]:
        """What an honest logout token of an issuer says, now."""
        said = self.claims(name)
        kept = {one: said[one] for one in ("iss", "sub", "aud", "iat", "exp", "sid")}
        events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
        return {**kept, "jti": secrets.token_hex(8), "events": events}

    def signed(self, claims: dict[str, Any], **header: str) -> str:
        """Claims as an honest token."""
        return jwt.encode({"alg": "RS256", "kid": "honest-key", **header}, claims, self.key)

    # -- what is asked for -------------------------------------------------------------------------------------

    async def discovery(self, request: Request) -> Response:
        """What it says of itself."""
        issuer = str(self.issuer(request.path_params["name"]))
        said = {
            "issuer": issuer, "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/keys",
            "end_session_endpoint": f"{issuer}/sign-out",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "backchannel_logout_supported": True, "backchannel_logout_session_supported": True,
        }  # fmt: skip
        return self.answered(self.forgery(request).discovery(said))

    async def authorize(self, request: Request) -> Response:
        """Sign whoever comes in, and send them back."""
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = self.forgery(request).callback({"code": code, "state": asked.get("state", "")})
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        return RedirectResponse(f"{asked['redirect_uri']}{joint}{urlencode(back)}", 302)

    async def token(self, request: Request) -> Response:
        """Tokens for a code, which is good once."""
        form = dict((await request.form()).items())
        asked = self.codes.pop(str(form.get("code")), None)
        forgery = self.forgery(request)
        if asked is None or not is_proof(str(form.get("code_verifier", "")), asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        name = request.path_params["name"]
        access = secrets.token_urlsafe(16)
        claims = {**self.claims(name, asked.get("nonce", "")), "at_hash": half_hash(access)}
        forgery.claims(claims)
        token = forgery.sign(Signed(claims, self.key, self.other_key))
        said = {
            "access_token": access, "token_type": "Bearer", "expires_in": LIFE_SECONDS, "id_token": token,
        }  # fmt: skip
        return self.answered(forgery.token(said))

    async def keys(self, request: Request) -> Response:
        """Its public key."""
        said = {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "RS256"}]}
        return self.answered(self.forgery(request).keys(said))

    async def signed_out(self, request: Request) -> Response:
        """Send back whoever has signed out."""
        back = request.query_params.get("post_logout_redirect_uri")
        return RedirectResponse(back, 302) if back else Response("signed out")

    async def elsewhere_of_redirects(self, request: Request) -> Response:
        """Where nothing of a client should ever arrive."""
        self.elsewhere.append(
            (await request.body()).decode() + str(request.headers.get("authorization", ""))
        )
        return JSONResponse({})

    def forgery(self, request: Request) -> Forgery:
        """What an issuer forges."""
        self.seen.append(request.url.path)
        return FORGERIES[request.path_params["name"]]

    def answered(self, said: object) -> Response:
        """An answer as a forgery wants it: JSON, text of its own, a redirect, or one without an end."""
        if said == "redirected":
            return RedirectResponse(f"{self.base}/elsewhere", 307)
        if said == "slow":
            return StreamingResponse(drip(b" "), media_type="application/json")
        if said == "slow, of a length":
            length = {"content-length": str(SLOW_BYTES)}
            return StreamingResponse(drip(b" "), headers=length, media_type="application/json")
        if said == "endless":
            return StreamingResponse(pour(), media_type="application/json")
        if isinstance(said, Response):
            return said
        return JSONResponse(said)

    def app(self) -> Starlette:
        """The provider as an application."""
        return Starlette(routes=[
            Route("/elsewhere", self.elsewhere_of_redirects, methods=["GET", "POST"]),
            Route("/{name}/.well-known/openid-configuration", self.discovery),
            Route("/{name}/authorize", self.authorize),
            Route("/{name}/token", self.token, methods=["POST"]),
            Route("/{name}/keys", self.keys),
            Route("/{name}/sign-out", self.signed_out),
        ])  # fmt: skip


def new_key(kid: str) -> RSAKey:
    """A key that signs."""
    return RSAKey.generate_key(2048, {"kid": kid})


def half_hash(access: str) -> str:
    """at_hash of an access token, for RS256."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16])
        .rstrip(b"=")
        .decode()
    )


def is_proof(verifier: str, asked: dict[str, str]) -> bool:
    """Whether a verifier is that of PKCE's challenge."""
    digest = (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )
    return asked.get("code_challenge_method") == "S256" and asked.get("code_challenge") == digest


async def drip(one: bytes) -> AsyncIterator[bytes]:
    """A byte now and then, without an end: no single wait is long."""
    while True:
        yield one
        await asyncio.sleep(DRIP_SECONDS)


async def pour() -> AsyncIterator[bytes]:
    """Far more than anybody takes, as fast as it is taken."""
    yield b'{"filler": "'
    for _ in range(POURED_PIECES):
        yield b"x" * 65_536
        await asyncio.sleep(0)


@contextlib.contextmanager
def running() -> Iterator[Hostile]:
    """The provider on a free port, in a thread of this process."""
    hostile = Hostile()
    with serving(hostile.app()) as port:
        hostile.base = f"http://localhost:{port}"
        yield hostile
