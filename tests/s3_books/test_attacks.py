"""What whoever can write to the bucket may try; names are confined, and signatures come before contents.

Each attack is made on books of one closed period, by another's credentials. Opening the books stops, and verify
names what was done, or at least who signed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chargeback.aws import bucket as buckets
from chargeback.books import committed
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, recorded_files
from chargeback.books.names import is_confined
from chargeback.books.objects import object_name, run_of
from chargeback.books.shelf import SEEN
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, Refusal
from chargeback.signing.signing_key import signing_key
from tests.close.months import JUNE, MAY, digests, manifest, month_in
from tests.s3_books.conftest import Place
from tests.s3_books.forged import OTHER, forged, put_manifest, put_over
from tests.signing.key_files import written
from tests.verify.books import close_small, sign_again
from tests.verify.test_verify import sign_everything_with

MANIFEST_OBJECT = f"ledger/billing_period={MAY}/manifest.json"
TABLE_OBJECT = f"postings/billing_period={MAY}/postings.parquet"

HOSTILE = [
    "evidence/../../../x", "statements/../../x", "ledger/..", "/etc/x", "evidence//x", "evidence/./x",
    "elsewhere/x", "x", "", "evidence/", "evidence/a\\..\\x", "evidence/C:/x", "evidence/a\0b",
    "evidence/a\x1b[2J", "evidence/a\nb", "evidence/" + "x" * 256,
]  # fmt: skip


def everything(folder: Path) -> set[str]:
    """All that lies in a folder, by path."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def books(closed, place, tmp_path) -> Books:
    """May as it was closed, published; the folder is as the one that closed it has it."""
    books = place.open("closer")
    for room in ("ledger", "statements", "evidence"):
        shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
    books.shelf.put_period(books, MAY, lambda _: None)
    return books


def gets(cloud, run) -> int:
    """How many objects are fetched; what the bucket says of its lock is asked for in the same way."""
    cloud.door.calls.clear()
    run()
    return sum(str(one) == "s3:GetObject" for one in cloud.door.calls) - 1


def refused(run, *arguments) -> str:
    """The block of a refusal for a control that failed."""
    with pytest.raises(Refusal) as raised:
        run(*arguments)
    assert raised.value.exit_code == CONTROL_FAILED, raised.value
    return raised.value.block()


def test_what_is_in_the_bucket_verifies(books, place):
    """Every object was looked at: May's, its manifest, its signature, and the postings for Athena."""
    count = len(recorded_files(manifest(books)))
    first, may, signed, *_, summary = place.verify()
    assert first.startswith(f"reading {count + 3} objects, ")
    assert may.split()[0] == MAY and may.endswith("as closed")
    assert signed.startswith("signed with CN=Chargeback development key (sha256 ")
    assert f", {count + 2} files: unchanged since they were closed" in summary


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_out_are_no_names(name):
    assert not is_confined(name) or name.partition("/")[0] not in (
        "ledger",
        "statements",
        "evidence",
    )


@pytest.mark.parametrize("name", ["evidence/../../../x", "evidence/a\\..\\x", "/etc/x", "other/x"])
@pytest.mark.parametrize("unsigned", [False, True])
def test_a_manifest_that_leads_out_writes_nothing(books, closed, place, tmp_path, name, unsigned):
    """With a key of one's own the name is refused; without one nothing that the manifest says is looked at."""
    attack = forged(
        closed, tmp_path / "attack",
        lambda one: one["derived"].update({name: hashlib.sha256(b"x").hexdigest()}),
    )  # fmt: skip
    put_manifest(place, attack, (name, b"x"), unsigned=unsigned)
    before = everything(tmp_path)
    for look in (lambda: place.open("two"), place.verify):
        block = refused(look)
        # A manifest without a signature is not what any signature of the period was made of.
        assert (repr(name) in block) is (not unsigned), block
    after = {
        one for one in everything(tmp_path) if not one.startswith(("copies/verify", "copies/two"))
    }
    assert after == before
    left = {one.name for one in (tmp_path / "copies").rglob("*") if one.is_file()}
    assert "x" not in left
    assert not (tmp_path / "copies" / "two").exists()
    assert not [one for one in (tmp_path / "copies" / "verify").rglob("*") if one.is_file()]


