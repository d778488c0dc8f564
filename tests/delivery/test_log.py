"""The delivery log: one entry for each thing done, chained, whoever writes at the same time."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chargeback.aws.bucket import Bucket, s3_place
from chargeback.books.delivery_log import (
    ACTIONS,
    HANDED_OUT,
    MAILED,
    beginning,
    put_files,
    read_log,
    record,
)
from chargeback.books.delivery_room import BucketRoom, FolderRoom, Room
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.params.books_policy import BooksPolicy

BOOKS = "0123456789abcdef"


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def room(request, tmp_path) -> Room:
    if request.param == "folder":
        return FolderRoom(tmp_path / "delivery")
    cloud = request.getfixturevalue("cloud")
    name = f"delivery-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"
    cloud.s3.create_bucket(Bucket=name)
    return BucketRoom(Bucket(cloud.s3, s3_place(f"s3://{name}/books", "BOOKS"), BooksPolicy()))


def test_a_file_is_written_once(room):
    assert room.read("a/b.txt") is None
    assert room.put("a/b.txt", b"one")
    assert room.put("a/b.txt", b"one")  # the same bytes are no other file
    assert not room.put("a/b.txt", b"two")
    assert room.read("a/b.txt") == b"one"
    assert room.put("a/bc.txt", b"three")
    assert room.names("a/b") == ["a/b.txt", "a/bc.txt"]
    assert room.names("a/bc") == ["a/bc.txt"]


def test_nothing_half_written_is_a_file(tmp_path):
    room = FolderRoom(tmp_path)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / ".0123456789ab.begun").write_bytes(b"ha")
    assert room.names() == []
    for name in ("../x", "/x", "a//b", "a/../../b"):
        with pytest.raises(ValueError, match="leads out"):
            room.put(name, b"")


def test_entries_are_chained_and_each_thing_is_there_once(room):
    assert read_log(room, BOOKS).head == beginning(BOOKS)
    files = put_files(room, {"billing_period=2026-05/x.txt": b"x"})
    first, is_new = record(room, BOOKS, HANDED_OUT, "2026-05", by="Ann", files=files)
    assert is_new and first.number == 1 and first.previous_sha256 == beginning(BOOKS)
    again, is_new = record(room, BOOKS, HANDED_OUT, "2026-05", by="Bob")
    assert (again, is_new) == (first, False)
    second, is_new = record(room, BOOKS, MAILED, "2026-05", "claims", by="Bob")
    assert is_new and second.previous_sha256 == first.sha256
    log = read_log(room, BOOKS)
    assert log.entries == (first, second) and log.head == second.sha256
    assert room.read("log/000002.json") == second.content()
    # The digest is of the file as it lies there, so that anybody can follow the chain with sha256sum.
    assert hashlib.sha256(room.read("log/000001.json")).hexdigest() == second.previous_sha256
    assert log.find(MAILED, "2026-05", "claims") == second
    assert log.find(MAILED, "2026-05", "care") is None


def test_another_file_under_a_name_is_refused(room):
    put_files(room, {"billing_period=2026-05/x.txt": b"x"})
    with pytest.raises(Refusal) as refused:
        put_files(room, {"billing_period=2026-05/x.txt": b"y"})
    assert refused.value.exit_code == CONTROL_FAILED
    assert room.read("billing_period=2026-05/x.txt") == b"x"


def test_two_writers_at_once_write_each_thing_once(room):
    def write(number: int) -> bool:
        return record(room, BOOKS, MAILED, "2026-05", f"unit-{number % 10}", by=str(number))[1]

    with ThreadPoolExecutor(8) as writers:
        new = list(writers.map(write, range(40)))
    assert sum(new) == 10
    log = read_log(room, BOOKS)
    assert sorted(one.subject for one in log.entries) == [f"unit-{one}" for one in range(10)]


def write_many(folder: Path, worker: int) -> None:
    room = FolderRoom(folder)
    for number in range(12):
        record(room, BOOKS, MAILED, "2026-05", f"unit-{number}", by=str(worker))


@pytest.mark.slow
def test_processes_at_once_write_each_thing_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_many, args=(tmp_path, one)) for one in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(120)
    assert [one.exitcode for one in workers] == [0] * 4
    log = read_log(FolderRoom(tmp_path), BOOKS)
    assert sorted(one.subject for one in log.entries) == sorted(f"unit-{one}" for one in range(12))


def entry_files(room: FolderRoom) -> list[Path]:
    return [room.path(name) for name in room.names("log/")]


def three_entries(tmp_path) -> FolderRoom:
    room = FolderRoom(tmp_path)
    for unit in ("a", "b", "c"):
        record(room, BOOKS, MAILED, "2026-05", unit, by="Ann")
    return room


@pytest.mark.parametrize("number", [0, 1])
def test_a_removed_entry_is_found(tmp_path, number):
    room = three_entries(tmp_path)
    entry_files(room)[number].unlink()
    with pytest.raises(Refusal, match="the delivery log is not as it was written"):
        read_log(room, BOOKS)


def test_every_change_of_an_entry_that_others_follow_is_found(tmp_path):
    room = three_entries(tmp_path)
    path = entry_files(room)[0]
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(Refusal, match="the delivery log is not as it was written"):
            read_log(room, BOOKS)
    path.write_bytes(whole)
    assert len(read_log(room, BOOKS).entries) == 3


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"number": 1}', b"\xff", b"[" * 100_000],
    ids=["empty", "list", "object", "part", "no text", "deep"],
)  # fmt: skip
def test_what_is_no_entry_is_refused(tmp_path, content):
    room = FolderRoom(tmp_path)
    room.put("log/000001.json", content)
    with pytest.raises(Refusal, match="the delivery log is not as it was written"):
        read_log(room, BOOKS)


def test_the_log_of_other_books_is_refused(tmp_path):
    room = three_entries(tmp_path)
    with pytest.raises(Refusal):
        read_log(room, "fedcba9876543210")


def test_books_that_had_no_id_yet_keep_their_log(tmp_path):
    room = FolderRoom(tmp_path)
    record(room, "", MAILED, "2026-05", "a", by="Ann")
    assert len(read_log(room, BOOKS).entries) == 1


def test_an_entry_is_plain_json(tmp_path):
    room = three_entries(tmp_path)
    said = json.loads(entry_files(room)[0].read_text("utf-8"))
    assert said["by"] == "Ann" and said["action"] in ACTIONS
    assert said["at"].endswith("Z") and len(said["at"]) == 20
