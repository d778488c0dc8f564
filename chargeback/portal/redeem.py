"""Redeem: the way to the provider, and what it gives for the code that somebody comes back with.

The authorization code flow of OAuth 2.0 with PKCE (S256), by Authlib. What always holds: the code goes to the
provider's own token address only, with the verifier that never left this server; of what comes back the id
token and the access token are taken, and the access token is forgotten at once: it is for at_hash alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from chargeback.portal.fetching import NotFetched, limit
from chargeback.portal.provider import Addresses
from chargeback.portal.sessions import Begun
from chargeback.portal.settings import Settings

#: The ways in which a client proves itself, the first that the provider takes.
METHODS = ("client_secret_basic", "client_secret_post")

LONGEST_CODE = 4096


class Refused(Exception):
    """The provider gives nothing for a code, or nothing that signs anybody in; words for the log."""


def client(settings: Settings, addresses: Addresses) -> OAuth2Session:
    """The portal as a client of the provider, with limited calls."""
    scopes = ["openid", "profile", "email"]
    if settings.groups_claim in addresses.scopes:
        scopes.append(settings.groups_claim)
    method = next((one for one in METHODS if one in addresses.auth_methods), METHODS[0])
    made = OAuth2Session(
        settings.client_id, settings.client_secret or None,
        token_endpoint_auth_method=method if settings.client_secret else "none",
        scope=" ".join(scopes), redirect_uri=settings.callback, code_challenge_method="S256",
    )  # fmt: skip
    limit(made)
    return made


def way_to_provider(settings: Settings, addresses: Addresses, state: str, begun: Begun) -> str:
    """The address at the provider that a browser goes to."""
    address, _ = client(settings, addresses).create_authorization_url(
        addresses.authorization, state=state, nonce=begun.nonce, code_verifier=begun.verifier
    )
    return str(address)


def redeem(
    settings: Settings, addresses: Addresses, code: str, begun: Begun
) -> tuple[str, str | None]:
    """The id token, and the access token where there is one, for a code.

    Raises:
        Refused: the provider does not take the code, or answers without an id token.
        NotFetched: it cannot be asked.
    """
    if not 0 < len(code) <= LONGEST_CODE:
        raise Refused("there is no code, or none of a usable length")
    session = client(settings, addresses)
    try:
        with session:
            found: Mapping[str, Any] = session.fetch_token(
                addresses.token,
                grant_type="authorization_code",
                code=code,
                code_verifier=begun.verifier,
            )
    except AuthlibBaseError as error:
        raise Refused(f"the provider does not take the code: {str(error.error)[:80]}") from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 500
        if status >= 500:
            raise NotFetched(f"it answers {status}") from None
        raise Refused(f"the provider answers {status}") from None
    except requests.RequestException as error:
        raise NotFetched(type(error).__name__) from None
    except NotFetched:
        raise
    except Exception as error:
        # What is answered is the provider's to say, and the library raises what it happens to run into.
        raise Refused(f"the provider's answer cannot be used: {type(error).__name__}") from None
    id_token, access_token = found.get("id_token"), found.get("access_token")
    if not isinstance(id_token, str):
        raise Refused("the provider answers without an id token")
    return id_token, access_token if isinstance(access_token, str) else None