@pytest.mark.parametrize("name", HOSTILE)
def test_local_books_whose_manifest_leads_out_are_refused_by_name(closed, tmp_path, name):
    from chargeback.books.verify import verify_books

    attack = forged(
        closed, tmp_path / "attack", lambda one: one["derived"].update({name: "0" * 64})
    )
    assert repr(name) in refused(verify_books, attack, print)


def test_signatures_come_before_contents(books, closed, place, tmp_path, cloud):
    """Of a manifest that nobody signed, the manifest and a signature are fetched and nothing else."""
    attack = forged(closed, tmp_path / "attack", lambda one: one.update(currency="EUR"))
    put_over(place, attack, unsigned=True)
    assert gets(cloud, lambda: refused(place.open, "two")) == 2
    block = refused(place.open, "two")
    assert "the manifest of a closed period in S3 is not as it was signed" in block
    assert "its signature is of other bytes" in block


def test_a_signature_that_was_removed(books, place):
    place.remove(place.named("manifest.json.p7s"))
    assert "it has no signature" in refused(place.open, "two")
    assert (
        f"{MAY}/{run_of((books.ledger(MAY) / MANIFEST).read_bytes())}/manifest.json.p7s is missing"
        in (refused(place.verify))
    )


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"derived": {}, "run": {"files": 1}}']
)
def test_a_signed_manifest_that_is_none(books, closed, place, tmp_path, content):
    from chargeback.signing.cms import sign_detached

    attack = forged(closed, tmp_path / "attack", lambda one: None)
    (attack.ledger(MAY) / MANIFEST).write_bytes(content)
    (attack.ledger(MAY) / MANIFEST_SIGNATURE).write_bytes(sign_detached(content, OTHER))
    put_manifest(place, attack)
    assert "it is not a manifest of this period" in refused(place.open, "two")
    assert "a readable manifest" in refused(place.verify)


@pytest.mark.parametrize("sha256", ["", "0", None, 1, "A" * 64])
def test_a_sha256_that_is_none_does_not_pass_as_unchecked(books, closed, place, tmp_path, sha256):
    attack = forged(
        closed,
        tmp_path / "attack",
        lambda one: one["derived"].update({"evidence/sources.json": sha256}),
    )
    put_manifest(place, attack)
    assert "it is not a manifest of this period" in refused(place.open, "two")


def test_a_manifest_of_gigabytes_is_not_read(books, place, monkeypatch):
    """The limit is made small here instead: what counts is that the size is looked at first."""
    monkeypatch.setattr(committed, "MOST_OF_MANIFEST", 1_000)
    size = (books.ledger(MAY) / MANIFEST).stat().st_size
    for look in (lambda: place.open("two"), place.verify):
        block = refused(look)
        assert "larger than any that a close writes" in block
        assert f"{size:,} bytes" in block


def test_an_object_of_gigabytes_is_named_and_not_read(books, place, monkeypatch):
    from chargeback.books import verify_bucket

    name = place.named("/rollup.parquet")
    place.put(name, b"x" * 3_000_000)
    for module in (buckets, verify_bucket):
        monkeypatch.setattr(module, "MOST_BYTES", 2_000_000)
    block = refused(place.verify)
    assert f"{name}: 3,000,000 bytes, instead of an object of at most 2,000,000 bytes" in block


def run_name(place: Place) -> str:
    """The run that committed May."""
    return run_of(place.objects()[MANIFEST_OBJECT])


