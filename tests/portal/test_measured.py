"""What an agent hears of a portal: how many requests it answered, and how many of them with an error."""

from __future__ import annotations

import socket
import time

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from chargeback.core.metrics import STATSD
from chargeback.portal import measured
from chargeback.portal.app import make_app
from chargeback.portal.loopback import Resident, loopback_settings
from tests.portal.place import POLICY, Written, person


async def fine(request: Request) -> Response:
    return PlainTextResponse("fine")


async def broken(request: Request) -> Response:
    raise RuntimeError("a defect")


@pytest.fixture
def agent():
    """A real UDP socket, as an agent has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(30)
        yield listening


def client(said: list[str]) -> TestClient:
    """Somebody who is signed in at a portal of two rooms: one request."""
    resident = Resident(person("finance"))
    app = make_app(
        loopback_settings(), [Route("/fine", fine), Route("/broken", broken)], Written(), lambda: POLICY,
        resident=resident, progress=said.append,
    )  # fmt: skip
    address = loopback_settings().address
    found = TestClient(
        app, base_url=address, raise_server_exceptions=False, client=("127.0.0.1", 9)
    )
    assert found.get(f"/start?token={resident.token}", follow_redirects=False).status_code == 303
    return found


def test_requests_and_failures_are_counted_and_sent(agent, monkeypatch):
    """Signed in, twice fine, once nothing there, once broken: five requests, one failure."""
    monkeypatch.setenv(STATSD, "{}:{}".format(*agent.getsockname()))
    monkeypatch.setattr(measured, "EVERY_SECONDS", 0.05)
    one = client([])
    found = [one.get(path).status_code for path in ("/fine", "/fine", "/nothing", "/broken")]
    assert found == [200, 200, 404, 500]
    counts = {"chargeback.portal.requests": 0.0, "chargeback.portal.failures": 0.0}
    until = time.monotonic() + 30
    while counts["chargeback.portal.requests"] < 5 and time.monotonic() < until:
        name, _, rest = agent.recv(9000).decode().strip().partition(":")
        if name in counts:
            assert rest.split("|")[1] == "c"
            counts[name] += float(rest.split("|")[0])
        else:
            assert name == "chargeback.portal.slowest_seconds"
    assert counts["chargeback.portal.requests"] == 5
    while not counts["chargeback.portal.failures"] and time.monotonic() < until:
        name, _, rest = agent.recv(9000).decode().strip().partition(":")
        counts[name] = counts.get(name, 0.0) + float(rest.split("|")[0])
    assert counts["chargeback.portal.failures"] == 1


def test_without_an_agent_nothing_is_kept(monkeypatch):
    monkeypatch.delenv(STATSD, raising=False)
    monkeypatch.delenv("DD_AGENT_HOST", raising=False)
    requests = measured.Requests(print)
    requests.note(500, 1.0)
    assert [one.value for one in requests.take()] == [0.0, 0.0, 0.0]


def test_an_address_that_cannot_be_read_is_said_and_stops_nothing(monkeypatch):
    monkeypatch.setenv(STATSD, "agent:port")
    said: list[str] = []
    assert client(said).get("/fine").status_code == 200
    assert any("metrics of the portal are not sent" in one for one in said)
