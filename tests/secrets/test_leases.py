"""Leases of a real OpenBao's engine that makes users of a message broker: kept alive, and given back.

The broker is a small stand-in of RabbitMQ's management; that a user is there or gone is the engine's doing.
"""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator

import pytest

from chargeback.secrets import give_back
from chargeback.secrets.vault import vault_session
from tests.secrets.openbao import wait_for

READS = 'path "rabbitmq/creds/close" { capabilities = ["read"] }'
MAY_RENEW = 'path "sys/leases/*" { capabilities = ["update"] }'


class Broker(http.server.BaseHTTPRequestHandler):
    """Makes and removes users."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, _, kind, name = self.path.split("/", 3)
        if kind == "users":
            (self.server.users.add if self.command == "PUT" else self.server.users.discard)(name)
        self.send_response(204)
        self.end_headers()

    do_PUT = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def users(bao, monkeypatch) -> Iterator[set[str]]:
    """The users of a broker that the engine makes for 3 seconds at a time."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broker)
    server.users = set()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    root = bao.root
    root.sys.enable_secrets_engine("rabbitmq")
    root.adapter.post("/v1/rabbitmq/config/connection", json={
        "connection_uri": f"http://127.0.0.1:{server.server_port}", "username": "any", "password": "any",
        "verify_connection": False,
    })  # fmt: skip
    root.adapter.post("/v1/rabbitmq/config/lease", json={"ttl": "3s", "max_ttl": "1m"})
    root.adapter.post("/v1/rabbitmq/roles/close", json={"tags": "monitoring"})
    for name, text in bao.role(READS + MAY_RENEW).items():
        monkeypatch.setenv(name, text)
    yield server.users
    root.sys.disable_secrets_engine("rabbitmq")
    server.shutdown()
    server.server_close()


def test_a_lease_is_renewed_while_the_process_runs_and_given_back_when_it_ends(users):
    answer = vault_session().read("rabbitmq/creds/close")
    assert answer["lease_id"] and answer["lease_duration"] == 3
    assert users == {answer["data"]["username"]}
    time.sleep(6)
    assert users == {answer["data"]["username"]}  # twice as long as it was given for
    give_back()
    wait_for(lambda: not users, "the user is still there")


def test_a_lease_that_nobody_renews_ends_by_itself(users, bao):
    """What is compared with: the same without this program."""
    bao.root.read("rabbitmq/creds/close")
    assert len(users) == 1
    wait_for(lambda: not users, "the user is still there")
