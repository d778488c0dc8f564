"""Asking: what authorities of signatures answer over HTTP (time stamps, OCSP, CRLs), within limits."""

from __future__ import annotations

import http.client
import urllib.request

from chargeback.signing.broken import Broken

#: How long an authority may take to answer.
PATIENCE_SECONDS = 30

#: The longest answer that is taken; a time stamp has a few kilobytes.
MOST_BYTES = 1_000_000


class NoAnswer(Broken):
    """Nothing that can be used came back; its text says why."""


def ask(address: str, question: bytes | None = None, kind: str = "") -> bytes:
    """What an address answers.

    Args:
        question: what is sent; None only fetches.
        kind: the media type of the question.

    Raises:
        NoAnswer: it is not reached, refuses, or sends more than is taken.
    """
    if not address.lower().startswith(("http://", "https://")):
        raise NoAnswer(f"{address} is no address of the web")
    headers = {"Content-Type": kind} if kind else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, question, headers), timeout=PATIENCE_SECONDS
        ) as answer:
            content: bytes = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from None
    if len(content) > MOST_BYTES:
        raise NoAnswer(f"an answer of more than {MOST_BYTES:,} bytes")
    return content
