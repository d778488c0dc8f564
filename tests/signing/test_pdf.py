"""Signed PDFs: pdfsig agrees, what was rendered is the beginning, and nothing can be changed or added."""

from __future__ import annotations

import subprocess

import pypdfium2
import pytest

from chargeback.signing.cms import BrokenSignature
from chargeback.signing.pades import kept_signature, sign_pdf, sign_statements
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import SigningKey
from tests.programs import program
from tests.signing.pdfs import small_pdf
from tests.signing.test_cms import KEYS

RENDERED = small_pdf("Statement of shop, 80.00")
SIGNED = {
    kind: sign_pdf(RENDERED, KEYS[kind], "Statement of AWS charges") for kind in ("RSA", "P-256")
}


def pdfsig(content: bytes, folder) -> str:
    """What pdfsig says of a PDF."""
    command = program("pdfsig")
    (folder / "statement.pdf").write_bytes(content)
    done = subprocess.run(
        [command, "statement.pdf"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", SIGNED)
def test_pdfsig_finds_one_signature_of_the_whole_document(kind, tmp_path):
    said = pdfsig(SIGNED[kind], tmp_path)
    assert "Signature is Valid." in said
    assert said.count("Signature Validation:") == 1
    assert "Total document signed" in said
    assert "Signature Type: ETSI.CAdES.detached" in said
    assert "Signer Certificate Common Name: Example Health Finance" in said


def test_pdfsig_sees_a_changed_figure(tmp_path):
    assert RENDERED[200:201] != b"\0"
    changed = SIGNED["RSA"][:200] + b"\0" + SIGNED["RSA"][201:]
    assert "Signature is Valid." not in pdfsig(changed, tmp_path)


@pytest.mark.parametrize("kind", SIGNED)
def test_signing_appends_and_what_is_read_stays_the_same(kind):
    signed = SIGNED[kind]
    assert signed.startswith(RENDERED) and len(signed) > len(RENDERED)
    assert small_pdf("Statement of shop, 80.00") == RENDERED
    texts = []
    for content in (RENDERED, signed):
        document = pypdfium2.PdfDocument(content)
        texts.append([page.get_textpage().get_text_range() for page in document])
        document.close()
    assert texts[0] == texts[1] and "80.00" in texts[0][0]


@pytest.mark.parametrize("kind", SIGNED)
def test_it_says_who_signed(kind):
    found = check_pdf(SIGNED[kind], len(RENDERED))
    assert found.certificate == KEYS[kind].certificate


def with_padding(content: bytes) -> bytes:
    """Something else than zeros where the signature is padded."""
    end = content.rindex(b"0>")
    return content[:end] + b"1>" + content[end + 2 :]


CHANGED = {
    "a byte of what was rendered": lambda one: one[:99] + bytes([one[99] ^ 1]) + one[100:],
    "a byte of what was appended": lambda one: one[:-9] + bytes([one[-9] ^ 1]) + one[-8:],
    "something added": lambda one: one + b"\n% paid",
    "the end cut off": lambda one: one[:-1],
    "something in the padding": with_padding,
    "its signature twice": lambda one: one + one[len(RENDERED) :],
    "not signed": lambda one: one[: len(RENDERED)],
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_pdf_that_is_not_what_was_signed_is_found(name):
    with pytest.raises(BrokenSignature):
        check_pdf(CHANGED[name](SIGNED["RSA"]), len(RENDERED))


def make_folder(folder, *units: str):
    for unit in units:
        (folder / unit).mkdir(parents=True)
        (folder / unit / "statement.pdf").write_bytes(small_pdf(f"Statement of {unit}"))
    return folder


def never() -> SigningKey:
    raise AssertionError("no key is needed")


def test_a_kept_signature_brings_a_statement_back_without_the_key(tmp_path):
    first = make_folder(tmp_path / "first", "core", "shop")
    unsigned = sign_statements(first, lambda: KEYS["RSA"], "May")
    kept = tmp_path / "kept"
    kept.mkdir()
    for name, rendered in unsigned.items():
        signed = (first / name).read_bytes()
        kept_signature(kept, name.partition("/")[0]).write_bytes(signed[rendered["bytes"] :])
    second = make_folder(tmp_path / "second", "core", "shop")
    assert sign_statements(second, never, "May", kept) == unsigned
    for name in unsigned:
        assert (second / name).read_bytes() == (first / name).read_bytes()


def test_a_kept_signature_of_another_statement_is_not_used(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    kept_signature(kept, "core").write_bytes(SIGNED["RSA"][len(RENDERED) :])
    folder = make_folder(tmp_path / "statements", "core")
    with pytest.raises(AssertionError, match="no key is needed"):
        sign_statements(folder, never, "May", kept)
    unsigned = sign_statements(folder, lambda: KEYS["P-256"], "May", kept)
    signed = (folder / "core/statement.pdf").read_bytes()
    found = check_pdf(signed, unsigned["core/statement.pdf"]["bytes"])
    assert found.certificate == KEYS["P-256"].certificate
