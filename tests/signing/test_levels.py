"""Statement PDFs with time stamps (B-T), and with what says that nothing was revoked (B-LT).

The authorities are real ones (`tests.signing.loopback`), where none of them has to answer badly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import NameObject, NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.signing import DEVELOPMENT, Signer
from chargeback.signing.cms import BrokenSignature
from chargeback.signing.level import ANCHORS_VARIABLE, OUR_WORD, Level, asked_level
from chargeback.signing.pades import (
    MOST_STAMP_BYTES,
    Stamper,
    kept_signature,
    sign_pdf,
    sign_statements,
)
from chargeback.signing.pdf import check_pdf
from chargeback.signing.security_store import SecurityStore, read_store, store_update
from chargeback.signing.signing_key import SigningKey, read_key
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE
from tests.signing.authority import Authority
from tests.signing.authority import serving as serving_openssl
from tests.signing.loopback import Loopback, serving, write_loopback
from tests.signing.pdfs import small_pdf
from tests.signing.test_pdf import make_folder, never, pdfsig

pytestmark = pytest.mark.slow

UNITS = ("claims", "core", "shop")


def key_of(loopback: Loopback, label: str = "finance") -> SigningKey:
    """The signing key with one of its certificates."""
    return read_key(loopback.key_file(label), b"")


def anchors_of(loopback: Loopback) -> tuple[x509.Certificate, ...]:
    return tuple(x509.load_pem_x509_certificates(loopback.anchors().read_bytes()))


def level_of(loopback: Loopback, name: str) -> Level:
    """B-T or B-LT by the loopback infrastructure."""
    return Level(loopback.address(), anchors_of(loopback) if name == "B-LT" else ())


def signed_folder(folder: Path, loopback: Loopback, name: str) -> dict[str, tuple[bytes, int]]:
    """PDFs of three units signed at a level, with how many bytes of each were rendered."""
    make_folder(folder, *UNITS)
    unsigned = sign_statements(
        folder, lambda: key_of(loopback), "May", level=level_of(loopback, name)
    )
    return {one: ((folder / one).read_bytes(), said["bytes"]) for one, said in unsigned.items()}


@pytest.fixture(scope="module", params=["B-T", "B-LT"])
def level(request) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def signed(level, served, tmp_path_factory) -> dict[str, tuple[bytes, int]]:
    """Three PDFs signed at a level."""
    return signed_folder(tmp_path_factory.mktemp("signed"), served, level)


@pytest.fixture(scope="module")
def long_term(served, tmp_path_factory) -> tuple[bytes, int]:
    """A PDF signed at level B-LT."""
    return signed_folder(tmp_path_factory.mktemp("long"), served, "B-LT")["core/statement.pdf"]


def validated(content: bytes, root: bytes) -> PdfSignatureStatus:
    """What pyHanko's validator says, which trusts the root and asks nobody, by what the file holds."""
    reader = PdfFileReader(BytesIO(content))
    trusted = {"trust_roots": [asn1_x509.Certificate.load(root)], "allow_fetching": False}

    def context() -> ValidationContext:
        if "/DSS" not in reader.root:
            return ValidationContext(**trusted)
        known = DocumentSecurityStore.read_dss(reader)
        return known.as_validation_context({**trusted, "revocation_mode": "require"})

    (one,) = reader.embedded_signatures
    return validate_pdf_signature(one, context(), context())


def test_each_pdf_has_a_stamp_of_its_own_that_pdfsig_and_pyhanko_accept(
    signed, level, served, tmp_path
):
    assert list(signed) == [f"{unit}/statement.pdf" for unit in UNITS]
    (root,), now = anchors_of(served), datetime.now(UTC)
    (stamps,) = x509.load_pem_x509_certificates(served.certificates("tsa"))
    for content, rendered in signed.values():
        found = check_pdf(content, rendered)
        assert found.stamp and found.stamp.authority.public_key() == stamps.public_key()
        assert (
            found.stamp.authority.subject.rfc4514_string() == "CN=Loopback Stamps,O=Loopback,C=US"
        )
        assert now - timedelta(minutes=10) < found.stamp.at <= now + timedelta(seconds=2)
        assert bool(found.store) == (level == "B-LT")
        said = pdfsig(content, tmp_path)
        assert "Signature is Valid." in said and said.count("Signature Validation:") == 1
        assert "Signer Certificate Common Name: Loopback Finance" in said
        whole = "Total document signed" if level == "B-T" else "Not total document signed"
        assert f"- {whole}" in said
        status = validated(content, root.public_bytes(Encoding.DER))
        assert status.bottom_line and status.timestamp_validity.trusted
        expected = ModificationLevel.NONE if level == "B-T" else ModificationLevel.LTA_UPDATES
        assert status.modification_level == expected


