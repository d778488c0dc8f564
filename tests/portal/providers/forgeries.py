"""What a hostile or broken provider may send: one forgery each, by the name of its issuer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from starlette.responses import Response

MARKUP = '<script>alert("forged")</script><b id="forged">'

Said = dict[str, Any]
Change = Callable[[Said], object]


@dataclass(frozen=True)
class Signed:
    """What is signed, and with which keys: the published one, and one that nobody knows."""

    claims: Said
    key: RSAKey
    other_key: RSAKey


def honestly(signed: Signed) -> str:
    """As it should be."""
    return jwt.encode({"alg": "RS256", "kid": "honest-key"}, signed.claims, signed.key)


def same(said: Said) -> object:
    """Nothing is changed."""
    return said


@dataclass(frozen=True)
class Forgery:
    """What differs from an honest provider.

    Args:
        claims: changes the claims of the id token.
        sign: makes the token.
        token, discovery, keys: make an answer of what an honest one would be; "slow" comes byte by byte, and
            "slow, of a length" says how much there will be; "endless" is far too much, as fast as it is read;
            "redirected" sends the client elsewhere.
        callback: the parameters with which the browser comes back.
        answers: the status that a portal may answer the sign-in with.
    """

    claims: Change = same
    sign: Callable[[Signed], str] = honestly
    token: Change = same
    discovery: Change = same
    keys: Change = same
    callback: Callable[[Said], Said] = lambda said: said
    answers: tuple[int, ...] = (400, 401)


def sets(**values: Any) -> Change:
    """Claims of other values; `+60` and `-60` as a text add seconds to what there is."""

    def change(claims: Said) -> object:
        for name, value in values.items():
            claims[name] = claims[name] + int(value) if is_shift(value) else value
        return claims

    return change


def is_shift(value: object) -> bool:
    """Whether a value is so many seconds more or less."""
    return isinstance(value, str) and value[:1] in {"+", "-"} and value[1:].isdecimal()


def lacks(*names: str) -> Change:
    """What is left out."""

    def change(said: Said) -> object:
        for name in names:
            del said[name]
        return said

    return change


def encoded(part: Said) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(alg: str) -> Callable[[Signed], str]:
    """A token without a signature."""
    return lambda signed: f"{encoded({'alg': alg, 'kid': 'honest-key'})}.{encoded(signed.claims)}."


def by_secret(content: bytes, signed: Signed) -> str:
    """HS256, which whoever knows the secret can sign."""
    body = f"{encoded({'alg': 'HS256', 'kid': 'honest-key'})}.{encoded(signed.claims)}"
    made = hmac.new(content, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def by_key_of_its_own(signed: Signed) -> str:
    """A key in the token's header, which whoever forges knows."""
    header = {
        "alg": "RS256", "kid": "honest-key", "jwk": signed.other_key.as_dict(private=False),
    }  # fmt: skip
    return jwt.encode(header, signed.claims, signed.other_key)


def by_unknown_key(signed: Signed) -> str:
    """A kid that nobody published."""
    return jwt.encode({"alg": "RS256", "kid": "unknown-key"}, signed.claims, signed.other_key)


def with_critical_header(signed: Signed) -> str:
    """A header that must be understood, and is not."""
    header = {"alg": "RS256", "kid": "honest-key", "crit": ["forged"], "forged": True}
    body = f"{encoded(header)}.{encoded(signed.claims)}"
    signature = jwt.encode({"alg": "RS256"}, signed.claims, signed.key).rpartition(".")[2]
    return f"{body}.{signature}"


def changed_after_signing(signed: Signed) -> str:
    """Claims that were exchanged under a good signature."""
    head, _, signature = honestly(signed).split(".")
    return f"{head}.{encoded({**signed.claims, 'sub': 'somebody-else'})}.{signature}"


def error(code: str, status: int = 400) -> Change:
    """An error answer with markup in it."""
    content = json.dumps(
        {"error": code, "error_description": MARKUP, "error_uri": "javascript:alert(1)"}
    )
    return lambda _: Response(content, status, media_type="application/json")


