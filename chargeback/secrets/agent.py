"""The agent: what a notebook's kernel needs of secrets, asked for where they are, and kept in no environment.

    kernel  --a kind, and what of it-->  the process that runs the notebook
            <--a text, or a refusal---   over a Unix socket in a private folder

The process that runs a notebook offers what that one needs, for as long as it runs: a few secrets by name, or
signatures of a key that the kernel never sees (chargeback/signing/agent.py). So there is one session with the
place of secrets, and what that refuses reaches the kernel as the same refusal. Messages are lines of JSON, one
question a connection.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socketserver
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from chargeback.core.confidential import AGENT_VARIABLE
from chargeback.core.errors import Refusal
from chargeback.core.kernels import make_sockets_folder
from chargeback.core.private import remove_held
from chargeback.secrets import find_secret
from chargeback.secrets.asking import SECRET

#: Answers a question of a kind.
Offer = Callable[[str], str]

SOCKET = "agent"

#: How often the agent looks whether its notebook has ended: whoever ran that waits for it.
LOOKS_SECONDS = 0.02


@contextlib.contextmanager
def offering(offers: Mapping[str, Offer]) -> Iterator[dict[str, str]]:
    """Answer whoever is told where, as long as this lasts.

    Args:
        offers: by kind.

    Yields:
        the variable that tells a kernel where.
    """
    folder, hold = make_sockets_folder()
    try:
        with _Agent(str(folder / SOCKET), offers) as server:
            serve = functools.partial(server.serve_forever, LOOKS_SECONDS)
            threading.Thread(target=serve, name="agent", daemon=True).start()
            try:
                yield {AGENT_VARIABLE: str(folder / SOCKET)}
            finally:
                server.shutdown()
    finally:
        remove_held(folder, hold)


@contextlib.contextmanager
def offering_secrets(names: Collection[str]) -> Iterator[dict[str, str]]:
    """Tell some secrets to whoever is told where; others are blank to it."""
    with offering({SECRET: lambda name: find_secret(name).text if name in names else ""}) as told:
        yield told


class _Agent(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers questions, one at a time."""

    daemon_threads = True

    def __init__(self, path: str, offers: Mapping[str, Offer]) -> None:
        super().__init__(path, _Question)
        os.chmod(path, 0o600)
        self.offers, self.lock = offers, threading.Lock()

    def answer(self, question: dict[str, str]) -> dict[str, Any]:
        """What a question is answered with; a refusal is an answer."""
        offer = self.offers.get(question["kind"])
        if offer is None:
            return {"text": None}
        try:
            with self.lock:
                return {"text": offer(question["of"])}
        except Refusal as refusal:
            return {"refusal": asdict(refusal)}

    def handle_error(self, request: object, client_address: object) -> None:
        """A kernel that went away needs no answer."""


class _Question(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Agent)
        answer = self.server.answer(json.loads(self.rfile.readline()))
        self.wfile.write(json.dumps(answer).encode() + b"\n")
