"""A ServiceNow to test against: its REST API over real HTTP on a free port, with faults when it is told to.

Tables, uniqueness, roles and fields are those of tests/servicenow/tables.py: nothing stops a second record with
the same correlation_id unless that field is unique. Faults are given by the number of the call, from 1 on, and
are used up by it.

    "401", "403", "500", "502", "503", "504"   it answers so, and does nothing
    "429"          the same, with Retry-After: 0
    "lost"         it does what it is asked, then closes the connection without an answer
    "late 504"     it does what it is asked, then answers 504
    "refused"      it closes the connection before it does anything
    "slow"         it answers nothing in time, and does what it is asked after `tell_slow_ones()`
    "late"         it answers nothing in time, and does what it is asked once the caller has gone
    "garbage"      it does what it is asked, then answers 200 with no JSON
    "kill"         it kills the caller before it does anything
    "kill after"   it does what it is asked, then kills the caller
"""

from __future__ import annotations

import base64
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servicenow.tables import Database, Record, Refused

USER, PASSWORD = "chargeback", "right"
CLIENT, SECRET = "client", "right too"

AFTER_IT_IS_DONE = ("lost", "late 504", "garbage", "kill after")
MOST_ROWS = 10_000


class StandIn(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.database = Database()
        self.calls: list[str] = []  # methods, in order
        self.writes: list[dict[str, str]] = []  # what was written, in order
        self.faults: dict[int, str] = {}
        self.tokens: set[str] = set()
        self.lock = threading.Lock()
        self.waiting: list[Callable[[], Any]] = []
        self.slowness = 0.5  # seconds
        self.one_fault_a_call: Callable[[int], str] | None = None
        self.caller = 0  # the process that is killed by "kill"
        self.killed = 0

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def records(self) -> list[Record]:
        """The tickets."""
        return self.database.kinds["incident"].records

    def rows(self, table: str) -> list[Record]:
        """The records of a table."""
        return self.database.kinds[table].records

    def add_cost_centers(self, codes: list[str]) -> None:
        """Records of cmn_cost_center."""
        for code in codes:
            self.rows("cmn_cost_center").append(
                {
                    "sys_id": uuid.uuid4().hex,
                    "code": code,
                    "account_number": f"A-{code}",
                    "name": f"The {code}",
                }
            )

    def fault(self) -> str:
        """What goes wrong with the call that has just come in."""
        number = len(self.calls)
        if self.one_fault_a_call:
            return self.one_fault_a_call(number)
        return self.faults.pop(number, "")

    def kill(self) -> None:
        """End the process that called, as kill -9 does."""
        assert self.caller > 0, "nobody said who calls"
        os.kill(self.caller, signal.SIGKILL)
        self.killed += 1

    def tell_slow_ones(self) -> None:
        """Do now what slow calls have asked for."""
        with self.lock:
            while self.waiting:
                self.waiting.pop(0)()

    def by_subject(self) -> dict[str, list[dict[str, str]]]:
        """The tickets by correlation_id."""
        found: dict[str, list[dict[str, str]]] = {}
        for record in self.records:
            found.setdefault(record["correlation_id"], []).append(record)
        return found


@dataclass
class Reply:
    """An answer to one call."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for 40 milliseconds

    def do_GET(self) -> None:
        """Look up."""
        self.handle_call(self.look_up)

    def do_POST(self) -> None:
        """A token, a new record, or a file."""
        if self.path.startswith("/oauth_token.do"):
            self.give_token()
        elif self.path.startswith("/api/now/attachment/file"):
            self.handle_call(self.attach)
        else:
            self.handle_call(self.make)

    def do_PATCH(self) -> None:
        """Change a record."""
        self.handle_call(self.change)

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    @property
    def options(self) -> dict[str, str]:
        """The parameters of the call."""
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def parts(self) -> list[str]:
        """The path behind /api/now/."""
        return urlsplit(self.path).path.removeprefix("/api/now/").split("/")

    def handle_call(self, work: Callable[[bytes], Reply]) -> None:
        """Count the call, let go wrong what is to, and answer."""
        sent = self.body()
        with self.server.lock:
            self.server.calls.append(self.command)
            fault = self.server.fault()
            if fault in ("slow", "late"):
                self.server.waiting.append(lambda: self.done(work, sent))
            if fault == "kill":
                self.server.kill()
            reply = None
            if not self.is_known():
                reply = failure(
                    401, "User Not Authenticated", "Required to provide Auth information"
                )
            elif not fault or fault in AFTER_IT_IS_DONE:
                reply = self.done(work, sent)
            if fault == "kill after":
                self.server.kill()
        if fault in ("slow", "late"):
            time.sleep(self.server.slowness)
        if fault == "late":
            self.server.tell_slow_ones()
        if fault in ("lost", "refused", "slow", "late", "kill", "kill after"):
            self.close_connection = True
            return
        if fault == "late 504":
            self.answer(Reply(504, {}))
        elif fault == "garbage":
            self.answer_text(200, "<html>Hibernating instance</html>")
        elif reply:
            self.answer(reply)
        else:
            self.answer(failure(int(fault), fault))

    def done(self, work: Callable[[bytes], Reply], sent: bytes) -> Reply:
        """What a call does, or why it does not."""
        try:
            return work(sent)
        except Refused as refused:
            return failure(refused.status, refused.message, refused.detail)

    def is_known(self) -> bool:
        """Whether the call carries our credentials or a token."""
        sent = self.headers.get("Authorization", "")
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return sent == f"Basic {basic}" or sent.removeprefix("Bearer ") in self.server.tokens

    def give_token(self) -> None:
        """OAuth client credentials."""
        form = dict(parse_qsl(self.body().decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            self.answer(Reply(401, {"error": "invalid_client"}))
            return
        token = uuid.uuid4().hex
        self.server.tokens.add(token)
        self.answer(Reply(200, {"access_token": token, "expires_in": 1799, "token_type": "Bearer"}))

    def look_up(self, sent: bytes) -> Reply:
        """The records of a query, one page of them."""
        options, database = self.options, self.server.database
        name = "sys_attachment" if self.parts[0] == "attachment" else self.parts[1]
        found = database.select(name, options.get("sysparm_query", ""))
        wanted = [one for one in options.get("sysparm_fields", "").split(",") if one]
        offset = int(options.get("sysparm_offset", 0))
        limit = min(int(options.get("sysparm_limit", MOST_ROWS)), MOST_ROWS)
        page = [
            database.shown(name, one, wanted, options) for one in found[offset : offset + limit]
        ]
        return Reply(200, {"result": page}, {"X-Total-Count": str(len(found))})

    def make(self, sent: bytes) -> Reply:
        """A new record."""
        given, name = json.loads(sent), self.parts[1]
        record = self.server.database.insert(name, given)
        self.server.writes.append(given)
        return self.reply(201, name, record)

    def change(self, sent: bytes) -> Reply:
        """Fields of a record."""
        given, (_, name, sys_id) = json.loads(sent), self.parts
        record = self.server.database.update(name, sys_id, given)
        self.server.writes.append(given)
        return self.reply(200, name, record)

    def attach(self, sent: bytes) -> Reply:
        """A file of a record."""
        options, database = self.options, self.server.database
        if not database.refers(options["table_name"], options["table_sys_id"]):
            raise Refused(404, "Invalid table_sys_id")
        record = database.insert("sys_attachment", {
            **options, "content_type": self.headers["Content-Type"], "size_bytes": len(sent),
            "content": sent.decode(),
        })  # fmt: skip
        return self.reply(201, "sys_attachment", record)

    def reply(self, status: int, name: str, record: Record) -> Reply:
        """A record that was written."""
        wanted = [one for one in self.options.get("sysparm_fields", "").split(",") if one]
        shown = self.server.database.shown(name, record, wanted, self.options)
        place = f"{self.server.address}/api/now/table/{name}/{record['sys_id']}"
        return Reply(status, {"result": shown}, {"Location": place})

    def answer(self, reply: Reply) -> None:
        """JSON."""
        self.answer_text(reply.status, json.dumps(reply.content), reply.headers)

    def answer_text(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        """Any text."""
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def failure(status: int, message: str, detail: str = "") -> Reply:
    """An error as ServiceNow writes it."""
    return Reply(status, {"error": {"message": message, "detail": detail}, "status": "failure"})


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
