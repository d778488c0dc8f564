"""The portal as finance runs it: `chargeback portal` in a process of its own, on a free port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.portal.providers.certified import Certified
from tests.portal.providers.open_portal import CLIENT_ID, CLIENT_SECRET, PATIENCE_SECONDS

SECRET_VARIABLE = "CHARGEBACK_PORTAL_CLIENT_SECRET"


@dataclass
class RealPortal:
    """A running process.

    Args:
        address: as browsers have it.
        folder: that holds its report, params and books.
        log: the file of what it says.
        port: where it listens on this machine.
    """

    address: str
    folder: Path
    log: Path
    port: int

    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8")


@contextlib.contextmanager
def running(folder: Path, issuer: str, address: str = "", more: str = "") -> Iterator[RealPortal]:
    """The portal of the books in a folder; told to end afterwards, as a service manager does.

    Args:
        address: as browsers have it; where it listens without it. `@PORT@` stands for its port.
        more: lines of [portal].
    """
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    address = address.replace("@PORT@", str(port)) or f"http://127.0.0.1:{port}"
    (folder / "params" / "sources.toml").write_text(
        f'[portal]\nissuer = "{issuer}"\nclient_id = "{CLIENT_ID}"\naddress = "{address}"\n'
        f'listen = "127.0.0.1:{port}"\ncontact = "finops@insurer.example"\n{more}',
        encoding="utf-8",
    )  # fmt: skip
    log = folder / "portal.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "chargeback", "portal", "--params", str(folder / "params"),
             "--books", str(folder / "books")],
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, SECRET_VARIABLE: CLIENT_SECRET, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    portal = RealPortal(address, folder, log, port)
    try:
        wait_ready(portal, process, port)
        yield portal
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()


def wait_ready(portal: RealPortal, process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, portal.said()
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=PATIENCE_SECONDS).ok:
                return
        time.sleep(0.1)
    raise AssertionError(portal.said())


def let_in(provider: Certified, address: str) -> None:
    """Have a provider know the portal of an address."""
    provider.add_client(
        CLIENT_ID, CLIENT_SECRET, f"{address}/callback", f"{address}/back-channel-logout",
        [f"{address}/signed-out"],
    )  # fmt: skip
