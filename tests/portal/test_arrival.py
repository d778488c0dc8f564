"""Requests come as they must, or they are answered in one line and reach nothing."""

from __future__ import annotations

import ipaddress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.websockets import WebSocketDisconnect

from chargeback.portal import arrival
from chargeback.portal.arrival import caller_of, is_among
from chargeback.portal.limits import network_of
from tests.portal.opened import Opened

PROXIES = (ipaddress.ip_network("10.0.3.0/24"),)
BEHIND = {"address": "https://showback.insurer.example/cloud", "proxies": PROXIES}
BY_HTTPS = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}


def ask(opened: Opened, caller: str, path: str = "/cloud/signed-out", **headers: str):
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return opened.browser(caller).get(path, headers=named)


def test_on_this_machine_alone_nobody_else_is_answered():
    opened = Opened()
    assert ask(opened, "127.0.0.1", "/signed-out").status_code == 200
    assert ask(opened, "::1", "/signed-out").status_code == 200
    for caller in ("10.0.3.1", "203.0.113.7", ""):
        answer = ask(opened, caller, "/signed-out", x_forwarded_for="127.0.0.1")
        assert (answer.status_code, answer.text) == (
            400,
            "This portal answers its own machine only.\n",
        )


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "127.0.0.1:8096", "127.0.0.1:8095.evil.example", "localhost:8095", "",
     "127.0.0.1:8095, evil.example"],
)  # fmt: skip
def test_another_name_that_leads_here_is_not_answered(host: str):
    answer = ask(Opened(), "127.0.0.1", "/signed-out", host=host)
    assert (answer.status_code, answer.text) == (400, "There is no such portal here.\n")


def test_behind_a_proxy_only_what_came_through_it_by_https_is_answered():
    opened = Opened(**BEHIND)
    assert ask(opened, "10.0.3.9", **BY_HTTPS).status_code == 200
    for changed in ({"x-forwarded-proto": "http"}, {"x-forwarded-proto": "https, http"},
                    {"x-forwarded-proto": ""}):  # fmt: skip
        answer = ask(opened, "10.0.3.9", **{**BY_HTTPS, **changed})
        assert (answer.status_code, answer.text) == (400, "This portal answers https only.\n")
    assert ask(opened, "10.0.3.9").status_code == 400
    for caller in ("127.0.0.1", "203.0.113.7"):
        answer = ask(opened, caller, **BY_HTTPS)
        assert answer.text == "Come through the address that this portal has.\n"


def test_the_nearest_proxy_is_believed_and_not_what_stands_before_it():
    opened = Opened(**BEHIND)
    assert (
        ask(opened, "10.0.3.9", **{**BY_HTTPS, "x-forwarded-proto": "http, https"}).status_code
        == 200
    )
    named = {**BY_HTTPS, "host": "inside:8095"}
    assert ask(opened, "10.0.3.9", **named).status_code == 400
    named["x-forwarded-host"] = "showback.insurer.example"
    assert ask(opened, "10.0.3.9", **named).status_code == 200
    named["x-forwarded-host"] = "showback.insurer.example, evil.example"
    assert ask(opened, "10.0.3.9", **named).status_code == 400


def test_the_caller_is_whom_the_outermost_named_proxy_was_called_from():
    def named(text: str) -> str:
        return caller_of(Headers({"x-forwarded-for": text}), "10.0.3.9", PROXIES)

    assert named("203.0.113.7") == "203.0.113.7"
    assert named("198.51.100.1, 203.0.113.7") == "203.0.113.7", (
        "the first one anybody may have written"
    )
    assert named("203.0.113.7, 10.0.3.2") == "203.0.113.7"
    assert named("") == named("unknown") == named("203.0.113.7, unknown") == "10.0.3.9"
    assert named("2001:db8::7") == "2001:db8::7"


@given(st.ip_addresses(), st.lists(st.text(max_size=20), max_size=3))
def test_nobody_chooses_whom_they_are_taken_for(caller: object, written: list[str]):
    said = ", ".join([*written, str(caller)])
    found = caller_of(
        Headers({"x-forwarded-for": said.encode("ascii", "ignore").decode()}), "10.0.3.9", PROXIES
    )
    if not is_among(str(caller), PROXIES):
        assert network_of(found) == network_of(str(caller))


def test_a_version_4_address_may_come_as_one_of_version_6():
    assert is_among("::ffff:10.0.3.9", PROXIES)
    assert not is_among("::ffff:10.0.4.9", PROXIES)
    assert not is_among("nobody", PROXIES)


def test_what_is_not_below_the_path_of_the_portal_is_not_answered():
    opened = Opened(**BEHIND)
    for path in ("/", "/signed-out", "/cloudy/signed-out", "/cloud%2Fsigned-out/../x"):
        answer = ask(opened, "10.0.3.9", path, **BY_HTTPS)
        assert (answer.status_code, answer.text) == (404, "There is no such portal here.\n"), path
    answer = ask(opened, "10.0.3.9", "/cloud", **BY_HTTPS)
    assert (answer.status_code, answer.headers["location"]) == (308, "/cloud/")


def test_health_says_ok_to_anybody_and_nothing_else():
    opened = Opened(**BEHIND)
    for path in ("/health", "/cloud/health"):
        answer = ask(opened, "203.0.113.7", path, host="whatever")
        assert (answer.status_code, answer.text) == (200, "ok\n")
    assert opened.log == []


def test_a_request_that_brings_too_much_is_not_read():
    opened = Opened()
    browser = opened.browser()
    much = "x" * 70_000
    assert browser.post("/sign-out", content=much).status_code == 413
    pieces = iter([much[:35_000].encode(), much[:35_000].encode()])
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = browser.post("/back-channel-logout", content=pieces, headers=form)
    assert answer.status_code == 413, "also where nobody says beforehand how much it is"
    for length in (b"-1", b"\xb2", b"9" * 30, b"1e3", b""):
        answer = browser.post("/sign-out", headers=[(b"content-length", length)])
        assert answer.status_code == 413, length


def test_a_request_that_takes_too_long_to_arrive_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrival, "BODY_SECONDS", 0.1)

    async def ask() -> int:
        """A form of which nothing more comes after its first bytes."""
        scope = {
            "type": "http", "method": "POST", "path": "/back-channel-logout", "query_string": b"",
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8095), "http_version": "1.1",
            "headers": [(b"host", b"127.0.0.1:8095"),
                        (b"content-type", b"application/x-www-form-urlencoded")],
        }  # fmt: skip
        messages = [{"type": "http.request", "body": b"logout_token=", "more_body": True}]
        statuses = []

        async def receive() -> dict[str, object]:
            if messages:
                return messages.pop()
            await anyio.sleep(60)
            raise AssertionError("it was waited for")

        async def send(message: dict[str, int]) -> None:
            statuses.append(message.get("status"))

        await Opened().app(scope, receive, send)
        return statuses[0] or 0

    assert anyio.run(ask) == 408


def test_another_protocol_is_not_spoken():
    browser = Opened().browser()
    with pytest.raises(WebSocketDisconnect) as ended, browser.websocket_connect("/"):
        pass
    assert ended.value.code == 1008