def text(content: str | bytes, kind: str = "application/json", status: int = 200) -> Change:
    """An answer that is no JSON, or not the one that was asked for."""
    return lambda _: Response(content, status, media_type=kind)


def groups(count: int) -> Change:
    """So many groups, the first of which sees everything."""
    return sets(groups=["finops-team", *(f"group-{number}" for number in range(1, count))])


#: The provider is broken, which a later try may find mended; or what it answers is of no use.
BROKEN = (502, 503)
USELESS = (400, 401, *BROKEN)

TOKENS: dict[str, Forgery] = {
    "wrong-nonce": Forgery(sets(nonce="of-another-sign-in")),
    "no-nonce": Forgery(lacks("nonce")),
    "nonce-no-text": Forgery(sets(nonce=["a"])),
    "wrong-issuer": Forgery(sets(iss="https://login.elsewhere.example")),
    "no-issuer": Forgery(lacks("iss")),
    "issuer-with-markup": Forgery(sets(iss=MARKUP)),
    "wrong-audience": Forgery(sets(aud="another-client")),
    "no-audience": Forgery(lacks("aud")),
    "audiences-without-ours": Forgery(sets(aud=["another-client", "a-third"])),
    "audiences-and-wrong-azp": Forgery(sets(aud=["showback", "another-client"], azp="another-client")),
    "audiences-and-no-azp": Forgery(sets(aud=["showback", "another-client"])),
    "wrong-azp": Forgery(sets(azp="another-client")),
    "audience-object": Forgery(sets(aud={"showback": True})),
    "expired": Forgery(sets(iat="-7200", exp="-3900")),
    "no-expiry": Forgery(lacks("exp")),
    "expiry-no-number": Forgery(sets(exp="tomorrow")),
    "expiry-true": Forgery(sets(exp=True)),
    "issued-in-future": Forgery(sets(iat="+3600", exp="+7200")),
    "no-issue-time": Forgery(lacks("iat")),
    "not-yet": Forgery(sets(nbf=4_102_444_800)),
    "no-subject": Forgery(lacks("sub")),
    "subject-object": Forgery(sets(sub={"id": 1})),
    "subject-empty": Forgery(sets(sub="")),
    "wrong-access-token-hash": Forgery(sets(at_hash="AAAAAAAAAAAAAAAAAAAAAA")),
    "access-token-hash-object": Forgery(sets(at_hash={})),
}  # fmt: skip

SIGNATURES: dict[str, Forgery] = {
    "wrong-signature": Forgery(
        sign=lambda one: honestly(Signed(one.claims, one.other_key, one.key))
    ),
    "changed-after-signing": Forgery(sign=changed_after_signing),
    "alg-none": Forgery(sign=unsigned("none")),
    "alg-none-by-case": Forgery(sign=unsigned("nOnE")),
    "alg-blank-signature": Forgery(sign=unsigned("RS256")),
    "alg-unknown": Forgery(sign=unsigned("RS257")),
    "hs256-with-public-key": Forgery(
        sign=lambda one: by_secret(one.key.as_pem(private=False), one)
    ),
    "hs256-with-client-secret": Forgery(
        sign=lambda one: by_secret(b"secret-of-the-client-44d0", one)
    ),
    "own-key-in-header": Forgery(sign=by_key_of_its_own),
    "unknown-kid": Forgery(sign=by_unknown_key),
    "critical-header": Forgery(sign=with_critical_header),
    "token-no-jwt": Forgery(sign=lambda _: MARKUP),
    "token-of-two-parts": Forgery(sign=lambda one: honestly(one).rpartition(".")[0]),
    "token-claims-list": Forgery(sign=lambda one: list_signed(one)),
}

#: Who has signed in is known, and what they see is not.
UNKNOWN = (403,)

