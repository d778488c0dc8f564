"""Time stamps of an authority outside: asked for, checked to the last byte, kept, missed when they are gone.

Good answers are of a real authority (`tests.signing.loopback`), bad ones and some of another make of openssl.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE
from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, UNREACHABLE, Refusal
from chargeback.signing.asking import MOST_BYTES
from chargeback.signing.cms import BrokenSignature, check_detached, sign_detached
from chargeback.signing.pades import Stamper, sign_pdf
from chargeback.signing.signing_key import SigningKey, signing_key
from chargeback.signing.time_stamp import (
    AUTHORITY_VARIABLE,
    BrokenStamp,
    TimeStamp,
    check_certificate,
    time_stamp_authority,
)
from tests.close.months import JUNE, MAY, write_month
from tests.programs import program
from tests.signing.authority import Authority, serving, stamping_certificate
from tests.signing.key_files import TODAY, certificate, rsa_key
from tests.signing.loopback import serving as serving_loopback
from tests.signing.loopback import write_loopback
from tests.signing.pdfs import small_pdf
from tests.verify.books import close_small

pytestmark = pytest.mark.slow

KEY = rsa_key()
OWN = SigningKey(KEY, certificate(KEY))


@pytest.fixture
def authority(tmp_path) -> Authority:
    """An authority that nobody serves yet."""
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


def test_a_stamped_signature_holds_for_openssl_and_says_when_it_was_there(served, tmp_path):
    before = datetime.now(UTC) - timedelta(seconds=2)
    signature = sign_detached(b"content", OWN, authority=served.address())
    stamp = check_detached(signature).stamp
    assert (
        stamp and stamp.authority.subject.rfc4514_string() == "CN=Loopback Stamps,O=Loopback,C=US"
    )
    assert before <= stamp.at <= datetime.now(UTC) + timedelta(seconds=2)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "content").write_bytes(b"content")
    (tmp_path / "above.pem").write_bytes(served.certificates("root"))
    (tmp_path / "own.pem").write_bytes(stamp.authority.public_bytes(Encoding.PEM))
    (signer,) = cms.ContentInfo.load(signature)["content"]["signer_infos"]
    (tmp_path / "value").write_bytes(signer["signature"].native)
    (tmp_path / "token").write_bytes(signer["unsigned_attrs"][0]["values"][0].dump())
    for arguments in (
        ["cms", "-verify", "-inform", "DER", "-binary", "-in", "signature", "-content", "content",
         "-noverify", "-out", "/dev/null"],
        ["ts", "-verify", "-token_in", "-in", "token", "-data", "value", "-CAfile", "above.pem",
         "-untrusted", "own.pem"],
    ):  # fmt: skip
        done = subprocess.run(
            [program("openssl"), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["loopback", "rsa", "curve"])
def test_no_byte_of_a_stamped_signature_changes_unnoticed(kind, served, tmp_path):
    key = ec.generate_private_key(ec.SECP384R1()) if kind == "curve" else None
    made = Authority(tmp_path, key, "sha384" if kind == "curve" else "sha256")
    with serving(made) as address:
        asked = served.address() if kind == "loopback" else address
        signature = sign_detached(b"content", OWN, authority=asked)
    assert made.asked == (kind != "loopback")
    unnoticed = []
    for at in range(len(signature)):
        changed = bytearray(signature)
        changed[at] ^= 1 << at % 8
        try:
            check_detached(bytes(changed))
        except BrokenSignature:
            continue
        unnoticed.append(at)
    assert unnoticed == []


def test_a_stamp_of_another_signature_does_not_hold(served):
    one, other = (
        sign_detached(each, OWN, authority=served.address()) for each in (b"one", b"other")
    )
    taken = cms.ContentInfo.load(other)["content"]["signer_infos"][0]["unsigned_attrs"]
    content = cms.ContentInfo.load(one)
    content["content"]["signer_infos"][0]["unsigned_attrs"] = taken
    with pytest.raises(
        BrokenSignature, match="its time stamp does not hold: it is of another signature"
    ):
        check_detached(content.dump(force=True))


def sign_manifest(content: bytes, address: str) -> None:
    sign_detached(content, OWN, authority=address)


def sign_a_pdf(content: bytes, address: str) -> None:
    sign_pdf(small_pdf(content.decode()), OWN, "May", Stamper(address))


def replayed(authority: Authority) -> None:
    """Answers the first question ever."""
    answer = authority.answer
    kept: list[bytes] = []
    authority.answer = lambda query: kept[0] if kept else kept.append(answer(query)) or kept[0]  # type: ignore


def refusing(authority: Authority) -> None:
    """Says that the request is bad: status 2, rejection."""
    authority.answer = lambda query: bytes.fromhex("30053003020102")  # type: ignore[method-assign]


def talking(authority: Authority) -> None:
    """A web page."""
    authority.answer = lambda query: b"<html>"  # type: ignore[method-assign]


def flooding(authority: Authority) -> None:
    """More than anybody should read."""
    authority.answer = lambda query: bytes(MOST_BYTES + 1)  # type: ignore[method-assign]


@pytest.mark.parametrize("change, words", [
    (replayed, "an answer to another question"), (refusing, "the answer rejection"),
    (talking, "an answer that cannot be read"), (flooding, "an answer of more than 1,000,000 bytes"),
])  # fmt: skip
@pytest.mark.parametrize("sign", [sign_manifest, sign_a_pdf])
def test_an_answer_that_is_no_stamp_of_this_signature_is_refused(sign, change, words, authority):
    change(authority)
    with serving(authority) as address, pytest.raises(Refusal) as refused:
        for content in (b"first", b"second"):
            sign(content, address)
    assert refused.value.exit_code == UNREACHABLE
    assert refused.value.what == "the time stamp authority gave no time stamp"
    assert words in refused.value.found


@pytest.mark.parametrize(
    ("usage", "at", "words"),
    [(False, TODAY, "is not one for time stamps"), (True, TODAY + timedelta(days=366), "did not hold")],
)  # fmt: skip
def test_a_certificate_that_is_for_something_else_or_out_of_date_stamps_nothing(usage, at, words):
    """As a forger has one: openssl would not stamp with it."""
    own = stamping_certificate(rsa_key(), usage).public_bytes(Encoding.DER)
    with pytest.raises(BrokenStamp, match=words):
        check_certificate(TimeStamp(at, own))


def test_an_authority_that_does_not_answer_closes_nothing(tmp_path, monkeypatch):
    month = write_month(tmp_path)
    with serving_loopback(silent := write_loopback(tmp_path / "loopback")):
        monkeypatch.setenv(AUTHORITY_VARIABLE, silent.address())
    with pytest.raises(Refusal, match="the time stamp authority gave no time stamp"):
        close_small(month, MAY)
    assert not month.books.ledger(MAY).exists() and not month.books.statements(MAY).exists()
    monkeypatch.delenv(AUTHORITY_VARIABLE)
    close_small(month, MAY)
    assert month.books.closed_periods() == [MAY]


@pytest.mark.parametrize(
    "text",
    [
        "tsa.example.com",
        "ftp://tsa.example.com",
        "https://",
        "http://[::1",
        "https://me:secret@tsa.example.com",
    ],
)
def test_what_is_no_address_is_said_before_anything_runs(text, tmp_path, monkeypatch):
    monkeypatch.setenv(AUTHORITY_VARIABLE, text)
    with pytest.raises(Refusal, match="the time stamp authority is not an address") as refused:
        close_small(write_month(tmp_path), MAY)
    assert refused.value.exit_code == BAD_USAGE and not (tmp_path / "books").exists()
    assert "secret" not in str(vars(refused.value))


def test_verify_prints_stamps_and_misses_one_that_was_taken_off(
    served, tmp_path, monkeypatch, capsys
):
    assert time_stamp_authority() == ""
    month = write_month(tmp_path)
    close_small(month, MAY)
    monkeypatch.setenv(AUTHORITY_VARIABLE, f" {served.address()} ")
    close_small(month, JUNE)
    assert main(["verify", "--books", str(month.books.root)]) == DONE
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "time stamps of" in one]
    assert line.startswith("time stamps of CN=Loopback Stamps,O=Loopback,C=US (sha256 ")
    assert f": {JUNE} at {datetime.now(UTC):%Y-%m-}" in line and MAY not in line
    path = Path(month.books.ledger(JUNE) / MANIFEST)
    bare = sign_detached(path.read_bytes(), signing_key(month.books))
    (path.with_name(MANIFEST_SIGNATURE)).write_bytes(bare)
    assert main(["verify", "--books", str(month.books.root)]) == CONTROL_FAILED
    assert (
        f"{JUNE}/manifest.json.p7s: none, instead of a time stamp of {served.address()}"
        in capsys.readouterr().err
    )
