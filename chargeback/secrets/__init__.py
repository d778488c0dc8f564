"""Secrets: the one place where passwords, tokens and keys are read.

    CHARGEBACK_<NAME>        the environment
    CHARGEBACK_<NAME>_FILE   a file that holds it, such as a mounted secret
    CHARGEBACK_SECRETS       a place that holds several by name: vault:<mount>/<path> or aws:<id or arn>

The first that gives one decides. What always holds: what was read is shown nowhere, is written to no file, and
reaches no process that this one starts (chargeback/core/confidential.py); and what was leased for it is given
back when the process ends. A place is asked once, when the first secret is needed that nothing before it gives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from chargeback.core.confidential import AGENT_VARIABLE, SECRETS, keep_secret, variable_of
from chargeback.core.errors import bad_params
from chargeback.secrets.local import Secret, local_secret

__all__ = ["Secret", "find_secret", "give_back", "secret"]

PLACE_VARIABLE = "CHARGEBACK_SECRETS"


def secret(name: str) -> str:
    """The text of a secret; blank where nobody gives one.

    Args:
        name: such as "smtp_password", one of those in chargeback/core/confidential.py.

    Raises:
        Refusal: (exit 2) its file or the place of secrets cannot be used as it is written; (exit 6) the place
            does not answer, or denies it.
    """
    return find_secret(name).text


def find_secret(name: str) -> Secret:
    """The same, with where it comes from."""
    if os.environ.get(AGENT_VARIABLE):
        return _asked_secret(name)
    found = local_secret(name)
    if not found.text and os.environ.get(PLACE_VARIABLE, "").strip():
        place = os.environ[PLACE_VARIABLE].strip()
        text = _held(place).get(name, "")
        found = Secret(text, f"{name} in {place}") if text else found
    if SECRETS[name]:
        keep_secret(found.text)
    return found


def _asked_secret(name: str) -> Secret:
    """The same in a notebook's kernel, which is told what it needs and no more."""
    from chargeback.secrets.asking import SECRET, ask

    agent = Path(os.environ[AGENT_VARIABLE])
    found = Secret(ask(agent, SECRET, name) or "", variable_of(name))
    if SECRETS[name]:
        keep_secret(found.text)
    return found


def _read_vault(path: str) -> Mapping[str, str]:
    from chargeback.secrets.vault import read_texts

    return read_texts(path)


def _read_aws(name: str) -> Mapping[str, str]:
    from chargeback.secrets.aws import read_texts

    return read_texts(name)


_READERS: dict[str, Callable[[str], Mapping[str, str]]] = {"vault": _read_vault, "aws": _read_aws}

#: What each place holds, once it was asked.
_known: dict[str, Mapping[str, str]] = {}


def _held(place: str) -> Mapping[str, str]:
    """Everything that a place holds, by name."""
    if place not in _known:
        kind, _, named = place.partition(":")
        if kind not in _READERS or not named.strip():
            raise bad_params(
                f"{PLACE_VARIABLE} names no place of secrets", "vault:<mount>/<path> or aws:<id or arn>",
                repr(place), [PLACE_VARIABLE], ["unset it to give secrets by the environment or files alone"],
            )  # fmt: skip
        _known[place] = _READERS[kind](named)
    return _known[place]


def give_back() -> None:
    """Forget what places hold, and give back what was leased for it; once more is harmless."""
    import sys

    _known.clear()
    vault = sys.modules.get("chargeback.secrets.vault")
    if vault is not None:
        vault.sign_out()
