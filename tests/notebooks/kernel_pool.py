"""The process that nbval's kernels are forked from: `python -m tests.notebooks.kernel_pool SOCKET`."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from chargeback.books.work_folder import STAGES
from chargeback.core.kernel_server import IMPORTED, Seat, Server, import_all
from tests.notebooks import forked_kernel

NAME = "forked"

IMPORTED_BY_NOTEBOOKS = [
    *(f"chargeback.{stage}.{part}" for stage in STAGES for part in ("stage", "view")),
    "chargeback.daily.run", "chargeback.daily.view", "chargeback.engine.control_view",
    "chargeback.pages.sql_view", "chargeback.review.explore", "chargeback.review.what_if.page",
    "chargeback.review.what_if.view",
]  # fmt: skip


class ServerForNbval(Server):
    """Forks each kernel in the folder that it is asked for in, with the environment of the test."""

    def hear(self, seat: Seat) -> None:
        """Fork the kernel of a connection; one that has ended takes its kernel with it."""
        received = seat.connection.recv(65536)
        if not received:
            self.leave(seat)
            return
        message = json.loads(received)
        os.chdir(message["folder"])
        seat.connection_file = message["start"]
        self.fork(seat)


@contextlib.contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Have a server running; the environment in which nbval finds the kernelspec `NAME`, that leads to it."""
    with tempfile.TemporaryDirectory(prefix="nbval-") as folder:
        spec = {
            "argv": [sys.executable, "-I", "-S", forked_kernel.__file__, "{connection_file}"],
            "display_name": NAME, "language": "python",
        }  # fmt: skip
        place = Path(folder) / "kernels" / NAME / "kernel.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(spec))
        address = str(Path(folder) / "socket")
        found = {**environment, "JUPYTER_PATH": folder, forked_kernel.SOCKET: address}
        command = [sys.executable, "-m", "tests.notebooks.kernel_pool", address]
        with subprocess.Popen(
            command, env=found, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout and server.stdin
            assert server.stdout.readline() == b"ready\n"
            yield found
            server.stdin.close()


def main() -> None:
    """Serve until the standard input ends."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody attaches a debugger
    import_all([*IMPORTED, *IMPORTED_BY_NOTEBOOKS])
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen()
    server = ServerForNbval(Path(sys.argv[1]).parent / "none", listener)
    print("ready", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        server.serve()
    finally:
        server.close()
        os._exit(0)


if __name__ == "__main__":
    main()
