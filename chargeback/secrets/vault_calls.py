"""What a failed call to Vault or OpenBao says: one refusal for each reason (exit 6).

The words of the server are shown with whatever secret stands in them hidden; those of an answer to signing in
are not shown at all, because that is where a server might repeat what it was sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests
from hvac import exceptions

from chargeback.core.errors import Refusal, unreachable

AGAIN = "nothing was published; then run the same command again"


@contextlib.contextmanager
def asking(address: str, action: str) -> Iterator[None]:
    """Turn what hvac raises into a refusal.

    Args:
        action: what was asked for, such as "read secret/chargeback".
    """
    try:
        yield
    except (exceptions.VaultError, requests.RequestException, *NOT_AS_EXPECTED) as error:
        raise call_refusal(error, address, action) from None


#: What reading an answer raises that has another form than Vault's.
NOT_AS_EXPECTED = (ValueError, KeyError, TypeError, AttributeError)


def call_refusal(error: BaseException, address: str, action: str) -> Refusal:
    """A failed call as a refusal."""
    where = [f"{address}: {action}"]
    if isinstance(error, requests.exceptions.SSLError):
        return unreachable(
            "Vault cannot be reached", "a certificate that this machine trusts", _reason(error), where,
            ["VAULT_CACERT=file names the authority that certified it", AGAIN],
        )  # fmt: skip
    if isinstance(error, requests.RequestException) and not isinstance(error, ValueError):
        return unreachable(
            "Vault cannot be reached", "an answer", _reason(error), where,
            ["check VAULT_ADDR and the network", AGAIN],
        )  # fmt: skip
    said = _said(error)
    if isinstance(error, exceptions.VaultDown | exceptions.VaultNotInitialized):
        return unreachable(
            "Vault is sealed or not ready", "a server that is unsealed and active", said, where,
            ["have it unsealed by those who keep its keys", AGAIN],
        )  # fmt: skip
    if isinstance(error, exceptions.Forbidden | exceptions.Unauthorized):
        return unreachable(
            "Vault denied a request", "a policy that allows it", said, where,
            ["docs/secrets.md has the policy that this program needs", AGAIN],
        )  # fmt: skip
    if isinstance(error, exceptions.InvalidPath):
        return unreachable(
            "Vault has nothing at this path", "the mount and the name as Vault has them", said, where,
            ["check the path, and VAULT_NAMESPACE where there is one", AGAIN],
        )  # fmt: skip
    return unreachable(
        "Vault answered badly", "an answer in Vault's form", said, where,
        ["check VAULT_ADDR, and the server's own log", AGAIN],
    )  # fmt: skip


def not_signed_in(address: str, auth: str, mount: str, error: BaseException) -> Refusal:
    """That a role, a secret id or AWS credentials are not taken."""
    return unreachable(
        "Vault does not sign this program in", f"the credentials of a role of auth/{mount}",
        f"refused: {type(error).__name__}", [f"{address}: sign in by {auth}"],
        ["check the role, its id and its secret, and what they are bound to: from where, until when, how often",
         AGAIN],
    )  # fmt: skip


def expired_token(address: str) -> Refusal:
    """That a token that somebody gave is not known there (any more)."""
    return unreachable(
        "the token for Vault has expired, or is none of its own", "a token that holds throughout the run",
        "one that it does not know", [address],
        ["sign in again, or let the program sign in itself: CHARGEBACK_VAULT_AUTH=approle or aws", AGAIN],
    )  # fmt: skip


def _said(error: BaseException) -> str:
    """The server's words, shortened; for an answer of another form only what is wrong with it."""
    if isinstance(error, exceptions.VaultError):
        words = "; ".join(str(one) for one in error.errors or ()) or "no reason"
        return f"{type(error).__name__}: {' '.join(words.split())[:300]}"
    return f"an answer of another form: {type(error).__name__}"


def _reason(error: BaseException) -> str:
    """The innermost reason of a failed connection, which names no header."""
    inner: BaseException = error
    while True:
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(reason, BaseException):
            break
        inner = reason
    text = str(inner).rpartition(": ")[2] if "object at 0x" in str(inner) else str(inner)
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"
