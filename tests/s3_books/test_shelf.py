"""Books in S3: what is put stays, one manifest commits a period, of two writers one closes it."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime

import pytest

from chargeback.books.manifest import (
    MANIFEST,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    recorded_files,
)
from chargeback.books.objects import Run, run_in, run_of
from chargeback.books.shelf import SEEN
from chargeback.books.tables import read_postings, write_table
from chargeback.core.books_folders import Books
from chargeback.core.errors import (
    BAD_USAGE,
    CONTROL_FAILED,
    UNREACHABLE,
    WOULD_CHANGE_CLOSED,
    Refusal,
)
from chargeback.params.books_policy import BooksPolicy
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import SigningKey
from tests.athena.cloud import TIMEOUT, Fault
from tests.close.months import MAY, digests
from tests.signing.key_files import certificate, rsa_key
from tests.verify.books import bare_manifest, sign_again

MADE_AT = datetime(2026, 6, 3, tzinfo=UTC)
KEY = SigningKey(key := rsa_key(), certificate(key))


@pytest.fixture
def copied(closed, place):
    """Puts May, as it was closed once, into a writer's copy; returns the books."""

    def copy(writer: str = "one") -> Books:
        books = place.open(writer)
        for room in ("ledger", "statements", "evidence"):
            shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
        return books

    return copy


def put(books: Books) -> list[str]:
    """Publish May; returns what was said."""
    said: list[str] = []
    books.shelf.put_period(books, MAY, said.append)
    return said


def manifest_of(books: Books) -> bytes:
    """The manifest of May in a copy."""
    return (books.ledger(MAY) / MANIFEST).read_bytes()


def test_another_machine_has_the_same_bytes(copied, place):
    books = copied()
    put(books)
    other = place.open("two")
    assert other.closed_periods() == [MAY]
    for room in ("ledger", "statements", "evidence"):
        assert digests(other.root / room) == digests(books.root / room)


def test_objects_have_their_places(copied, place):
    books = copied()
    put(books)
    manifest = manifest_of(books)
    run, names = run_of(manifest), set(place.objects())
    assert f"ledger/billing_period={MAY}/manifest.json" in names
    assert f"ledger/billing_period={MAY}/{run}/manifest.json.p7s" in names
    assert f"statements/shop/billing_period={MAY}/{run}/statement.pdf" in names
    assert [name for name in names if name.startswith("postings/")] == [
        f"postings/billing_period={MAY}/postings.parquet"
    ]
    assert len(names) == len(recorded_files(json.loads(manifest))) + 3


def test_the_index_of_a_month_lies_under_no_unit_s_prefix(copied, place):
    books = copied()
    page = books.statements(MAY) / "index.html"
    page.write_text("all units")
    sha256 = hashlib.sha256(b"all units").hexdigest()
    sign_again(
        books, MAY, KEY, lambda one: one["derived"].update({"statements/index.html": sha256})
    )
    put(books)
    run = run_of(manifest_of(books))
    name = f"statements/billing_period={MAY}/{run}/index.html"
    assert name in place.objects() and run_in(name) == Run(MAY, run)
    assert (place.open("two").statements(MAY) / "index.html").read_text() == "all units"


def test_every_object_is_locked_until_its_retention_ends(copied, place):
    put(copied())
    for name in place.objects():
        found = place.head(name)
        assert found["ObjectLockMode"] == "GOVERNANCE", name
        assert found["ObjectLockRetainUntilDate"].year == datetime.now(UTC).year + 7, name


def test_without_retention_nothing_is_locked(closed, make_place):
    place = make_place(lock=False)
    books = place.open(policy=BooksPolicy())
    for room in ("ledger", "statements", "evidence"):
        shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
    put(books)
    assert not [name for name in place.objects() if "ObjectLockMode" in place.head(name)]


