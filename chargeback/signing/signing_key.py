"""The signing key: from the file that the environment names, else a development key kept with the books.

    CHARGEBACK_SIGNING_KEY          path of a PKCS#12 or PEM file: private key, certificate, those above it
    CHARGEBACK_SIGNING_PASSPHRASE   opens it, if it is encrypted

Everything that can be wrong with a key is reported before anything long runs. The development key is made when
the first statement is signed, once per set of books.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.signing import DEVELOPMENT, Signer

KEY_VARIABLE, PASSPHRASE_VARIABLE = "CHARGEBACK_SIGNING_KEY", "CHARGEBACK_SIGNING_PASSPHRASE"

LEAST_RSA_BITS = 2048
DEVELOPMENT_YEARS = 10
DEVELOPMENT_NAME = "Chargeback development key"
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_PRIVATE_BLOCK = re.compile(
    rb"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL
)


@dataclass(frozen=True)
class SigningKey:
    """A private key with its certificate, and the certificates above it."""

    private_key: PrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()
    development: bool = False

    @property
    def signer(self) -> Signer:
        """Who signs with it."""
        if self.development:
            return DEVELOPMENT
        return Signer(self.certificate.subject.rfc4514_string(), False)

    @property
    def certificates_pem(self) -> bytes:
        """Its certificate and those above it, as openssl reads them."""
        return b"".join(
            one.public_bytes(serialization.Encoding.PEM) for one in (self.certificate, *self.above)
        )

    def sign(self, content: bytes) -> bytes:
        """A signature with sha256: PKCS#1 v1.5 for RSA, else ECDSA; both are what every reader knows."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        return self.private_key.sign(content, ec.ECDSA(hashes.SHA256()))


def development_path(books: Books) -> Path:
    """Where the development key of these books is kept."""
    return books.root / "keys" / "development.pem"


def find_signer(books: Books) -> Signer:
    """Who will sign, with the key looked at but not made yet where there is none.

    Raises:
        Refusal: (exit 2) the key cannot be used; says why.
    """
    if os.environ.get(KEY_VARIABLE) or development_path(books).exists():
        return signing_key(books).signer
    return DEVELOPMENT


def signing_key(books: Books) -> SigningKey:
    """The key that the environment names, else the books' development key, made when there is none.

    Raises:
        Refusal: (exit 2) the key cannot be used; says why.
    """
    named = os.environ.get(KEY_VARIABLE, "")
    if named:
        return read_key(Path(named), os.environ.get(PASSPHRASE_VARIABLE, "").encode())
    path = development_path(books)
    if not path.exists():
        make_development_key(path)
    return read_key(path, b"", development=True)


