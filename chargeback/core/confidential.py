"""Confidential: which secrets there are, who gets none of them, and how none of them is shown.

Secrets are read in one place (chargeback/secrets). Here is what the processes that are started and the lines
that are printed need to know of them. What always holds: a secret that was read stands in no refusal, also not
in an answer of somebody's server that repeats what it was sent; and no kernel, renderer or other program that
this one starts finds a secret in its environment. Only names that stand here can be read.

Known drawbacks: a text of fewer than six characters is not recognized, because it would be found in words.
AWS's own credentials stay in the environment of kernels, because the stages that ask Athena run there.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping

#: The secrets, each with whether its text must never be shown: a user's name may be, and the path of a key file
#: or its name elsewhere (a key itself is kept secret by chargeback/signing/signing_key.py).
SECRETS = {
    "servicenow_user": False,
    "servicenow_password": True,
    "servicenow_client_id": False,
    "servicenow_client_secret": True,
    "smtp_user": False,
    "smtp_password": True,
    "trino_password": True,
    "trino_token": True,
    "datadog_api_key": True,
    "portal_client_secret": True,
    "signing_key": False,
    "signing_passphrase": True,
    "signing_certificate": False,
    "vault_token": True,
    "vault_role_id": True,
    "vault_secret_id": True,
}  # fmt: skip

#: How a secret is called in the environment: CHARGEBACK_SMTP_PASSWORD, or CHARGEBACK_SMTP_PASSWORD_FILE.
PREFIX, OF_FILE = "CHARGEBACK_", "_FILE"

#: Where a kernel that needs a secret or a signature asks for it (chargeback/secrets/agent.py); no other has it.
AGENT_VARIABLE = "CHARGEBACK_AGENT"

#: What is kept from the programs that are started besides the secrets: how to get at them.
_WAYS = ("CHARGEBACK_SECRETS", "CHARGEBACK_VAULT_", "VAULT_", "BAO_", AGENT_VARIABLE)

#: What AWS's credentials are called; kernels have them.
_OF_AWS = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)  # fmt: skip

SHORTEST = 6
HIDDEN = "(hidden)"

_shown_never: set[str] = set()


def variable_of(name: str) -> str:
    """How a secret is called in the environment."""
    return PREFIX + name.upper()


def without_secrets(environment: Mapping[str, str], aws: bool = True) -> dict[str, str]:
    """An environment for a program that needs no secret.

    Args:
        aws: whether it may have AWS's credentials.
    """
    own = {variable_of(name) + end for name in SECRETS for end in ("", OF_FILE)}
    kept_back = own if aws else own.union(_OF_AWS)
    return {
        name: text
        for name, text in environment.items()
        if name not in kept_back and not name.startswith(_WAYS)
    }


def keep_secret(text: str) -> None:
    """Show a text never again, nor what it becomes in a header, an address or JSON."""
    if len(text) < SHORTEST:
        return
    _shown_never.update((text, urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text)))
    _shown_never.update((json.dumps(text)[1:-1], repr(text)[1:-1], ascii(text)[1:-1]))
    lines = [one.strip() for one in text.splitlines()]
    if len(lines) > 1:  # of a key, one by one
        _shown_never.update(one for one in lines if len(one) > 15 and not one.startswith("-----"))
    encoded = text.encode(errors="surrogateescape")
    for before in range(3):
        # What base64 makes of it wherever it begins; the ends depend on what is beside it.
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            whole = coded(b"\0" * before + encoded).decode().rstrip("=")
            inner = whole[
                (0, 2, 3)[before] : len(whole) - (1 if (before + len(encoded)) % 3 else 0)
            ]
            if len(inner) >= SHORTEST:
                _shown_never.add(inner)


def hidden(text: str) -> str:
    """A text without the secrets that were read so far."""
    for one in sorted(_shown_never, key=len, reverse=True):
        if one in text:
            text = text.replace(one, HIDDEN)
    return text
