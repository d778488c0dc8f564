"""Detached signatures: openssl agrees with us, and no byte of one can change."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.signing.cms import BrokenSignature, check_detached, sign_detached
from chargeback.signing.signing_key import SigningKey
from tests.programs import program
from tests.signing.key_files import authority, certificate, rsa_key

CONTENT = b'{"billing_period": "2026-05"}\n'
ABOVE = authority()


def key_of(kind: str) -> SigningKey:
    """A key of a kind, with a certificate of the authority."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    private_key = rsa_key() if kind == "RSA" else ec.generate_private_key(curves[kind])
    return SigningKey(private_key, certificate(private_key, issuer=ABOVE), (ABOVE[0],))


KEYS = {kind: key_of(kind) for kind in ("RSA", "P-256", "P-384", "P-521")}


@pytest.mark.parametrize("kind", KEYS)
def test_openssl_verifies_it_against_the_authority_and_nothing_else(kind, tmp_path):
    openssl = program("openssl")
    (tmp_path / "manifest.json").write_bytes(CONTENT)
    (tmp_path / "manifest.json.p7s").write_bytes(sign_detached(CONTENT, KEYS[kind]))
    (tmp_path / "authority.pem").write_bytes(ABOVE[0].public_bytes(Encoding.PEM))
    (tmp_path / "stranger.pem").write_bytes(authority()[0].public_bytes(Encoding.PEM))

    def verifies(trusted: str) -> bool:
        done = subprocess.run(
            [openssl, "cms", "-verify", "-inform", "DER", "-binary", "-in", "manifest.json.p7s",
             "-content", "manifest.json", "-CAfile", trusted, "-out", "/dev/null"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ("CMS Verification successful" in done.stderr) == (done.returncode == 0)
        return done.returncode == 0

    assert verifies("authority.pem")
    assert not verifies("stranger.pem")
    (tmp_path / "manifest.json").write_bytes(CONTENT.replace(b"05", b"06"))
    assert not verifies("authority.pem")


@pytest.mark.parametrize("kind", KEYS)
def test_it_says_who_signed_what_and_when(kind):
    key = KEYS[kind]
    found = check_detached(sign_detached(CONTENT, key))
    assert found.certificate == key.certificate
    assert found.content_sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert found.signed_at is not None and found.signed_at.tzinfo is not None
    above = [one.public_bytes(Encoding.DER) for one in key.above]
    assert list(found.certificates[1:]) == above


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RSA", "P-256"])
def test_no_byte_of_it_can_change_unnoticed(kind):
    """Not even where nothing is signed: the certificates above, the names of algorithms."""
    signature = sign_detached(CONTENT, KEYS[kind])
    for place in range(0, len(signature), 5):
        flipped = bytearray(signature)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(BrokenSignature):
            check_detached(bytes(flipped))


@pytest.mark.parametrize(
    "broken", [b"", b"\0", b"nothing", lambda one: one + b"\0", lambda one: one[:-1]]
)
def test_what_is_no_signature_is_said_to_be_none(broken):
    signature = sign_detached(CONTENT, KEYS["P-256"])
    with pytest.raises(BrokenSignature):
        check_detached(broken(signature) if callable(broken) else broken)


def test_a_signature_with_another_key_than_that_of_its_certificate_is_broken():
    own, other = KEYS["RSA"], rsa_key()
    with pytest.raises(BrokenSignature, match="not of the key of its certificate"):
        check_detached(sign_detached(CONTENT, SigningKey(other, own.certificate)))
