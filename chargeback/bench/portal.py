"""Bench of the portal: how long viewers wait, how many pages a second there are, and what memory that takes.

In: two closed months of the sample with their dashboards, in books that are made once. Out: a printed table.
The verb itself serves on loopback, and each viewer has a session of their own, as sign-in would have begun it.
A viewer asks for the next thing as soon as the last has come, so that what is measured is a crowd that never
thinks; a paced crowd, which does, comes after it. Beside it a bare server answers the same bytes from memory,
without sessions, policy, checks or log: seconds belong to a machine, and the ratio of the two carries over.
Whoever asks shares the cores with the server, as nothing else was there to ask from.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.client
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.paths import BUILD, PARAMS, ROOT, SAMPLE_CUR

PERIODS = ("2026-04", "2026-05")
UNITS = (
    "claims", "members", "providers", "analytics", "pharmacy", "digital", "corporate", "platform",
)  # fmt: skip

#: Viewers at a time, and how many things each of them asks for.
CROWDS = {1: 60, 50: 16, 200: 8}

#: A crowd whose viewers ask for something every so many seconds.
PACED_VIEWERS, PACED_SECONDS, PACED_STEPS = 200, 5.0, 4

#: What a viewer asks for, over and over: each begins at another place.
WALK = (
    "/", "/units/{unit}", "/units/{unit}/dashboard", "/", "/units/{unit}?period=2026-05",
    "/statements/2026-05/{unit}/html", "/statements/2026-05/{unit}/pdf", "/statements/2026-04/{unit}/csv",
)  # fmt: skip

#: Seconds that a server may take to start, and an answer to come.
PATIENCE_SECONDS = 120


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Served:
    """A server that is measured.

    Args:
        cookies: of each viewer; empty where nobody is asked for one.
    """

    name: str
    port: int
    pid: int
    cookies: Sequence[str] = ()


@dataclass
class Waits:
    """How long viewers waited, in seconds, and what they were not given.

    Args:
        whole_seconds: from the first question to the last answer.
        refused: answers that were no page.
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    whole_seconds: float = 0.0

    def percentile(self, share: int) -> float:
        """Milliseconds that so many of a hundred did not wait longer than."""
        if len(self.seconds) < 2:
            return 1000 * sum(self.seconds)
        return 1000 * statistics.quantiles(self.seconds, n=100, method="inclusive")[share - 1]

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.whole_seconds


def show_portal() -> None:
    """Print the figures of the portal."""
    books = books_to_serve()
    with tempfile.TemporaryDirectory(prefix="chargeback-bench-") as folder:
        place = Path(folder)
        with portal(books, place) as served:
            pages = contents(served)
            by_portal = measured(served)
            paced = asyncio.run(crowd(served, PACED_VIEWERS, PACED_STEPS, PACED_SECONDS))
            show_line(
                f"portal, {PACED_VIEWERS}, each every {PACED_SECONDS:.0f} s",
                paced,
                memory_mb(served.pid),
            )
        with bare(pages, place) as served:
            by_bare = measured(served)
    most = max(CROWDS)
    show_ratio(
        f"requests a second, {most} viewers, portal / bare server",
        by_portal[most][0].a_second,
        by_bare[most][0].a_second,
    )
    show_ratio(
        f"wait of the median, {most} viewers / 1",
        by_portal[most][0].percentile(50),
        by_portal[1][0].percentile(50),
    )
    show_ratio(f"memory, {most} viewers / 1", by_portal[most][1], by_portal[1][1])


def books_to_serve() -> Books:
    """Two closed months of the sample with dashboards; made once, and kept for the next time."""
    from chargeback.sample import write_estate

    root = BUILD / "bench" / "portal"
    if not (root / "made").is_file():
        print("books to serve: two months of the sample, closed, with their dashboards", flush=True)
        shutil.rmtree(root, ignore_errors=True)
        write_estate(SAMPLE_CUR, PERIODS, progress=lambda line: print(line, flush=True))
        options = ["--cur", str(SAMPLE_CUR), "--params", str(PARAMS), "--books", str(root)]
        for verb in (["monthly-close", f"{PERIODS[0]}..{PERIODS[-1]}"], ["dashboards"]):
            run_verb(*verb, *options)
        (root / "made").touch()
    return Books(root)


