"""Verify: whole books hold, and whatever is missing, added, moved or signed otherwise is named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from chargeback.books.manifest import recorded_files
from chargeback.books.tables import read_postings, write_table
from chargeback.books.verify import verify_period
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE
from chargeback.signing.pades import sign_pdf
from chargeback.signing.signing_key import SigningKey, development_path, read_key, signing_key
from tests.close.months import (
    JUNE,
    MAY,
    assert_refused,
    digests,
    manifest,
    sha256,
    write_month,
)
from tests.params_folder import ALWAYS
from tests.programs import program
from tests.signing.key_files import authority, certificate, p12, pem, rsa_key, written
from tests.verify.books import close_small, copy_period, link_to, sign_again, two_periods


def test_whole_books_hold_and_say_so_in_a_line_per_period(books, verify):
    ended = verify(books)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    may, june, signed, history, place, summary = ended.said.splitlines()
    assert may.split()[0] == MAY and "100.01 USD" in may and may.endswith("as closed")
    assert june.split()[0] == JUNE and "50.00 USD" in june and june.endswith("as closed")
    assert signed.startswith("signed with CN=Chargeback development key (sha256 ")
    assert f": {MAY}..{JUNE}; " in signed and "a development key says not who signed" in signed
    assert re.fullmatch(r"books [0-9a-f]{16}, 2 closes, head [0-9a-f]{32}", history)
    assert place.startswith("NOTE  these books were last closed at ") and str(books.root) in place
    assert summary.startswith("2 closed periods, ")


def test_every_file_of_a_period_is_in_its_manifest_once(books):
    for period in (MAY, JUNE):
        found = {
            f"{room}/{name}": sha256
            for room, folder in (
                ("ledger", books.ledger), ("statements", books.statements), ("evidence", books.evidence),
            )
            for name, sha256 in digests(folder(period)).items()
        }  # fmt: skip
        for name in ("ledger/manifest.json", "ledger/manifest.json.p7s"):
            del found[name]
        content = manifest(books, period)
        assert recorded_files(content) == found
        assert not content["derived"].keys() & content["run"]["files"].keys()


def test_what_the_same_inputs_give_again_is_told_apart_from_what_is_of_one_run(closed, tmp_path):
    """Other books, another key, another time: a manifest without `run` is the same."""
    other = two_periods(tmp_path)
    ours, theirs = manifest(closed.books), manifest(other.books)
    our_run, their_run = ours.pop("run"), theirs.pop("run")
    for part in ("books", "history"):
        ours.pop(part), theirs.pop(part)
    assert ours == theirs
    assert our_run["versions"] == their_run["versions"]
    for unit in ("core", "shop"):
        name = f"statements/{unit}/statement.pdf"
        assert our_run["files"][name] != their_run["files"][name]
        unsigned = ours["unsigned_pdfs"][name]
        path = other.books.statements(MAY) / unit / "statement.pdf"
        with path.open("rb") as stream:
            rendered = stream.read(unsigned["bytes"])
        copy = tmp_path / "rendered.pdf"
        copy.write_bytes(rendered)
        assert sha256(copy) == unsigned["sha256"]


def link_to_itself(path: Path) -> None:
    """The same content by another way: not a file of the books any more."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("room, name", [
    ("statements", "core/statement.pdf"), ("statements", "shop/statement.csv"),
    ("evidence", "rollup.parquet"), ("evidence", "run.json"), ("evidence", "params/policy.toml"),
    ("ledger", "postings.parquet"), ("ledger", "manifest.json"), ("ledger", "manifest.json.p7s"),
])  # fmt: skip
def test_a_missing_file_is_named(room, name, books, verify):
    path = books.root / room / f"billing_period={JUNE}" / name
    path.unlink()
    ended = verify(books)
    assert_refused(ended, CONTROL_FAILED, f"{room}/billing_period={JUNE}/{name} is missing")
    assert f"{MAY}" not in ended.refused
    assert "as closed" in ended.said.splitlines()[0]