@pytest.mark.parametrize("copy", [False, True])
def test_verify_looks_at_the_bucket(books, place, copy):
    """Objects that were replaced, removed or added, all at once: each is named, and nothing else.

    Whether this machine has a copy that is right, or none.
    """
    run, unit = run_name(place), f"statements/shop/billing_period={MAY}"
    if not copy:
        shutil.rmtree(books.root)
    added = [
        f"evidence/billing_period={MAY}/{run}/extra", f"{unit}/statement.pdf",
        f"{unit}/{'a' * 16}/statement.pdf", "ledger/note", "evidence/../../x",
        f"postings/billing_period={MAY}/more.parquet", "postings/billing_period=2019-01/postings.parquet",
    ]  # fmt: skip
    for name in (*added, f"{unit}/{run}/statement.html", TABLE_OBJECT):
        place.put(name, b"other")
    place.remove(f"evidence/billing_period={MAY}/{run}/owned_costs.parquet")
    before = place.objects()
    block = refused(place.verify)
    lines = {f"{name} is not in the manifest" for name in added} | {
        f"{unit}/{run}/statement.html is not what was closed",
        f"{TABLE_OBJECT} is not what was closed",
        f"evidence/billing_period={MAY}/{run}/owned_costs.parquet is missing",
    }
    assert "the books are not as they were closed" in block
    found = block.partition("where      ")[2].partition("what to do")[0]
    assert {line.strip() for line in found.splitlines() if line.strip()} == lines
    assert place.objects() == before


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (lambda place: place.put(place.named("manifest.json.p7s"), b"x"), "a signature that holds"),
        (
            lambda place: place.put(MANIFEST_OBJECT, place.objects()[MANIFEST_OBJECT] + b" "),
            f"{MANIFEST_OBJECT} is not what was closed",
        ),
    ],
)
def test_a_manifest_or_signature_that_was_written_over(books, place, attack, said):
    attack(place)
    block = refused(place.verify)
    assert said in block and "1 difference in 1 file" in block, block


def test_a_missing_table_says_what_puts_it_again(books, place):
    place.remove(TABLE_OBJECT)
    assert f"make monthly-close PERIOD={MAY}" in refused(place.verify)
    books.shelf.complete(books)
    assert place.verify()[-1].endswith("signatures valid")


def test_a_period_that_another_signed_names_its_certificate(books, closed, place, tmp_path):
    """Consistent in itself: verify says who signed, and with CERTIFICATE= it does not pass."""
    given = written(tmp_path, signing_key(closed).certificates_pem, "given.pem")
    assert place.verify(given)[-1].endswith("signatures valid")
    shutil.copytree(closed.root, tmp_path / "attack")
    attack = Books(tmp_path / "attack")
    sign_everything_with(attack, MAY, OTHER)
    old, new = run_name(place), put_over(place, attack)
    assert old != new
    block = refused(place.verify)
    assert (
        f"ledger/billing_period={MAY}/{old}/manifest.json.p7s: a run of CN=Chargeback development key"
        in block
    )
    for name in list(place.objects()):
        if f"/{old}/" in name:  # whoever can delete leaves nothing to compare with
            place.remove(name)
    said = place.verify()
    assert any(line.startswith("signed with CN=Somebody Else,") for line in said)
    block = refused(place.verify, given)
    assert "signed with another certificate than the one you named" in block
    assert "a closed period in the bucket is another one than this machine has seen" in refused(
        place.open, "closer"
    )
    assert place.open("two").closed_periods() == [
        MAY
    ]  # what a certificate alone can tell, opening cannot


def test_a_run_that_was_killed_is_no_difference(books, closed, place, tmp_path):
    """All that a close puts before the manifest lies there; one line says how much, and that it can go."""
    shutil.copytree(closed.root, tmp_path / "killed")
    killed = Books(tmp_path / "killed")
    sign_again(
        killed, MAY, signing_key(closed), lambda one: one["run"]["versions"].update(chargeback="9")
    )
    content = (killed.ledger(MAY) / MANIFEST).read_bytes()
    for name in ("ledger/manifest.json.p7s", "ledger/postings.parquet", "evidence/sources.json"):
        room, _, rest = name.partition("/")
        folder = {"ledger": killed.ledger, "evidence": killed.evidence}[room](MAY)
        place.put(object_name(MAY, run_of(content), name), (folder / rest).read_bytes())
    said = place.verify()
    [line] = [one for one in said if "committed nothing" in one]
    assert line.startswith("3 objects are of 1 run that committed nothing, killed or second")
    assert run_of(content) in line and "they can be removed" in line
    given = written(tmp_path, OTHER.certificates_pem, "other.pem")
    assert f"{run_of(content)}/sources.json is not in the manifest" in refused(place.verify, given)
    place.remove(object_name(MAY, run_of(content), "ledger/manifest.json.p7s"))
    assert "2 differences in 2 files" in refused(place.verify)


