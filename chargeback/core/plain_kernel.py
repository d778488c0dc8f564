"""A plain kernel: IPython in a forked process that is told cells, one by one, and answers what they show.

Jupyter's protocol, with its sockets, threads and signatures, takes longer to set up than a page of a statement
takes to compute. A notebook that nobody speaks to while it runs needs none of it: papermill hands out a cell's
source and takes its outputs. What always holds: the process is as fresh as any kernel's, and what a cell shows
is what it would show in Jupyter, made by the same IPython.

    runner  --{"run": source}-->  plain kernel     lines of JSON over a Unix socket that the runner listens at
            <--{"outputs": …}---

Known drawbacks: widgets, debugging and input are not there, and output arrives when the cell is done.
"""

from __future__ import annotations

import gc
import io
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from chargeback.core.private import set_umask

#: What kernels are started with, whatever the environment of their notebook says: backend of charts, and where
#: IPython and matplotlib keep what they keep.
OF_KERNELS = ("MPLBACKEND", "IPYTHONDIR", "MPLCONFIGDIR")

#: So many objects are made in a plain kernel before garbage is looked for: it lives for one page.
GARBAGE = 50_000

Outputs = list[dict[str, Any]]


def messages(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """What arrives, line by line, until the other side is gone."""
    with connection.makefile("rb") as stream:
        for line in stream:
            yield json.loads(line)


def say(connection: socket.socket, **message: Any) -> None:
    """Send a message."""
    connection.sendall(json.dumps(message).encode() + b"\n")


class Stream(io.TextIOBase):
    """What a cell prints; texts one after the other are one output, as nbclient joins them."""

    def __init__(self, name: str, outputs: Outputs) -> None:
        self.name, self.outputs = name, outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        last = self.outputs[-1] if self.outputs else {}
        if text and last.get("output_type") == "stream" and last["name"] == self.name:
            last["text"] += text
        elif text:
            self.outputs.append({"output_type": "stream", "name": self.name, "text": text})
        return len(text)


def make_shell(outputs: Outputs, kinds: Sequence[str] | None = None) -> Any:
    """IPython with nothing of a terminal, which leaves what it shows in `outputs`.

    Args:
        kinds: the types, such as text/markdown, that the value of a cell's last line is shown as; None for all.
    """
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Results(DisplayHook):
        """Keeps the value of a cell's last line."""

        def start_displayhook(self) -> None:
            return

        def write_output_prompt(self) -> None:
            return

        def compute_format_data(self, result: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            shell: Any = self.shell
            found: tuple[dict[str, Any], dict[str, Any]] = shell.display_formatter.format(
                result, include=kinds
            )
            return found

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            outputs.append(
                {"output_type": "execute_result", "execution_count": self.prompt_count,
                 "data": as_json(format_dict), "metadata": md_dict or {}}
            )  # fmt: skip

        def finish_displayhook(self) -> None:
            return

    class Publisher(DisplayPublisher):
        """Keeps what is displayed."""

        def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
            outputs.append(
                {"output_type": "display_data", "data": as_json(data), "metadata": metadata or {}}
            )

        def clear_output(self, wait: bool = False) -> None:
            outputs.clear()

    class Shell(InteractiveShell):
        """IPython that keeps an error as an output."""

        displayhook_class = Results
        display_pub_class = Publisher

        def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
            outputs.append(
                {"output_type": "error", "ename": etype.__name__, "evalue": str(evalue),
                 "traceback": stb}
            )  # fmt: skip

    kept = Config()
    kept.HistoryManager.enabled = False
    return Shell.instance(config=kept)


def as_json(data: dict[str, Any]) -> dict[str, Any]:
    """What is shown, by type, as Jupyter sends it: bytes as base 64."""
    import base64

    return {
        kind: base64.b64encode(one).decode() if isinstance(one, bytes) else one
        for kind, one in data.items()
    }


def begin(folder: str, environment: dict[str, str], umask: int | None) -> None:
    """Let this process work where its notebook does, with its environment."""
    os.chdir(folder)
    set_umask(umask)
    environment_of_kernel(environment)


def environment_of_kernel(environment: dict[str, str]) -> None:
    """Give this process the environment of its notebook, but for what kernels are started with."""
    kept = {name: os.environ[name] for name in OF_KERNELS if name in os.environ}
    os.environ.clear()
    os.environ.update(environment | kept)
    time.tzset()


def serve(connection: socket.socket, refused: Callable[[Any], dict[str, Any] | None]) -> None:
    """Run cells until the other side is gone.

    Args:
        refused: the refusal that a cell ended with, as a message.
    """
    gc.set_threshold(GARBAGE)
    outputs: Outputs = []
    told = messages(connection)
    beginning = next(told)
    kinds = beginning.pop("kinds")
    begin(**beginning)
    shell = make_shell(outputs, kinds)
    sys.stdout, sys.stderr = Stream("stdout", outputs), Stream("stderr", outputs)
    for message in told:
        outputs.clear()
        result = shell.run_cell(message["run"], store_history=True)
        say(
            connection, outputs=outputs, count=shell.execution_count - 1,
            refusal=refused(result.error_in_exec),
        )  # fmt: skip


def become_plain_kernel(
    place: str, refused: Callable[[Any], dict[str, Any] | None], leave: Callable[[], NoReturn]
) -> NoReturn:
    """Run a plain kernel in this forked process, until whoever listens at `place` is gone."""
    os.setsid()  # Ctrl-C is for whoever runs the notebook
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(place)
        Path(place).unlink(missing_ok=True)
        serve(connection, refused)
    leave()