@pytest.mark.parametrize("room", ["statements", "evidence", "ledger"])
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_what_was_added_is_named(room, make, books, verify):
    make(books.root / room / f"billing_period={MAY}" / "note")
    assert_refused(
        verify(books), CONTROL_FAILED, f"{room}/billing_period={MAY}/note is not in the manifest"
    )


@pytest.mark.parametrize("room", ["statements", "evidence", "ledger"])
def test_what_lies_between_the_periods_is_named(room, books, verify):
    (books.root / room / "note.txt").write_text("paid")
    assert_refused(verify(books), CONTROL_FAILED, f"{room}/note.txt: of no period")


def test_a_link_in_the_place_of_a_file_is_named(books):
    link_to_itself(books.evidence(MAY) / "rollup.parquet")
    named = {one.path for one in verify_period(books, MAY)}
    assert f"evidence/billing_period={MAY}/rollup.parquet" in named


def test_statements_that_were_swapped_are_named(books):
    one, other = (books.statements(MAY) / unit / "statement.pdf" for unit in ("core", "shop"))
    one.rename(one.with_name("aside"))
    other.rename(one)
    one.with_name("aside").rename(other)
    named = {finding.path.rpartition("=")[2] for finding in verify_period(books, MAY)}
    assert named == {f"{MAY}/core/statement.pdf", f"{MAY}/shop/statement.pdf"}


def test_a_period_that_was_taken_out_is_missed_by_the_next_one(books, verify):
    for folder in (books.ledger, books.statements, books.evidence):
        shutil.rmtree(folder(MAY))
    assert_refused(
        verify(books), CONTROL_FAILED, f"ledger/billing_period={MAY}/manifest.json is missing"
    )


def test_a_ledger_that_was_taken_out_leaves_folders_of_a_period_that_is_not_closed(books, verify):
    shutil.rmtree(books.ledger(JUNE))
    assert_refused(
        verify(books), CONTROL_FAILED,
        f"statements/billing_period={JUNE}: of a period that is not closed",
        f"evidence/billing_period={JUNE}: of a period that is not closed",
    )  # fmt: skip


def test_an_earlier_period_that_was_signed_again_does_not_fit_the_next_ones_link(books, verify):
    sign_again(books, MAY, signing_key(books), lambda one: one["run"].update(versions={}))
    ended = verify(books)
    assert_refused(
        ended, CONTROL_FAILED, f"ledger/billing_period={MAY}/manifest.json is not what was"
    )
    assert "1 difference in 1 file" in ended.refused


def post_otherwise(books, period: str, key: SigningKey, moved: int) -> None:
    """Change an amount of the postings, and everything that says so, and sign it again."""
    path = books.ledger(period) / "postings.parquet"
    postings = read_postings(path)
    amounts = postings["amount"].to_pylist()
    amounts[0] += moved
    place = postings.column_names.index("amount")
    write_table(
        postings.set_column(place, "amount", pa.array(amounts, postings["amount"].type)), path
    )

    def tell(content) -> None:
        content["derived"]["ledger/postings.parquet"] = sha256(path)
        content["postings"]["sha256"] = sha256(path)

    sign_again(books, period, key, tell)


def test_postings_that_do_not_balance_are_named_although_everything_was_signed_again(books, verify):
    post_otherwise(books, JUNE, signing_key(books), moved=1)
    ended = verify(books)
    name = f"ledger/billing_period={JUNE}/postings.parquet"
    assert_refused(ended, CONTROL_FAILED, f"{name}: of 1.00, instead of entry ", "of 0.00")


def test_a_total_that_the_postings_do_not_have_is_named(books, verify):
    sign_again(books, JUNE, signing_key(books), lambda one: one["postings"].update(charged="51.00"))
    assert_refused(verify(books), CONTROL_FAILED, "50.00 charged, instead of 51.00 charged")