GROUPS: dict[str, Forgery] = {
    "groups-text": Forgery(sets(groups="finops-team"), answers=UNKNOWN),
    "groups-object": Forgery(sets(groups={"finops-team": True}), answers=UNKNOWN),
    "groups-not-texts": Forgery(sets(groups=["finops-team", 7, None]), answers=UNKNOWN),
    "groups-nested": Forgery(sets(groups=[["finops-team"]]), answers=UNKNOWN),
    "entra-overage": Forgery(sets(
        groups=["finops-team"], _claim_names={"groups": "src1"},
        _claim_sources={"src1": {"endpoint": "https://graph.elsewhere.example/me"}}),
        answers=UNKNOWN),
    "entra-has-groups": Forgery(sets(hasgroups=True), answers=UNKNOWN),
    "hundred-groups": Forgery(groups(100), answers=UNKNOWN),
    "hundred-and-one-groups": Forgery(groups(101), answers=UNKNOWN),
    "huge-groups": Forgery(
        sets(groups=["finops-team", *("g" * 1000 for _ in range(20_000))]), answers=USELESS),
}  # fmt: skip

ANSWERS: dict[str, Forgery] = {
    "no-id-token": Forgery(token=lacks("id_token"), answers=USELESS),
    "id-token-number": Forgery(token=lambda said: {**said, "id_token": 7}, answers=USELESS),
    "no-access-token": Forgery(token=lacks("access_token"), answers=USELESS),
    "token-list": Forgery(token=lambda _: [1, 2], answers=USELESS),
    "token-no-json": Forgery(token=text(MARKUP, "text/html"), answers=USELESS),
    "token-no-utf8": Forgery(token=text(b"\xff\xfe{}"), answers=USELESS),
    "token-nested-deep": Forgery(token=text("[" * 200_000), answers=USELESS),
    "token-error": Forgery(token=error("invalid_grant"), answers=(400, 401)),
    "token-error-of-server": Forgery(token=error("server_error", 500), answers=BROKEN),
    "token-redirected": Forgery(token=lambda _: "redirected", answers=BROKEN),
    "token-slow": Forgery(token=lambda _: "slow", answers=BROKEN),
    "token-slow-of-a-length": Forgery(token=lambda _: "slow, of a length", answers=BROKEN),
    "token-endless": Forgery(token=lambda _: "endless", answers=BROKEN),
    "discovery-of-another": Forgery(
        discovery=lambda said: {**said, "issuer": "https://login.elsewhere.example"}, answers=BROKEN),
    "discovery-no-json": Forgery(discovery=text(MARKUP, "text/html"), answers=BROKEN),
    "discovery-nested-deep": Forgery(discovery=text('{"a":' * 100_000), answers=BROKEN),
    "discovery-list": Forgery(discovery=lambda _: [], answers=BROKEN),
    "discovery-lacks-endpoint": Forgery(discovery=lacks("token_endpoint"), answers=BROKEN),
    "discovery-endpoint-no-address": Forgery(
        discovery=lambda said: {**said, "authorization_endpoint": "javascript:alert(1)"}, answers=BROKEN),
    "discovery-endpoint-object": Forgery(
        discovery=lambda said: {**said, "token_endpoint": {"a": 1}}, answers=BROKEN),
    "discovery-redirected": Forgery(discovery=lambda _: "redirected", answers=BROKEN),
    "discovery-slow": Forgery(discovery=lambda _: "slow", answers=BROKEN),
    "discovery-endless": Forgery(discovery=lambda _: "endless", answers=BROKEN),
    "keys-no-keys": Forgery(keys=lambda _: {"keys": [{"kty": "RSA"}, 7, None]}, answers=USELESS),
    "keys-none": Forgery(keys=lambda _: {"keys": []}, answers=USELESS),
    "keys-text": Forgery(keys=lambda _: {"keys": "none"}, answers=USELESS),
    "keys-list": Forgery(keys=lambda _: [], answers=BROKEN),
    "keys-no-json": Forgery(keys=text(MARKUP, "text/html"), answers=BROKEN),
    "keys-redirected": Forgery(keys=lambda _: "redirected", answers=BROKEN),
    "keys-slow": Forgery(keys=lambda _: "slow", answers=BROKEN),
    "keys-endless": Forgery(keys=lambda _: "endless", answers=BROKEN),
}  # fmt: skip

