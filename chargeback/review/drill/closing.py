"""Closing in a drill: the steps of `make monthly-close`, in a process of its own.

The process gets no secret, none of the program's variables but those about this machine, and no credentials of
AWS. So it signs with a development key of the scratch folder, and sends nothing to anybody.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chargeback.books.work_folder import WorkFolder
from chargeback.close.monthly import monthly_close
from chargeback.core.books_folders import Books
from chargeback.core.confidential import PREFIX, without_secrets
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.isolated_python import isolated_python
from chargeback.core.private import temporary_folder
from chargeback.core.progress import say_nothing
from chargeback.core.runner import warm

#: What the process begins with; its argument is the request's path.
STARTING = "from chargeback.review.drill.closing import carry_out; carry_out(sys.argv[1])"

#: Variables that say how this machine computes, and nothing of places, people or keys.
OF_THE_MACHINE = ("BUILD", "KERNELS", "KERNEL_SECONDS", "THREADS")

REQUEST, ANSWER = "request.json", "answer.json"


@dataclass(frozen=True)
class Closing:
    """A close of a drill.

    Args:
        refusal: why it stopped; None where it did not.
    """

    period: str
    seconds: float
    refusal: Refusal | None


def close_period(books: Books, period: str, report: Path, params: Path) -> Closing:
    """Close a period of books in the scratch folder."""
    started = time.monotonic()
    with temporary_folder("drill-close") as folder:
        request = folder / REQUEST
        request.write_text(json.dumps({
            "period": period, "report": str(report), "params": str(params), "books": str(books.root),
        }))  # fmt: skip
        ended = subprocess.run(
            isolated_python(STARTING, str(request)), capture_output=True, encoding="utf-8",
            errors="replace", check=False, env=environment(os.environ),
        )  # fmt: skip
        refusal = refusal_of(folder / ANSWER, ended)
    return Closing(period, time.monotonic() - started, refusal)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What the process gets of an environment."""
    kept = {PREFIX + name for name in OF_THE_MACHINE}
    own = {
        name: text
        for name, text in without_secrets(given, aws=False).items()
        if name in kept or not name.startswith((PREFIX, "AWS_"))
    }
    return {**own, "TZ": "UTC"}


def refusal_of(answer: Path, ended: subprocess.CompletedProcess[str]) -> Refusal | None:
    """Why a process stopped, as it wrote it down, or as far as it can be told when it was killed."""
    if not answer.is_file():
        last = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        return Refusal(UNREACHABLE, "a close of the drill ended without an answer", found=last[0])
    said = json.loads(answer.read_text("utf-8"))
    return Refusal(**said) if said else None


def carry_out(request_file: str) -> None:
    """Carry out the request of a file, and write beside it why it stopped, or null."""
    path = Path(request_file)
    request = json.loads(path.read_text(encoding="utf-8"))
    books, period = Books(Path(request["books"])), request["period"]
    warm(1, ["chargeback.close.ahead:rehearse"])
    work = WorkFolder(
        period, Path(request["report"]), Path(request["params"]), books, books.work(period),
        posted_before=True,
    )  # fmt: skip
    stopped = None
    try:
        monthly_close(work, say_nothing)
    except Refusal as refusal:
        stopped = asdict(refusal)
    (path.parent / ANSWER).write_text(json.dumps(stopped))