def run_verb(*arguments: str) -> None:
    """A verb in a process of its own."""
    command = [sys.executable, "-m", "chargeback", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def portal(books: Books, place: Path) -> Iterator[Served]:
    """The verb on loopback, and a session for each viewer."""
    from chargeback.portal.person import Person
    from chargeback.portal.serve import open_sessions
    from chargeback.portal.settings import read_settings

    port = free_port()
    params = place / "params"
    shutil.copytree(PARAMS, params)
    # Nobody signs in while it is measured, so the provider is never asked for anything but what it is.
    (params / "sources.toml").write_text(
        f'[portal]\nissuer = "http://127.0.0.1:1"\nclient_id = "bench"\naddress = "http://127.0.0.1:{port}"\n'
        f'listen = "127.0.0.1:{port}"\n', encoding="utf-8",
    )  # fmt: skip
    settings = read_settings(params)
    assert settings
    sessions, now = open_sessions(books, settings), time.time()
    try:
        cookies = [
            f"portal-{port}="
            + sessions.sign_in(
                Person(f"viewer-{number}", f"Viewer {number}", "", (f"finops-{unit_of(number)}",)),
                "",
                now,
                "",
            )
            for number in range(max(CROWDS))
        ]
    finally:
        sessions.close()
    command = ["-m", "chargeback", "portal", "--params", str(params), "--books", str(books.root)]
    with running(command, port) as pid:
        yield Served("portal", port, pid, cookies)


@contextlib.contextmanager
def bare(pages: dict[str, tuple[str, bytes]], place: Path) -> Iterator[Served]:
    """A server that answers the same from memory and does nothing else."""
    port, folder = free_port(), place / "pages"
    folder.mkdir()
    for number, (path, (kind, content)) in enumerate(pages.items()):
        (folder / f"{number}.body").write_bytes(content)
        (folder / f"{number}.says").write_text(f"{path}\n{kind}", encoding="utf-8")
    with running(["-m", "chargeback.bench.portal", str(folder), str(port)], port) as pid:
        yield Served("bare server", port, pid)


def serve_bare(folder: Path, port: int) -> None:
    """Answer what lies in a folder until told to end."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    pages = {}
    for path in folder.glob("*.says"):
        address, kind = path.read_text(encoding="utf-8").split("\n")
        pages[address] = kind, path.with_suffix(".body").read_bytes()

    async def answer(request: Request) -> Response:
        kind, content = pages.get(request.url.path, ("text/plain", b"ok"))
        return Response(content, media_type=kind)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[int]:
    """A server in a process of its own that answers; its id."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {' '.join(command)}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    """Whether something serves at a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


def unit_of(viewer: int) -> str:
    """The unit that a viewer sees."""
    return UNITS[viewer % len(UNITS)]


def step(viewer: int, number: int) -> str:
    """What a viewer asks for next."""
    return WALK[(viewer + number) % len(WALK)].format(unit=unit_of(viewer))


def contents(served: Served) -> dict[str, tuple[str, bytes]]:
    """Kind and bytes of each page that is asked for, by its path; everything is read once, and warm then."""
    found = {}
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        for viewer, _ in enumerate(UNITS):
            for number, _ in enumerate(WALK):
                path = step(viewer, number)
                connection.request("GET", path, headers={"Cookie": served.cookies[viewer]})
                answer = connection.getresponse()
                kind, content = answer.getheader("content-type", ""), answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path} is answered {answer.status}")
                found[path.partition("?")[0]] = kind, content
    return found


def measured(served: Served) -> dict[int, tuple[Waits, float]]:
    """Each crowd, with the server's memory after it in megabytes; a line is printed of each."""
    found = {}
    for viewers, steps in CROWDS.items():
        waits = asyncio.run(crowd(served, viewers, steps))
        found[viewers] = waits, memory_mb(served.pid)
        show_line(f"{served.name}, {viewers}", *found[viewers])
    return found


async def crowd(served: Served, viewers: int, steps: int, pause_seconds: float = 0) -> Waits:
    """Viewers who ask at the same time, each over a connection of their own."""
    waits = Waits()
    begun = time.perf_counter()
    await asyncio.gather(
        *(visit(served, waits, one, steps, pause_seconds) for one in range(viewers))
    )
    waits.whole_seconds = time.perf_counter() - begun
    return waits


async def visit(
    served: Served, waits: Waits, viewer: int, steps: int, pause_seconds: float
) -> None:
    """One viewer's questions, one after the other; who pauses comes over a new connection each time."""
    if not pause_seconds:
        async with connected(served) as line:
            for number in range(steps):
                await ask(served, waits, viewer, number, line)
        return
    await asyncio.sleep(pause_seconds * viewer / PACED_VIEWERS)
    for number in range(steps):
        async with connected(served) as line:
            took = await ask(served, waits, viewer, number, line)
        await asyncio.sleep(max(0.0, pause_seconds - took))


@contextlib.asynccontextmanager
async def connected(served: Served) -> AsyncIterator[Line]:
    """A connection to a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def ask(served: Served, waits: Waits, viewer: int, number: int, line: Line) -> float:
    """One question; the seconds until all of its answer had come."""
    reader, writer = line
    cookie = f"Cookie: {served.cookies[viewer]}\r\n" if served.cookies else ""
    begun = time.perf_counter()
    writer.write(
        f"GET {step(viewer, number)} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{cookie}\r\n".encode()
    )
    status = await read_answer(reader)
    took = time.perf_counter() - begun
    waits.seconds.append(took)
    waits.refused += status != b"200"
    return took


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """The status of an answer, all of which has come."""
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    length = next(line for line in head if line.lower().startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return head[0].split(b" ")[1]


@functools.cache
def show_heading() -> None:
    """The names of the columns, once."""
    waits = "".join(f"{one:>9}" for one in ("p50 ms", "p95 ms", "p99 ms"))
    print(f"  {'viewers at a time':<30}{'answers':>9}{'a second':>10}{waits}{'MB':>7}")


def show_line(name: str, waits: Waits, megabytes: float) -> None:
    """One crowd."""
    show_heading()
    p50, p95, p99 = (waits.percentile(one) for one in (50, 95, 99))
    refused = f"  {waits.refused} refused" if waits.refused else ""
    print(
        f"  {name:<30}{len(waits.seconds):>9,}{waits.a_second:>10.1f}{p50:>9.0f}{p95:>9.0f}{p99:>9.0f}"
        f"{megabytes:>7.0f}{refused}",
        flush=True,
    )


def show_ratio(label: str, over: float, under: float) -> None:
    """A ratio as a line."""
    print(f"  {label:<58}{over / under:8.2f}", flush=True)


def memory_mb(pid: int) -> float:
    """The memory that a process has at this moment, in megabytes."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


if __name__ == "__main__":
    serve_bare(Path(sys.argv[1]), int(sys.argv[2]))
