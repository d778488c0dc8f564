"""A bundle verifies by itself, with the commands that it prints; a changed byte is found by them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chargeback.books.history import read_history
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE
from chargeback.review.bundle.contents import sums
from chargeback.signing.level import ANCHORS_VARIABLE
from chargeback.signing.signing_key import KEY_VARIABLE, signing_key
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE
from tests.bundle.commands import printed, run_all, wrong
from tests.close.months import JUNE, MAY, assert_refused, digests, write_month
from tests.signing.loopback import serving, write_loopback
from tests.verify.books import close_small, copy_books, sign_again

FILES = [
    "README.txt", "SHA256SUMS", "certificates.pem", "manifest.json", "manifest.json.p7s", "statement.csv",
    "statement.html", "statement.pdf",
]  # fmt: skip


@pytest.fixture
def made(bundle, tmp_path) -> Path:
    """The bundle of the shop's statement for June, as a folder."""
    folder = tmp_path / "made"
    ended = bundle(JUNE, "shop", "--to", str(folder))
    assert (ended.exit_code, ended.refused) == (DONE, ""), ended
    return folder


def flipped(folder: Path, name: str, at: int) -> None:
    """Change a bit of a file."""
    content = bytearray((folder / name).read_bytes())
    content[at] ^= 1
    (folder / name).write_bytes(content)


def places(content: bytes) -> list[int]:
    """Some bytes of a file: its first, its last, and others between them."""
    return sorted({round(part * (len(content) - 1) / 5) for part in range(6)})


def listed_again(folder: Path) -> None:
    """SHA256SUMS as somebody writes it who changes a file on purpose."""
    files = {one.name: one.read_bytes() for one in folder.iterdir() if one.name != "SHA256SUMS"}
    (folder / "SHA256SUMS").write_bytes(sums(files))


def test_every_command_of_the_page_says_that_all_is_well(made, closed):
    assert sorted(one.name for one in made.iterdir()) == FILES
    found = run_all(made)
    assert wrong(found) == []
    commands = " ".join(one.command for one in found)
    for word in (
        "sha256sum --strict",
        "openssl cms -verify",
        "pdfsig statement.pdf",
        "x509",
        "printf",
    ):
        assert word in commands
    page = (made / "README.txt").read_text()
    [head] = [one.said.split()[0] for one in found if one.command.startswith("printf")]
    assert f"\n  {head[:32]}\n" in page
    assert head == read_history(closed.books).head
    [who] = [one.said for one in found if " x509 " in one.command]
    assert who.strip().rpartition("=")[2] in page
    assert "THIS IS A DEVELOPMENT KEY" in page and "By the word of who signed" in page


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_of_any_file_is_found(made, name):
    commands = printed(made)
    content = (made / name).read_bytes()
    for at in places(content):
        flipped(made, name, at)
        found = wrong(run_all(made, commands))
        assert any(one.startswith("sha256sum") for one in found), (name, at)
        (made / name).write_bytes(content)
    assert wrong(run_all(made)) == []


@pytest.mark.parametrize("name", FILES[2:])
def test_who_changes_the_list_too_is_found_by_the_signatures(made, name):
    """All but the page and the list themselves, which nobody signed."""
    commands = printed(made)
    content = (made / name).read_bytes()
    for at in places(content):
        flipped(made, name, at)
        listed_again(made)
        found = wrong(run_all(made, commands))
        assert found and not any(one.startswith("sha256sum") for one in found), (name, at)
        (made / name).write_bytes(content)


def test_a_statement_of_another_month_is_found(made, bundle, tmp_path):
    """Whole, signed by the same key, and not what this manifest names."""
    bundle(MAY, "shop", "--to", str(tmp_path / "may"))
    for name in ("statement.pdf", "statement.csv"):
        shutil.copyfile(tmp_path / "may" / name, made / name)
    listed_again(made)
    found = wrong(run_all(made))
    assert len(found) == 2 and all(one.startswith("grep") and "statement." in one for one in found)


def test_a_bundle_has_the_units_own_statement_and_the_same_bytes_each_time(
    made, bundle, tmp_path, closed
):
    before = digests(closed.books.root)
    for name in FILES[5:]:
        own = closed.books.statements(JUNE) / "shop" / name
        assert (made / name).read_bytes() == own.read_bytes()
    other = closed.books.statements(JUNE) / "core" / "statement.csv"
    assert other.read_bytes() not in [one.read_bytes() for one in made.iterdir()]
    assert bundle(JUNE, "shop", "--to", str(made)).exit_code == DONE  # it is there already
    zips = []
    for number in range(2):
        place = tmp_path / f"{number}.zip"
        assert bundle(JUNE, "shop", "--to", str(place)).exit_code == DONE
        zips.append(place.read_bytes())
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        archive.extractall(tmp_path / "out")
    unpacked = tmp_path / "out" / f"chargeback-{JUNE}-shop"
    assert {one.name: one.read_bytes() for one in unpacked.iterdir()} == {
        one.name: one.read_bytes() for one in made.iterdir()
    }
    assert wrong(run_all(unpacked)) == []
    assert digests(closed.books.root) == before


