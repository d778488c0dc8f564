"""Calls to the provider end: by time, by size, and where they would go elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from chargeback.portal import fetching
from chargeback.portal.fetching import NotFetched, fetch_json


class Handler(BaseHTTPRequestHandler):
    """Answers as its path says."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["authorization"]))
        getattr(self, self.path.strip("/"))()

    def start(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def good(self) -> None:
        self.start(200)
        self.wfile.write(b'{"issuer": "x"}')

    def elsewhere(self) -> None:
        self.start(302, location="/good")

    def long(self) -> None:
        self.start(200)
        for _ in range(200):
            self.wfile.write(b" " * 16_384)

    def slow(self) -> None:
        self.start(200)
        for _ in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.05)

    def silent(self) -> None:
        self.start(200)
        time.sleep(1)

    def cut(self) -> None:
        self.start(200, **{"content-length": "100"})
        self.wfile.write(b'{"a"')

    def text(self) -> None:
        self.start(200)
        self.wfile.write(b"<html>")

    def list(self) -> None:
        self.start(200)
        self.wfile.write(b"[]")

    def deep(self) -> None:
        self.start(200)
        self.wfile.write(b"[" * 200_000)

    def wrong(self) -> None:
        self.start(500)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def place() -> Iterator[str]:
    Handler.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_json_is_fetched(place: str):
    assert fetch_json(f"{place}/good") == {"issuer": "x"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("elsewhere", "another address"), ("long", "more than 1000000 bytes"), ("text", "JSONDecodeError"),
        ("list", "no JSON object"), ("deep", "RecursionError|JSONDecodeError"), ("wrong", "answers 500"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_taken(place: str, path: str, why: str):
    with pytest.raises(NotFetched, match=why):
        fetch_json(f"{place}/{path}")
    assert [one for one, _ in Handler.asked] == [f"/{path}"], "no redirect is followed"


def test_an_answer_that_drips_is_not_waited_for(place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.2)
    begun = time.monotonic()
    with pytest.raises(NotFetched, match="longer than"):
        fetch_json(f"{place}/slow")
    assert time.monotonic() - begun < 4, "all of it would take five seconds"


def test_an_answer_that_ends_in_the_middle_is_none(place: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "READ_SECONDS", 0.2)
    with pytest.raises(NotFetched, match="ended: ReadTimeoutError"):
        fetch_json(f"{place}/silent")
    with pytest.raises(NotFetched, match=r"ended|JSONDecodeError"):
        fetch_json(f"{place}/cut")


def test_nobody_who_does_not_answer_is_waited_for(place: str):
    with pytest.raises(NotFetched, match="ConnectionError"):
        fetch_json("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    "address",
    ["http://login.example/", "file:///etc/passwd", "ftp://localhost/", "http://127.0.0.1@evil.example/",
     "http://localhost.evil.example/", "https:///x", ""],
)  # fmt: skip
def test_an_address_in_the_open_is_not_called(address: str):
    with pytest.raises(NotFetched, match="not https"):
        fetching.check_safe(address)


def test_no_password_of_netrc_is_sent(place: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    fetch_json(f"{place}/good")
    assert Handler.asked == [("/good", None)]
