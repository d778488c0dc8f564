"""Files of closed periods are read by one reader, which gives what was closed or names the file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from chargeback.books import checked
from chargeback.books.checked import (
    Changed,
    Gone,
    checked_bytes,
    checked_manifest,
    checked_postings,
    checked_table,
    kept_keys,
    private_copy,
)
from chargeback.books.closed_period import (
    kept_params,
    kept_restatements,
    last_rollups,
    read_closed_period,
)
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.paths import ROOT
from chargeback.daily.freshness import day_closed
from chargeback.review.journal import read_journal
from chargeback.review.trace import origin_of
from chargeback.review.what_if.run import check_evidence
from chargeback.rollup.redeliveries import find_redeliveries
from chargeback.signing.signing_key import signing_key
from chargeback.sources.readers import reader_of
from chargeback.statements.bridge import closed_month
from tests.close.months import JUNE, MAY, Month, month_in, sha256
from tests.made_once import made_once
from tests.verify.books import copy_books, sign_again, sign_files_again, two_periods

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> Month:
    """May and June, closed; not to be changed."""
    return month_in(made_once(tmp_path_factory, "two-periods", two_periods))


@pytest.fixture
def books(closed, tmp_path) -> Books:
    """Their books, to do with as a test likes."""
    return copy_books(closed, tmp_path)


def flip(path: Path) -> None:
    """Change one byte, and neither size nor times."""
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("name", [
    "ledger/postings.parquet", "evidence/rollup.parquet", "evidence/params/accounts.csv", "evidence/run.json",
    "evidence/sql/keys/split_cost.sql", "statements/shop/statement.csv",
])  # fmt: skip
def test_a_file_is_given_as_it_was_closed_or_named(name, books):
    room, _, rest = name.partition("/")
    path = books.root / room / f"billing_period={MAY}" / rest
    content = path.read_bytes()
    assert checked_bytes(books, MAY, name) == content
    flip(path)
    with pytest.raises(Changed) as changed:
        checked_bytes(books, MAY, name)
    assert changed.value.exit_code == CONTROL_FAILED
    assert f"the {room} of {MAY} has changed since the close" in changed.value.block()
    assert changed.value.where == [str(path)]
    path.write_bytes(content)
    assert checked_bytes(books, MAY, name) == content
    path.unlink()
    with pytest.raises(Gone, match="has changed since the close"):
        checked_bytes(books, MAY, name)


def test_a_file_that_the_manifest_does_not_name_is_not_given(books):
    (books.evidence(MAY) / "more.parquet").write_bytes(b"x")
    with pytest.raises(Changed, match="does not name"):
        checked_bytes(books, MAY, "evidence/more.parquet")


@pytest.mark.parametrize(("name", "read"), [
    ("restatements.json", kept_restatements), ("sources.json", origin_of), ("sources.json", read_closed_period),
    ("run.json", day_closed),
])  # fmt: skip
@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": 1, "a": 2}', "no JSON"])
def test_signed_evidence_that_is_no_json_is_refused(content, name, read, books):
    path = books.evidence(MAY) / name
    path.write_text(content)
    sign_files_again(books, MAY)
    with pytest.raises(Changed, match="what is no JSON") as changed:
        read(books, MAY)
    assert changed.value.where == [str(path)]


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.p7s"])
def test_nothing_is_given_below_a_manifest_whose_signature_does_not_hold(name, books):
    flip(books.ledger(MAY) / name)
    for read in (checked_manifest, checked_postings, kept_params, kept_keys, closed_month):
        with pytest.raises(Changed) as changed:
            read(books, MAY)
        assert changed.value.where == [str(books.ledger(MAY) / "manifest.json")]
    (books.ledger(MAY) / name).unlink()
    with pytest.raises(Gone):
        checked_manifest(books, MAY)


def test_the_manifest_of_another_period_is_none_of_this_one(books):
    for path in books.ledger(JUNE).glob("manifest.json*"):
        (books.ledger(MAY) / path.name).write_bytes(path.read_bytes())
    with pytest.raises(Changed, match="a manifest of something else"):
        checked_manifest(books, MAY)


def test_a_signature_is_checked_once_for_the_same_bytes(books, monkeypatch):
    checked.signed_sha256.cache_clear()
    seen: list[bytes] = []
    check = checked.check_detached
    monkeypatch.setattr(checked, "check_detached", lambda one: (seen.append(one), check(one))[1])
    for _ in range(3):
        checked_bytes(books, MAY, "evidence/rollup.parquet")
    assert len(seen) == 1
    flip(books.ledger(MAY) / "manifest.json.p7s")
    with pytest.raises(Changed):
        checked_manifest(books, MAY)
    assert len(seen) == 2


def test_params_are_those_of_the_manifest_alone(books):
    """A file that was added does not count, and the copy that is read is nobody else's."""
    (books.evidence(MAY) / "params" / "ownership.toml").write_text("not = a rule\n")
    params = kept_params(books, MAY)
    assert not params.ownership and params.folder == books.evidence(MAY) / "params"
    with private_copy(books, MAY, "evidence/params") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert (folder / "accounts.csv").is_file() and not (folder / "ownership.toml").exists()
        flip(books.evidence(MAY) / "params" / "accounts.csv")
        assert (
            sha256(folder / "accounts.csv")
            == checked_manifest(books, MAY)["params"]["accounts.csv"]
        )
    assert not folder.exists()
    with pytest.raises(Changed):
        kept_params(books, MAY)


