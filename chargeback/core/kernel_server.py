"""The process that kernels come from: it has imported what notebooks need, and forks a kernel for each.

Starting Python and importing pandas, pyarrow and matplotlib takes longer than the work of most notebooks. This
process does it once. A kernel is a copy of it, made in milliseconds: everything is imported, and nothing that
an earlier notebook did can be seen, because no notebook ever ran in the process that was copied.

    whoever runs notebooks  --start-->  server  --fork-->  kernel       over a Unix socket in a private folder
                            <--exit---                                  messages are lines of JSON

What always holds: one connection is one kernel, and a connection that ends takes its kernel with it, so that a
kernel outlives neither the notebook's runner nor this server (kernels watch their parent, ipykernel's poller).
The server ends when its standard input does, which whoever started it holds: also when that was killed.

Known drawbacks: a copy has the modules as they were when the server started. Only single-threaded processes
can be copied safely, so that this one runs no notebook, opens no database and starts no thread; the threads
that numpy, pyarrow and DuckDB start when they are imported are made for that, or idle and not needed.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from chargeback.core.plain_kernel import become_plain_kernel, environment_of_kernel
from chargeback.core.private import set_umask
from chargeback.core.progress import complain

#: Imported at once, for every kernel: IPython, with what it imports when it starts.
IPYTHON = (
    "IPython.core.interactiveshell", "IPython.core.magics", "IPython.core.completer",
    "IPython.core.completerlib", "IPython.core.oinspect", "IPython.core.logger",
    "IPython.core.application", "IPython.utils.wildcard",
)  # fmt: skip

#: Imported before the first kernel is forked that speaks Jupyter's protocol: the kernel itself, and what most
#: notebooks need. A plain kernel needs the modules that it is asked for with, and no more.
IMPORTED = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.iostream", "ipykernel.displayhook",
    "ipykernel.debugger", "IPython.core.magics", "IPython.core.completerlib",
    "IPython.core.debugger_backport", "IPython.core.debugger", "IPython.core.oinspect",
    "pdb", "IPython.extensions.storemagic", "IPython.utils.wildcard",
    "tornado.platform.asyncio", "tornado.locks", "sqlite3",
    "encodings.idna", "faulthandler", "pyarrow.parquet", "pyarrow.compute", "pandas", "duckdb",
    "sqlglot", "matplotlib.figure", "matplotlib.backends.backend_svg", "matplotlib.patches",
    "plotly.graph_objects",
)  # fmt: skip

#: Seconds that a kernel has to end by itself once its notebook is done.
ENDING_SECONDS = 10

#: What a kernel's reply carries a refusal as, among its payloads.
REFUSAL_PAYLOAD = "chargeback.refusal"


def kernel_arguments(connection_file: str, parent: int) -> list[str]:
    """The command line of a kernel, for one that is forked and for one that is started alone.

    Args:
        parent: the process that it does not outlive.
    """
    return [
        "-f", connection_file,
        # A kernel has nobody to tell about its sockets and its end.
        "--log-level=CRITICAL",
        "--HistoryManager.hist_file=:memory:",
        "--InteractiveShellApp.ignore_cwd=True",  # modules are not looked for in the books
        f"--IPKernelApp.parent_handle={parent}",
    ]  # fmt: skip


@dataclass
class Seat:
    """A connection, and the kernel that was forked for it."""

    connection: socket.socket
    pid: int = 0
    connection_file: str = ""
    received: bytes = b""
    deadline: float = field(default=float("inf"))

    def send(self, **message: Any) -> None:
        """Say something to whoever asked for the kernel, if it is still there."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and the programs that it started."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)  # it may not lead its group yet