def test_books_that_another_key_signed_hold_but_not_against_the_certificate_one_was_given(
    books, verify, tmp_path
):
    given = written(tmp_path, signing_key(books).certificates_pem, "given.pem")
    other = read_key(written(tmp_path, pem(key := rsa_key(), certificate(key))), b"")
    assert verify(books, "--certificate", str(given)).exit_code == DONE
    sign_everything_with(books, JUNE, other)
    ended = verify(books)
    assert ended.exit_code == DONE, ended.refused
    signed = [line for line in ended.said.splitlines() if line.startswith("signed with ")]
    assert [line.partition(" (")[0] for line in signed] == [
        "signed with CN=Chargeback development key",
        "signed with CN=Example Health Finance,O=Example Health",
    ]
    ended = verify(books, "--certificate", str(given))
    assert_refused(
        ended, CONTROL_FAILED,
        "closed periods are signed with another certificate than the one you named",
        f"expected   {shown_certificate(signing_key(books))}\n",
        f"found      {JUNE}: {shown_certificate(other)}\n",
        "the books are whole",
    )  # fmt: skip
    assert "backup" not in ended.refused, "there is nothing to restore"
    may, june = ended.said.splitlines()[:2]
    assert may.endswith("as closed") and june.endswith("as closed, signed with another certificate")
    both = written(
        tmp_path, signing_key(books).certificates_pem + other.certificates_pem, "both.pem"
    )
    assert verify(books, "--certificate", str(both)).exit_code == DONE
    (books.evidence(MAY) / "run.json").unlink()
    ended = verify(books, "--certificate", str(given))
    assert_refused(
        ended, CONTROL_FAILED, "the books are not as they were closed", "run.json is missing",
        f"{JUNE}: {shown_certificate(other)}", "1 difference in 1 file", "backup",
    )  # fmt: skip


def test_the_certificate_of_an_authority_stands_for_those_below_it(books, verify, tmp_path):
    """Another authority that calls itself the same does not."""
    key, (above, issuing_key) = rsa_key(), authority()
    own = certificate(key, issuer=(above, issuing_key))
    signer = read_key(written(tmp_path, p12(key, own, above), "own.p12"), b"correct horse")
    for period in (MAY, JUNE):
        sign_everything_with(books, period, signer)
    link_to(books, JUNE, MAY, signer)
    for name, one, code in (
        ("authority", above, DONE), ("itself", own, DONE), ("another", authority()[0], CONTROL_FAILED),
    ):  # fmt: skip
        given = written(tmp_path, one.public_bytes(Encoding.PEM), f"{name}.pem")
        ended = verify(books, "--certificate", str(given))
        assert ended.exit_code == code, (name, ended.refused)


def signed_by(books, tmp_path: Path, *above: x509.Certificate, issuer) -> x509.Certificate:
    """Have both periods signed with a certificate that somebody issued; returns it."""
    key = rsa_key()
    own = certificate(key, issuer=issuer)
    signer = read_key(written(tmp_path, pem(key, own, *above), "signer.pem"), b"")
    for period in (MAY, JUNE):
        sign_everything_with(books, period, signer)
    link_to(books, JUNE, MAY, signer)
    return own


ANOTHER = "closed periods are signed with another certificate than the one you named"


def test_an_authority_counts_by_its_key_and_not_by_its_name(books, verify, tmp_path):
    """It signed the certificate, and says that it is an authority; what only looks alike is refused by name."""
    above, key = authority()
    own = signed_by(books, tmp_path, issuer=(above, key))
    other = authority()
    alike = certificate(rsa_key(), "Example Health Finance")
    no_authority = certificate(key, "Example Health CA")
    for name, one, code in (
        ("the authority, whose own certificate is not in the signature", above, DONE),
        ("one of the same name", other[0], CONTROL_FAILED),
        ("the same subject, issued by itself", alike, CONTROL_FAILED),
        ("the key of the authority in a certificate that says it is none", no_authority, CONTROL_FAILED),
    ):  # fmt: skip
        given = written(tmp_path, one.public_bytes(Encoding.PEM), "given.pem")
        ended = verify(books, "--certificate", str(given))
        assert ended.exit_code == code, (name, ended.refused)
        if code != DONE:
            assert_refused(ended, code, ANOTHER, shown_name(own), shown_name(one))


