"""Keys of a certificate authority that exists in these tests only, and the files that hold them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from chargeback.signing.signing_key import PrivateKey, signing_usage

TODAY = datetime.now(UTC)
DAY = timedelta(days=1)
PASSPHRASE = "correct horse"


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def named(name: str) -> x509.Name:
    """A subject."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Health"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def certificate(
    private_key: PrivateKey,
    name: str = "Example Health Finance",
    issuer: tuple[x509.Certificate, PrivateKey] | None = None,
    begins: datetime = TODAY - DAY,
    ends: datetime = TODAY + 365 * DAY,
    usage: x509.KeyUsage | None = None,
    is_authority: bool = False,
) -> x509.Certificate:
    """A certificate of a key, signed by an issuer or by itself."""
    above, issuing_key = issuer or (None, private_key)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(above.subject if above else named(name))
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage or signing_usage(), critical=True)
        .sign(issuing_key, hashes.SHA256())
    )


def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """An authority's certificate and key."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    own = certificate(private_key, "Example Health CA", usage=usage, is_authority=True)
    return own, private_key


def pem(private_key: PrivateKey, *certificates: x509.Certificate, passphrase: str = "") -> bytes:
    """A PEM file; the certificates come first, as some authorities deliver it."""
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return b"".join(
        one.public_bytes(serialization.Encoding.PEM) for one in certificates
    ) + private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def p12(private_key: PrivateKey, own: x509.Certificate, *above: x509.Certificate) -> bytes:
    """A PKCS#12 file that the passphrase opens."""
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    return pkcs12.serialize_key_and_certificates(b"finance", private_key, own, above, encryption)


def written(folder: Path, content: bytes, name: str = "key.pem") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content)
    return path
