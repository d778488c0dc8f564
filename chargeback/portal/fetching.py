"""Fetching: calls to the provider, each with an end: of time, of size, and of where it may go.

What always holds: an address is https, or http on this machine; no redirect is followed; an answer is read to a
number of bytes and seconds and not further; and no password of the machine's .netrc is sent along.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from chargeback.portal.settings import is_safe, split

#: Seconds for a connection, between two pieces of an answer, and for all of it.
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5, 10, 20

MOST_BYTES = 1_000_000


class NotFetched(Exception):
    """Nothing usable was answered; the words are for the log."""


class LimitedAdapter(HTTPAdapter):
    """Answers that are read with limits of time and size, from safe addresses only."""

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """As requests has it.

        Raises:
            NotFetched: the address is not safe, the answer is a redirect, too long or too slow.
        """
        check_safe(request.url or "")
        options |= {"stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        begun = time.monotonic()
        answer = super().send(request, **options)
        with answer:
            if 300 <= answer.status_code < 400:
                raise NotFetched("it answers with another address")
            try:
                answer._content = read_limited(answer, begun)
            except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
                raise NotFetched(f"its answer ended: {type(error).__name__}") from None
        return answer


def read_limited(answer: requests.Response, begun: float) -> bytes:
    """All of an answer, unless it is too long or takes too long."""
    body = bytearray()
    # Whatever has come so far: waiting for pieces of a size would let an answer drip without end.
    while piece := answer.raw.read1(16_384):
        body += piece
        if len(body) > MOST_BYTES:
            raise NotFetched(f"it answers with more than {MOST_BYTES} bytes")
        if time.monotonic() - begun > WHOLE_SECONDS:
            raise NotFetched(f"it answers for longer than {WHOLE_SECONDS} seconds")
    return bytes(body)


def limit(session: requests.Session) -> requests.Session:
    """Let a session make limited calls only."""
    session.max_redirects = 0
    session.headers["Accept-Encoding"] = "identity"  # a few packed bytes could become very many
    for scheme in ("https://", "http://"):
        session.mount(scheme, LimitedAdapter())
    return session


def check_safe(address: str) -> None:
    """Raise NotFetched at an address that says things in the open."""
    parts = split(address)
    if parts is None or not is_safe(parts):
        raise NotFetched("an address of it is not https")


def fetch_json(address: str) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        NotFetched: there is none.
    """
    try:
        with limit(requests.Session()) as session:
            answer = session.get(address, auth=_nobody, headers={"Accept": "application/json"})
        if answer.status_code != 200:
            raise NotFetched(f"it answers {answer.status_code}")
        found = json.loads(answer.content)
    except (requests.RequestException, ValueError, RecursionError) as error:
        raise NotFetched(type(error).__name__) from None
    if not isinstance(found, dict):
        raise NotFetched("it answers no JSON object")
    return found


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """As whom public things are fetched; without it, requests looks into .netrc."""
    return request