def test_objects_are_encrypted_with_the_key_that_is_named(copied, place, cloud, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_KMS_KEY_ID", "alias/books")
    put(copied())
    for name in place.objects():
        found = place.head(name)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/books")


def test_a_bucket_that_cannot_lock_is_refused(make_place):
    with pytest.raises(Refusal) as raised:
        make_place(lock=False).open()
    assert raised.value.exit_code == BAD_USAGE
    assert "cannot lock objects" in raised.value.block()


def test_a_bucket_that_is_not_there(place):
    place.bucket = "books-of-nobody"
    with pytest.raises(Refusal) as raised:
        place.open()
    assert raised.value.exit_code == UNREACHABLE


def test_putting_it_again_changes_nothing(copied, place):
    books = copied()
    put(books)
    before = place.objects()
    put(books)
    assert place.objects() == before


def test_what_was_not_committed_is_not_closed(copied, place):
    """Killed before the manifest: all other objects are there, and nobody takes them for a closed period."""
    books = copied()
    put(books)
    place.remove(f"ledger/billing_period={MAY}/manifest.json")
    place.remove(f"postings/billing_period={MAY}/postings.parquet")
    (books.root / SEEN).unlink()
    assert place.open("two").closed_periods() == []
    again = place.open("one")
    assert again.closed_periods() == []
    assert not again.statements(MAY).exists() and not again.evidence(MAY).exists()
    put(copied())
    assert place.open("two").closed_periods() == [MAY]


def test_a_run_that_was_killed_after_the_commit_is_completed(copied, place):
    books = copied()
    put(books)
    name = f"postings/billing_period={MAY}/postings.parquet"
    place.remove(name)
    other = place.open("two")
    other.shelf.complete(other)
    assert name in place.objects()


def other_run(books: Books, **changes: object) -> None:
    """Give the copy's period the manifest of another run."""
    manifest = json.loads(manifest_of(books))
    manifest["run"]["versions"]["chargeback"] = "9.9.9"
    (books.ledger(MAY) / MANIFEST).write_text(json.dumps(manifest))


def test_a_second_writer_with_the_same_charges_takes_over_what_was_closed(copied, place):
    first, second = copied("one"), copied("two")
    other_run(second)
    put(first)
    before = place.objects()
    assert any("at the same time" in line for line in put(second))
    assert manifest_of(second) == manifest_of(first)
    after = place.objects()
    assert {name: after[name] for name in before} == before
    assert place.open("three").closed_periods() == [MAY]


def test_a_second_writer_with_other_charges_loses(copied, place):
    first, second = copied("one"), copied("two")
    postings = read_postings(second.ledger(MAY) / POSTINGS)
    write_table(postings.slice(0, postings.num_rows - 2), second.ledger(MAY) / POSTINGS)
    other_run(second)
    put(first)
    before = place.objects()
    with pytest.raises(Refusal) as raised:
        put(second)
    assert raised.value.exit_code == WOULD_CHANGE_CLOSED
    assert manifest_of(second) == manifest_of(first)
    after = place.objects()
    assert {name: after[name] for name in before} == before
    other = place.open("three")
    assert digests(other.ledger(MAY)) == digests(first.ledger(MAY))


def test_an_object_that_is_not_what_the_manifest_says(copied, place):
    put(copied())
    place.put(place.named("/rollup.parquet"), b"other")
    with pytest.raises(Refusal) as raised:
        place.open("two")
    assert raised.value.exit_code == CONTROL_FAILED
    assert "rollup.parquet" in raised.value.block()


def write_tiny(books: Books) -> None:
    """A period of few files, as if it had just been closed; of these a shelf reads the manifest alone."""
    files = {
        "ledger/postings.parquet": b"p",
        "evidence/run.json": b"{}",
        "statements/shop/statement.csv": b"c",
    }
    for name, content in files.items():
        path = file_path(books, MAY, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    derived = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = bare_manifest(MAY, derived)
    path = books.ledger(MAY) / MANIFEST
    path.write_text(json.dumps(manifest))
    path.with_name(MANIFEST_SIGNATURE).write_bytes(sign_detached(path.read_bytes(), KEY, MADE_AT))


@pytest.mark.parametrize(
    ("kind", "lasting"),
    [("500", False), ("503", True), ("reset", False), ("denied", True), ("timeout", False)],
)
def test_a_fault_at_any_call_publishes_all_or_nothing(
    make_place, cloud, kind, lasting, monkeypatch
):
    """What was committed is whole, whatever failed; the next run finishes the job."""
    if kind == "timeout":
        monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", str(TIMEOUT))
    undisturbed = make_place().open()
    write_tiny(undisturbed)
    cloud.door.calls.clear()
    put(undisturbed)
    calls, walked = len(cloud.door.calls), 0
    # Four files, a look at each of the two tables that Athena reads, the manifest, the postings once more.
    assert calls == 8
    while walked <= calls:
        place = make_place()
        books = place.open()
        write_tiny(books)
        cloud.door.calls.clear()
        cloud.door.fault = Fault(walked + 1, kind, times=1000 if lasting else 1)
        try:
            put(books)
        except Refusal as refusal:
            assert refusal.exit_code == UNREACHABLE, refusal
            assert walked < 7 or f"ledger/billing_period={MAY}/manifest.json" in place.objects()
        finally:
            cloud.door.fault = None
        again = place.open("two")
        if not again.closed_periods():
            write_tiny(again)
            put(again)
        again.shelf.complete(again)
        assert digests(place.open("three").root / "ledger") == digests(again.root / "ledger")
        assert len(place.objects()) == 6
        walked += 2
