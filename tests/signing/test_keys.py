"""Which key signs, and that a key which cannot sign is said before anything else happens."""

from __future__ import annotations

import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chargeback.cli import main
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.signing import DEVELOPMENT, Signer
from chargeback.signing.signing_key import (
    KEY_VARIABLE,
    PASSPHRASE_VARIABLE,
    SigningKey,
    development_path,
    find_signer,
    read_key,
    signing_key,
)
from tests.close.months import MAY, write_month
from tests.signing.key_files import (
    DAY,
    PASSPHRASE,
    TODAY,
    authority,
    certificate,
    p12,
    pem,
    rsa_key,
    written,
)
from tests.verify.books import close_small

KEY = rsa_key()
OWN = certificate(KEY)


def read(path, passphrase: str = "") -> SigningKey:
    return read_key(path, passphrase.encode())


def test_a_development_key_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    books = Books(tmp_path / "books")
    assert find_signer(books) == DEVELOPMENT
    assert not development_path(books).exists()  # looking makes none
    first, second = signing_key(books), signing_key(books)
    assert first.certificate == second.certificate
    assert first.signer == DEVELOPMENT
    path = development_path(books)
    assert path == books.root / "keys" / "development.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["pem", "encrypted pem", "p12"])
def test_a_key_file_gives_key_certificate_and_those_above(kind, tmp_path, monkeypatch):
    above, issuing = authority()
    own = certificate(KEY, issuer=(above, issuing))
    content = {
        "pem": lambda: pem(KEY, above, own),
        "encrypted pem": lambda: pem(KEY, above, own, passphrase=PASSPHRASE),
        "p12": lambda: p12(KEY, own, above),
    }[kind]()
    monkeypatch.setenv(KEY_VARIABLE, str(written(tmp_path, content)))
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)
    found = signing_key(Books(tmp_path / "books"))
    assert (found.certificate, found.above, found.development) == (own, (above,), False)
    assert found.signer == Signer("CN=Example Health Finance,O=Example Health", False)
    assert not (tmp_path / "books").exists()


def ed25519_pem() -> bytes:
    private_key = ed25519.Ed25519PrivateKey.generate()
    return private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


NOT_TO_SIGN = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=True,
    data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
    encipher_only=False, decipher_only=False,
)  # fmt: skip

#: What is wrong -> the file's content, the passphrase, and what the refusal says.
UNUSABLE = {
    "no key at all": (lambda: b"-----BEGIN CERTIFICATE-----\n", "", "file cannot be used"),
    "not a key file": (lambda: b"\x89PNG\r\n\x1a\n", "", "file cannot be used"),
    "an empty file": (lambda: b"", "", "file cannot be used"),
    "a key cut short": (lambda: pem(KEY, OWN)[:-200], "", "file cannot be used"),
    "a damaged key": (
        lambda: pem(KEY).replace(b"\nM", b"\n!", 1) + pem(KEY, OWN), "", "file cannot be used",
    ),
    "another passphrase": (
        lambda: pem(KEY, OWN, passphrase=PASSPHRASE), "wrong", "passphrase does not open",
    ),
    "no passphrase": (
        lambda: pem(KEY, OWN, passphrase=PASSPHRASE), "", "passphrase does not open",
    ),
    "another passphrase of a PKCS#12": (lambda: p12(KEY, OWN), "wrong", "passphrase does not open"),
    "no passphrase of a PKCS#12": (lambda: p12(KEY, OWN), "", "passphrase does not open"),
    "no certificate": (lambda: pem(KEY), "", "does not belong to this key"),
    "another key's certificate": (
        lambda: pem(KEY, certificate(rsa_key())), "", "does not belong to this key",
    ),
    "an expired certificate": (
        lambda: pem(KEY, certificate(KEY, begins=TODAY - 9 * DAY, ends=TODAY - DAY)), "",
        "certificate has expired",
    ),
    "a certificate of tomorrow": (
        lambda: pem(KEY, certificate(KEY, begins=TODAY + DAY)), "", "certificate is not valid yet",
    ),
    "a certificate to encipher with": (
        lambda: pem(KEY, certificate(KEY, usage=NOT_TO_SIGN)), "", "is not meant for signing",
    ),
    "a short RSA key": (
        lambda: pem(short := rsa_key(1024), certificate(short)), "", "of a kind that PDF readers",
    ),
    "a key that PDF readers do not know": (ed25519_pem, "", "of a kind that PDF readers"),
    "a curve that they do not know": (
        lambda: pem(odd := ec.generate_private_key(ec.SECP256K1()), certificate(odd)), "",
        "of a kind that PDF readers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_cannot_sign_is_refused_with_the_reason(name, tmp_path):
    content, passphrase, words = UNUSABLE[name]
    path = written(tmp_path, content())
    with pytest.raises(Refusal) as refused:
        read(path, passphrase)
    assert refused.value.exit_code == BAD_USAGE
    assert words in refused.value.what
    assert refused.value.expected and refused.value.found and refused.value.todo
    assert refused.value.where == [str(path)]
    assert PASSPHRASE not in refused.value.block()


def test_a_key_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "absent.pem", tmp_path):
        with pytest.raises(Refusal, match="the signing key cannot be read"):
            read(path)


def test_a_passphrase_that_is_not_needed_does_no_harm(tmp_path):
    assert read(written(tmp_path, pem(KEY, OWN)), PASSPHRASE).certificate == OWN


def test_a_close_says_it_before_it_reads_the_report(tmp_path, monkeypatch, capsys):
    month = write_month(tmp_path)
    path = written(tmp_path, pem(KEY, certificate(KEY, ends=TODAY - DAY / 2)))
    monkeypatch.setenv(KEY_VARIABLE, str(path))
    monkeypatch.setattr(stages, "run_stage_notebook", pytest.fail)
    assert main(["monthly-close", MAY, *month.options]) == BAD_USAGE
    refused = capsys.readouterr().err
    assert refused.startswith("STOPPED  the signing certificate has expired")
    assert f"{path}, named by {KEY_VARIABLE}" in refused
    assert not month.books.root.exists()


def test_a_key_that_changes_while_a_period_is_closed_is_noticed(tmp_path, monkeypatch):
    """Statements and manifest are signed by one certificate, or nothing is published."""
    month = write_month(tmp_path)
    publish = close.publish

    def publish_with_another_key(closing):
        monkeypatch.setattr(
            "chargeback.delivery.publish.signing_key", lambda books: SigningKey(KEY, OWN)
        )
        publish(closing)

    monkeypatch.setattr(close, "publish", publish_with_another_key)
    with pytest.raises(Refusal, match=f"the signing key changed while {MAY} was being closed"):
        close_small(month, MAY)
    assert not month.books.ledger(MAY).exists() and not month.books.statements(MAY).exists()