def test_an_authority_of_ones_own_without_extensions_counts_where_it_is_named(
    books, verify, tmp_path
):
    """As `openssl x509 -req -signkey` makes it: version 1, which cannot say that it is an authority."""
    openssl, root = program("openssl"), tmp_path / "root.pem"
    subprocess.run(
        f"{openssl} req -new -newkey rsa:2048 -nodes -keyout key.pem -subj '/CN=Root of one' -out root.csr && "
        f"{openssl} x509 -req -in root.csr -signkey key.pem -days 30 -out root.pem",
        shell=True, cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    above = x509.load_pem_x509_certificate(root.read_bytes())
    assert above.version == x509.Version.v1
    key = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    signed_by(books, tmp_path, issuer=(above, key))
    assert verify(books, "--certificate", str(root)).exit_code == DONE


def test_an_authority_between_that_is_not_in_the_signature_is_named(books, verify, tmp_path):
    root, root_key = authority()
    key = rsa_key()
    between = certificate(
        key, "Example Health Issuing", (root, root_key), usage=key_usage(root), is_authority=True
    )
    signed_by(books, tmp_path, issuer=(between, key))
    given = written(tmp_path, root.public_bytes(Encoding.PEM), "root.pem")
    ended = verify(books, "--certificate", str(given))
    assert_refused(
        ended, CONTROL_FAILED, ANOTHER,
        "the certificate was issued by CN=Example Health Issuing,O=Example Health, whose own",
    )  # fmt: skip
    both = b"".join(one.public_bytes(Encoding.PEM) for one in (root, between))
    given = written(tmp_path, both, "both.pem")
    assert verify(books, "--certificate", str(given)).exit_code == DONE
    signed_by(books, tmp_path, between, root, issuer=(between, key))
    given = written(tmp_path, root.public_bytes(Encoding.PEM), "root.pem")
    assert verify(books, "--certificate", str(given)).exit_code == DONE


def key_usage(one: x509.Certificate) -> x509.KeyUsage:
    """What a certificate says it is for."""
    return one.extensions.get_extension_for_class(x509.KeyUsage).value


def shown_name(one: x509.Certificate) -> str:
    """A certificate as verify names it."""
    return f"{one.subject.rfc4514_string()} (sha256 {one.fingerprint(SHA256()).hex()})"


def shown_certificate(key: SigningKey) -> str:
    """A key's certificate as verify names it: subject, and the sha256 that openssl gives too."""
    own = x509.load_pem_x509_certificates(key.certificates_pem)[0]
    return f"{own.subject.rfc4514_string()} (sha256 {own.fingerprint(SHA256()).hex()})"


def sign_everything_with(books, period: str, key: SigningKey) -> None:
    """What somebody does who has a key of their own: sign all PDFs and the manifest again."""
    certificates = books.evidence(period) / "certificates.pem"
    certificates.write_bytes(key.certificates_pem)

    def tell(content) -> None:
        files = content["run"]["files"]
        for name, rendered in content["unsigned_pdfs"].items():
            unit = name.split("/")[1]
            path = books.statements(period) / unit / "statement.pdf"
            signed = sign_pdf(path.read_bytes()[: rendered["bytes"]], key, "again")
            path.write_bytes(signed)
            kept = books.evidence(period) / "signatures" / f"{unit}.pdf-signature"
            kept.write_bytes(signed[rendered["bytes"] :])
            files[name] = sha256(path)
            files[f"evidence/signatures/{unit}.pdf-signature"] = sha256(kept)
        files["evidence/certificates.pem"] = sha256(certificates)

    sign_again(books, period, key, tell)


def test_a_pdf_of_another_key_than_the_manifest_is_named(books):
    other = SigningKey(key := rsa_key(), certificate(key))
    name, own = "statements/core/statement.pdf", signing_key(books)
    path = books.statements(JUNE) / "core" / "statement.pdf"

    def tell(content) -> None:
        rendered = path.read_bytes()[: content["unsigned_pdfs"][name]["bytes"]]
        path.write_bytes(sign_pdf(rendered, other, "mine"))
        content["run"]["files"][name] = sha256(path)

    sign_again(books, JUNE, own, tell)
    (found,) = verify_period(books, JUNE)
    assert found.recorded == "the certificate of the manifest" and "Finance" in found.found


def test_lost_statements_come_back_byte_for_byte_without_the_key(closed, books, verify):
    month = replace(closed, books=books)
    before = digests(books.statements(MAY))
    shutil.rmtree(books.statements(MAY) / "core")
    (books.statements(MAY) / "shop/statement.pdf").write_bytes(b"%PDF-1.7")
    shutil.rmtree(development_path(books).parent)
    said = close_small(month, MAY)
    assert any("statements missing or altered" in line for line in said)
    assert digests(books.statements(MAY)) == before
    assert not development_path(books).exists()
    assert verify(books).exit_code == DONE


def test_a_statement_whose_signature_is_lost_too_is_signed_anew_and_stays_named(closed, books):
    (books.statements(MAY) / "core/statement.pdf").unlink()
    (books.evidence(MAY) / "signatures/core.pdf-signature").unlink()
    said = close_small(replace(closed, books=books), MAY)
    assert any("other bytes" in line and "core/statement.pdf" in line for line in said)
    named = {one.path.rpartition("=")[2]: one.line for one in verify_period(books, MAY)}
    assert named.keys() == {f"{MAY}/core/statement.pdf", f"{MAY}/signatures/core.pdf-signature"}


def test_no_books_are_no_whole_books(tmp_path, verify, closed):
    ended = verify(Books(tmp_path / "empty"))
    assert_refused(ended, BAD_USAGE, "there is no closed period in these books")
    ended = verify(closed.books, "--certificate", str(tmp_path / "absent.pem"))
    assert_refused(ended, BAD_USAGE, "the certificate to compare with cannot be read")


def test_openssl_and_pdfsig_verify_what_a_real_key_signed(tmp_path, verify):
    """The commands that a statement prints, run in the books, with a certificate of an authority."""
    openssl, pdfsig = program("openssl"), program("pdfsig")
    above, key = authority(), rsa_key()
    own = certificate(key, issuer=above)
    month = write_month(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARGEBACK_SIGNING_PASSPHRASE", "correct horse")
        close_small(month, MAY, key_file=written(tmp_path, p12(key, own, above[0]), "finance.p12"))
    books = month.books
    assert not development_path(books).exists()
    assert manifest(books)["signer"] == {
        "name": "CN=Example Health Finance,O=Example Health", "development": False, "time_stamp": "",
    }  # fmt: skip
    certificates = os.path.relpath(books.evidence(MAY) / "certificates.pem", books.ledger(MAY))
    done = subprocess.run(
        [openssl, "cms", "-verify", "-inform", "DER", "-binary", "-in", "manifest.json.p7s",
         "-content", "manifest.json", "-CAfile", certificates, "-out", "/dev/null"],
        cwd=books.ledger(MAY), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path in books.statements(MAY).glob("*/statement.pdf"):
        done = subprocess.run([pdfsig, path], capture_output=True, text=True, check=False)
        assert "Signature is Valid." in done.stdout and "Total document signed" in done.stdout
    ended = verify(books)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert "development" not in ended.said


@pytest.mark.slow
def test_two_years_of_eight_units_are_verified_in_seconds(tmp_path, verify):
    units = ALWAYS["business_units.csv"] + "".join(
        f"unit-{number},Unit {number},Ann,ann@example.com,unit\n" for number in range(6)
    )
    month = write_month(tmp_path, business_units_csv=units)
    close_small(month, MAY)
    copies = [f"{year}-{number:02}" for year in (2027, 2028) for number in range(1, 13)][:23]
    copy_period(month.books, MAY, copies, signing_key(month.books))
    started = time.monotonic()
    ended = verify(month.books)
    took = time.monotonic() - started
    assert ended.exit_code == DONE, ended.refused
    assert "24 closed periods" in ended.said
    assert len(list(month.books.root.glob("statements/*/*/statement.pdf"))) == 24 * 8
    assert took < 30