def test_what_is_not_there_is_said_with_what_there_is(bundle, tmp_path):
    to = ("--to", str(tmp_path / "none"))
    ended = bundle("2026-07", "shop", *to)
    assert_refused(ended, BAD_USAGE, "2026-07 is not closed, so there is no statement to bundle")
    assert f"one of: {MAY}, {JUNE}" in ended.refused
    ended = bundle(JUNE, "shopp", *to)
    assert_refused(
        ended, BAD_USAGE, f"this unit has no statement of {JUNE}", "did you mean 'shop'?"
    )
    assert "one of: core, shop" in ended.refused
    assert not (tmp_path / "none").exists()


def test_nothing_that_lies_there_is_written_over(bundle, tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "mine.zip"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    file.write_text("mine")
    for place in (folder, file):
        ended = bundle(JUNE, "shop", "--to", str(place))
        assert_refused(ended, BAD_USAGE, "something else lies where the bundle should")
    assert file.read_text() == (folder / "mine.txt").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "mine.zip"]


def test_what_is_not_as_it_was_closed_is_not_bundled(closed, tmp_path, bundle):
    books = copy_books(closed, tmp_path)
    path = books.statements(JUNE) / "shop" / "statement.csv"
    path.write_bytes(path.read_bytes() + b"x")
    ended = bundle(JUNE, "shop", "--books", str(books.root), "--to", str(tmp_path / "to"))
    assert_refused(ended, CONTROL_FAILED, "statement.csv")
    assert not (tmp_path / "to").exists()


@pytest.mark.slow
@pytest.mark.parametrize("anchors", [True, False])
def test_a_time_stamp_is_checked_by_the_commands_too(bundle, tmp_path, monkeypatch, anchors):
    loopback = write_loopback(tmp_path / "loopback")
    month = write_month(tmp_path)
    with serving(loopback):
        monkeypatch.setenv(KEY_VARIABLE, str(loopback.key_file()))
        monkeypatch.setenv(AUTHORITY_VARIABLE, loopback.address())
        if anchors:
            monkeypatch.setenv(ANCHORS_VARIABLE, str(loopback.anchors()))
        close_small(month, MAY)
    folder = tmp_path / "stamped"
    options = ("--books", str(month.books.root), "--params", str(month.params))
    assert bundle(MAY, "shop", *options, "--to", str(folder)).exit_code == DONE
    (folder / "root.pem").write_bytes(loopback.certificates("root"))
    commands = printed(folder)
    [verify] = [one for one in commands if one.startswith("openssl ts -verify")]
    with_root = verify.replace("time-stamp.pem", "root.pem").replace(
        "-partial_chain", "-untrusted time-stamp.pem"
    )
    cms = next(one for one in commands if one.startswith("openssl cms"))
    by_root = cms.replace("certificates.pem -partial_chain", "root.pem -certfile certificates.pem")
    assert "root.pem" in by_root
    found = run_all(folder, [*commands, with_root, by_root])
    assert wrong(found) == [], found
    assert next(one.said.strip() for one in found if "ts -verify" in one.command).startswith(
        "Verification: OK"
    )
    assert "DEVELOPMENT" not in (folder / "README.txt").read_text()
    # A stamp of another signature is none of this one.
    value = folder / "time-stamp.value"
    value.write_bytes(hashlib.sha256(value.read_bytes()).digest())
    done = subprocess.run(["sh", "-c", with_root], cwd=folder, capture_output=True, check=False)
    assert done.returncode != 0


@pytest.mark.slow
def test_books_of_before_the_history_are_bundled_too(closed, tmp_path, bundle):
    """Their manifests name no closes; the page says so and prints no head."""
    books = copy_books(closed, tmp_path)

    def without_history(manifest: dict[str, Any]) -> None:
        del manifest["history"], manifest["books"]

    sign_again(books, JUNE, signing_key(books), without_history)
    folder = tmp_path / "before"
    assert bundle(JUNE, "shop", "--books", str(books.root), "--to", str(folder)).exit_code == DONE
    assert "kept no history of closes" in (folder / "README.txt").read_text()
    assert wrong(run_all(folder)) == []
