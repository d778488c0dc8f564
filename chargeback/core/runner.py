"""The runner: the one place where notebooks are run.

Goes in: a notebook, texts for its parameters, and the folder that it works in. Comes out: the executed copy, or
a refusal. papermill puts the parameters in and executes; the kernel comes from `kernels` and has run nothing
before. Several notebooks may run at once, from threads: nothing of this process is changed for any of them, and
its working folder stays.

What always holds: a refusal that a cell raises arrives here as it was, because the kernel adds it to its reply;
parameters are texts, because papermill's command line turns an account id into a number; a parameter that the
notebook does not have is refused, where papermill only warns.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from chargeback.core import kernel_server
from chargeback.core.confidential import without_secrets
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.kernel_server import REFUSAL_PAYLOAD
from chargeback.core.kernels import (
    Kernel,
    KernelLost,
    PlainKernel,
    most_at_once,
    pool,
    start_seconds,
)
from chargeback.core.private import current_umask
from chargeback.core.progress import Progress

__all__ = [
    "Lines", "NotebookFailed", "most_at_once", "run_notebook", "stop", "warm",
]  # fmt: skip

#: What papermill imports, does without, and no notebook of ours needs: formats of texts that jsonschema could
#: check and notebooks do not have, one of which builds a grammar for longer than everything else here takes
#: together; and places of notebooks that are no folders, S3 with all of boto3 among them.
LEFT_OUT = (
    "rfc3987_syntax", "isoduration", "rfc3986_validator", "rfc3339_validator", "webcolors", "uri_template",
    "fqdn", "papermill.s3", "papermill.adl", "papermill.abs", "pyarrow.fs",
)  # fmt: skip

#: What speaks Jupyter's protocol, with all of its sockets: it is imported for the first notebook that needs it.
CLIENT = "papermill.clientwrap"

#: The name that papermill knows this module's way of executing by.
ENGINE = "chargeback"


class NotebookFailed(Refusal):
    """A notebook did not run to its end, for a reason that is no refusal of a cell (exit 6)."""


class Stream(Protocol):
    """What takes text."""

    def write(self, text: str, /) -> object:
        """Take some text."""

    def flush(self) -> object:
        """Pass on what waits."""


class Lines:
    """A stream that hands on whole lines, as a notebook's cells print them.

    Args:
        beginning: how lines begin that are handed on, or several; blank for all.
    """

    def __init__(self, progress: Progress, beginning: str | tuple[str, ...] = "") -> None:
        self.progress, self.beginning = progress, beginning
        self.begun = ""

    def write(self, text: str) -> None:
        """Take some text, wherever it ends."""
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            if line.startswith(self.beginning):
                self.progress(line)

    def flush(self) -> None:
        """Nothing waits but a line that has not ended."""


def warm(count: int, modules: Iterable[str] = (), forks: bool = False) -> None:
    """Have kernels ready before they are needed; returns at once, they start meanwhile.

    Args:
        count: how many are ready from now on, whenever one is taken.
        modules: of the product, imported in them before their notebook is known; a "module:function" is
            called there besides.
        forks: this process has done nothing yet but import what its kernels need as well, and kernels may
            come from a fork of it.

    Raises:
        FileNotFoundError: there is no folder for what is temporary, which every notebook needs.
    """
    tempfile.gettempdir()
    pool().warm(count, modules, forks)


def stop() -> None:
    """End all kernels now, those that work too."""
    pool().close()


def run_notebook(
    source: Path,
    target: Path,
    parameters: dict[str, str],
    folder: Path,
    printed: Stream | None = None,
    cell_seconds: int | None = None,
    told: Mapping[str, str] | None = None,
    plain: bool = False,
    kinds: Sequence[str] | None = None,
) -> None:
    """Execute a notebook.

    Args:
        target: where the executed copy goes, also of a notebook that failed.
        folder: where the notebook works.
        printed: gets what cells print, while they print it.
        cell_seconds: how long one cell may take.
        told: variables of its environment besides those of this process, of which it gets no secret.
        plain: nobody listens to a cell while it runs, so that it can do without Jupyter's protocol; what it
            prints is handed on when it is done.
        kinds: the types that cells need to be shown as, such as text/markdown; None for all. Others may be
            left out.

    Raises:
        Refusal: what a cell refused.
        NotebookFailed: (exit 6) the notebook failed otherwise, or its kernel.
    """
    seconds = start_seconds()
    papermill = load_papermill()
    with pool().kernel(plain) as kernel:
        job = Job(kernel, folder, seconds, told or {}, kinds)
        refused: Refusal | None = None
        target.unlink(missing_ok=True)
        try:
            check_parameters(papermill, source, parameters)
            kernel.wait_started(seconds)
            papermill.execute_notebook(
                as_papermill_path(source), as_papermill_path(target), parameters,
                engine_name=ENGINE, kernel_name="python3", progress_bar=False,
                request_save_on_cell_execute=False, stdout_file=printed, job=job,
                execution_timeout=cell_seconds,
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            found = f"{error.ename}: {error.evalue}"
            where = f"{source.name}, cell {error.cell_index}: {first_line(error.source)}"
            refused = job.refusal or failed(found, where, source, target)
        except Exception as error:
            kernel.kill()
            if job.notebook is not None:
                papermill.iorw.write_ipynb(job.notebook, str(target))
            found = (
                str(error) if isinstance(error, KernelLost) else f"{type(error).__name__}: {error}"
            )
            refused = failed(found, job.reached(source), source, target)
    if refused:
        raise refused


def failed(found: str, where: str, source: Path, target: Path) -> NotebookFailed:
    """That a notebook did not run to its end, and where its copy is."""
    todo = ["run the same command again; where a kernel ended, check free memory first"]
    if target.is_file():
        todo = [f"open {target} in JupyterLab: the failing cell is marked in it", *todo]
    return NotebookFailed(
        UNREACHABLE, f"the notebook {source.name} failed", "every cell to run", found, "",
        [where], todo,
    )  # fmt: skip


def first_line(source: str) -> str:
    """The first line of a cell."""
    return source.strip().splitlines()[0] if source.strip() else ""


def as_papermill_path(path: Path) -> str:
    """A path as papermill takes it: it fills in what stands in braces."""
    return str(path.absolute()).replace("{", "{{").replace("}", "}}")


def check_parameters(papermill: Any, source: Path, parameters: dict[str, str]) -> None:
    """Refuse parameters that a notebook does not have.

    Raises:
        ValueError: names the first.
    """
    known = set(papermill.inspect_notebook(as_papermill_path(source)))
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise ValueError(f"{source.name} has no parameter {unknown[0]!r}")


class Job:
    """One notebook in one kernel, and the refusal that it ended with."""

    def __init__(
        self, kernel: Kernel, folder: Path, seconds: int, told: Mapping[str, str],
        kinds: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.kinds = kinds  # that cells need to be shown as
        self.folder = folder
        self.environment = {**without_secrets(os.environ), **told}
        self.seconds = seconds  # that the kernel may take to answer
        self.notebook: Any = None
        self.cell: int | None = None  # that was begun last
        self.refusal: Refusal | None = None

    def reached(self, source: Path) -> str:
        """The cell that was executed last, in words."""
        if self.cell is None:
            return source.name
        line = first_line(self.notebook.cells[self.cell].source)
        return f"{source.name}, cell {self.cell}: {line}"

    def beginning(self) -> str:
        """The code that prepares the kernel."""
        module = "chargeback.core.kernel_server"
        server = str(kernel_server.own_server or pool().server or "")
        umask = current_umask()
        folder = str(self.folder.absolute())
        arguments = f"({folder!r}, {self.environment!r}, {server!r}, {umask!r})"
        return f"__import__({module!r}, fromlist=['begin']).begin{arguments}"

    def hear(self, reply: dict[str, Any]) -> None:
        """Keep the refusal of a kernel's reply, if there is one."""
        for payload in reply["content"].get("payload", []):
            if payload.get("source") == REFUSAL_PAYLOAD:
                self.refusal = Refusal(**{k: v for k, v in payload.items() if k != "source"})