CALLBACKS: dict[str, Forgery] = {
    "callback-error": Forgery(callback=lambda said: {
        "error": "access_denied", "error_description": MARKUP, "state": said["state"]}),
    "callback-error-markup": Forgery(callback=lambda said: {"error": MARKUP, "state": said["state"]}),
    "callback-no-state": Forgery(callback=lambda said: {"code": said["code"]}),
    "callback-state-markup": Forgery(callback=lambda said: {**said, "state": MARKUP}),
    "callback-no-code": Forgery(callback=lambda said: {"state": said["state"]}),
    "callback-code-markup": Forgery(callback=lambda said: {**said, "code": MARKUP}),
    "callback-code-huge": Forgery(callback=lambda said: {**said, "code": "c" * 30_000}),
    "callback-wrong-issuer": Forgery(
        callback=lambda said: {**said, "iss": "https://login.elsewhere.example"}),
    "callback-issuer-promised-and-absent": Forgery(
        discovery=lambda said: {**said, "authorization_response_iss_parameter_supported": True}),
}  # fmt: skip

#: What must let people in, or the tests of the others could not fail.
GOOD: dict[str, Forgery] = {
    "honest": Forgery(answers=(200,)),
    "without-access-token-hash": Forgery(lacks("at_hash"), answers=(200,)),
    "a-minute-fast": Forgery(sets(iat="+30", exp="+30"), answers=(200,)),
    "own-azp": Forgery(sets(azp="showback"), answers=(200,)),
    "audience-list": Forgery(sets(aud=["showback"]), answers=(200,)),
    "ninety-nine-groups": Forgery(groups(99), answers=(200,)),
    "name-with-markup": Forgery(sets(name=MARKUP, email=MARKUP), answers=(200,)),
}  # fmt: skip

BAD = TOKENS | SIGNATURES | GROUPS | ANSWERS | CALLBACKS
FORGERIES = GOOD | BAD


def list_signed(signed: Signed) -> str:
    """A good signature over something that is no object."""
    return jws.serialize_compact({"alg": "RS256", "kid": "honest-key"}, b'["a"]', signed.key)


def logout(**changes: Any) -> Change:
    """Claims of a logout token that differ; None leaves one out."""

    def change(claims: Said) -> object:
        sets(**{name: value for name, value in changes.items() if value is not None})(claims)
        return lacks(*(name for name, value in changes.items() if value is None))(claims)

    return change


#: What may not sign anybody out, by name.
LOGOUTS: dict[str, Forgery] = {
    "wrong-issuer": Forgery(logout(iss="https://login.elsewhere.example")),
    "wrong-audience": Forgery(logout(aud="another-client")),
    "with-nonce": Forgery(logout(nonce="of-an-id-token")),
    "no-events": Forgery(logout(events=None)),
    "other-event": Forgery(logout(events={"https://schemas.elsewhere.example/event": {}})),
    "events-list": Forgery(logout(events=["http://schemas.openid.net/event/backchannel-logout"])),
    "event-no-object": Forgery(logout(events={"http://schemas.openid.net/event/backchannel-logout": True})),
    "no-id": Forgery(logout(jti=None)),
    "nobody": Forgery(logout(sub=None, sid=None)),
    "sid-object": Forgery(logout(sid={"$ne": ""})),
    "no-issue-time": Forgery(logout(iat=None)),
    "issued-long-ago": Forgery(logout(iat="-86400")),
    "issued-in-future": Forgery(logout(iat="+3600", exp="+7200")),
    "expired": Forgery(logout(exp="-3900", iat="-3900")),
    "wrong-signature": SIGNATURES["wrong-signature"],
    "changed-after-signing": SIGNATURES["changed-after-signing"],
    "alg-none": SIGNATURES["alg-none"],
    "hs256-with-public-key": SIGNATURES["hs256-with-public-key"],
    "hs256-with-client-secret": SIGNATURES["hs256-with-client-secret"],
    "own-key-in-header": SIGNATURES["own-key-in-header"],
    "unknown-kid": SIGNATURES["unknown-kid"],
    "critical-header": SIGNATURES["critical-header"],
    "token-no-jwt": SIGNATURES["token-no-jwt"],
}  # fmt: skip
