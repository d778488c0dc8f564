"""A server of kernels that is forked from a verb, so that what both need is imported once.

A verb that needs much of what its notebooks need imports it, and has the server forked before it does anything
else. The server is what a started one is (`kernel_server`): in a session of its own, with no file of the verb's
but the socket that it listens at, and with the environment of kernels.

What always holds: a process is only forked that works with one thread, was started isolated (`-I`), as a server
is, and has no secret in its environment, which a fork would have in its memory. Otherwise it is started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

from chargeback.core import kernel_server
from chargeback.core.confidential import without_secrets
from chargeback.core.progress import complain

#: How often somebody who waits for the end looks.
LOOKS_SECONDS = 0.01


def can_fork() -> bool:
    """Whether this process may be forked, and its fork be a server."""
    return (
        sys.platform == "linux"
        and bool(sys.flags.isolated)
        and threading.active_count() == 1
        and without_secrets(os.environ) == dict(os.environ)
    )


class ForkedServer:
    """The process, as `subprocess.Popen` would have it."""

    def __init__(
        self, folder: Path, listener: socket.socket, modules: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.code: int | None = None
        told, telling = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # what waits would be written twice
        self.pid = os.fork()
        if self.pid == 0:
            become_server(folder, listener, modules, environment, told)
        os.close(told)
        self.stdin: IO[bytes] = os.fdopen(telling, "wb", 0)

    def poll(self) -> int | None:
        """How it ended; None while it works."""
        if self.code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else was told
                self.code = -signal.SIGKILL
            else:
                self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it has not ended in so many seconds.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("the server of kernels", timeout or 0)
            time.sleep(LOOKS_SECONDS)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send(signal.SIGKILL)

    def send(self, number: int) -> None:
        """Send a signal, if it still works."""
        if self.poll() is None:
            os.kill(self.pid, number)


def become_server(
    folder: Path, listener: socket.socket, modules: Sequence[str], environment: Mapping[str, str],
    told: int,
) -> NoReturn:  # fmt: skip
    """Be the server in this forked process, until whoever holds the other end of `told` is gone."""
    try:
        if (
            signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        ):  # which a started one would go on ignoring
            signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()  # Ctrl-C is for the verb
        os.dup2(told, 0)
        kept = listener.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
        if sys.stdin is None:
            sys.stdin = os.fdopen(0)
        os.environ.clear()
        os.environ.update(environment)
        kernel_server.serve(folder, listener, modules)
    except BaseException as error:
        complain(f"kernels: {type(error).__name__}: {error}")
    os._exit(1)