def execute_plainly(
    nb_man: Any, job: Job, kernel: PlainKernel, cell_seconds: int | None, printed: Stream | None = None
) -> None:  # fmt: skip
    """Execute a notebook's cells in a plain kernel, up to the first error, as papermill's own engine does."""
    from nbformat import NotebookNode, from_dict

    job.notebook = nb_man.nb
    kernel.begin(job.folder.absolute(), job.environment, current_umask(), job.kinds)
    for index, cell in enumerate(nb_man.nb.cells):
        nb_man.cell_start(cell, index)
        try:
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            job.cell = index
            cell.outputs = []
            answer = kernel.run(cell.source, cell_seconds)
            cell.execution_count = answer["count"]
            cell.outputs = [from_dict(one) for one in answer["outputs"]]
            if printed is not None:
                hand_on(cell.outputs, printed)
            if answer["refusal"]:
                job.refusal = Refusal(**answer["refusal"])
            if any(one.output_type == "error" for one in cell.outputs):
                nb_man.cell_exception(cell, cell_index=index)
                break
        finally:
            nb_man.cell_complete(cell, cell_index=index)
    nb_man.nb.metadata["language_info"] = NotebookNode(name="python")


def hand_on(outputs: Iterable[Any], printed: Stream) -> None:
    """What a cell printed, for whoever wants to see it."""
    for one in outputs:
        if one.output_type == "stream" and one.name == "stdout":
            printed.write(one.text)
    printed.flush()