def test_keys_are_told_by_the_manifest(books):
    key = books.evidence(MAY) / "sql" / "keys" / "split_cost.sql"
    assert kept_keys(books, MAY)["split_cost"] == sha256(key)


#: Who reads a closed period, and what of it: each is given an altered file.
READERS: dict[str, tuple[str, Callable[[Month], object]]] = {
    "the explanation of changes": ("rollup.parquet", lambda month: closed_month(month.books, MAY)),
    "and its owned costs": ("owned_costs.parquet", lambda month: closed_month(month.books, MAY)),
    "commitments": ("rollup.parquet", lambda month: list(last_rollups(month.books, JUNE))),
    "corrections": ("restatements.json", lambda month: find_redeliveries(
        reader_of(month.report), month.books, MAY)),
    "trace and what-if": ("owned_costs.parquet", lambda month: origin_of(month.books, MAY)),
    "what-if": ("rollup.parquet", lambda month: check_evidence(month.books, MAY)),
    "the journal": ("params/cost_centers.csv", lambda month: read_journal(month.books)),
    "freshness": ("run.json", lambda month: day_closed(month.books, MAY)),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_evidence_stops_at_an_altered_file(reader, closed, books):
    name, read = READERS[reader]
    month = Month(closed.report, closed.params, books)
    path = books.evidence(MAY) / name
    read(month)
    flip(path)
    with pytest.raises(Refusal) as refusal:
        read(month)
    assert refusal.value.exit_code == CONTROL_FAILED
    assert refusal.value.where[-1] == str(path)


def test_evidence_that_was_signed_again_is_read_as_it_is(books):
    """What the reader cannot find: whoever can sign can say something else."""
    path = books.evidence(MAY) / "run.json"
    path.write_text('{"closed_at": "2026-06-09T00:00:00+00:00"}')
    sign_files_again(books, MAY)
    assert f"{day_closed(books, MAY)}" == "2026-06-09"


def test_a_copy_does_not_leave_its_folder(books):
    outside = "evidence/params/../../../../outside"
    sign_again(
        books, MAY, signing_key(books), lambda one: one["derived"].update({outside: "0" * 64})
    )
    with pytest.raises(Refusal) as refusal, private_copy(books, MAY, "evidence/params"):
        pass
    assert refusal.value.exit_code == CONTROL_FAILED
    assert outside in refusal.value.found


def test_a_table_is_read_from_the_bytes_that_were_checked(books, monkeypatch):
    """Not from the path a second time: what lies there may be another file by then."""
    monkeypatch.setattr(checked.pq, "read_table", lambda source: source)
    assert not isinstance(checked_table(books, MAY, "rollup.parquet"), str | Path)


#: Mentions of a closed period's folders outside of the reader, and why they read nothing around it.
MENTIONS = {
    "books/closed_period.py": "where params were, in words",
    "books/history.py": "the order of closes as manifests tell it, which a close and verify compare",
    "close/again.py": "puts statements back, compares digests, and a place in words",
    "close/monthly.py": "whether a period is closed, and places in words",
    "close/resume.py": "a digest of the manifest",
    "delivery/moving.py": "moves folders into place",
    "delivery/summary_data.py": "places in words",
    "delivery/publish.py": "writes, and the digest of the manifest before",
    "ledger/corrections.py": "whether a period is closed",
    "ledger/medical_loss_ratio.py": "whether a period is closed",
    "ledger/stage.py": "whether a period is closed",
    "portal/catalogue.py": "whether a manifest has changed since it was read",
    "review/audit/checks.py": "of the private copy of an audit, which was checked",
    "review/audit/corrected.py": "of the private copy of an audit, which was checked",
    "review/audit/derive_again.py": "of the private copy of an audit, which was checked",
    "review/audit/pages.py": "of the private copy of an audit, which was checked",
    "review/audit/run.py": "digests",
    "review/bundle/contents.py": "a place in words",
    "review/drill/kept.py": "digests, of a period that was checked as a whole",
    "review/drill/loss.py": "what is deleted in a scratch folder",
    "review/trace/text.py": "a place in words",
    "rollup/redeliveries.py": "whether a period is closed",
    "rollup/stage.py": "whether a period is closed",
    "statements/by_hand.py": "places in words",
    "statements/stage.py": "whether a period is closed, and signatures, each of which is checked to fit",
}
#: What makes, checks or ships the files themselves.
OWN = ("books/checked.py", "books/manifest.py", "books/shelf.py", "books/verify")
MENTION = re.compile(r"\.(ledger|evidence|statements)\(|\bfile_path\(")


def test_nothing_reads_around_the_reader():
    package = ROOT / "chargeback"
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if MENTION.search(path.read_text(encoding="utf-8"))
    }
    others = {one for one in found if not one.startswith(OWN) and one != "core/books_folders.py"}
    assert others == set(MENTIONS), "read closed periods through chargeback/books/checked.py"
