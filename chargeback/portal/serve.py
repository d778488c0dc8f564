"""Serve: the portal as a process: what it serves, to whom, and how it ends.

    make portal                          behind single sign-on, as [portal] of sources.toml says
    make portal GROUPS=finops-claims     on this machine alone, for whoever starts it, as a member of that group

What always holds: it starts only with a policy that can be read and an address that is safe; it writes no line
of what a browser sent behind a question mark; and told to end, it answers what was asked before it ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from chargeback.books.checked import checked_manifest
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.paths import BUILD
from chargeback.core.progress import Progress
from chargeback.params.viewers import FILE as POLICY
from chargeback.portal.access_log import AccessLog
from chargeback.portal.app import make_app
from chargeback.portal.fetching import NotFetched
from chargeback.portal.loopback import HOST, PORT, Resident, loopback_settings, resident_of
from chargeback.portal.person import Records
from chargeback.portal.provider import Provider
from chargeback.portal.rooms import Place, rooms
from chargeback.portal.sessions import Sessions
from chargeback.portal.settings import FILE, TABLE, Settings, read_settings
from chargeback.portal.todays_policy import TodaysPolicy
from chargeback.review.export import groups_in, sight_of

#: How long what was asked before the end may take, and how many connections there are at most.
DRAIN_SECONDS, MOST_CONNECTIONS = 20, 1000

#: How long a connection without a request is kept: longer than a proxy keeps it, which may be 60 seconds, so
#: that no request meets a connection that has just ended here.
KEPT_SECONDS = 75

ROOM, SESSIONS = "portal", "sessions.sqlite"


def serve(books: Books, params_folder: Path, groups: str, progress: Progress) -> None:
    """Serve until told to end.

    Args:
        groups: whose view whoever starts it has, on this machine alone; blank to serve behind sign-in.

    Raises:
        Refusal: (exit 2) params or settings cannot be used; (exit 6) the address is taken, or the sessions
            or the log cannot be written.
    """
    policy = TodaysPolicy(params_folder)
    viewers = policy()
    settings, resident = None if groups else read_settings(params_folder), None
    if settings is None:
        if not groups:
            raise no_way_in(viewers.groups)
        named = groups_in(groups)
        sight_of(viewers, named)
        resident = resident_of(named)
    with listening(settings) as (own, line), contextlib.ExitStack() as held:
        rooms, records = open_rooms(books, params_folder, held, progress)
        sessions = None
        if resident is None:
            sessions = open_sessions(books, own)
            held.callback(sessions.close)
        provider = None if resident else Provider(own.issuer)
        app = make_app(
            own, rooms, records, policy, sessions=sessions, provider=provider, resident=resident,
            progress=progress,
        )  # fmt: skip
        announce(books, params_folder, own, resident, len(viewers.groups), progress)
        if provider:
            look_for(provider, progress)
        run(app, line, progress)
    progress("The portal has ended; nobody is served any more.")


def no_way_in(groups: Sequence[str]) -> Exception:
    """That nobody could come in: neither sign-in nor a group for whoever starts it."""
    return bad_params(
        "the portal does not know whom to let in", f"[{TABLE}] in {FILE}, or GROUPS= for yourself alone",
        "neither", [POLICY, *(f"  {one}" for one in groups or ("no group sees anything",))],
        [f"for example: make portal GROUPS={groups[0]}" if groups else f"say in {POLICY} who sees what",
         "docs/portal.md says how sign-in is set up"],
    )  # fmt: skip


@contextlib.contextmanager
def listening(settings: Settings | None) -> Iterator[tuple[Settings, socket.socket]]:
    """The settings with a socket that listens; without settings, on this machine alone.

    Raises:
        Refusal: (exit 6) the address is taken, or is none of this machine.
    """
    try:
        line = bound(settings.host, settings.port) if settings else bound_for_one()
    except OSError as error:
        place = f"{settings.host}:{settings.port}" if settings else f"{HOST}:{PORT}"
        raise unreachable(
            "the portal cannot listen at its address", f"{place}, free and of this machine",
            f"{type(error).__name__}: {error.strerror or error}", [f"listen of [{TABLE}] in {FILE}"],
            ["see whether another portal runs, or name another port"],
        ) from None  # fmt: skip
    with line:
        yield settings or loopback_settings(line.getsockname()[1]), line


def bound_for_one() -> socket.socket:
    """A socket of this machine alone; where the usual port is taken, any other will do for one person."""
    with contextlib.suppress(OSError):
        return bound(HOST, PORT)
    return bound(HOST, 0)


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address of this machine, and listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends what is written at once; else each page would wait 40 ms.
    line = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind((host, port))
        line.listen(MOST_CONNECTIONS)
    except OSError:
        line.close()
        raise
    return line


def open_rooms(
    books: Books, params_folder: Path, held: contextlib.ExitStack, progress: Progress
) -> tuple[Sequence[BaseRoute], Records]:
    """What is served, and where it is written down who was served; closed with `held`."""
    log = AccessLog(books, books_id_of(books), progress)
    held.callback(end_log, log, progress)
    place = Place(books, params_folder, log, progress=progress)
    for refusal in place.library.catalogue.broken.values():  # read once before anybody waits for it
        progress(refusal.block())
    return rooms(place), log


def end_log(log: AccessLog, progress: Progress) -> None:
    """Write that the portal ends, and say the head, which whoever keeps it can hold the log to."""
    progress(f"access log: its head is {log.close()}")


def books_id_of(books: Books) -> str:
    """The id of the books, by their last close; blank where none has one."""
    closed = books.closed_periods()
    return str(checked_manifest(books, closed[-1]).get("books", "")) if closed else ""


def open_sessions(books: Books, settings: Settings) -> Sessions:
    """The sessions of these books: beside them in a folder, on this machine where the books are in S3.

    Raises:
        Refusal: (exit 6) they cannot be kept.
    """
    folder = books.root / ROOM
    if books.shelf:
        folder = BUILD / ROOM / hashlib.sha256(books.place.encode()).hexdigest()[:16]
    made_for = f"{settings.issuer} {settings.client_id} {settings.groups_claim}"
    return Sessions(
        folder / SESSIONS, settings.idle_seconds, settings.session_seconds, time.time, made_for
    )


def announce(
    books: Books, params_folder: Path, settings: Settings, resident: Resident | None, groups: int,
    progress: Progress,
) -> None:  # fmt: skip
    """Say what is served, to whom, and by which policy."""
    closed = books.closed_periods()
    periods = f"{closed[0]} to {closed[-1]}" if closed else "none is closed"
    progress(f"The portal serves {books.place}")
    progress(f"  periods  {periods}")
    progress(
        f"  policy   {params_folder / POLICY}, in which {groups} group(s) see something; read at each request"
    )
    if resident:
        progress(
            f"  to       you alone, as a member of {', '.join(resident.person.groups)}; on this machine only"
        )
        progress(f"  address  {resident.address(settings)}")
    else:
        proxies = ", ".join(map(str, settings.proxies)) or "none: this machine only"
        progress(
            f"  to       whoever signs in at {settings.issuer}, by the claim {settings.groups_claim!r}"
        )
        progress(f"  address  {settings.address}")
        progress(f"  listens  {settings.host}:{settings.port}, behind {proxies}")
    progress("Ctrl-C ends it.")


def look_for(provider: Provider, progress: Progress) -> None:
    """Say at once where the provider cannot be used; it may come later."""
    try:
        provider.addresses()
    except NotFetched as error:
        progress(f"The identity provider {provider.issuer} cannot be used yet: {error}")


class Server(uvicorn.Server):
    """uvicorn, which ends quietly when it is told to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM after what was asked is answered; nothing is raised afterwards."""
        before = {
            one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


class Said(logging.Handler):
    """Lines of uvicorn's own log, without what a program's error holds."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Say the first line of a message."""
        self.progress(f"server: {record.getMessage().strip().partition(chr(10))[0]}")


def run(app: Starlette, line: socket.socket, progress: Progress) -> None:
    """Serve on a socket until told to end."""
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [Said(progress)] if "." not in name else [], "." in name
    config = uvicorn.Config(
        app, log_config=None, access_log=False, proxy_headers=False, server_header=False, ws="none",
        lifespan="off", limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=KEPT_SECONDS, h11_max_incomplete_event_size=65_536,
    )  # fmt: skip
    Server(config).run(sockets=[line])