def test_one_request_is_made_for_each_stamp_and_one_for_each_certificate(served, tmp_path):
    log = served.folder / "log"
    before = len(log.read_text())
    signed_folder(tmp_path / "statements", served, "B-LT")
    asked = [line.split('"')[1] for line in log.read_text()[before:].splitlines() if '"' in line]
    # finance by OCSP; interm and tsa are of the root, which has one CRL for both.
    assert sorted(line.split(" HTTP")[0] for line in asked) == [
        "GET /house/crls/anchor/latest.crl", "POST /house/ocsp/interm", *["POST /house/tsa/tsa"] * len(UNITS),
    ]  # fmt: skip


def test_the_store_holds_both_paths_and_nothing_twice(long_term, served):
    store = check_pdf(*long_term).store
    assert store
    names = [x509.load_der_x509_certificate(one) for one in store.certificates]
    assert sorted(one.subject.rfc4514_string() for one in names) == sorted(
        f"CN=Loopback {one},O=Loopback,C=US" for one in ("Finance", "Issuing", "Root", "Stamps")
    )
    assert (len(store.ocsp_answers), len(store.crls)) == (1, 1)


def stamp_place(content: bytes, rendered: int) -> tuple[int, int]:
    """Where the time stamp stands in a PDF, in hexadecimal digits."""
    begin = content.index(b"/Contents <", rendered) + len(b"/Contents <")
    signature = bytes.fromhex(content[begin : content.index(b">", begin)].decode())
    (signer,) = cms.ContentInfo.load(signature)["content"]["signer_infos"]
    token = signer["unsigned_attrs"][0]["values"][0].dump()
    at = begin + 2 * signature.index(token)
    assert len(token) > 1_000
    return at, at + 2 * len(token)


def unnoticed(content: bytes, rendered: int, places: range, change) -> Iterator[int]:
    """The places at which a change is not seen."""
    for at in places:
        changed = bytearray(content)
        changed[at] = change(changed[at], at)
        try:
            check_pdf(bytes(changed), rendered)
        except BrokenSignature:
            continue
        yield at


def other_digit(digit: int, at: int) -> int:
    """Another hexadecimal digit."""
    return b"0123456789abcdef"[(int(chr(digit), 16) + 1 + at % 15) % 16]


def test_no_digit_of_a_stamp_changes_unnoticed(long_term):
    content, rendered = long_term
    places = range(*stamp_place(content, rendered), 2)
    assert list(unnoticed(content, rendered, places, other_digit)) == []


def test_no_byte_of_a_store_changes_unnoticed(long_term):
    content, rendered = long_term
    begin = content.index(b"%%EOF\n", rendered) + len(b"%%EOF\n")
    assert len(content) - begin > 3_000
    places = range(begin, len(content), 5)  # a fifth of them, for the time that it takes
    found = list(unnoticed(content, rendered, places, lambda byte, at: byte ^ (1 << at % 8)))
    assert found == []


def rotated(content: bytes) -> bytes:
    """With a page that somebody turned."""
    writer = IncrementalPdfFileWriter(BytesIO(content))
    page, _ = writer.find_page_for_modification(0)
    page.get_object()[NameObject("/Rotate")] = NumberObject(90)
    writer.mark_update(page)
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def with_object(content: bytes) -> bytes:
    """With an object among those of the store that is an annotation."""
    return content.replace(b" 0 obj\n<< /Type /DSS", b" 0 obj\n<< /Type /Annot >>\nendobj\n" * 2, 1)


def signed_part(content: bytes) -> bytes:
    """What the signature of a PDF covers: its store cut off."""
    return content[: content.rindex(b"%%EOF\n", 0, content.rindex(b"%%EOF\n")) + len(b"%%EOF\n")]


def with_catalog_entry(content: bytes) -> bytes:
    """With a script in the catalog that runs when the file is opened; all lengths are as they were."""
    at = content.rindex(b"/DSS ")
    return content[:at] + b"/AA  " + content[at + 5 :]


