"""What a provider says of itself and its keys: kept, fetched again when keys rotate, and never on and on."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from chargeback.portal.fetching import NotFetched
from chargeback.portal.provider import Provider, read_addresses, read_key, read_keys

ISSUER = "https://login.example/realms/staff"
ONE = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
TWO = RSAKey.generate_key(2048, {"kid": "two"}, private=True)

SAID: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://login.example/keys",
    "end_session_endpoint": "https://login.example/end",
    "code_challenge_methods_supported": ["plain", "S256"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "scopes_supported": ["openid", "groups"],
}


class Elsewhere:
    """A provider that answers in the process, at a time that a test says."""

    def __init__(self) -> None:
        self.now, self.asked, self.is_down = 0.0, [], False
        self.keys = [ONE]

    def fetch(self, address: str) -> dict[str, Any]:
        self.asked.append(address.rpartition("/")[2])
        if self.is_down:
            raise NotFetched("it is down")
        if address.endswith("/keys"):
            return {"keys": [one.as_dict(private=False) for one in self.keys]}
        assert address == f"{ISSUER}/.well-known/openid-configuration"
        return SAID

    @property
    def provider(self) -> Provider:
        return Provider(ISSUER, self.fetch, lambda: self.now)


def test_addresses_are_kept_for_an_hour():
    there = Elsewhere()
    provider = there.provider
    assert provider.addresses().end_session == "https://login.example/end"
    there.now = 3600
    assert provider.addresses().algorithms == ("RS256",)
    assert there.asked == ["openid-configuration"]
    there.now = 3601
    provider.addresses()
    assert there.asked == ["openid-configuration"] * 2


def test_a_key_that_is_not_known_has_the_keys_fetched_once_a_minute():
    there = Elsewhere()
    provider = there.provider
    assert [one.kid for one in provider.keys("one")] == ["one"]
    there.keys = [TWO]
    there.now = 61
    assert [one.kid for one in provider.keys("two")] == ["two"]
    assert provider.keys("one") == ()
    for number in range(1000):
        assert provider.keys(f"forged-{number}") == ()
    assert there.asked == ["openid-configuration", "keys", "keys"]
    there.now = 122
    assert provider.keys("forged") == ()
    assert there.asked == ["openid-configuration", "keys", "keys", "keys"]


def test_a_key_that_was_taken_back_is_not_believed_for_longer_than_an_hour():
    there = Elsewhere()
    provider = there.provider
    provider.keys("one")
    there.keys, there.now = [TWO], 3601
    assert provider.keys("one") == ()


def test_a_provider_that_is_down_is_not_asked_by_each_visitor():
    there = Elsewhere()
    there.is_down = True
    provider = there.provider
    for _ in range(10):
        with pytest.raises(NotFetched):
            provider.addresses()
    assert len(there.asked) == 1
    there.is_down, there.now = False, 6
    assert provider.addresses().token == "https://login.example/token"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"issuer": ISSUER + "/"}, "calls itself"),
        ({"token_endpoint": "http://login.example/token"}, "not https"),
        ({"jwks_uri": "file:///etc/passwd"}, "not https"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "not https"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "not https"),
        ({"code_challenge_methods_supported": ["plain"]}, "no PKCE"),
        ({"response_types_supported": ["id_token"]}, "no authorization code flow"),
    ],
)
def test_a_provider_that_cannot_be_used_is_said_to_be_none(changed: dict[str, Any], why: str):
    assert read_addresses(SAID, ISSUER)
    with pytest.raises(NotFetched, match=why):
        read_addresses({**SAID, **changed}, ISSUER)


def test_only_public_keys_for_signatures_are_taken():
    short = RSAKey.generate_key(1024, {"kid": "short"}, private=True).as_dict(private=False)
    curve = ECKey.generate_key("P-256", {"kid": "curve"}, private=True)
    raw = [
        ONE.as_dict(private=False),
        {**TWO.as_dict(private=False), "use": "enc"},
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True),
        short, {"kty": "RSA"}, {"kty": ["RSA"]}, {}, "text", {"kty": "EC", "crv": "P-256", "x": 7, "y": None},
        curve.as_dict(private=True),
    ]  # fmt: skip
    read = read_keys({"keys": raw})
    assert [one.kid for one in read] == ["one", "curve"]
    assert not any(one.is_private for one in read)
    assert read_key({**ONE.as_dict(private=False), "n": "AQ"}) is None
    with pytest.raises(NotFetched):
        read_keys({"keys": "none"})