_papermill: Any = None
_papermill_lock = threading.Lock()


def load_papermill() -> Any:
    """papermill, with this module's way of executing; imported when the first notebook is run."""
    global _papermill
    with _papermill_lock:
        if _papermill is None:
            os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _papermill = import_papermill()
        return _papermill


def import_papermill() -> Any:
    """Import papermill and register the engine."""
    left_out = [one for one in (*LEFT_OUT, CLIENT) if one not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]
    if CLIENT in left_out:
        sys.modules[CLIENT] = unused = ModuleType(CLIENT)
        unused.PapermillNotebookClient = object  # type: ignore[attr-defined]
    try:
        import papermill
        from papermill.engines import NBClientEngine, papermill_engines
    finally:
        for one in left_out:
            del sys.modules[one]
    logging.getLogger("papermill").setLevel(logging.CRITICAL)

    class Engine(NBClientEngine):
        """papermill's own engine, with the kernel of a job."""

        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, log_output: bool = False, stdout_file: Any = None,
            execution_timeout: int | None = None, job: Any = None, **_: Any,
        ) -> Any:  # fmt: skip
            if isinstance(job.kernel, PlainKernel):
                execute_plainly(nb_man, job, job.kernel, execution_timeout, stdout_file)
                return None
            # What a cell prints is one output, however often a busy machine sends it on meanwhile.
            return load_client()(
                nb_man, job, kernel_name=kernel_name, timeout=execution_timeout, coalesce_streams=True,
                log=logging.getLogger("papermill"), log_output=log_output, stdout_file=stdout_file,
            ).execute()  # fmt: skip

    papermill_engines.register(ENGINE, Engine)
    return papermill


def load_client() -> Any:
    """What speaks Jupyter's protocol with a kernel; imported for the first notebook that needs it."""
    with _papermill_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return client_class()


@cache
def client_class() -> Any:
    """nbclient's client, as papermill has it, with a kernel that is there already."""
    from nbclient.util import run_sync
    from papermill.clientwrap import PapermillNotebookClient

    class Client(PapermillNotebookClient):
        """Runs the cells of one notebook."""

        def __init__(self, nb_man: Any, job: Job, **options: Any) -> None:
            super().__init__(nb_man, km=job.kernel, iopub_timeout=job.seconds, **options)
            self.job = job
            job.notebook = nb_man.nb
            self.on_notebook_start = self.prepare
            self.on_cell_start = self.begin_cell
            self.on_cell_executed = self.hear

        async def prepare(self, **_: Any) -> None:
            await self.kc.run_silently(self.job.beginning(), self.job.seconds)

        def begin_cell(self, cell_index: int, **_: Any) -> None:
            self.job.cell = cell_index

        def hear(self, execute_reply: dict[str, Any], **_: Any) -> None:
            self.job.hear(execute_reply)

        def execute(self, **options: Any) -> Any:
            try:
                return super().execute(**options)
            finally:
                if self.kc is not None:
                    self.stop()

        async def stop_channels(self) -> None:
            self.kc.stop_channels()

        stop = run_sync(stop_channels)

    return Client
