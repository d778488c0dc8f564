"""Tokens: what a provider has signed, checked before a word of it is believed.

    id token        who has signed in (OpenID Connect Core 1.0, section 3.1.3.7)
    logout token    who has signed out there (OpenID Connect Back-Channel Logout 1.0, section 2.6)

In: the text of a token, the provider's keys, and what it must say. Out: its claims, or `Untrusted`, whose words
are for the log of whoever runs the portal and for nobody else. What always holds: only signatures with the
provider's private key count, never none and never one with a secret that is shared; the algorithm is one of a
list, and one that the provider says it uses; a claim of another type than it must have is as good as a wrong
one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.jwk import Key

#: What is taken, with the hash that at_hash is made by.
ALGORITHMS = {
    "RS256": "sha256", "RS384": "sha384", "RS512": "sha512",
    "PS256": "sha256", "PS384": "sha384", "PS512": "sha512",
    "ES256": "sha256", "ES384": "sha384", "ES512": "sha512",
    "EdDSA": "sha512", "Ed25519": "sha512",
}  # fmt: skip

#: How far clocks may be apart, and how old what is told of a sign-out may be; seconds.
LEEWAY_SECONDS, TOLD_SECONDS = 60, 600

MOST_CHARACTERS = 100_000

LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

#: Control characters, and halves of characters, which JSON can say and no file keeps.
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

#: The provider's keys of a kid, or all of them.
Keys = Callable[[str | None], tuple[Key, ...]]


class Untrusted(Exception):
    """A token that is not believed."""


class Registry(jws.JWSRegistry):
    """Parameters of a header that nobody knows are ignored, as RFC 7515 has it; certificates make it longer."""

    max_header_length = 8192


@dataclass(frozen=True)
class Expected:
    """Whom tokens must be from and for.

    Args:
        algorithms: what the provider says it signs with; empty where it does not say.
        now: seconds since 1970.
    """

    issuer: str
    client_id: str
    algorithms: tuple[str, ...]
    now: float


def read_id_token(
    text: str, keys: Keys, expected: Expected, nonce: str, access_token: str | None
) -> Mapping[str, Any]:
    """The claims of an id token.

    Args:
        nonce: what the sign-in was begun with.
        access_token: that came with it; None where none did.

    Raises:
        Untrusted: anything about it is not as it must be.
        NotFetched: the provider's keys cannot be had.
    """
    header, claims = signed_claims(text, keys, expected, ("jwt",))
    check_claims(claims, expected)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(ascii(said), ascii(nonce)):
        raise Untrusted("its nonce is not that of this sign-in")
    text_claim(claims, "sub")
    if "at_hash" in claims and claims["at_hash"] != hash_of(access_token, header["alg"]):
        raise Untrusted("its at_hash is not that of the access token")
    return claims


def read_logout_token(text: str, keys: Keys, expected: Expected) -> Mapping[str, Any]:
    """The claims of a logout token: jti, iat, and sid or sub or both.

    Raises:
        Untrusted: anything about it is not as it must be.
        NotFetched: the provider's keys cannot be had.
    """
    _, claims = signed_claims(text, keys, expected, ("jwt", "logout+jwt"))
    check_claims(claims, expected)
    if "nonce" in claims:
        raise Untrusted("it has a nonce, as an id token has")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict):
        raise Untrusted("it tells of no sign-out")
    if number(claims, "iat") < expected.now - TOLD_SECONDS:
        raise Untrusted("it was issued long ago")
    text_claim(claims, "jti")
    if "sid" not in claims and "sub" not in claims:
        raise Untrusted("it says nobody who has signed out")
    for name in ("sid", "sub"):
        if name in claims:
            text_claim(claims, name)
    return claims


def signed_claims(
    text: str, keys: Keys, expected: Expected, kinds: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token that the provider has signed.

    Args:
        kinds: what its header may say that it is, in small letters; it may say nothing.
    """
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS or text.count(".") != 2:
        raise Untrusted("it is no signed token")
    header = json_object(decoded(text.split(".")[0]))
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if (
        not isinstance(algorithm, str)
        or algorithm not in ALGORITHMS
        or "crit" in header
        or "b64" in header
    ):
        raise Untrusted(f"its header asks for what is not taken: {str(algorithm)[:20]!r}")
    if expected.algorithms and algorithm not in expected.algorithms:
        raise Untrusted(f"the provider does not sign with {algorithm}")
    if kind is not None and str(kind).lower().removeprefix("application/") not in kinds:
        raise Untrusted("it is a token of another kind")
    if kid is not None and not isinstance(kid, str):
        raise Untrusted("its kid is no text")
    usable = [one for one in keys(kid) if may_sign(one, algorithm)]
    if not usable:
        raise Untrusted("it names a key that the provider does not have")
    for key in usable:
        content = verified(text, key, algorithm)
        if content is not None:
            return header, json_object(content)
    raise Untrusted("its signature is not the provider's")


def may_sign(key: Key, algorithm: str) -> bool:
    """Whether a key is of the kind of an algorithm, and for no other."""
    kind = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    return key.key_type == kind and key.get("alg", algorithm) == algorithm


def verified(text: str, key: Key, algorithm: str) -> bytes | None:
    """What is signed; None where the signature is not that of a key."""
    try:
        registry = Registry(algorithms=[algorithm], strict_check_header=False)
        return jws.deserialize_compact(text, key, registry=registry).payload
    except Exception:
        # The text is a stranger's. Whatever the library makes of it, it did not find the signature good.
        return None


def check_claims(claims: Mapping[str, Any], expected: Expected) -> None:
    """What holds for every token: from whom, for whom, and when."""
    if claims.get("iss") != expected.issuer:
        raise Untrusted("its issuer is another one")
    audience = claims.get("aud")
    audience = [audience] if isinstance(audience, str) else audience
    if not isinstance(audience, list) or expected.client_id not in audience:
        raise Untrusted("it is for somebody else")
    if len(audience) > 1 and "azp" not in claims:
        raise Untrusted("it is for several, and does not say for whom it was made")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise Untrusted("it was made for somebody else")
    if number(claims, "exp") <= expected.now - LEEWAY_SECONDS:
        raise Untrusted("it has expired")
    if number(claims, "iat") > expected.now + LEEWAY_SECONDS:
        raise Untrusted("it is issued in the future")
    if "nbf" in claims and number(claims, "nbf") > expected.now + LEEWAY_SECONDS:
        raise Untrusted("it is not valid yet")


def number(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time, seconds since 1970."""
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 1e12:
        raise Untrusted(f"its {name} is no time")
    return float(found)


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a short text."""
    found = claims.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= 255 or _UNUSABLE.search(found):
        raise Untrusted(f"its {name} is no name")
    return found


def hash_of(access_token: str | None, algorithm: str) -> str:
    """at_hash of an access token: the left half of its hash."""
    if access_token is None:
        raise Untrusted("it has an at_hash, and no access token came with it")
    made = hashlib.new(ALGORITHMS[algorithm], access_token.encode()).digest()
    return urlsafe_b64encode(made[: len(made) // 2]).decode().rstrip("=")


def decoded(part: str) -> bytes:
    """The bytes of a part of a token."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", part):
        raise Untrusted("it is no signed token")
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Untrusted("it is no signed token") from None


def json_object(content: bytes) -> dict[str, Any]:
    """What a part of a token says, each name once, numbers as JSON has them."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def refuse(text: str) -> float:
        raise ValueError(text)

    try:
        found = json.loads(content, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Untrusted("it holds no JSON") from None
    if not isinstance(found, dict):
        raise Untrusted("it holds no JSON object")
    return found
