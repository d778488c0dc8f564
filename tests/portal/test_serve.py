"""The portal as a process: how it starts, what it says, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.paths import PARAMS, ROOT
from chargeback.portal.serve import bound, serve
from tests.portal.small_provider import SmallProvider

VERB = [sys.executable, "-m", "chargeback", "portal"]


class Running:
    """A portal in a process of its own.

    Args:
        until: a line after which it serves.
    """

    def __init__(self, command: list[str], log: Path, until: str = "Ctrl-C ends it.") -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, env=environment
            )
        self.log = log
        for _ in range(600):
            if until in self.text or self.process.poll() is not None:
                break
            time.sleep(0.1)
        assert until in self.text, self.text

    @property
    def text(self) -> str:
        return self.log.read_text()

    def end(self, by: int = signal.SIGTERM) -> int:
        self.process.send_signal(by)
        return self.process.wait(60)


@pytest.fixture
def ended() -> Iterator[list[Running]]:
    """Processes that are ended, however a test goes."""
    found: list[Running] = []
    yield found
    for one in found:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(30)


@pytest.mark.slow
def test_for_oneself_it_says_where_it_is_and_ends_when_told(tmp_path: Path, ended: list[Running]):
    command = [*VERB, "--books", str(tmp_path / "books"), "--groups", "finops-claims"]
    one = Running(command, tmp_path / "log.txt")
    ended.append(one)
    assert "to       you alone, as a member of finops-claims; on this machine only" in one.text
    assert "in which 12 group(s) see something" in one.text
    address = re.search(r"http://127\.0\.0\.1:[0-9]+/start\?token=\S+", one.text)
    assert address
    browser = requests.Session()
    answer = browser.get(address[0], timeout=30)
    assert answer.status_code == 200
    assert answer.history[0].headers["set-cookie"].startswith("portal-")
    assert "server" not in answer.headers
    assert requests.get(address[0].partition("/start")[0], timeout=30).status_code == 401
    beside = Running(
        [*VERB, "--books", str(tmp_path / "other"), "--groups", "finops-team"],
        tmp_path / "other.txt",
    )
    ended.append(beside)
    assert address[0].partition("/start")[0] not in beside.text, (
        "another port, where the usual one is taken"
    )
    assert beside.end(signal.SIGINT) == 0
    assert one.end() == 0
    assert "nobody is served any more" in one.text
    assert "Traceback" not in one.text
    token = address[0].partition("token=")[2]
    assert one.text.count(token) == 1, "it is printed once and in no line about a request"


def settings_of(folder: Path, issuer: str, port: int) -> Path:
    """A copy of the sample's params with a portal on this machine."""
    for path in PARAMS.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "sources.toml").write_text(
        f'[portal]\nissuer = "{issuer}"\nclient_id = "showback"\n'
        f'address = "http://127.0.0.1:{port}"\nlisten = "127.0.0.1:{port}"\n'
    )
    return folder


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@pytest.mark.slow
def test_behind_sign_in_somebody_stays_signed_in_over_a_restart(
    tmp_path: Path, ended: list[Running]
):
    provider, port = SmallProvider(), free_port()
    (tmp_path / "params").mkdir()
    params = settings_of(tmp_path / "params", provider.issuer, port)
    command = [*VERB, "--books", str(tmp_path / "books"), "--params", str(params)]
    one = Running(command, tmp_path / "log.txt")
    ended.append(one)
    assert f"to       whoever signs in at {provider.issuer}, by the claim 'groups'" in one.text
    browser = requests.Session()
    base = f"http://127.0.0.1:{port}"
    to_provider = browser.get(f"{base}/", allow_redirects=False, timeout=30)
    to_provider = browser.get(
        base + to_provider.headers["location"], allow_redirects=False, timeout=30
    )
    said = provider.sign_in(to_provider.headers["location"])
    answer = browser.get(f"{base}/callback", params=said, timeout=30)
    assert answer.status_code == 200
    assert "Dana Whitfield" in answer.text
    assert one.end() == 0
    for kept in (*said.values(), browser.cookies[f"portal-{port}"]):
        assert kept not in one.text
    again = Running(command, tmp_path / "again.txt")
    ended.append(again)
    assert "Dana Whitfield" in browser.get(f"{base}/", timeout=30).text
    provider.close()
    assert again.end() == 0


SLOW_APP = """
import asyncio, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from chargeback.portal.serve import bound, run

async def slow(request):
    print("asked", flush=True)
    await asyncio.sleep(1.5)
    return PlainTextResponse("all of it")

line = bound("127.0.0.1", 0)
print(f"port {line.getsockname()[1]}.", flush=True)
run(Starlette(routes=[Route("/", slow)]), line, lambda text: print(text, flush=True))
"""


@pytest.mark.slow
def test_what_was_asked_before_the_end_is_answered(tmp_path: Path, ended: list[Running]):
    one = Running([sys.executable, "-c", SLOW_APP], tmp_path / "log.txt", "port ")
    ended.append(one)
    port = re.search(r"port ([0-9]+)\.", one.text)
    assert port
    with socket.create_connection(("127.0.0.1", int(port[1])), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while "asked" not in one.text:
            time.sleep(0.05)
        one.process.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    assert answer.endswith(b"all of it")
    assert b"server:" not in answer.lower()
    assert one.process.wait(30) == 0


def test_without_sign_in_and_without_a_group_it_names_the_groups(tmp_path: Path):
    with pytest.raises(Refusal, match="does not know whom to let in") as refused:
        serve(Books(tmp_path), PARAMS, "", lambda _: None)
    assert refused.value.exit_code == BAD_USAGE
    assert "  finops-claims" in refused.value.where and "  internal-audit" in refused.value.where
    assert not list(tmp_path.iterdir())


def test_a_group_that_sees_nothing_is_refused(tmp_path: Path):
    with pytest.raises(Refusal, match="this group sees nothing") as refused:
        serve(Books(tmp_path), PARAMS, "finops-claims,payroll", lambda _: None)
    assert refused.value.exit_code == BAD_USAGE
    assert not list(tmp_path.iterdir())


def test_an_address_that_is_taken_is_refused(tmp_path: Path):
    (tmp_path / "params").mkdir()
    with bound("127.0.0.1", 0) as line:
        params = settings_of(tmp_path / "params", "http://127.0.0.1:9", line.getsockname()[1])
        assert line.proto == socket.IPPROTO_TCP, "else each page waits 40 ms for the one before"
        with pytest.raises(Refusal, match="cannot listen at its address") as refused:
            serve(Books(tmp_path / "books"), params, "", lambda _: None)
    assert refused.value.exit_code == UNREACHABLE
    assert not (tmp_path / "books").exists()


def test_a_policy_that_cannot_be_read_serves_nothing(tmp_path: Path):
    (tmp_path / "params").mkdir()
    params = settings_of(tmp_path / "params", "http://127.0.0.1:9", 9)
    (params / "viewers.toml").write_text('[[viewer]]\ngroup = "g"\n')
    with pytest.raises(Refusal) as refused:
        serve(Books(tmp_path / "books"), params, "g", lambda _: None)
    assert refused.value.exit_code == BAD_USAGE
