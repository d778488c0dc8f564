"""A ServiceNow to test against: its Table API over real HTTP on a free port, with faults when it is told to.

It keeps every record that it was asked to make, as ServiceNow does: nothing stops a second one with the same
correlation_id. Faults are given by the number of the call, from 1 on, and are used up by it.

    "401", "403", "500", "502", "503", "504"   it answers so, and does nothing
    "429"                                      the same, with Retry-After: 0
    "lost"         it does what it is asked, then closes the connection without an answer
    "late 504"     it does what it is asked, then answers 504
    "refused"      it closes the connection before it does anything
    "slow"         it answers nothing in time, and does what it is asked after `tell_slow_ones()`
    "garbage"      it does what it is asked, then answers 200 with no JSON
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "chargeback", "right"
CLIENT, SECRET = "client", "right too"

AFTER_IT_IS_DONE = ("lost", "late 504", "garbage")


class StandIn(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records: list[dict[str, str]] = []
        self.calls: list[str] = []  # methods, in order
        self.writes: list[dict[str, str]] = []  # what was written, in order
        self.faults: dict[int, str] = {}
        self.tokens: set[str] = set()
        self.lock = threading.Lock()
        self.waiting: list[Callable[[], Any]] = []
        self.slowness = 0.5  # seconds
        self.one_fault_a_call: Callable[[int], str] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self) -> str:
        """What goes wrong with the call that has just come in."""
        number = len(self.calls)
        if self.one_fault_a_call:
            return self.one_fault_a_call(number)
        return self.faults.pop(number, "")

    def tell_slow_ones(self) -> None:
        """Do now what slow calls have asked for."""
        with self.lock:
            while self.waiting:
                self.waiting.pop(0)()

    def by_subject(self) -> dict[str, list[dict[str, str]]]:
        """The records by correlation_id."""
        found: dict[str, list[dict[str, str]]] = {}
        for record in self.records:
            found.setdefault(record["correlation_id"], []).append(record)
        return found


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for 40 milliseconds

    def do_GET(self) -> None:
        """Look up."""
        self.handle_call(self.look_up)

    def do_POST(self) -> None:
        """A token, or a new record."""
        if self.path.startswith("/oauth_token.do"):
            self.give_token()
        else:
            self.handle_call(self.make)

    def do_PATCH(self) -> None:
        """Change a record."""
        self.handle_call(self.change)

    def body(self) -> str:
        """What was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def handle_call(self, work: Callable[[str], tuple[int, Any]]) -> None:
        """Count the call, let go wrong what is to, and answer."""
        sent = self.body()
        with self.server.lock:
            self.server.calls.append(self.command)
            fault = self.server.fault()
            if fault == "slow":
                self.server.waiting.append(lambda: work(sent))
            done = None
            if not self.is_known():
                done = 401, {"error": {"message": "User Not Authenticated"}}
            elif not fault or fault in AFTER_IT_IS_DONE:
                done = work(sent)
        if fault == "slow":
            time.sleep(self.server.slowness)
        if fault in ("lost", "refused", "slow"):
            self.close_connection = True
            return
        if fault == "late 504":
            self.answer(504, {})
        elif fault == "garbage":
            self.answer_text(200, "<html>Hibernating instance</html>")
        elif done:
            self.answer(*done)
        else:
            self.answer(int(fault), {"error": {"message": fault}})

    def is_known(self) -> bool:
        """Whether the call carries our credentials or a token."""
        sent = self.headers.get("Authorization", "")
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return sent == f"Basic {basic}" or sent.removeprefix("Bearer ") in self.server.tokens

    def give_token(self) -> None:
        """OAuth client credentials."""
        form = parse_qs(self.body())
        if (form.get("client_id"), form.get("client_secret")) != ([CLIENT], [SECRET]):
            self.answer(401, {"error": "invalid_client"})
            return
        token = uuid.uuid4().hex
        self.server.tokens.add(token)
        self.answer(200, {"access_token": token, "expires_in": 1799, "token_type": "Bearer"})

    def look_up(self, sent: str) -> tuple[int, Any]:
        """The records that a query names."""
        query = parse_qs(urlsplit(self.path).query)
        condition = query["sysparm_query"][0].split("^")[0]
        field, _, value = condition.partition("=")
        fields = query["sysparm_fields"][0].split(",")
        found = [one for one in self.server.records if one.get(field) == value]
        limit = int(query["sysparm_limit"][0])
        return 200, {
            "result": [{name: one.get(name, "") for name in fields} for one in found[:limit]]
        }

    def make(self, sent: str) -> tuple[int, Any]:
        """A new record."""
        number = f"INC{len(self.server.records) + 1:07d}"
        record = {"sys_id": uuid.uuid4().hex, "number": number, "state": "1", **json.loads(sent)}
        self.server.records.append(record)
        self.server.writes.append(json.loads(sent))
        return 201, {"result": record}

    def change(self, sent: str) -> tuple[int, Any]:
        """Fields of a record."""
        sys_id = urlsplit(self.path).path.rpartition("/")[2]
        for record in self.server.records:
            if record["sys_id"] == sys_id:
                record.update(json.loads(sent))
                self.server.writes.append(json.loads(sent))
                return 200, {"result": record}
        return 404, {"error": {"message": "No Record found"}}

    def answer(self, status: int, content: Any) -> None:
        """JSON."""
        self.answer_text(status, json.dumps(content))

    def answer_text(self, status: int, text: str) -> None:
        """Any text."""
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def servicenow() -> Iterator[StandIn]:
    """A server that listens until the end."""
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
