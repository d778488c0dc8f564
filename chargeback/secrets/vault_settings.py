"""Where Vault or OpenBao is, and how this program signs in there; from the environment.

VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT (or VAULT_CAPATH)    as Vault's own programs have them
CHARGEBACK_VAULT_AUTH = token | approle | aws                  token unless it is set
CHARGEBACK_VAULT_AUTH_MOUNT                                    where that method is mounted: approle, aws

token    VAULT_TOKEN, or CHARGEBACK_VAULT_TOKEN(_FILE)
approle  CHARGEBACK_VAULT_ROLE_ID(_FILE), CHARGEBACK_VAULT_SECRET_ID(_FILE)
aws      CHARGEBACK_VAULT_ROLE, CHARGEBACK_VAULT_SERVER_ID: the value of X-Vault-AWS-IAM-Server-ID; signed with
         the AWS credentials of this machine
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chargeback.core.confidential import keep_secret, variable_of
from chargeback.core.errors import Refusal, bad_params
from chargeback.secrets.local import local_secret

ADDRESS = "VAULT_ADDR"
AUTH = "CHARGEBACK_VAULT_AUTH"
METHODS = ("token", "approle", "aws")

_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|localhost|::1")

#: A path of Vault's, as it is written in a place: names between slashes, none of them only dots.
_PATH = re.compile(r"(?!\.)[\w.~-]+(/(?!\.)[\w.~-]+)+", re.ASCII)


@dataclass(frozen=True)
class VaultSettings:
    """One Vault, and who we are there.

    Args:
        authority: file or folder with the certificates that its own is checked by; blank for the usual ones.
        auth, mount: the method, and where it is mounted.
        role: its name, for aws; the role id, for approle.
        credential: the token, or the secret id.
        server_id: of the header that Vault may ask for, for aws.
    """

    address: str
    namespace: str
    authority: str
    auth: str
    mount: str
    role: str = ""
    credential: str = field(default="", repr=False)
    server_id: str = ""


def vault_settings() -> VaultSettings:
    """The settings of the environment.

    Raises:
        Refusal: (exit 2) one is missing or cannot be used.
    """
    auth = _text(AUTH) or METHODS[0]
    if auth not in METHODS:
        raise bad_params(
            f"{AUTH} is none of its choices", "one of " + ", ".join(METHODS), repr(auth), [AUTH]
        )
    role, credential = "", ""
    if auth == "token":
        credential = _text("VAULT_TOKEN") or local_secret("vault_token").text
        keep_secret(credential)
        if not credential:
            raise _missing(auth, "VAULT_TOKEN")
    elif auth == "approle":
        role, credential = _needed(auth, "vault_role_id"), _needed(auth, "vault_secret_id")
    else:
        role = _text("CHARGEBACK_VAULT_ROLE")
        if not role:
            raise _missing(auth, "CHARGEBACK_VAULT_ROLE")
    return VaultSettings(
        _address(), _text("VAULT_NAMESPACE"), _text("VAULT_CACERT") or _text("VAULT_CAPATH"), auth,
        _text("CHARGEBACK_VAULT_AUTH_MOUNT") or auth, role, credential,
        _text("CHARGEBACK_VAULT_SERVER_ID"),
    )  # fmt: skip


def check_path(path: str, where: str) -> str:
    """A path of Vault's without the slashes around it (exit 2 where it is none)."""
    plain = path.strip("/ ")
    if not _PATH.fullmatch(plain):
        raise bad_params(
            "this is not a path of Vault", "the mount and what is in it, such as secret/chargeback",
            repr(path), [where],
        )  # fmt: skip
    return plain


def _address() -> str:
    text = _text(ADDRESS)
    if not text:
        raise _missing("", ADDRESS)
    try:
        parts = urlsplit(text)
        scheme, host = parts.scheme, parts.hostname or ""
        owned = bool(parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        scheme, host, owned = "", "", False
    on_this_machine = scheme == "http" and _LOOPBACK.fullmatch(host)
    if not host or owned or not (scheme == "https" or on_this_machine):
        raise bad_params(
            "the address of Vault is not https", "such as https://vault.example.com:8200",
            f"{scheme or 'no scheme'}, host {host!r}", [ADDRESS],
        )  # fmt: skip
    return text.rstrip("/")


def _needed(auth: str, name: str) -> str:
    found = local_secret(name).text
    if not found:
        raise _missing(auth, f"{variable_of(name)}, or {variable_of(name)}_FILE")
    return found


def _missing(auth: str, variable: str) -> Refusal:
    return bad_params(
        "Vault is named and a setting for it is missing", variable, "nothing",
        [f"{AUTH}={auth}" if auth else "the environment"], ["docs/secrets.md lists the settings"],
    )  # fmt: skip


def _text(variable: str) -> str:
    return os.environ.get(variable, "").strip()
