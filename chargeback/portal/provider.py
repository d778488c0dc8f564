"""Provider: what the identity provider says of itself, and the keys by which its tokens are believed.

In: its issuer. Out: its addresses (OpenID Connect Discovery 1.0) and its public keys, both kept for a while.
What always holds: what it says of itself names the issuer that the settings name; all its addresses are safe
ones; a key that signs by a shared secret is not taken. A token with a key that is not known makes the keys be
fetched again, not more often than once a minute, so that forged tokens cannot make this one call it on and on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from chargeback.portal.fetching import NotFetched, check_safe, fetch_json

#: How long what it says is believed without asking again, and the least between two fetches of keys; seconds.
KEPT_SECONDS, AGAIN_SECONDS = 3600, 60

#: How long nothing is asked after it did not answer, seconds; else each visitor would wait for it.
PAUSE_SECONDS = 5

KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey, "EC": ECKey, "OKP": OKPKey,
}  # fmt: skip
SHORTEST_RSA_BITS, MOST_KEYS = 2048, 100

#: What of a key is read.
PUBLIC = ("kty", "use", "alg", "kid", "n", "e", "crv", "x", "y")

DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Addresses:
    """What the provider says of itself.

    Args:
        end_session: blank where it has no sign-out.
        algorithms: by which it signs id tokens; empty where it does not say.
        auth_methods: how a client may prove itself when it redeems a code.
        names_issuer: whether its answers through the browser name it (RFC 9207).
    """

    authorization: str
    token: str
    keys: str
    end_session: str = ""
    algorithms: tuple[str, ...] = ()
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    scopes: tuple[str, ...] = ()
    names_issuer: bool = False


class Provider:
    """An identity provider.

    Args:
        fetch: reads a JSON object at an address, or raises NotFetched.
        clock: seconds, which only go up.
    """

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[str], Mapping[str, Any]] = fetch_json,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer, self.fetch, self.clock = issuer, fetch, clock
        self._lock = threading.Lock()
        self._addresses: Addresses | None = None
        self._addresses_at = self._keys_at = self._failed_at = float("-inf")
        self._keys: tuple[Key, ...] = ()

    def addresses(self) -> Addresses:
        """Its addresses, as it last said them.

        Raises:
            NotFetched: it does not answer, and has not within the time that an answer is kept.
        """
        with self._lock:
            return self._current()

    def keys(self, kid: str | None) -> tuple[Key, ...]:
        """The keys that a token may be signed with: that of its kid, or all where it names none.

        Raises:
            NotFetched: its keys cannot be had.
        """
        with self._lock:
            age = self.clock() - self._keys_at
            found = keys_of(self._keys, kid)
            if age > KEPT_SECONDS or (not found and age > AGAIN_SECONDS):
                address = self._current().keys
                self._keys = read_keys(self._asked(address))
                self._keys_at = self.clock()
                found = keys_of(self._keys, kid)
            return found

    def _current(self) -> Addresses:
        if self._addresses is None or self.clock() - self._addresses_at > KEPT_SECONDS:
            said = self._asked(self.issuer.rstrip("/") + DISCOVERY)
            self._addresses = read_addresses(said, self.issuer)
            self._addresses_at = self.clock()
        return self._addresses

    def _asked(self, address: str) -> Mapping[str, Any]:
        if self.clock() - self._failed_at < PAUSE_SECONDS:
            raise NotFetched("it did not answer just now")
        try:
            return self.fetch(address)
        except NotFetched:
            self._failed_at = self.clock()
            raise


def read_addresses(said: Mapping[str, Any], issuer: str) -> Addresses:
    """What a provider says of itself, checked.

    Raises:
        NotFetched: it is another's, or lacks what signing in takes.
    """
    if said.get("issuer") != issuer:
        raise NotFetched(f"it calls itself {said.get('issuer')!r}, and the settings {issuer!r}")
    if "code" not in texts(said, "response_types_supported", ("code",)):
        raise NotFetched("it has no authorization code flow")
    methods = texts(said, "code_challenge_methods_supported")
    if methods and "S256" not in methods:
        raise NotFetched("it has no PKCE with S256")
    return Addresses(
        endpoint(said, "authorization_endpoint"), endpoint(said, "token_endpoint"),
        endpoint(said, "jwks_uri"),
        endpoint(said, "end_session_endpoint") if said.get("end_session_endpoint") else "",
        texts(said, "id_token_signing_alg_values_supported"),
        texts(said, "token_endpoint_auth_methods_supported", ("client_secret_basic",)),
        texts(said, "scopes_supported"),
        said.get("authorization_response_iss_parameter_supported") is True,
    )  # fmt: skip


def endpoint(said: Mapping[str, Any], name: str) -> str:
    """An address of the provider's."""
    found = said.get(name)
    if not isinstance(found, str):
        raise NotFetched(f"it names no {name}")
    check_safe(found)
    return found


def texts(said: Mapping[str, Any], name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A list of texts; the default where it is none."""
    found = said.get(name)
    if not isinstance(found, list):
        return default
    return tuple(one for one in found if isinstance(one, str))


def read_keys(said: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of a set that can be used for signatures; what cannot is left out (RFC 7517, section 5)."""
    found = said.get("keys")
    if not isinstance(found, list):
        raise NotFetched("it answers no set of keys")
    read = (read_key(one) for one in found[:MOST_KEYS] if isinstance(one, dict))
    return tuple(one for one in read if one is not None)


def read_key(raw: Mapping[str, Any]) -> Key | None:
    """A public key for signatures; None where it is another kind, broken, or too short."""
    kind = KINDS.get(str(raw.get("kty")))
    if kind is None or raw.get("use", "sig") != "sig":
        return None
    public = {name: raw[name] for name in PUBLIC if name in raw}
    try:
        key: Key = kind.import_key(public)
        size = getattr(key.public_key, "key_size", SHORTEST_RSA_BITS)
    except Exception:
        # What a library says of a key that somebody else wrote may be anything; it is no key, whatever it says.
        return None
    return key if kind is not RSAKey or size >= SHORTEST_RSA_BITS else None


def keys_of(keys: tuple[Key, ...], kid: str | None) -> tuple[Key, ...]:
    """Those of a kid; all where none is named."""
    return keys if kid is None else tuple(one for one in keys if one.kid == kid)
