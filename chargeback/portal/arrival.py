"""Arrival: where a request comes from, and whether it came as it must.

In: what the connection says and, from a proxy that is named, what its X-Forwarded-* say. Out: the request with
the caller's own address, or a short refusal. What always holds: nobody but a named proxy is believed; of
several values that of the nearest proxy counts, since what stands before it anybody may have written; and a
request for another host is not answered, so that no name that somebody else points at this machine reaches the
portal.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chargeback.params.handout_policy import is_loopback
from chargeback.portal.settings import Network, Settings

#: Answers whoever asks whether the process lives; it says nothing else.
HEALTH = "/health"


#: How long a browser may take to send what a request brings, seconds.
BODY_SECONDS = 30


class TooLarge(Exception):
    """A request brings more than it may."""


class TooSlow(Exception):
    """What a request brings takes too long."""


class Arrival:
    """Lets in what came as it must."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it; only HTTP."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["path"] in (HEALTH, self.settings.path + HEALTH):
            await PlainTextResponse("ok\n")(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller, said = self.arrived(scope, headers)
        scope["client"] = (
            caller,
            0,
        )  # so that the line that is printed of a request names who asked
        if said:
            await PlainTextResponse(said + "\n", 400)(scope, receive, send)
            return
        length = headers.get("content-length", "0")
        most = self.settings.limits.body_bytes
        if not (
            length.isascii() and length.isdecimal() and len(length) < 10 and int(length) <= most
        ):
            await too_large()(scope, receive, send)
            return
        base = self.settings.path
        if base and scope["path"] == base:
            await RedirectResponse(f"{base}/", 308)(scope, receive, send)
            return
        if not scope["path"].startswith(f"{base}/"):
            await PlainTextResponse("There is no such portal here.\n", 404)(scope, receive, send)
            return
        inside = {
            **scope,
            "root_path": base,
            "scheme": self.settings.address.split(":")[0],
        }
        await self.app(inside, limited(receive, most), send)

    def arrived(self, scope: Scope, headers: Headers) -> tuple[str, str]:
        """The caller's address, and why the request is not answered; blank when it is."""
        caller = (scope.get("client") or ("", 0))[0]
        hosts = headers.getlist("host")
        if self.settings.proxies:
            if not is_among(caller, self.settings.proxies):
                return caller, "Come through the address that this portal has."
            if last(headers, "x-forwarded-proto") != "https":
                return caller, "This portal answers https only."
            caller = caller_of(headers, caller, self.settings.proxies)
            forwarded = last(headers, "x-forwarded-host")
            hosts = [forwarded] if forwarded else hosts
        elif not is_loopback(caller):
            return caller, "This portal answers its own machine only."
        if len(hosts) != 1 or not self.is_own(hosts[0]):
            return caller, "There is no such portal here."
        return caller, ""

    def is_own(self, host: str) -> bool:
        """Whether a host is that of the portal's address."""
        default = ":443" if self.settings.is_https else ":80"
        return host.lower().removesuffix(default) == self.settings.netloc


def inner_path(scope: Scope) -> str:
    """The path of a request within the portal."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path


def last(headers: Headers, name: str) -> str:
    """The value that the nearest proxy has written: the last of the last header of the name."""
    values = headers.getlist(name)
    return values[-1].rpartition(",")[2].strip().lower() if values else ""


def caller_of(headers: Headers, peer: str, proxies: Sequence[Network]) -> str:
    """The address that the outermost named proxy was called from; the peer's where none says so."""
    named = ",".join(headers.getlist("x-forwarded-for")).split(",")
    caller = peer
    for one in reversed(named):
        try:
            caller = str(ipaddress.ip_address(one.strip()))
        except ValueError:
            break
        if not is_among(caller, proxies):
            break
    return caller


def is_among(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of some networks; one of version 4 may come as one of version 6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in one for one in networks)


def limited(receive: Receive, most: int) -> Receive:
    """What a request brings, until it is more than it may be, or takes too long."""
    brought, is_whole, until = 0, False, anyio.current_time() + BODY_SECONDS

    async def receive_limited() -> Message:
        nonlocal brought, is_whole
        if is_whole:  # what comes now is that whoever asked goes away, which nobody hurries
            return await receive()
        try:
            with anyio.fail_after(max(0.0, until - anyio.current_time())):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        brought += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if brought > most:
            raise TooLarge
        return message

    return receive_limited


def too_slow() -> PlainTextResponse:
    """The answer to a request that takes too long to arrive; the connection ends with it."""
    return PlainTextResponse("This took too long to arrive.\n", 408, {"connection": "close"})


def too_large() -> PlainTextResponse:
    """The answer to a request that brings more than it may."""
    return PlainTextResponse("This is more than a request may bring.\n", 413)
