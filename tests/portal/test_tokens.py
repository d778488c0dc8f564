"""Which tokens are believed: every forgery is one change of a token that is believed without it."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from chargeback.portal.tokens import (
    LOGOUT,
    Expected,
    Untrusted,
    read_id_token,
    read_logout_token,
)

NOW = 1_780_000_000.0
KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "two"}, private=True)
CURVE = ECKey.generate_key("P-256", {"kid": "curve"}, private=True)
EDWARDS = OKPKey.generate_key("Ed25519", {"kid": "edwards"}, private=True)
HELD = {one.kid: one for one in (KEY, CURVE, EDWARDS)}

EXPECTED = Expected("https://login.example", "showback", (), NOW)
NONCE = "n-1"

#: Every algorithm that joserfc has, also those that nobody should sign with.
ALL = list(jws.JWSRegistry.algorithms)

Claims = dict[str, Any]


def keys(kid: str | None) -> tuple[Key, ...]:
    """The provider's public keys."""
    found = HELD.values() if kid is None else [HELD[kid]] if kid in HELD else []
    return tuple(type(one).import_key(one.as_dict(private=False)) for one in found)


def good(**changed: Any) -> Claims:
    """Claims of an id token; those that are None are left out."""
    made = {
        "iss": "https://login.example", "aud": "showback", "sub": "u-1", "exp": NOW + 300, "iat": NOW,
        "nonce": NONCE, "groups": ["finops-claims"], **changed,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def told(**changed: Any) -> Claims:
    """Claims of a logout token."""
    return good(**{"nonce": None, "jti": "j-1", "sid": "s-1", "events": {LOGOUT: {}}, **changed})


def signed(claims: Claims, key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    """A token; header parameters that are None are left out."""
    made = {"alg": alg, "kid": key.kid, **header}
    made = {name: value for name, value in made.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=ALL, strict_check_header=False)
    return jws.serialize_compact(made, json.dumps(claims).encode(), key, registry=registry)


def read(text: str, access_token: str | None = "at", expected: Expected = EXPECTED) -> Any:
    return read_id_token(text, keys, expected, NONCE, access_token)


def test_a_good_token_is_believed():
    assert read(signed(good()))["sub"] == "u-1"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (KEY, "RS256"), (KEY, "RS384"), (KEY, "RS512"), (KEY, "PS256"), (KEY, "PS384"), (KEY, "PS512"),
        (CURVE, "ES256"), (EDWARDS, "EdDSA"), (EDWARDS, "Ed25519"),
    ],
)  # fmt: skip
def test_each_algorithm_of_the_list_is_taken(key: Any, alg: str):
    assert read(signed(good(), key, alg))["sub"] == "u-1"