def read_key(path: Path, passphrase: bytes, development: bool = False) -> SigningKey:
    """The key and certificates of a file, checked.

    Raises:
        Refusal: (exit 2) the file, the passphrase or the certificate cannot be used; says why.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise bad_params(
            "the signing key cannot be read", "a PKCS#12 or PEM file",
            f"{type(error).__name__}: {error.strerror}", _where(path),
        ) from None  # fmt: skip
    if b"-----BEGIN " in content:
        private_key, certificates = _read_pem(path, content, passphrase)
    else:
        private_key, certificates = _read_pkcs12(path, content, passphrase)
    _check_kind(path, private_key)
    own = [one for one in certificates if _public_bytes(one) == _public_bytes(private_key)]
    if not own:
        raise bad_params(
            "the signing certificate does not belong to this key", "a certificate with the key's public half",
            ", ".join(one.subject.rfc4514_string() for one in certificates) or "no certificate",
            _where(path),
        )  # fmt: skip
    check_certificate(path, own[0])
    above = tuple(one for one in certificates if one != own[0])
    return SigningKey(private_key, own[0], above, development)  # type: ignore[arg-type]


def _read_pem(
    path: Path, content: bytes, passphrase: bytes
) -> tuple[object, list[x509.Certificate]]:
    block = _PRIVATE_BLOCK.search(content)
    if not block:
        raise _unusable(path, "a PEM file without a private key")
    try:
        try:
            private_key = _load_block(block[0], passphrase or None)
        except TypeError:
            if not passphrase:
                raise _wrong_passphrase(path, "none, and the key is encrypted") from None
            # A passphrase is given and the key is not encrypted.
            private_key = _load_block(block[0], None)
        certificates = (
            x509.load_pem_x509_certificates(content) if b"BEGIN CERTIFICATE" in content else []
        )
    except ValueError as error:
        if b"ENCRYPTED" in block[0]:
            raise _wrong_passphrase(path, "another one") from None
        raise _unusable(path, str(error).splitlines()[0]) from None
    except UnsupportedAlgorithm as error:
        raise _unusable(path, str(error)) from None
    return private_key, certificates


@functools.lru_cache(maxsize=4)
def _load_block(block: bytes, passphrase: bytes | None) -> object:
    """A private key, whose numbers are checked when it is read first: a close asks for it several times."""
    return serialization.load_pem_private_key(block, passphrase)


def _read_pkcs12(
    path: Path, content: bytes, passphrase: bytes
) -> tuple[object, list[x509.Certificate]]:
    try:
        asn1_pkcs12.Pfx.load(content, strict=True).native  # noqa: B018  parses lazily
    except (ValueError, TypeError):
        raise _unusable(path, f"{len(content):,} bytes that are neither") from None
    try:
        private_key, own, others = pkcs12.load_key_and_certificates(content, passphrase or None)
    except ValueError:
        raise _wrong_passphrase(path, "another one" if passphrase else "none") from None
    except UnsupportedAlgorithm as error:
        raise _unusable(path, str(error)) from None
    return private_key, [*([own] if own else []), *others]


def _check_kind(path: Path, private_key: object) -> None:
    if isinstance(private_key, rsa.RSAPrivateKey) and private_key.key_size >= LEAST_RSA_BITS:
        return
    if isinstance(private_key, ec.EllipticCurvePrivateKey) and isinstance(
        private_key.curve, CURVES
    ):
        return
    size = getattr(private_key, "key_size", "")
    raise bad_params(
        "the signing key is of a kind that PDF readers do not check",
        f"RSA of {LEAST_RSA_BITS} bits or more, or a key on the curve P-256, P-384 or P-521",
        f"{type(private_key).__name__.strip('_')} {size}".strip(), _where(path),
    )  # fmt: skip


def check_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Stop when a certificate is not valid today, or not meant for signing (exit 2)."""
    now, subject = datetime.now(UTC), certificate.subject.rfc4514_string()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise bad_params(
            "the signing certificate has expired", "one that holds today",
            f"{subject}, valid until {ends:%Y-%m-%d %H:%M} UTC", _where(path),
            ["have it renewed; periods that it signed stay signed"],
        )  # fmt: skip
    if now < begins:
        raise bad_params(
            "the signing certificate is not valid yet", "one that holds today",
            f"{subject}, valid from {begins:%Y-%m-%d %H:%M} UTC", _where(path),
        )  # fmt: skip
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise bad_params(
            "the signing certificate is not meant for signing",
            "the key usage digitalSignature or nonRepudiation", subject, _where(path),
        )  # fmt: skip


def make_development_key(path: Path) -> None:
    """Write a new key with a certificate that it signed itself; it appears whole or not at all."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=LEAST_RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEVELOPMENT_NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * DEVELOPMENT_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signing_usage(), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()), critical=False
        )
        .sign(private_key, hashes.SHA256())
    )
    content = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)


def signing_usage() -> x509.KeyUsage:
    """What a certificate that signs statements is for."""
    return x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _public_bytes(holder: object) -> bytes:
    """The public half of a key or of a certificate's key, to compare."""
    public: bytes = holder.public_key().public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


def _where(path: Path) -> list[str]:
    return [f"{path}, named by {KEY_VARIABLE}" if os.environ.get(KEY_VARIABLE) else str(path)]


def _unusable(path: Path, found: str) -> Exception:
    return bad_params(
        "the signing key's file cannot be used",
        "a PKCS#12 or PEM file with a private key and its certificate", found, _where(path),
    )  # fmt: skip


def _wrong_passphrase(path: Path, found: str) -> Exception:
    return bad_params(
        "the passphrase does not open the signing key", f"the one of the file, in {PASSPHRASE_VARIABLE}",
        found, _where(path),
    )  # fmt: skip