class Server:
    """Forks kernels until its standard input ends."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self.folder = folder
        self.listener = listener
        self.seats: list[Seat] = []
        self.selector = selectors.DefaultSelector()
        self.child_ended, self.wakeup = socket.socketpair()
        for one in (self.listener, self.child_ended, self.wakeup):
            one.setblocking(False)

    def serve(self) -> None:
        """Answer until nobody is left who could ask."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self.end_now)
        signal.set_wakeup_fd(self.wakeup.fileno(), warn_on_full_buffer=False)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "starter")
        self.selector.register(self.listener, selectors.EVENT_READ, "listener")
        self.selector.register(self.child_ended, selectors.EVENT_READ, "child")
        while True:
            soonest = min((seat.deadline for seat in self.seats), default=float("inf"))
            wait = None if soonest == float("inf") else max(0.0, soonest - time.monotonic())
            for key, _ in self.selector.select(wait):
                if key.data == "starter":
                    if not os.read(sys.stdin.fileno(), 1024):
                        return
                elif key.data == "listener":
                    self.accept()
                elif key.data == "child":
                    with contextlib.suppress(BlockingIOError):
                        self.child_ended.recv(4096)
                else:
                    self.hear(key.data)
            self.reap()
            for seat in self.seats:
                if seat.deadline <= time.monotonic():
                    seat.signal(signal.SIGKILL)
                    seat.deadline = float("inf")

    def accept(self) -> None:
        """Take a new connection."""
        with contextlib.suppress(BlockingIOError):
            connection, _ = self.listener.accept()
            seat = Seat(connection)
            self.seats.append(seat)
            self.selector.register(connection, selectors.EVENT_READ, seat)

    def hear(self, seat: Seat) -> None:
        """Do what a connection asks for; one that has ended takes its kernel with it."""
        try:
            received = seat.connection.recv(65536)
        except OSError:
            received = b""
        if not received:
            self.leave(seat)
            return
        *lines, seat.received = (seat.received + received).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "start" in message:
                is_plain = message.get("plain", False)
                import_all((*([] if is_plain else IMPORTED), *message["modules"]))
                seat.connection_file = message["start"]
                self.fork(seat, is_plain)
            elif "signal" in message:
                seat.signal(message["signal"])
            elif "end" in message:
                seat.signal(signal.SIGTERM)
                seat.deadline = time.monotonic() + ENDING_SECONDS

    def leave(self, seat: Seat) -> None:
        """Forget a connection, and kill its kernel unless that is about to end by itself."""
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(seat.connection)
        seat.connection.close()
        if not seat.pid:
            self.seats.remove(seat)
        elif seat.deadline == float("inf"):
            seat.signal(signal.SIGKILL)

    def fork(self, seat: Seat, plain: bool = False) -> None:
        """Make a kernel."""
        server = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns about the idle threads
            pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for one in (self.listener, self.child_ended, self.wakeup):
                one.close()
            for other in self.seats:
                other.connection.close()
            if plain:
                run_plain(seat.connection_file)
            become_kernel(seat.connection_file, server)
        seat.pid = pid
        seat.send(pid=pid)

    def reap(self) -> None:
        """Tell who asked for them which kernels have ended."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if not ended:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(ended.si_pid, signal.SIGKILL)  # programs that a notebook left running
            pid, status = os.waitpid(ended.si_pid, 0)
            for seat in [one for one in self.seats if one.pid == pid]:
                seat.pid = 0
                seat.send(exit=os.waitstatus_to_exitcode(status))
                self.leave(seat)
                remove_sockets(seat.connection_file)

    def close(self) -> None:
        """Kill every kernel and remove the folder."""
        for seat in self.seats:
            seat.signal(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_now(self, *_: Any) -> NoReturn:
        """End wherever this process is: an exception would be printed and lost where Python can raise none."""
        self.close()
        os._exit(0)


_imported: set[str] = set()


def import_all(names: Iterable[str]) -> None:
    """Import modules ahead of notebooks; what cannot be imported fails in the notebook that wants it.

    Args:
        names: modules, or "module:function", which is called besides, once: what is loaded when it is first
            used, and not when it is imported, is then there as well.
    """
    new = [name for name in names if name not in _imported]
    if not new:
        return
    gc.disable()  # modules are many objects, and all of them stay
    try:
        with warnings.catch_warnings(), as_in_a_kernel():
            warnings.simplefilter("ignore")
            for name in new:
                _imported.add(name)
                module, _, function = name.partition(":")
                with contextlib.suppress(Exception):
                    found = importlib.import_module(module)
                    if function:
                        getattr(found, function)()
    finally:
        gc.enable()
    # What is imported stays: a kernel need not look through it for what can be freed, and copy it thereby.
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def as_in_a_kernel() -> Iterator[None]:
    """Let pandas, which looks around once, when it is imported, find a notebook and no terminal."""
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def remove_sockets(connection_file: str) -> None:
    """Remove the files that a kernel was reached by."""
    path = Path(connection_file)
    for one in path.parent.glob(f"{path.stem}*"):
        one.unlink(missing_ok=True)


def become_kernel(connection_file: str, server: int) -> NoReturn:
    """Run a kernel in this forked process, until it is told to end."""
    try:
        signal.signal(signal.SIGTERM, leave_now)
        os.setsid()  # Ctrl-C is for whoever runs the notebook
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["ipykernel_launcher", *kernel_arguments(connection_file, server)]
        app = kernel_class().instance()
        app.initialize(sys.argv[1:])
        if sys.modules.get("debugpy", sys) is None:
            del sys.modules["debugpy"]
        app.start()
    except BaseException as error:
        sys.stderr = sys.__stderr__
        complain(f"kernel: {type(error).__name__}: {error}")
        os._exit(1)
    leave_now()


def run_plain(place: str) -> NoReturn:
    """Run a plain kernel in this forked process; it speaks through the socket at `place`."""
    try:
        signal.signal(signal.SIGTERM, leave_now)
        become_plain_kernel(place, told_refusal, leave_now)
    except BaseException as error:
        sys.stderr = sys.__stderr__
        complain(f"kernel: {type(error).__name__}: {error}")
        os._exit(1)


def kernel_class() -> Any:
    """The kernel as ipykernel has it, but that no settings of a user or a machine change what notebooks do."""
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPKernelApp):
        """A kernel that reads no profile: neither its settings nor the code that it runs at the start."""

        def load_config_file(self, *_: Any, **__: Any) -> None:
            return

        def _run_startup_files(self) -> None:
            return

    return Kernel


def run_alone() -> None:
    """Run a kernel in this process, which was started for it; its command line is `kernel_arguments`."""
    kernel_class().launch_instance()


def leave_now(*_: Any) -> NoReturn:
    """End a kernel: run what was left to be done at exit, and spare the rest."""
    # A kernel that nobody needed may end while IPython is still half made, and its own cleaning then fails.
    sys.unraisablehook = lambda _: None
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    os._exit(0)


#: The server that this process was forked by, where it is a kernel itself.
own_server: Path | None = None


def begin(folder: str, environment: dict[str, str], server: str, umask: int | None) -> None:
    """Prepare this kernel for its notebook: where it works, what its environment is, how refusals travel.

    Args:
        umask: of the run; None leaves that of this process.
        server: where the kernels of a notebook that runs notebooks come from; blank for one of its own.
    """
    from IPython.core.getipython import get_ipython

    global own_server
    own_server = Path(server) if server else None

    os.chdir(folder)
    set_umask(umask)
    environment_of_kernel(environment)
    shell: Any = get_ipython()
    shell.user_ns["_dh"][:] = [Path(folder)]
    signal.signal(signal.SIGTERM, leave_now)
    if pass_refusal_on not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", pass_refusal_on)


def pass_refusal_on(result: Any) -> None:
    """Add the refusal that a cell ended with to the kernel's reply, whole."""
    from IPython.core.getipython import get_ipython

    refusal = told_refusal(result.error_in_exec)
    if refusal:
        shell: Any = get_ipython()
        shell.payload_manager.write_payload({"source": REFUSAL_PAYLOAD, **refusal})


def told_refusal(error: BaseException | None) -> dict[str, Any] | None:
    """The refusal that a cell ended with, part by part; None where it ended otherwise."""
    from chargeback.core.errors import Refusal, file_refusal

    if isinstance(error, OSError) and type(error) in (
        OSError,
        PermissionError,
    ):  # a full disk, a folder of somebody else
        error = file_refusal(error)
    return asdict(error) if isinstance(error, Refusal) else None


def main() -> None:
    """The server's process: its arguments are folder, listening socket, and modules to import at once."""
    serve(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])


def serve(folder: Path, listener: socket.socket, modules: Iterable[str]) -> NoReturn:
    """Be the server, until nobody is left who could ask.

    Args:
        modules: imported at once.
    """
    server = Server(folder, listener)
    try:
        # Importing the debugger takes longer than all else that a kernel needs, and nobody attaches one here.
        sys.modules["debugpy"] = None  # type: ignore[assignment]
        import_all((*IPYTHON, *modules))
        server.serve()
    finally:
        server.close()
        # The threads of the libraries are not waited for.
        os._exit(0)