ADDED = {
    "a page that is turned": rotated,
    "a page that is turned, under a store": lambda one: rotated(signed_part(one)),
    "an annotation among the values": with_object,
    "the store twice": lambda one: one + one[len(signed_part(one)) :],
    "a remark": lambda one: one + b"% paid\n",
    "a remark instead of a store": lambda one: signed_part(one) + b"% paid\n",
    "another entry of the catalog": with_catalog_entry,
    "the end cut off": lambda one: one[:-1],
}


@pytest.mark.parametrize("name", ADDED)
def test_nothing_but_a_store_may_follow_a_signature(name, long_term):
    content, rendered = long_term
    changed = ADDED[name](content)
    assert changed != content
    with pytest.raises(BrokenSignature, match="does not cover the whole file"):
        check_pdf(changed, rendered)
    assert check_pdf(signed_part(content), rendered).stamp  # the signature by itself is whole


def test_a_store_of_other_certificates_or_without_a_stamp_is_refused(long_term, served, tmp_path):
    content, rendered = long_term
    bare, store = signed_part(content), check_pdf(content, rendered).store
    assert store and bare + store_update(bare, rendered, store) == content
    root = anchors_of(served)[0].public_bytes(Encoding.DER)
    other = bare + store_update(bare, rendered, SecurityStore((root,)))
    with pytest.raises(BrokenSignature, match="is of other certificates"):
        check_pdf(other, rendered)
    pdf = small_pdf("Statement of core")
    basic = sign_pdf(pdf, key_of(served), "May")
    with pytest.raises(BrokenSignature, match="it has no time stamp"):
        check_pdf(basic + store_update(basic, len(pdf), store), len(pdf))


def test_a_store_goes_in_and_comes_out_in_its_order(long_term):
    content, rendered = long_term
    bare, store = signed_part(content), check_pdf(content, rendered).store
    assert store
    for one in (
        store,
        SecurityStore(store.certificates[::-1], store.ocsp_answers, ()),
        SecurityStore(store.certificates, (), store.crls * 2),
        SecurityStore(),
    ):
        assert read_store(bare + store_update(bare, rendered, one), len(bare), rendered) == one


@pytest.mark.parametrize("name", ["B-T", "B-LT"])
def test_a_lost_pdf_comes_back_byte_for_byte_without_key_and_authority(name, tmp_path, loopback):
    with serving(own := write_loopback(tmp_path / "own")):
        signed = signed_folder(tmp_path / "first", own, name)
    kept = tmp_path / "kept"
    kept.mkdir()
    for one, (content, rendered) in signed.items():
        kept_signature(kept, one.partition("/")[0]).write_bytes(content[rendered:])
    again = make_folder(tmp_path / "again", *UNITS)
    sign_statements(again, never, "May", kept, level_of(own, name))
    for one, (content, _) in signed.items():
        assert (again / one).read_bytes() == content


def refused(folder: Path, loopback: Loopback, level: Level, label: str = "finance") -> Refusal:
    """What stops the signing of three PDFs; none of them is signed then."""
    make_folder(folder, *UNITS)
    before = {path: path.read_bytes() for path in folder.glob("*/*.pdf")}
    with pytest.raises(Refusal) as stopped:
        sign_statements(folder, lambda: key_of(loopback, label), "May", level=level)
    assert {path: path.read_bytes() for path in folder.glob("*/*.pdf")} == before
    assert stopped.value.exit_code == UNREACHABLE
    return stopped.value


@pytest.mark.parametrize(
    ("stamps", "words"),
    [("tsa-expired", "did not hold at the time"), ("tsa-mail", "is not one for time stamps")],
)
def test_an_authority_with_a_certificate_that_does_not_do_stamps_nothing(
    stamps, words, served, tmp_path
):
    found = refused(tmp_path, served, Level(served.address(stamps)))
    assert found.what == "the time stamp authority gave no time stamp" and words in found.found


def test_a_signer_who_is_revoked_signs_nothing(served, tmp_path):
    found = refused(tmp_path, served, level_of(served, "B-LT"), "finance-revoked")
    assert found.what == "nothing says that the certificates are not revoked"
    assert found.found.startswith("CN=Loopback Finance,O=Loopback,C=US: ")
    assert "revoked" in found.found


