"""The access log: what was said is on the disk when its call returns, and nothing can be changed unseen."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chargeback.books import access_log as chain
from chargeback.books.access_log import (
    AccessEntry,
    access_room,
    latest_entries,
    parse_line,
    read_access_log,
    segment_name,
)
from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.portal import access_log
from chargeback.portal.access_log import AccessLog

BOOKS_ID = "b0"


def written(folder: Path, *subjects: str, full: int = access_log.FULL_BYTES) -> Books:
    """Books with an access log of some entries, whose portal has stopped."""
    books = Books(folder)
    log = AccessLog(books, BOOKS_ID, full=full)
    for one in subjects:
        log.record("ann (1)", "opened", one)
    log.close()
    return books


def entries_of(books: Books) -> list[AccessEntry]:
    """All lines of a log that is whole."""
    found: list[AccessEntry] = []
    read_access_log(access_room(books), BOOKS_ID, found.append)
    return found


def test_each_line_has_who_what_and_the_digest_of_the_line_before(tmp_path):
    books = written(tmp_path, "dashboard/all")
    content = (tmp_path / "portal/log/000001.jsonl").read_bytes()
    first, second, third = content.splitlines()
    assert (
        json.loads(first)["previous_sha256"]
        == hashlib.sha256(b"chargeback access b0\n").hexdigest()
    )
    assert json.loads(second)["previous_sha256"] == hashlib.sha256(first).hexdigest()
    assert [json.loads(one)["action"] for one in (first, second, third)] == [
        "began",
        "opened",
        "stopped",
    ]
    assert (
        json.loads(second)["by"] == "ann (1)" and json.loads(second)["subject"] == "dashboard/all"
    )
    whole = read_access_log(access_room(books), BOOKS_ID)
    assert (whole.segments, whole.entries) == (1, 2)
    assert whole.head == hashlib.sha256(third).hexdigest() and whole.notes == ()


def test_the_next_portal_goes_on_where_the_last_one_stopped(tmp_path):
    written(tmp_path, "a")
    books = written(tmp_path, "b")
    first = (tmp_path / "portal/log/000001.jsonl").read_bytes().splitlines()
    second = (tmp_path / "portal/log/000002.jsonl").read_bytes().splitlines()
    assert json.loads(second[0])["previous_sha256"] == hashlib.sha256(first[-1]).hexdigest()
    assert [one.subject for one in entries_of(books) if one.action == "opened"] == ["a", "b"]


def test_full_segments_are_followed_by_others(tmp_path):
    books = written(tmp_path, *map(str, range(40)), full=1000)
    whole = read_access_log(access_room(books), BOOKS_ID)
    assert whole.segments > 5
    opened = [one.subject for one in entries_of(books) if one.action == "opened"]
    assert opened == list(map(str, range(40)))


def test_many_threads_share_flushes_and_lose_nothing(tmp_path, monkeypatch):
    flushed = 0
    sync = access_log.sync_data

    def counted(descriptor: int) -> None:
        nonlocal flushed
        flushed += 1
        sync(descriptor)

    monkeypatch.setattr(access_log, "sync_data", counted)
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID)
    log._disk.acquire()  # as if the disk were busy until all of them wait

    def record(number: int) -> None:
        log.record("ann", "opened", str(number))

    threads = [threading.Thread(target=record, args=(one,)) for one in range(50)]
    for one in threads:
        one.start()
    while len(log._batch.entries) < 50:
        pass
    log._disk.release()
    for one in threads:
        one.join()
    assert flushed == 1
    log.close()
    assert {one.subject for one in entries_of(books) if one.action == "opened"} == set(
        map(str, range(50))
    )


@pytest.mark.slow
def test_ten_thousand_entries_of_many_threads_are_whole(tmp_path):
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID, full=200_000)

    def record(thread: int) -> None:
        for number in range(250):
            log.record(f"person {thread}", "opened", f"{thread}/{number}")

    threads = [threading.Thread(target=record, args=(one,)) for one in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    head = log.close()
    whole = read_access_log(access_room(books), BOOKS_ID)
    assert whole.segments > 5 and whole.head == head
    opened = [one for one in entries_of(books) if one.action == "opened"]
    assert len({one.subject for one in opened}) == 10_000
    for thread in range(40):  # each person's entries are in the order in which they were written
        mine = [one.subject for one in opened if one.by == f"person {thread}"]
        assert mine == [f"{thread}/{number}" for number in range(250)]


KILLED = """
import sys, threading
from pathlib import Path
from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.portal.access_log import AccessLog
log = AccessLog(Books(Path(sys.argv[1])), "b0")
def write(name):
    number = 0
    while True:
        log.record(name, "opened", f"{name}/{number}")
        sys.stdout.write(f"{name}/{number}\\n")
        sys.stdout.flush()
        number += 1