def test_a_manifest_that_is_gone_is_no_killed_run(books, place):
    """Athena's postings are put after the manifest: where they are, a period was closed."""
    place.remove(MANIFEST_OBJECT)
    for copy in ("two", "closer"):
        block = refused(place.open, copy)
        assert "a closed period is gone from the bucket" in block
    assert books.closed_periods() == [MAY], "nothing is cleared away"
    assert "a closed period is gone from the bucket" in refused(place.verify)
    place.remove(TABLE_OBJECT)
    with pytest.raises(Refusal) as raised:
        place.verify()
    assert raised.value.exit_code == BAD_USAGE


def test_what_this_machine_has_seen_closed_cannot_vanish(books, place):
    place.remove(MANIFEST_OBJECT)
    place.remove(TABLE_OBJECT)
    assert "this machine has seen it closed" in refused(place.open, "closer")
    assert place.open("two").closed_periods() == []
    shutil.rmtree(books.root)
    assert place.open("closer").closed_periods() == []


def test_a_newest_period_that_is_gone_is_missed_by_whoever_kept_a_head(books, closed, place):
    """On a machine without a copy nothing else tells of it."""
    close_small(replace(month_in(closed.root.parent), books=place.open("one")), JUNE)
    [line] = [one for one in place.verify() if ", 2 closes, head " in one]
    head = line.rpartition(" ")[2]
    for name in place.objects():
        if f"billing_period={JUNE}/" in name:
            place.remove(name)
    assert any(", 1 close, head " in one for one in place.verify())
    assert "the head that you kept is not in the history" in refused(place.verify, None, head)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def add(path: Path) -> None:
    path.with_name("added").write_bytes(b"x")


def link(path: Path) -> None:
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(path.parents[3] / "elsewhere")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ledger/{}/postings.parquet", lengthen),
        ("ledger/{}/manifest.json", lengthen),
        ("ledger/{}/manifest.json.p7s", os.unlink),
        ("evidence/{}/rollup.parquet", link),
        ("evidence/{}/params/policy.toml", add),
        ("statements/{}/shop/statement.csv", lengthen),
        ("statements/{}/shop", link),
    ],
)
def test_a_copy_that_differs_is_fetched_again(books, place, name, change):
    """Whatever somebody did to the copy on this machine, it is used only as it is in the bucket."""
    before = {room: digests(books.root / room) for room in ("ledger", "evidence", "statements")}
    change(books.root / name.format(f"billing_period={MAY}"))
    again = place.open("closer")
    assert {room: digests(again.root / room) for room in before} == before
    assert not [one for one in again.root.rglob("*") if one.is_symlink()]


def test_a_copy_that_is_whole_is_not_fetched_again(books, place, cloud):
    assert gets(cloud, lambda: place.open("closer")) == 2  # manifest and signature


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_record_of_what_was_seen_that_is_none(books, place, content):
    (books.root / SEEN).write_bytes(content)
    assert place.open("closer").closed_periods() == [MAY]
    assert json.loads((books.root / SEEN).read_bytes()).keys() == {MAY}


@pytest.mark.parametrize("name", ["postings.parquet", "more.parquet"])
def test_postings_that_lie_there_before_a_close_stop_it(closed, place, name):
    """Athena would read them; so nothing is committed over them."""
    books = place.open("closer")
    for room in ("ledger", "statements", "evidence"):
        shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
    place.put(f"postings/billing_period={MAY}/{name}", b"planted")
    block = refused(books.shelf.put_period, books, MAY, print)
    assert f"somebody else has put postings of {MAY} for Athena" in block
    assert MANIFEST_OBJECT not in place.objects()
    assert books.closed_periods() == []


def test_what_a_run_is_about_to_publish_is_not_cleared_away(closed, place):
    """Another verb opens the books between a run's rename and its commit, and waits for nothing."""
    books = place.open("closer")
    for room in ("ledger", "statements", "evidence"):
        shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
    (books.root / "work").mkdir()
    with (books.root / "work" / ".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place.open("closer")
        assert books.closed_periods() == [MAY]
    place.open("closer")
    assert books.closed_periods() == []