def test_anchors_of_somebody_else_are_said_with_the_certificate_that_leads_elsewhere(
    served, tmp_path
):
    other = write_loopback(tmp_path / "other")
    found = refused(tmp_path / "pdfs", served, Level(served.address(), anchors_of(other)))
    assert "Loopback Root,O=Loopback,C=US, which is no trust anchor" in found.found


def test_where_nothing_about_a_certificate_can_be_fetched_nothing_is_signed(served, tmp_path):
    """Certificates name the place of another infrastructure, which does not answer."""
    silent = write_loopback(tmp_path / "silent")
    level = Level(served.address(), (*anchors_of(silent), *anchors_of(served)))
    found = refused(tmp_path / "pdfs", silent, level)
    assert found.what == "nothing says that the certificates are not revoked"
    assert f"http://127.0.0.1:{silent.port}/house/ocsp/interm: URLError" in found.found
    assert f"http://127.0.0.1:{silent.port}/house/crls/interm/latest.crl: URLError" in found.found


def test_a_stamp_that_is_larger_than_its_room_is_refused(tmp_path, loopback):
    """As an authority may have whose certificate is long."""
    (folder := tmp_path / "authority").mkdir()
    large = Authority(folder, padding_bytes=MOST_STAMP_BYTES)
    with serving_openssl(large) as address:
        found = refused(tmp_path / "pdfs", loopback, Level(address))
    assert f"a PDF has room for {MOST_STAMP_BYTES:,}" in found.found and large.asked == 1


def test_a_stamp_that_nearly_fills_its_room_fits(tmp_path, loopback):
    (folder := tmp_path / "authority").mkdir()
    with serving_openssl(Authority(folder, padding_bytes=2_900)) as address:
        pdf = small_pdf("Statement of core")
        content = sign_pdf(pdf, key_of(loopback), "May", Stamper(address))
    stamp = check_pdf(content, len(pdf)).stamp
    assert stamp and 2_900 < len(stamp.certificate) < MOST_STAMP_BYTES
    begin, end = stamp_place(content, len(pdf))
    assert MOST_STAMP_BYTES - 500 < (end - begin) // 2 <= MOST_STAMP_BYTES


def test_the_level_is_what_the_environment_names(loopback, monkeypatch):
    for name in (AUTHORITY_VARIABLE, ANCHORS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert asked_level() == OUR_WORD
    monkeypatch.setenv(AUTHORITY_VARIABLE, "https://tsa.example.com/stamp")
    assert asked_level() == Level("https://tsa.example.com/stamp")
    monkeypatch.setenv(ANCHORS_VARIABLE, str(loopback.anchors()))
    assert asked_level() == Level("https://tsa.example.com/stamp", anchors_of(loopback))


def test_what_statements_say_of_a_level(loopback):
    named, long = (
        Signer("CN=Finance", False),
        Level("http://tsa.example.com:81/x", anchors_of(loopback)),
    )
    assert OUR_WORD.of(named) == Signer("CN=Finance", False, "", False)
    assert long.of(named) == Signer("CN=Finance", False, "tsa.example.com", True)
    assert long.of(DEVELOPMENT) == Signer("", True, "tsa.example.com", False)
    for one in (named, OUR_WORD.of(named), long.of(named)):
        assert Signer(**one.record()) == one
    assert named.record() == {"name": "CN=Finance", "development": False}


@pytest.mark.parametrize(
    ("authority", "content", "words"),
    [
        ("", "", "trust anchors are named and no time stamp authority"),
        ("http://tsa.example.com", "", "the trust anchors cannot be read"),
        ("http://tsa.example.com", None, "the trust anchors cannot be read"),
    ],
)
def test_anchors_that_cannot_be_used_are_said(authority, content, words, tmp_path, monkeypatch):
    path = tmp_path / "anchors.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(AUTHORITY_VARIABLE, authority)
    monkeypatch.setenv(ANCHORS_VARIABLE, str(path))
    with pytest.raises(Refusal, match=words) as stopped:
        asked_level()
    assert stopped.value.exit_code == BAD_USAGE


def test_the_same_rendered_pdf_is_signed_whatever_the_level(signed):
    digests = {
        hashlib.sha256(content[:rendered]).hexdigest() for content, rendered in signed.values()
    }
    assert digests == {
        hashlib.sha256(small_pdf(f"Statement of {unit}")).hexdigest() for unit in UNITS
    }