#: Each with the words for the log.
FORGED_CLAIMS: dict[str, tuple[Claims, str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "issuer"),
    "an issuer with a slash more": ({"iss": "https://login.example/"}, "issuer"),
    "no issuer": ({"iss": None}, "issuer"),
    "an issuer in a list": ({"iss": ["https://login.example"]}, "issuer"),
    "another audience": ({"aud": "payroll"}, "somebody else"),
    "no audience": ({"aud": None}, "somebody else"),
    "an audience that only contains ours": ({"aud": "showback-test"}, "somebody else"),
    "an empty list of audiences": ({"aud": []}, "somebody else"),
    "an audience that is a table": ({"aud": {"showback": 1}}, "somebody else"),
    "several audiences without azp": ({"aud": ["showback", "payroll"]}, "does not say for whom"),
    "several audiences for another": (
        {"aud": ["showback", "payroll"], "azp": "payroll"}, "made for somebody else",
    ),
    "one audience made for another": ({"azp": "payroll"}, "made for somebody else"),
    "expired": ({"exp": NOW - 61}, "expired"),
    "no expiry": ({"exp": None}, "exp is no time"),
    "an expiry in text": ({"exp": "2099"}, "exp is no time"),
    "an expiry that is true": ({"exp": True}, "exp is no time"),
    "an expiry without end": ({"exp": 1e300}, "exp is no time"),
    "issued in the future": ({"iat": NOW + 61}, "in the future"),
    "no time of issue": ({"iat": None}, "iat is no time"),
    "not valid yet": ({"nbf": NOW + 61}, "not valid yet"),
    "another nonce": ({"nonce": "n-2"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "a nonce in a list": ({"nonce": [NONCE]}, "nonce"),
    "half a character as nonce": ({"nonce": "\ud800"}, "nonce"),
    "nobody": ({"sub": None}, "sub is no name"),
    "an empty name": ({"sub": ""}, "sub is no name"),
    "a name that is a number": ({"sub": 7}, "sub is no name"),
    "a name with half a character": ({"sub": "u\ud800"}, "sub is no name"),
    "a name of 256 characters": ({"sub": "u" * 256}, "sub is no name"),
    "the hash of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED_CLAIMS)
def test_a_forged_claim_is_refused(what: str):
    changed, why = FORGED_CLAIMS[what]
    with pytest.raises(Untrusted, match=why):
        read(signed(good(**changed)))


def test_what_is_just_within_the_leeway_is_taken():
    assert read(signed(good(exp=NOW - 59, iat=NOW + 60, nbf=NOW + 60)))


def test_several_audiences_are_taken_where_the_token_was_made_for_us():
    assert read(signed(good(aud=["payroll", "showback"], azp="showback")))


def test_at_hash_is_that_of_the_access_token():
    # The example of OpenID Connect Core 1.0, appendix A.3: this access token, signed with RS256.
    at, at_hash = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"
    assert read(signed(good(at_hash=at_hash)), at)
    with pytest.raises(Untrusted, match="at_hash"):
        read(signed(good(at_hash=at_hash)), at + "x")
    with pytest.raises(Untrusted, match="no access token"):
        read(signed(good(at_hash=at_hash)), None)


def unsigned() -> str:
    head, body = ({"alg": "none"}, good())
    parts = [
        urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (head, body)
    ]
    return ".".join([*parts, ""])


def by_hand(header: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library makes for anybody."""
    parts = [json.dumps(one).encode() for one in (header, good())]
    said = b".".join(urlsafe_b64encode(one).rstrip(b"=") for one in parts)
    return (said + b"." + urlsafe_b64encode(sign(said)).rstrip(b"=")).decode()


def by_public_key() -> str:
    """HS256 with the public key as the secret, which whoever trusts the header alone would believe."""
    secret = KEY.as_pem(private=False)
    return by_hand({"alg": "HS256", "kid": "one"}, lambda said: hmac.digest(secret, said, "sha256"))


def critical() -> str:
    """A good signature, under a header with something that must be understood."""
    return by_hand(
        {"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": True},
        lambda said: KEY.private_key.sign(said, PKCS1v15(), SHA256()),
    )


def resigned() -> str:
    """Other claims under a good signature."""
    head, _, signature = signed(good()).split(".")
    body = urlsafe_b64encode(json.dumps(good(sub="u-2")).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


def twice() -> str:
    """A name that stands twice, of which readers take different ones."""
    content = json.dumps(good())[:-1] + ', "sub": "u-2"}'
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, content.encode(), KEY)


def deep() -> str:
    """Brackets that take a reader to the end of its stack."""
    content = b'{"a":' + b"[" * 60_000 + b"]" * 1 + b"}"
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, content, KEY)


FORGED: dict[str, tuple[Callable[[], str], str]] = {
    "no signature": (unsigned, "asks for what is not taken: 'none'"),
    "the public key as a secret": (by_public_key, "asks for what is not taken: 'HS256'"),
    "a secret": (lambda: signed(good(), OctKey.generate_key(256), "HS256", kid=None), "HS256"),
    "other claims": (resigned, "signature"),
    "a key of somebody else's": (lambda: signed(good(), OTHER, kid="one"), "signature"),
    "a key that is not known": (lambda: signed(good(), OTHER), "does not have"),
    "somebody else's key without its name": (lambda: signed(good(), OTHER, kid=None), "signature"),
    "a key of another kind": (lambda: signed(good(), CURVE, "ES256", kid="one"), "does not have"),
    "its own key beside it": (
        lambda: signed(good(), OTHER, kid="one", jwk=OTHER.as_dict(private=False)), "signature",
    ),
    "what must be understood": (critical, "is not taken"),
    "an algorithm that is a list": (lambda: "eyJhbGciOlsiUlMyNTYiXX0.e30.x", "is not taken"),
    "a kid that is a number": (lambda: by_hand({"alg": "RS256", "kid": 7}, bytes), "kid is no text"),
    "a logout token": (lambda: signed(good(), typ="logout+jwt"), "another kind"),
    "an access token": (lambda: signed(good(), typ="at+jwt"), "another kind"),
    "a name twice": (twice, "no JSON"),
    "a stack of brackets": (deep, "no JSON"),
    "no token": (lambda: "hello", "no signed token"),
    "nothing": (lambda: "", "no signed token"),
    "five parts": (lambda: "a.b.c.d.e", "no signed token"),
    "a very long one": (lambda: "a" * 100_001 + ".b.c", "no signed token"),
    "another alphabet": (lambda: "ä.b.c", "no signed token"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_token_is_refused(what: str):
    make, why = FORGED[what]
    with pytest.raises(Untrusted, match=why):
        read(make())


def test_an_algorithm_that_the_provider_does_not_use_is_refused():
    only = Expected(EXPECTED.issuer, EXPECTED.client_id, ("ES256",), NOW)
    assert read(signed(good(), CURVE, "ES256"), expected=only)
    with pytest.raises(Untrusted, match="does not sign with RS256"):
        read(signed(good()), expected=only)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
CLAIMS = (
    "iss",
    "aud",
    "azp",
    "sub",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "jti",
    "sid",
    "events",
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(CLAIMS), json_values, min_size=1))
def test_whatever_claims_say_it_is_believed_or_refused(changed: Claims):
    for claims, reader in (
        (good(), read),
        (told(), lambda text: read_logout_token(text, keys, EXPECTED)),
    ):
        try:
            found = reader(signed({**claims, **changed}))
        except Untrusted:
            continue
        audience = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
        assert found["iss"] == "https://login.example"
        assert "showback" in audience
        assert isinstance(found.get("sub", found.get("sid")), str)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "zip"]), json_values),
    st.booleans(),
)  # fmt: skip
def test_whatever_a_header_says_it_is_believed_or_refused(header: Claims, is_logout: bool):
    part = urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    rest = signed(good()).split(".")[1:]
    with pytest.raises(Untrusted):
        if is_logout:
            read_logout_token(".".join([part, *rest]), keys, EXPECTED)
        else:
            read(".".join([part, *rest]))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='abcdefghijklmnopqrstuvwxyzABCXYZ019-_.=+ é{}"', max_size=60))
def test_any_text_is_refused(text: str):
    with pytest.raises(Untrusted):
        read(text)


def test_a_good_logout_token_is_believed():
    for kind in (None, "JWT", "logout+jwt", "application/logout+JWT"):
        assert read_logout_token(signed(told(), typ=kind), keys, EXPECTED)["jti"] == "j-1"
    assert read_logout_token(signed(told(sid=None)), keys, EXPECTED)["sub"] == "u-1"


FORGED_TOLD: dict[str, tuple[Claims, str]] = {
    "a nonce": ({"nonce": NONCE}, "nonce"),
    "no events": ({"events": None}, "no sign-out"),
    "events in a list": ({"events": [LOGOUT]}, "no sign-out"),
    "another event": ({"events": {"http://schemas.openid.net/event/other": {}}}, "no sign-out"),
    "an event that is a text": ({"events": {LOGOUT: "yes"}}, "no sign-out"),
    "no id": ({"jti": None}, "jti is no name"),
    "nobody": ({"sid": None, "sub": None}, "nobody"),
    "a session that is a number": ({"sid": 7}, "sid is no name"),
    "of an hour ago": ({"iat": NOW - 3600}, "long ago"),
    "in the future": ({"iat": NOW + 61}, "future"),
    "expired": ({"exp": NOW - 61}, "expired"),
    "no expiry": ({"exp": None}, "exp is no time"),
    "another issuer": ({"iss": "https://evil.example"}, "issuer"),
    "another audience": ({"aud": "payroll"}, "somebody else"),
}


@pytest.mark.parametrize("what", FORGED_TOLD)
def test_a_forged_logout_token_is_refused(what: str):
    changed, why = FORGED_TOLD[what]
    with pytest.raises(Untrusted, match=why):
        read_logout_token(signed(told(**changed)), keys, EXPECTED)


def test_an_id_token_is_no_logout_token_and_the_other_way_round():
    with pytest.raises(Untrusted):
        read_logout_token(signed(good()), keys, EXPECTED)
    with pytest.raises(Untrusted):
        read(signed(told()))
