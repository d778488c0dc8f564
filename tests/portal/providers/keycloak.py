"""A real Keycloak with two realms: people are in `directory`, which `gate` brokers, as Okta may do for Entra.

It is fetched by Maven into the user's cache once (177 MB), and held to its digest. It needs Java 17, half a
gigabyte of memory and more than a minute of a processor, so it runs where what it tests has changed
(tests/changed.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.portal.providers.npm import cache
from tests.portal.providers.open_portal import CLIENT_ID

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
REALMS = Path(__file__).with_name("realms")
#: What the realms have in place of this run's addresses.
BASE_MARK, PORTAL_MARK = "http://base.example", "http://portal.example"
ADMIN = "admin-of-the-tests"
PATIENCE_SECONDS = 900


@dataclass
class Keycloak:
    """A running server."""

    base: str

    @property
    def issuer(self) -> str:
        """The realm that the portal knows."""
        return f"{self.base}/realms/gate"

    def let_in(self, address: str) -> None:
        """Have the gate know the portal of an address."""
        [client] = self.admin("get", f"gate/clients?clientId={CLIENT_ID}").json()
        text = json.dumps(client).replace(PORTAL_MARK, address)
        self.admin("put", f"gate/clients/{client['id']}", json=json.loads(text))

    def sign_out_of_directory(self, username: str) -> None:
        """End somebody's sessions where they are at home, as an administrator does."""
        [user] = self.admin("get", f"directory/users?username={username}&exact=true").json()
        self.admin("post", f"directory/users/{user['id']}/logout")

    def admin(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call to its administration."""
        token = requests.post(
            f"{self.base}/realms/master/protocol/openid-connect/token", timeout=60,
            data={"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": ADMIN},
        ).json()["access_token"]  # fmt: skip
        answer = requests.request(
            method, f"{self.base}/admin/realms/{path}", timeout=60,
            headers={"Authorization": f"Bearer {token}"}, **options,
        )  # fmt: skip
        assert answer.ok, (answer.status_code, answer.text)
        return answer


def archive() -> Path:
    """Keycloak's archive, fetched where it is not there, and held to its digest."""
    for name in ("java", "mvn"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed, which Keycloak needs")
    folder = cache() / "keycloak"
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / f"keycloak-quarkus-dist-{VERSION}.zip"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.is_file():
            fetched = subprocess.run(
                ["mvn", "-q", "-B", COPY, f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip",
                 f"-DoutputDirectory={folder}"],
                cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if fetched.returncode or not found.is_file():
                pytest.skip("Keycloak could not be fetched from Maven's repository")
    with found.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256:
        found.unlink()
        pytest.fail(f"Keycloak's archive is another one: {digest}")
    return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Keycloak]:
    """A server that is ready; its data is in memory and its program in a folder of the test."""
    with zipfile.ZipFile(archive()) as packed:
        packed.extractall(folder)
    home = folder / f"keycloak-{VERSION}"
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    server = Keycloak(f"http://localhost:{port}")
    write_realms(home / "data" / "import", server.base)
    log = folder / "keycloak.log"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "JAVA_HOME": os.environ.get("JAVA_HOME", ""),
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN,
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx384m",
    }  # fmt: skip
    with log.open("w") as stream:
        process = subprocess.Popen(
            ["/bin/bash", str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", "--db=dev-mem",
             "--http-host=127.0.0.1", f"--http-port={port}"],
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_ready(server, process, log)
        yield server
    finally:
        end(process)


def write_realms(folder: Path, base: str) -> None:
    """The realms, with this run's address."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in REALMS.glob("*.json"):
        text = path.read_text(encoding="utf-8").replace(BASE_MARK, base)
        (folder / path.name).write_text(text, encoding="utf-8")


def wait_ready(server: Keycloak, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until both realms answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(requests.RequestException):
            realms = ("gate", "directory")
            if all(requests.get(f"{server.base}/realms/{one}", timeout=60).ok for one in realms):
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text())


def end(process: subprocess.Popen[bytes]) -> None:
    """End the server and the shell that started it, which are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
