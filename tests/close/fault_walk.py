"""A close that meets a fault at its n-th write, in processes of their own: `python -m tests.close.fault_walk`.

In: a folder, `publish` or `stages`, and which points to take. Out: one line of JSON, by kind of fault.

    killed     SIGKILL before the write operation
    torn       SIGKILL when the file was opened and a few bytes of something else are in it
    full       the operation raises ENOSPC, and so does every one after it

Write operations are those that Python announces in the books' folder (sys.addaudithook): opening to write,
making, renaming and removing. For each point a close is run until it meets its fault, the books are looked at,
a new run finishes the job, and they are looked at again. This process starts no thread; it forks,
which takes milliseconds where starting takes seconds. What each run would work out alike is worked out once:
translated SQL, digests and versions, an RSA key, and PDFs as they are set and signed. Statements are small, and
the SQL that is kept is a part.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.dataset  # noqa: F401  imported here once, not in each process
import sqlglot
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chargeback.books.verify import stray_files, verify_period
from chargeback.books.work_folder import WorkFolder
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.core.code_digest import code_digest
from chargeback.core.errors import Refusal
from chargeback.core.paths import sql_folder
from chargeback.delivery import publish
from chargeback.engine import KEPT, parse_statement, sql_files, thread_count
from chargeback.engine.databases import small_tables
from chargeback.signing import pades
from chargeback.signing.pades import sign_pdf
from chargeback.signing.signing_key import KEY_VARIABLE, SigningKey
from chargeback.statements import stage as statements_stage
from tests.close.months import MAY, ONE_UNIT, Month, write_month
from tests.signing.key_files import certificate, pem
from tests.signing.pdfs import small_pdf
from tests.stage_runs import run_stage
from tests.verify import books
from tests.verify.books import write_small_statements

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
EVENTS = ("os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree")
KILLED, TORN, FULL = "killed", "torn", "full"


class Fault:
    """Counts write operations below a folder, and is the fault at the n-th; from 1 on, 0 for none."""

    def __init__(self, books: Path, at: int, kind: str) -> None:
        self.books, self.at, self.kind = str(books), at, kind
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if self.kind == TORN:  # a file without a name is opened by its folder's
            counts = bool(opens) and not Path(str(arguments[0])).is_dir()
        else:
            counts = bool(opens) or event in EVENTS
        if not counts or not str(arguments[0]).startswith(self.books):
            return
        self.count += 1
        if not self.at or self.count < self.at:
            return
        if self.kind == FULL:
            raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))
        if self.kind == TORN:
            self.at = 0  # opening it announces itself
            descriptor = os.open(str(arguments[0]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, b'{"cut sho')
        os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """What a piece of work answers in a process of its own, and how that ended; negative for a signal."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = json.dumps(work()).encode()
            os.write(writer, answer)
            os._exit(0)
        except (OSError, Refusal) as error:
            os.write(writer, json.dumps(str(error)).encode())
            os._exit(6)
        except BaseException as error:
            os.write(writer, json.dumps(f"{type(error).__name__}: {error}").encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(said) if said else None


class MadeOnce:
    """PDFs by what they are made from, set and signed once; their bytes are written by each run."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def keep(self, key: str, make: Callable[[], bytes]) -> bytes:
        """What was made before under a key, or what is made now."""
        if key not in self.made:
            self.made[key] = make().hex()
        return bytes.fromhex(self.made[key])

    def set_pdf(self, text: str) -> bytes:
        """Stands for `small_pdf`."""
        return self.keep(text, lambda: small_pdf(text))

    def sign_pdf(self, rendered: bytes, key: SigningKey, reason: str, stamper: None) -> bytes:
        """Stands for `sign_pdf`, where no authority stamps."""
        which = hashlib.sha256(rendered + key.certificates_pem).hexdigest()
        return self.keep(which, lambda: sign_pdf(rendered, key, reason))


PDFS = MadeOnce()


def run_close(month: Month) -> None:
    """A close in this process."""
    work = month.books.work(MAY)
    closing = WorkFolder(MAY, month.report, month.params, month.books, work)
    close.monthly_close(closing, lambda _: None)


def run_with(month: Month, at: int, kind: str) -> tuple[int, dict[str, str], str]:
    """A close that meets a fault; returns how many points there were, and the PDFs and SQL that it made."""
    fault = Fault(month.books.root, at, kind)
    sys.addaudithook(fault)
    run_close(month)
    return fault.count, PDFS.made, pickle.dumps(KEPT).hex()


def stop_before_publishing(month: Month) -> None:
    """The stages of a close and no more."""

    class Enough(Exception):
        pass

    def enough(*_: object) -> None:
        raise Enough

    stages.STAGE_FUNCTIONS["statements"] = enough
    try:
        run_close(month)
    except Enough:
        return


def derived_part(books: Books) -> dict[str, Any]:
    """What the same inputs give again, of the manifest."""
    content = json.loads((books.ledger(MAY) / "manifest.json").read_bytes())
    return {name: one for name, one in content.items() if name not in ("run", "books", "history")}


def left_over(books: Books) -> list[str]:
    """What a finished close must not leave: files of an unfinished one."""
    found = [one.name for one in (books.root / "work").iterdir() if one.name != ".lock"]
    return found + [
        str(one.relative_to(books.root)) for one in books.root.rglob(".*") if one.name != ".lock"
    ]


def state_after_fault(books: Books) -> list[str]:
    """What is wrong right after a fault: a period is open, with an empty ledger, or closed and whole."""
    there = sorted(one.name for one in books.root.glob("ledger/*"))
    strays = [one.line for one in stray_files(books)]  # an interrupted close is none
    if not there:
        return strays
    wrong = [f"in the ledger: {there}"] if there != [f"billing_period={MAY}"] else []
    return strays + wrong + [one.line for one in verify_period(books, MAY)]


def start_of(month: Month, phase: str) -> Month:
    """The books from which every run of a phase sets out."""
    start = replace(month, books=Books(month.report.parent / "start"))
    start.books.root.mkdir()
    if phase == "publish":
        code, said = in_child(lambda: stop_before_publishing(start))
        assert code == 0, said
    return start


def walk(start: Month, kind: str, step: int, first: int) -> dict[str, Any]:
    """Every step-th point of a phase with a fault, and what was wrong."""
    whole = copied(start, f"whole-{kind}")
    code, said = in_child(lambda: run_with(whole, 0, kind))
    assert code == 0, said
    counted, PDFS.made, sql = said
    KEPT.update(pickle.loads(bytes.fromhex(sql)))
    expected = derived_part(whole.books)
    points = list(range(1, counted + 1))
    wrong: list[str] = []
    ends: dict[str, int] = {}
    for at in points[first::step]:
        now = copied(start, "books")
        code, said = in_child(lambda now=now, at=at: run_with(now, at, kind))
        ends[str(code)] = ends.get(str(code), 0) + 1
        found = [f"ended with {code}: {said}"] if code == 1 else []
        if code == 0 and kind != FULL:  # after the commit, a full disk does not stop a close
            found.append("there was no fault")
        found += state_after_fault(now.books)
        code, said = in_child(lambda now=now: run_close(now))
        if code:
            found.append(f"the next run ended with {code}: {said}")
        else:
            found += [one.line for one in (*verify_period(now.books, MAY), *stray_files(now.books))]
            found += [f"left over: {one}" for one in left_over(now.books)]
            if derived_part(now.books) != expected:
                found.append("other bytes than a close that nothing stopped")
        wrong += [f"point {at}: {one}" for one in found]
    return {"points": len(points[first::step]), "all": len(points), "ends": ends, "wrong": wrong}


def copied(start: Month, name: str) -> Month:
    """The same report and params with a copy of the books, times and all."""
    now = replace(start, books=Books(start.books.root.with_name(name)))
    shutil.rmtree(now.books.root, ignore_errors=True)
    shutil.copytree(start.books.root, now.books.root)
    return now


def main() -> None:
    """Carry out the walks that the command line asks for."""
    folder, phase, step, first = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5])
    stages.run_stage_notebook = run_stage  # type: ignore[assignment]
    statements_stage.write_statements = write_small_statements  # type: ignore[assignment]
    statements_stage.control = lambda work, inputs: []  # type: ignore[assignment]
    some = folder / "sql"
    some.mkdir(parents=True)
    for path in sorted((sql_folder() / "allocation").glob("*.sql")):
        shutil.copyfile(path, some / path.name)
    publish.sql_folder = lambda: some  # type: ignore[assignment]
    if phase == "publish":  # in stages, the development key is made as well
        own = ec.generate_private_key(ec.SECP256R1())
        (folder / "key.pem").write_bytes(pem(own, certificate(own)))
        os.environ[KEY_VARIABLE] = str(folder / "key.pem")
    own_rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rsa.generate_private_key = lambda *_, **__: own_rsa  # its certificate is another each time
    os.fsync = lambda descriptor: None  # what it does cannot be seen by a process that is killed
    pades.sign_pdf, books.small_pdf = PDFS.sign_pdf, PDFS.set_pdf
    sqlglot.transpile("select 1", read="athena", write="duckdb")  # imports, once for all
    for path in sql_files():
        parse_statement(path.read_text(encoding="utf-8"))
    code_digest(), publish.library_versions()
    small_tables(thread_count())  # empty, and with one thread it has no thread of its own
    start = start_of(write_month(folder, **ONE_UNIT), phase)
    print(json.dumps({kind: walk(start, kind, step, first) for kind in (KILLED, TORN, FULL)}))


if __name__ == "__main__":
    main()
