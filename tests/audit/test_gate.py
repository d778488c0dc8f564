"""Hostile books that are handed over: what nobody trusts is not run, and nothing reaches the machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.books.checked import checked_manifest
from chargeback.books.verify import verify_period
from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, Refusal
from chargeback.review.audit import derive_again, run
from chargeback.review.audit.checks import check_recount
from chargeback.review.audit.gate import Trust, private_books, read_trust
from chargeback.review.audit.run import audit_period
from chargeback.signing.signing_key import SigningKey, read_key, signing_key
from tests.audit.test_audit import lines, sign_everything, verdicts
from tests.close.months import JUNE, MAY, Month, month_in, state
from tests.made_once import made_once
from tests.verify.books import copy_books, sign_again, two_periods

pytestmark = pytest.mark.slow

SECRET = "of the auditor's machine"


@pytest.fixture
def month(tmp_path, tmp_path_factory) -> Month:
    """May and June, closed, with books to do with as a test likes."""
    closed = month_in(made_once(tmp_path_factory, "two-periods", two_periods))
    return replace(closed, books=copy_books(closed, tmp_path))


@pytest.fixture
def attack(month, tmp_path, monkeypatch):
    """Handed-over books whose SQL reads a file and writes another; whether it ran is told by a process."""
    (tmp_path / "secret.txt").write_text(SECRET)
    sql = month.books.evidence(MAY) / "sql" / "attribution" / "owned_costs.sql"
    text = sql.read_text()
    stolen = f"with stolen as (select * from read_text('{tmp_path}/secret.txt')),"
    assert "\nwith\n" in text
    sql.write_text(text.replace("\nwith\n", f"\n{stolen}\n", 1))
    control = month.books.evidence(MAY) / "sql" / "controls" / "entries_balance.sql"
    control.write_text(f"copy (select 'written' as a) to '{tmp_path}/written.csv'\n")
    return month


def key_of_a_stranger(month: Month) -> SigningKey:
    """The key that `sign_everything` made."""
    return read_key(month.books.root.parent / "another.pem", b"", development=True)


@pytest.fixture
def nothing_runs(monkeypatch) -> None:
    """An audit that would run anything of the evidence ends in an error that no refusal is."""
    monkeypatch.setattr(derive_again, "subprocess", None)
    monkeypatch.setattr(run, "check_contents", None)


def test_sql_with_broken_digests_is_not_run(attack, tmp_path, nothing_runs, capsys):
    assert main(["audit", MAY, *attack.options]) == CONTROL_FAILED
    said = capsys.readouterr()
    assert "evidence/sql/attribution/owned_costs.sql" in said.err
    assert "evidence/sql/controls/entries_balance.sql" in said.err
    assert "nothing of the evidence was read or run" in said.out
    assert not (tmp_path / "written.csv").exists()


def test_sql_that_a_stranger_signed_is_not_run(attack, tmp_path, nothing_runs, capsys):
    trust = sign_everything(attack.books)
    assert verify_period(attack.books, MAY) == []
    before = state(attack.books)
    assert main(["audit", MAY, *attack.options]) == BAD_USAGE
    said = capsys.readouterr().err
    [stranger] = trust.certificates
    sha256 = stranger.fingerprint(SHA256()).hex()
    for words in (
        "the SQL that 2026-05 was closed with is not that of this installation, and is not run",
        "sql/attribution/owned_costs.sql differs", "sql/controls/entries_balance.sql differs",
        f"2 other files, signed with CN=Chargeback development key (sha256 {sha256})",
        f"make audit PERIOD=2026-05 TRUST={sha256}",
    ):  # fmt: skip
        assert words in said
    assert state(attack.books) == before
    assert not (tmp_path / "written.csv").exists()


@pytest.mark.parametrize("word", ["--trust", "--certificate"])
def test_sql_of_somebody_who_is_trusted_runs_and_reaches_nothing(word, attack, tmp_path, capsys):
    """The whole command, with a process of its own that derives again."""
    [stranger] = sign_everything(attack.books).certificates
    pem = tmp_path / "stranger.pem"
    pem.write_bytes(stranger.public_bytes(Encoding.PEM))
    named = {"--trust": stranger.fingerprint(SHA256()).hex().upper(), "--certificate": str(pem)}
    assert main(["audit", MAY, *attack.options, word, named[word]]) == CONTROL_FAILED
    said = capsys.readouterr()
    assert "a SQL file uses a function that SQL files do not have" in said.err
    assert SECRET not in said.err + said.out + "".join(
        one.read_text() for one in attack.books.audits.iterdir()
    )
    assert not (tmp_path / "written.csv").exists()


def test_another_signer_is_no_matter_where_the_sql_is_the_same(month, capsys):
    trust = sign_everything(month.books)
    audit = audit_period(MAY, month.books, month.report, render=False)
    assert lines(audit) == []
    with pytest.raises(Refusal) as refusal:
        audit_period(MAY, month.books, month.report, render=False, trust=Trust((), ("0" * 64,)))
    assert refusal.value.exit_code == CONTROL_FAILED
    assert "signed with another certificate than the one you named" in refusal.value.block()
    assert lines(audit_period(MAY, month.books, month.report, render=False, trust=trust)) == []


def test_a_key_of_the_evidence_alone_is_named(month, nothing_runs):
    for room in (month.books.ledger, month.books.statements, month.books.evidence):
        shutil.rmtree(room(JUNE))  # a later close would tell that May was made anew
    key = month.books.evidence(MAY) / "sql" / "keys" / "theirs.sql"
    key.write_text("select cost_center_id, 1 as weight from cost_centers\n")
    sign_everything(month.books)  # names the files that there were

    def change(manifest):
        manifest["derived"]["evidence/sql/keys/theirs.sql"] = hashlib.sha256(
            key.read_bytes()
        ).hexdigest()

    own = key_of_a_stranger(month)
    sign_again(month.books, MAY, own, change)
    with pytest.raises(Refusal) as refusal:
        audit_period(MAY, month.books, month.report)
    assert refusal.value.exit_code == BAD_USAGE
    assert "sql/keys/theirs.sql is in the evidence only" in refusal.value.where


def test_altered_evidence_of_another_period_stops_the_audit(month, nothing_runs):
    path = month.books.evidence(MAY) / "rollup.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    audit = audit_period(JUNE, month.books, month.report)
    [line] = lines(audit)
    assert line.startswith(f"evidence/billing_period={MAY}/rollup.parquet: another one")
    assert set(list(verdicts(audit).values())[3:]) == {"not done"}


def test_what_is_read_is_the_checked_copy(month, monkeypatch):
    """Books that change while they are audited: what was checked is what is used."""
    taken = run.check_contents

    def changed_meanwhile(period, books, *rest):
        assert books.root != month.books.root
        assert books.root.stat().st_mode & 0o077 == 0  # of this user alone
        shutil.rmtree(month.books.root)
        return taken(period, books, *rest)

    monkeypatch.setattr(run, "check_contents", changed_meanwhile)
    audit = audit_period(MAY, month.books, month.report, render=False)
    assert [one for one in verdicts(audit).values() if one != "passed"] == []


def test_names_that_lead_out_of_the_books_are_refused(month, tmp_path):
    """A manifest whose signature holds, of somebody who wants a file of the auditor to be replaced."""
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("x")
    (tmp_path / "books" / "evidence" / "theirs.txt").write_text("x")
    sign_everything(month.books)
    own = key_of_a_stranger(month)
    name, sha256 = "evidence/../theirs.txt", hashlib.sha256(b"x").hexdigest()
    sign_again(month.books, MAY, own, lambda manifest: manifest["derived"].update({name: sha256}))
    with pytest.raises(Refusal) as refusal, private_books(month.books, MAY):
        pass
    assert refusal.value.exit_code == CONTROL_FAILED
    assert "../theirs.txt" in refusal.value.found


@pytest.mark.parametrize("path", ["/etc/hostname", "data/../../../etc/hostname"])
def test_a_source_record_does_not_name_files_beside_the_report(path, month):
    record = checked_manifest(month.books, MAY)["sources"]
    record["files"][0]["path"] = path
    (month.books.evidence(MAY) / "sources.json").write_text(json.dumps(record))
    sign_again(month.books, MAY, signing_key(month.books), lambda one: one.update(sources=record))
    sign_everything(month.books)
    with pytest.raises(Refusal, match="names a file outside of its report") as refusal:
        audit_period(MAY, month.books, month.report, render=False)
    assert refusal.value.exit_code == CONTROL_FAILED
    assert path in refusal.value.found


@pytest.mark.parametrize("text", ["x", "12", "zz" * 32])
def test_what_is_trusted_is_a_sha256(text):
    with pytest.raises(Refusal, match="no sha256 of a certificate"):
        read_trust(None, text)


def test_a_sha256_is_read_as_it_is_printed():
    plain, colons = "ab" * 32, ":".join(["CD"] * 32)
    assert read_trust(None, f"{plain}, {colons}").sha256 == ("ab" * 32, "cd" * 32)
    assert not read_trust(None, "").named


def test_sql_of_this_installation_needs_no_word(month):
    """Without rendering: the statements of these books are small ones."""
    assert lines(audit_period(JUNE, month.books, month.report, render=False)) == []


def test_params_that_are_nested_without_end_stop_the_recount(month):
    path = month.books.evidence(MAY) / "params" / "policy.toml"
    path.write_text(f"{path.read_text()}\nnested = {'[' * 100_000}\n")
    check = check_recount(
        month.books, MAY, month.report, checked_manifest(month.books, MAY)["sources"]
    )
    assert check.differences and "RecursionError" in check.differences[0].line
