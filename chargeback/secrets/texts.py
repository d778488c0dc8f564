"""Texts: what a place of secrets answers, seen to be texts by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chargeback.core.confidential import SECRETS, keep_secret
from chargeback.core.errors import bad_params


def as_texts(content: Any, place: str) -> Mapping[str, str]:
    """The secrets that are known here, by name; others that the place holds are not kept.

    Raises:
        Refusal: (exit 2) it is not texts by name.
    """
    if not isinstance(content, dict):
        raise _no_texts(place, f"{type(content).__name__} instead")
    found = {}
    for name in sorted(SECRETS.keys() & content.keys()):
        text = content[name]
        if not isinstance(text, str):
            raise _no_texts(place, f"{name}, which is of type {type(text).__name__}")
        found[name] = text.strip()
        if SECRETS[name]:
            keep_secret(found[name])
    return found


def _no_texts(place: str, found: str) -> Exception:
    return bad_params(
        "a place of secrets holds no texts by name", "names, such as smtp_password, and a text for each",
        found, [place],
    )  # fmt: skip
