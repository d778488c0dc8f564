"""Kernels: processes that wait for a notebook each, several at once, and never outlive this one.

Kernels come from a server that has imported what notebooks need (`kernel_server`), and each runs one notebook:
a kernel is ready in milliseconds, and none has seen another notebook. Some are kept in stock, so that the next
notebook need not even wait for those. A notebook that runs notebooks itself asks the server that its own kernel
came from, so that nothing is imported twice.

Where processes cannot be copied safely (macOS), and with CHARGEBACK_KERNELS=cold, every kernel starts alone as
Jupyter would start it: the same, but slower.

Kernels are spoken to through sockets in a private folder, not through the network, which a machine may not
have. Paths of sockets have a length limit, hence the short names.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chargeback.core import kernel_server, plain_kernel
from chargeback.core.confidential import without_secrets
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.forked_server import ForkedServer, can_fork
from chargeback.core.isolated_python import isolated_python
from chargeback.core.kernel_server import ENDING_SECONDS, kernel_arguments, remove_sockets
from chargeback.core.private import AFTER, BEFORE, make_held, remove_left

#: How kernels start: "cold" is alone, for comparison; anything else from the server, where that is safe.
MODE_VARIABLE = "CHARGEBACK_KERNELS"

#: A kernel on a busy machine may take long to start, to answer, and to hand on what was printed; one that is
#: dead is noticed at once.
START_SECONDS = 900
SECONDS_VARIABLE = "CHARGEBACK_KERNEL_SECONDS"

#: How often somebody who waits for a kernel looks whether it has ended.
LOOKS_SECONDS = 0.2

#: Sockets have a number as the last part of their path; Linux allows 107 bytes, macOS 103.
CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
LONGEST_FOLDER = 90

#: Where the folder of the sockets can be, besides TMPDIR, and how it is called.
SHORT_PLACES = ("/tmp", "/var/tmp", "/dev/shm")
FOLDERS = "kernels"
LONGEST_PLACE = LONGEST_FOLDER - len(f"/{BEFORE.format(FOLDERS)}12345678{AFTER}")


class KernelLost(Exception):
    """A kernel ended, or never started."""


def start_seconds() -> int:
    """How long a kernel may take to start and to answer.

    Raises:
        Refusal: (exit 2) the variable holds something else than seconds.
    """
    text = os.environ.get(SECONDS_VARIABLE, "").strip() or str(START_SECONDS)
    if not (text.isascii() and text.isdigit() and int(text)):
        raise bad_params(
            "CHARGEBACK_KERNEL_SECONDS is not a number of seconds", f"1 or more, such as {START_SECONDS}",
            repr(text), ["the environment"],
        )  # fmt: skip
    return int(text)


def too_slow(waited_for: str, seconds: float) -> KernelLost:
    """That a kernel was waited for in vain."""
    return KernelLost(
        f"{waited_for} within {seconds:.0f} seconds, which a machine that is very busy may need: "
        f"{SECONDS_VARIABLE}=seconds waits longer"
    )


def most_at_once() -> int:
    """How many notebooks run at the same time."""
    return max(1, min(4, os.cpu_count() or 1))


class Kernel:
    """A kernel process, from the moment it is asked for; one notebook runs in it.

    Also what nbclient asks of a kernel's manager.
    """

    has_kernel = True

    def __init__(self, folder: Path) -> None:
        self.name = f"k{secrets.token_hex(4)}"
        self.file = folder / f"{self.name}.json"
        ports = {f"{one}_port": number for number, one in enumerate(CHANNELS, start=1)}
        self.connection: Any = {
            "transport": "ipc", "ip": str(folder / self.name), **ports,
            "key": secrets.token_hex(), "signature_scheme": "hmac-sha256",
        }  # fmt: skip
        opened = os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as stream:
            json.dump(self.connection, stream)

    def exit_code(self) -> int | None:
        """How the process ended; None while it has not."""
        raise NotImplementedError

    def end(self) -> None:
        """Let the kernel end, soon and in order."""
        raise NotImplementedError

    def kill(self) -> None:
        """End the kernel now, with the programs that it started."""
        raise NotImplementedError

    def wait_started(self, seconds: float) -> None:
        """Wait until the kernel can be spoken to.

        Raises:
            KernelLost: it ended, or took longer.
        """
        socket_file = Path(f"{self.connection['ip']}-{CHANNELS.index('hb') + 1}")
        deadline = time.monotonic() + seconds
        while not socket_file.exists():
            code = self.exit_code()
            if code is not None:
                raise KernelLost(f"the kernel ended with code {code} when it started")
            if time.monotonic() > deadline:
                raise too_slow("the kernel did not open its sockets", seconds)
            time.sleep(0.005)

    def client(self) -> Any:
        """A client that speaks to the kernel."""
        return client_class()(self)

    async def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.exit_code() is None

    async def shutdown_kernel(self, now: bool = False) -> None:
        """End the kernel, as nbclient asks for when it cannot be spoken to."""
        self.kill()

    async def interrupt_kernel(self) -> None:
        """Nothing is interrupted: what takes too long fails."""

    async def cleanup_resources(self) -> None:
        """The folder is cleaned up by whoever made it."""


class ForkedKernel(Kernel):
    """A kernel that a server forks; the connection to the server is its life line."""

    #: Whether it is a plain one (plain_kernel).
    is_plain = False

    def __init__(self, server: Path, modules: Iterable[str]) -> None:
        super().__init__(server.parent)
        self.code: int | None = None
        self.lock = threading.Lock()
        self.received = b""
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.line.connect(str(server))
            self.line.setblocking(False)
            self._say(start=self._place(), modules=list(modules), plain=self.is_plain)
        except OSError:
            self.line.close()
            self.file.unlink(missing_ok=True)
            raise

    def _place(self) -> str:
        """What the server is told of how the kernel is to be spoken to."""
        return str(self.file)

    def _say(self, **message: Any) -> None:
        self.line.sendall(json.dumps(message).encode() + b"\n")

    def exit_code(self) -> int | None:
        """How the process ended, as the server says; -9 when the server is gone."""
        with self.lock:
            while self.code is None:
                try:
                    received = self.line.recv(4096)
                except BlockingIOError:
                    break
                except OSError:
                    received = b""
                if not received:
                    self.code = -signal.SIGKILL
                    break
                *lines, self.received = (self.received + received).split(b"\n")
                for line in lines:
                    self.code = json.loads(line).get("exit", self.code)
            return self.code

    def end(self) -> None:
        """Let the kernel end, and do not wait for it: the server sees to it."""
        with contextlib.suppress(OSError):
            self._say(end=True)
        self.kill()

    def kill(self) -> None:
        """End the life line, and with it the kernel, unless it is about to end."""
        with self.lock:
            self.code = -signal.SIGKILL if self.code is None else self.code
            self.line.close()


class PlainKernel(ForkedKernel):
    """A forked kernel without Jupyter's protocol; whoever uses it tells it one cell after the other."""

    is_plain = True

    def __init__(self, server: Path, modules: Iterable[str]) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.told: socket.socket | None = None
        self.answers: Iterator[dict[str, Any]] = iter(())
        super().__init__(server, modules)

    def _place(self) -> str:
        place = str(self.file.with_suffix(".cells"))
        self.listener.bind(place)
        self.listener.listen(1)
        return place

    def wait_started(self, seconds: float) -> None:
        """Wait until it has connected."""
        self.listener.settimeout(LOOKS_SECONDS)
        deadline = time.monotonic() + seconds
        while self.told is None:
            with contextlib.suppress(TimeoutError):
                self.told, _ = self.listener.accept()
                break
            code = self.exit_code()
            if code is not None:
                raise KernelLost(f"the kernel ended with code {code} when it started")
            if time.monotonic() > deadline:
                raise too_slow("the kernel did not start", seconds)
        self.answers = plain_kernel.messages(self.told)

    def begin(
        self, folder: Path, environment: Mapping[str, str], umask: int | None,
        kinds: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        """Tell where its notebook works, in which environment, and what cells are shown as; None for all."""
        assert self.told is not None
        told = {"folder": str(folder), "environment": dict(environment), "umask": umask}
        with contextlib.suppress(OSError):  # a kernel that ended says so at the first cell
            plain_kernel.say(self.told, **told, kinds=list(kinds) if kinds else None)

    def run(self, source: str, seconds: int | None) -> dict[str, Any]:
        """Run a cell; what it shows, its number, and the refusal that it ended with.

        Raises:
            KernelLost: the kernel ended.
            TimeoutError: the cell took longer.
        """
        assert self.told is not None
        self.told.settimeout(seconds)
        try:
            plain_kernel.say(self.told, run=source)
            for answer in self.answers:
                return answer
        except TimeoutError:
            raise TimeoutError(f"the cell took longer than {seconds} seconds") from None
        except (OSError, ValueError):
            pass
        raise KernelLost(f"the kernel ended with code {self._code_soon()}")

    def _code_soon(self) -> int | None:
        """How it ended; the server tells a moment after its sockets are closed."""
        deadline = time.monotonic() + LOOKS_SECONDS
        while (code := self.exit_code()) is None and time.monotonic() < deadline:
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        """End it, and what it was spoken to through."""
        super().kill()
        self.listener.close()
        if self.told is not None:
            with contextlib.suppress(OSError):
                self.told.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for an answer
            self.told.close()
        for one in (self.file, self.file.with_suffix(".cells")):
            one.unlink(missing_ok=True)


class ColdKernel(Kernel):
    """A kernel that is started alone, in a Python of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        starting = "from chargeback.core.kernel_server import run_alone; run_alone()"
        self.process = subprocess.Popen(
            isolated_python(starting, *kernel_arguments(str(self.file), os.getpid())),
            env=kernel_environment(folder), stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def exit_code(self) -> int | None:
        """How the process ended."""
        return self.process.poll()

    def end(self) -> None:
        """Let the kernel end, and wait for it."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the kernel now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        remove_sockets(str(self.file))


def kernel_environment(folder: Path) -> dict[str, str]:
    """What a kernel's process is started with.

    Args:
        folder: of the kernels, where they keep what is of no use after them.
    """
    keeping = {} if caches_can_be_kept() else {"MPLCONFIGDIR": str(folder / "matplotlib")}
    return {
        **without_secrets(os.environ),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        **keeping,
    }


def caches_can_be_kept() -> bool:
    """Whether matplotlib can keep its list of fonts where it likes; else it complains, and makes another."""
    own = os.environ.get("MPLCONFIGDIR")
    places = [Path(own)] if own else [
        Path(os.environ.get(variable) or Path(os.path.expanduser("~"), below), "matplotlib")
        for variable, below in (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache"))
    ]  # fmt: skip
    try:
        for one in places:
            one.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=one):
                pass
    except OSError:
        return False
    return True


def client_class() -> Any:
    """The client that nbclient speaks through; made once, because importing Jupyter takes a while."""
    global _client_class
    if _client_class is None:
        from jupyter_client.asynchronous.client import AsyncKernelClient

        class Client(AsyncKernelClient):
            """A client that asks the process itself whether it lives, and needs no heartbeat."""

            def __init__(self, kernel: Kernel) -> None:
                super().__init__()
                self.kernel = kernel
                self.load_connection_info(kernel.connection)

            def start_channels(self, *_: Any, **__: Any) -> None:
                super().start_channels(stdin=False, hb=False, control=False)

            def stop_channels(self) -> None:
                for channel in (self._shell_channel, self._iopub_channel):
                    if channel is not None and channel.is_alive():
                        channel.stop()
                if self._created_context and not self.context.closed:
                    self.context.destroy(linger=100)

            async def is_alive(self) -> bool:
                return self.kernel.exit_code() is None

            async def wait_for_ready(self, timeout: float | None = None) -> None:
                """The runner prepares the kernel before anything else, and waits for that."""

            async def run_silently(self, code: str, seconds: float) -> None:
                """Run code that leaves no trace, and know that everything that is printed after it arrives.

                Raises:
                    KernelLost: the kernel ended, does not answer, or cannot run this.
                """
                from queue import Empty

                deadline = time.monotonic() + seconds
                answered = False
                while True:
                    request = self.execute(code, silent=True, store_history=False)
                    while not answered:
                        with contextlib.suppress(Empty):
                            reply = await self.get_shell_msg(timeout=1)
                            if reply["content"].get("status") == "error":
                                said = reply["content"]
                                raise KernelLost(f"{said['ename']}: {said['evalue']}")
                            answered = reply["parent_header"].get("msg_id") == request
                        self._check(deadline, seconds)
                    with contextlib.suppress(Empty):
                        while True:
                            told = await self.get_iopub_msg(timeout=1)
                            if (
                                told["parent_header"].get("msg_id") == request
                                and told["content"].get("execution_state") == "idle"
                            ):
                                return
                    # What is published is not heard yet: it was not subscribed to in time.
                    self._check(deadline, seconds)
                    answered = False

            def _check(self, deadline: float, seconds: float) -> None:
                code = self.kernel.exit_code()
                if code is not None:
                    raise KernelLost(f"the kernel ended with code {code}")
                if time.monotonic() > deadline:
                    raise too_slow("the kernel did not answer the first message", seconds)

        _client_class = Client
    return _client_class


_client_class: Any = None


def make_sockets_folder() -> tuple[Path, int]:
    """A private folder for the sockets of kernels, and what holds it.

    Raises:
        Refusal: (exit 6) there is no place for one.
    """
    with contextlib.suppress(FileNotFoundError):
        tempfile.gettempdir()  # none can be written: the reasons are told below
    tried = []
    for place in dict.fromkeys((tempfile.tempdir or "/tmp", *SHORT_PLACES)):
        if len(os.fsencode(place)) > LONGEST_PLACE:
            tried.append(f"{place}: longer than a socket's path may be")
            continue
        try:
            remove_left(Path(place), FOLDERS)
            folder, hold = make_held(Path(place), FOLDERS)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
                trial.bind(str(folder / "trial"))
            (folder / "trial").unlink()
        except OSError as error:
            tried.append(f"{place}: {error.strerror or error}")
        else:
            return folder, hold
    raise unreachable(
        "there is no folder for the sockets of notebooks", "a short path that can be written",
        "none of those that were tried", tried, ["name one with TMPDIR=, then run it again"],
    )  # fmt: skip


class Pool:
    """The kernels of this process: those that work, and some in stock.

    Args:
        most: how many notebooks run at once; further ones wait.
    """

    def __init__(self, most: int | None = None) -> None:
        self.owner = os.getpid()
        self.most = most or most_at_once()
        self.places = threading.BoundedSemaphore(self.most)
        self.lock = threading.Lock()
        self.stock: list[Kernel] = []
        self.working: list[Kernel] = []
        self.stocked = 0
        self.modules: tuple[str, ...] = ()
        self.folder: Path | None = None
        self.hold: int | None = None  # says that the folder is in use
        self.server: Path | None = None
        self.process: subprocess.Popen[bytes] | ForkedServer | None = None
        self.forks = False  # whether the server may be forked from this process

    @property
    def is_cold(self) -> bool:
        """Whether every kernel starts alone."""
        return os.environ.get(MODE_VARIABLE) == "cold" or sys.platform == "darwin"

    def warm(self, count: int, modules: Iterable[str] = (), forks: bool = False) -> None:
        """Have kernels in stock from now on; returns at once, they start meanwhile.

        Args:
            count: how many; the stock is filled up again whenever one of them is taken.
            modules: imported in every kernel that is made from now on, before its notebook is known.
            forks: this process has done nothing yet but import what its kernels need as well, so that their
                server may be forked from it.
        """
        if self.is_cold:
            return
        with self.lock:
            self.forks = forks
            self.modules = tuple(dict.fromkeys((*self.modules, *modules)))
            self.stocked = min(count, self.most)
            self._fill()
            if not count and kernel_server.own_server is None:
                self._ready_server()
            self.forks = False

    def _fill(self) -> None:
        while len(self.stock) < self.stocked:
            self.stock.append(self._new())

    @contextlib.contextmanager
    def kernel(self, plain: bool = False) -> Iterator[Kernel]:
        """A kernel that no notebook has used; it ends afterwards, and at once where there was an error.

        Args:
            plain: it need not speak Jupyter's protocol; where every kernel starts alone, it does.
        """
        with self.places:
            with self.lock:
                if self.is_cold or plain:  # what was forked ahead waits for others
                    taken = self._new(plain)
                else:
                    fresh = [one for one in self.stock if one.exit_code() is None]
                    self.stock = fresh[1:]
                    taken = fresh[0] if fresh else self._new()
                self.working.append(taken)
                if not self.is_cold and not plain:
                    self._fill()
            try:
                yield taken
            except BaseException:
                taken.kill()
                raise
            else:
                taken.end()
            finally:
                with self.lock:
                    if taken in self.working:
                        self.working.remove(taken)

    def _new(self, plain: bool = False) -> Kernel:
        if self.is_cold:
            return ColdKernel(self._own_folder())
        forked = PlainKernel if plain else ForkedKernel
        if kernel_server.own_server is not None:
            with contextlib.suppress(OSError):
                return forked(kernel_server.own_server, self.modules)
        self._ready_server()
        assert self.server is not None
        return forked(self.server, self.modules)

    def place(self) -> Path:
        """A private folder that goes with the server of this process's kernels, however it ends."""
        if kernel_server.own_server is not None and kernel_server.own_server.parent.is_dir():
            return kernel_server.own_server.parent
        with self.lock:
            return self._own_folder()

    def _own_folder(self) -> Path:
        if self.folder is None or not self.folder.is_dir():
            self.folder, self.hold = make_sockets_folder()
        return self.folder

    def _ready_server(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self._start_server()

    def _start_server(self) -> None:
        folder = self._own_folder()
        self.server = folder / "server"
        self.server.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(self.server))
            listener.listen(64)
            if self.forks and can_fork():
                environment = kernel_environment(folder)
                self.process = ForkedServer(folder, listener, self.modules, environment)
                return
            starting = "from chargeback.core.kernel_server import main; main()"
            self.process = subprocess.Popen(
                isolated_python(starting, str(folder), str(listener.fileno()), *self.modules),
                stdin=subprocess.PIPE, pass_fds=[listener.fileno()], start_new_session=True,
                env=kernel_environment(folder),
            )  # fmt: skip

    def close(self) -> None:
        """End every kernel now, and the server; the next notebook starts others."""
        if self.owner != os.getpid():
            return  # a fork of this process, which has none
        with self.lock:
            for one in (*self.stock, *self.working):
                one.kill()
            self.stock, self.stocked = [], 0
            if self.process is not None:
                assert self.process.stdin is not None
                self.process.stdin.close()
                self.process.terminate()  # it may still be importing
                try:
                    self.process.wait(ENDING_SECONDS)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                self.process = None
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder = None
            if self.hold is not None:
                os.close(self.hold)
                self.hold = None


_pool: Pool | None = None
_pool_lock = threading.Lock()


def pool() -> Pool:
    """The pool of this process; one that was forked from another has one of its own."""
    global _pool
    with _pool_lock:
        if _pool is None or _pool.owner != os.getpid():
            _pool = Pool()
            atexit.register(_pool.close)
        return _pool
