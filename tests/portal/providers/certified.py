"""The certified provider of npm as a process: who may sign in, its clients, what it does on demand."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.portal.providers import npm
from tests.programs import missing, program

SCRIPT = Path(__file__).with_name("oidc.mjs")
PASSWORD = "open sesame"
LEAST_NODE = 20

#: Seconds that a busy machine may take for an answer.
PATIENCE_SECONDS = 60


@dataclass
class Certified:
    """A running provider.

    Args:
        issuer: its address, which is also its name in tokens.
        clients: by their id, as its configuration has them.
    """

    issuer: str
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_client(
        self, client_id: str, secret: str, callback: str, back_channel: str, signed_out: list[str]
    ) -> None:
        """Let a portal sign people in.

        Args:
            callback: where people return to when they have signed in.
            back_channel: where the provider says that somebody has signed out elsewhere.
            signed_out: where people may return to when they have signed out.
        """
        self.clients[client_id] = {
            "client_id": client_id, "client_secret": secret, "redirect_uris": [callback],
            "post_logout_redirect_uris": signed_out,
            "backchannel_logout_uri": back_channel, "backchannel_logout_session_required": True,
        }  # fmt: skip
        self.control(clients=list(self.clients.values()))

    def users(self, **users: Mapping[str, Any]) -> None:
        """Replace who may sign in: by login, their claims; all have one password."""
        self.control(users=users)

    def rotate_keys(self, keep_old: bool = True) -> None:
        """Sign with a new key from now on; the old one stays published, or not."""
        self.control(rotate="both" if keep_old else "new")

    def live(self, **seconds: int) -> None:
        """Replace how long things live, such as `IdToken`."""
        self.control(ttl=seconds)

    def sign_out_everywhere(self, login: str) -> None:
        """End somebody's sessions there, and say so to every client by its back channel."""
        self.control(end=login)

    def control(self, **what: Any) -> None:
        """Have it do something."""
        answer = requests.post(f"{self.issuer}/control", json=what, timeout=PATIENCE_SECONDS)
        assert answer.ok, answer.text


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Certified]:
    """A provider that is ready; it ends afterwards, and also when whoever started it is killed.

    Args:
        folder: for its log.
    """
    node = node_program()
    if not npm.is_installed():
        missing("oidc-provider of npm is not installed: python -m tests.portal.providers.npm")
    log = folder / "oidc-provider.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [node, str(SCRIPT), str(npm.place())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        assert process.stdout
        issuer = process.stdout.readline().strip()
        assert issuer, log.read_text()
        yield Certified(issuer)
    finally:
        process.kill()
        process.communicate()


def node_program() -> str:
    """Node, new enough for the provider; a test that needs it is skipped where it is not there."""
    node = program("node")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", said)
    if not found or int(found[1]) < LEAST_NODE:
        missing(f"node is {said.strip()}, and the provider needs {LEAST_NODE}")
    return node