for name in "abcd":
    threading.Thread(target=write, args=(name,)).start()
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 40, 400])
def test_what_was_answered_is_there_after_a_kill(tmp_path, lines):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    told = [process.stdout.readline().strip() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    told += [one for one in process.stdout.read().split("\n")[:-1] if one]
    process.wait()
    books = written(tmp_path, "after")
    assert set(told) <= {one.subject for one in entries_of(books)}


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_part_of_a_line_counts_for_nothing_and_is_told(tmp_path, cut):
    written(tmp_path, "a", "b")
    path = tmp_path / "portal/log/000001.jsonl"
    content = path.read_bytes()
    last = content.splitlines(keepends=True)[-1]
    path.write_bytes(content[: -len(last)] + last[:cut])
    said: list[str] = []
    AccessLog(Books(tmp_path), BOOKS_ID, said.append).close()
    assert said == [f"access log: segment 000001 ends in {cut} bytes of a line: of a portal that was killed, "
                    "or that is writing now; nothing had been served for it"]  # fmt: skip
    whole = read_access_log(access_room(Books(tmp_path)), BOOKS_ID)
    assert len(whole.notes) == 1 and whole.segments == 2
    path.write_bytes(
        path.read_bytes() + b" "
    )  # that part is known as well, and cannot be changed later
    with pytest.raises(Refusal, match="the access log is not as it was written"):
        read_access_log(access_room(Books(tmp_path)), BOOKS_ID)


def changed_text(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"b"', b'"x"'), *lines[3:]]


def rewritten(lines: list[bytes]) -> list[bytes]:
    """A line with another subject, and the digest of the line before as it must be."""
    entry = parse_line(lines[2].rstrip(b"\n"))
    assert entry
    other = AccessEntry(**{**vars(entry), "subject": "x"})
    return [*lines[:2], other.line() + b"\n", *lines[3:]]


MUTATIONS = {
    "changed": changed_text,
    "rewritten": rewritten,
    "taken out": lambda lines: [*lines[:2], *lines[3:]],
    "doubled": lambda lines: [*lines[:3], *lines[2:]],
    "swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "first taken out": lambda lines: lines[1:],
    "no JSON": lambda lines: [*lines[:2], b"something\n", *lines[3:]],
    "spaced": lambda lines: [*lines[:2], lines[2].replace(b":", b": ", 1), *lines[3:]],
    "end cut off": lambda lines: lines[:-1],
    "end cut off in a line": lambda lines: [*lines[:-1], lines[-1][:-5]],
    "empty": lambda lines: [],
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_no_line_of_a_segment_that_another_follows_can_be_changed(tmp_path, kind):
    written(tmp_path, "a", "b", "c")
    books = written(tmp_path, "d")
    path = tmp_path / "portal/log/000001.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"".join(MUTATIONS[kind](before.splitlines(keepends=True))))
    assert path.read_bytes() != before
    with pytest.raises(Refusal, match="the access log is not as it was written") as refused:
        read_access_log(access_room(books), BOOKS_ID)
    assert refused.value.exit_code == CONTROL_FAILED
    assert "portal/log/00000" in refused.value.where[0]
    path.write_bytes(before)
    assert read_access_log(access_room(books), BOOKS_ID).segments == 2


def test_a_segment_cannot_be_taken_out_or_moved(tmp_path):
    for one in "abc":
        books = written(tmp_path, one)
    folder = tmp_path / "portal/log"
    second = folder / "000002.jsonl"
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(Refusal, match="not as it was written"):
        read_access_log(access_room(books), BOOKS_ID)
    (folder / "000003.jsonl").rename(second)
    with pytest.raises(Refusal, match="not as it was written"):
        read_access_log(access_room(books), BOOKS_ID)
    second.write_bytes(kept)
    assert read_access_log(access_room(books), BOOKS_ID).segments == 2


def test_a_log_of_other_books_is_none_of_these(tmp_path):
    books = written(tmp_path, "a")
    with pytest.raises(Refusal, match="not as it was written"):
        read_access_log(access_room(books), "others")


def test_a_second_portal_is_refused_and_the_first_goes_on(tmp_path):
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID)
    with pytest.raises(Refusal, match="another portal serves these books") as refused:
        AccessLog(books, BOOKS_ID)
    assert (
        refused.value.exit_code == UNREACHABLE and f"process {os.getpid()}" in refused.value.found
    )
    log.record("ann", "opened", "a")
    log.close()
    AccessLog(books, BOOKS_ID).close()
    assert read_access_log(access_room(books), BOOKS_ID).segments == 2


def test_what_cannot_be_written_is_refused_and_later_entries_are_kept(tmp_path, monkeypatch):
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID)
    log.record("ann", "opened", "before")
    write, full = os.write, OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(access_log.os, "write", lambda *one: _raise(full))
    with pytest.raises(Refusal, match="the access log cannot be written") as refused:
        log.record("ann", "opened", "lost")
    assert refused.value.exit_code == UNREACHABLE and "No space left" in refused.value.found
    left = iter([True])

    def partly(descriptor: int, content: bytes) -> int:
        if next(left, False):
            return write(descriptor, bytes(content)[:10])
        raise full

    monkeypatch.setattr(access_log.os, "write", partly)
    with pytest.raises(Refusal, match="the access log cannot be written"):
        log.record("ann", "opened", "lost in part")
    monkeypatch.setattr(access_log.os, "write", write)
    log.record("ann", "opened", "after")
    log.close()
    assert [one.subject for one in entries_of(books) if one.action == "opened"] == [
        "before",
        "after",
    ]


def _raise(error: OSError) -> int:
    raise error


def test_after_a_flush_that_failed_nothing_is_written_any_more(tmp_path, monkeypatch):
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID)
    sync = access_log.sync_data
    monkeypatch.setattr(access_log, "sync_data", lambda _: _raise(OSError(errno.EIO, "I/O error")))
    with pytest.raises(Refusal, match="the access log cannot be written"):
        log.record("ann", "opened", "lost")
    monkeypatch.setattr(access_log, "sync_data", sync)
    with pytest.raises(Refusal, match="the access log cannot be written"):
        log.record("ann", "opened", "after")


@pytest.mark.parametrize("what", ["removed", "cut", "added to"])
def test_a_segment_that_somebody_touches_while_it_is_written_is_noticed(tmp_path, what):
    log = AccessLog(Books(tmp_path), BOOKS_ID)
    log.record("ann", "opened", "a")
    path = tmp_path / "portal/log/000001.jsonl"
    if what == "removed":
        path.unlink()
    elif what == "cut":
        os.truncate(path, 10)
    else:
        path.write_bytes(path.read_bytes() + b"x")
    for subject in ("b", "c"):
        with pytest.raises(Refusal, match="the access log cannot be written"):
            log.record("ann", "opened", subject)


def test_texts_of_strangers_are_short_and_on_one_line(tmp_path):
    books = Books(tmp_path)
    log = AccessLog(books, BOOKS_ID)
    log.record("x\n\ud800\u202e", "refused", "y" * 5000, {"why": "z\r\n" + "z" * 5000, "n": 1})
    with pytest.raises(TypeError):
        log.record("ann", "refused", "", {"why": object()})
    log.close()
    [entry] = [one for one in entries_of(books) if one.action == "refused"]
    assert (
        entry.by == "x \ufffd\ufffd"
        and len(entry.subject) < 310
        and len(entry.details["why"]) < 310
    )
    assert entry.details["n"] == 1


def test_the_newest_entries_are_given_first_and_page_by_page(tmp_path):
    written(tmp_path, "a", "b")
    books = written(tmp_path, "c", "d")
    opened = [
        (name, one.subject) for name, one in latest_entries(books, 99) if one.action == "opened"
    ]
    assert opened == [("000002:3", "d"), ("000002:2", "c"), ("000001:3", "b"), ("000001:2", "a")]
    found, before = [], ""
    while page := list(latest_entries(books, 3, before)):
        found += page
        before = page[-1][0]
    assert [one for one, _ in found] == [one for one, _ in latest_entries(books, 99)]
    assert segment_name(1) == "log/000001.jsonl" and chain.claim_name(2) == "log/000002.begun"


@pytest.mark.parametrize(
    "before", ["", "x", "000002:0", "../000001:3", "000002:2' OR 1", "9" * 13 + ":1"]
)
def test_what_is_no_id_of_an_entry_begins_at_the_newest(tmp_path, before):
    books = written(tmp_path, "a")
    assert next(latest_entries(books, 1, before))[1].action == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MUTATIONS)
def test_verify_names_where_the_log_is_not_as_it_was_written(served, capsys, kind):
    for one in ("abc", "d"):
        log = AccessLog(served.books, "")
        for subject in one:
            log.record("ann", "opened", subject)
        head = log.close()
    assert main(["verify", "--books", str(served.books.root)]) == 0
    said = capsys.readouterr().out
    assert f"access log, 2 segments, 6 entries, head {head[:32]}: whole" in said
    path = served.books.root / "portal/log/000001.jsonl"
    path.write_bytes(b"".join(MUTATIONS[kind](path.read_bytes().splitlines(keepends=True))))
    assert main(["verify", "--books", str(served.books.root)]) == CONTROL_FAILED
    assert "portal/log/00000" in capsys.readouterr().err


@pytest.mark.slow
def test_verify_tells_of_a_portal_that_was_killed(served, capsys):
    log = AccessLog(served.books, "")
    log.record("ann", "opened", "a")
    path = served.books.root / "portal/log/000001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"action":')
    assert main(["verify", "--books", str(served.books.root)]) == 0
    assert "NOTE  access log: segment 000001 ends in 10 bytes of a line" in capsys.readouterr().out
