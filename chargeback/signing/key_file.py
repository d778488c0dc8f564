"""Key files: a private key with its certificates, as PEM or PKCS#12, read and checked.

Everything that can be wrong with a key or a certificate is a refusal of its own here (exit 2), whether the key
is in a file, among the secrets of a place, or stays where it is (chargeback/signing/elsewhere.py).
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from chargeback.core.confidential import variable_of
from chargeback.core.errors import Refusal, bad_params

LEAST_RSA_BITS = 2048
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

PASSPHRASE_VARIABLE = variable_of("signing_passphrase")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_PRIVATE_BLOCK = re.compile(
    rb"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL
)


def read_file(path: Path, where: list[str]) -> bytes:
    """The content of a key's or certificate's file (exit 2 where it cannot be read)."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise bad_params(
            "the signing key cannot be read", "a PKCS#12 or PEM file",
            f"{type(error).__name__}: {error.strerror}", where,
        ) from None  # fmt: skip


def as_content(text: str, where: list[str]) -> bytes:
    """The content of a key file that is kept as text: PEM as it is, or PKCS#12 in base64."""
    if "-----BEGIN " in text:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _unusable(
            where, f"{len(text):,} characters that are neither PEM nor base64"
        ) from None


def read_key(
    content: bytes, passphrase: bytes, where: list[str]
) -> tuple[PrivateKey, x509.Certificate, tuple[x509.Certificate, ...]]:
    """The key of a content, its certificate, and those above it, checked.

    Raises:
        Refusal: (exit 2) content, passphrase or certificate cannot be used; says why.
    """
    if b"-----BEGIN " in content:
        private_key, certificates = _read_pem(where, content, passphrase)
    else:
        private_key, certificates = _read_pkcs12(where, content, passphrase)
    checked = check_kind(private_key, where)
    own, above = own_and_above(checked.public_key(), certificates, where)
    return checked, own, above


def own_and_above(
    public: PublicKey, certificates: list[x509.Certificate], where: list[str]
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The certificate of a key among several, which holds today and is for signing, and the others.

    Raises:
        Refusal: (exit 2) there is none, or it cannot be used.
    """
    own = [one for one in certificates if public_bytes(one.public_key()) == public_bytes(public)]
    if not own:
        raise bad_params(
            "the signing certificate does not belong to this key", "a certificate with the key's public half",
            ", ".join(one.subject.rfc4514_string() for one in certificates) or "no certificate", where,
        )  # fmt: skip
    check_certificate(where, own[0])
    return own[0], tuple(one for one in certificates if one != own[0])


def read_certificates(content: bytes, where: list[str]) -> list[x509.Certificate]:
    """The certificates of a PEM file (exit 2 where there is none)."""
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise bad_params(
            "the signing certificate cannot be read",
            "a PEM file with the key's certificate and those above it", str(error).splitlines()[0], where,
        ) from None  # fmt: skip


def _read_pem(
    where: list[str], content: bytes, passphrase: bytes
) -> tuple[object, list[x509.Certificate]]:
    block = _PRIVATE_BLOCK.search(content)
    if not block:
        raise _unusable(where, "a PEM file without a private key")
    try:
        try:
            private_key = _load_block(block[0], passphrase or None)
        except TypeError:
            if not passphrase:
                raise _wrong_passphrase(where, "none, and the key is encrypted") from None
            # A passphrase is given and the key is not encrypted.
            private_key = _load_block(block[0], None)
        certificates = (
            x509.load_pem_x509_certificates(content) if b"BEGIN CERTIFICATE" in content else []
        )
    except ValueError as error:
        if b"ENCRYPTED" in block[0]:
            raise _wrong_passphrase(where, "another one") from None
        raise _unusable(where, str(error).splitlines()[0]) from None
    except UnsupportedAlgorithm as error:
        raise _unusable(where, str(error)) from None
    return private_key, certificates


@functools.lru_cache(maxsize=4)
def _load_block(block: bytes, passphrase: bytes | None) -> object:
    """A private key, whose numbers are checked when it is read first: a close asks for it several times."""
    return serialization.load_pem_private_key(block, passphrase)


def _read_pkcs12(
    where: list[str], content: bytes, passphrase: bytes
) -> tuple[object, list[x509.Certificate]]:
    try:
        asn1_pkcs12.Pfx.load(content, strict=True).native  # noqa: B018  parses lazily
    except (ValueError, TypeError):
        raise _unusable(where, f"{len(content):,} bytes that are neither") from None
    try:
        private_key, own, others = pkcs12.load_key_and_certificates(content, passphrase or None)
    except ValueError:
        raise _wrong_passphrase(where, "another one" if passphrase else "none") from None
    except UnsupportedAlgorithm as error:
        raise _unusable(where, str(error)) from None
    return private_key, [*([own] if own else []), *others]


def check_kind(key: object, where: list[str]) -> PrivateKey:
    """A private key of a kind that PDF readers check (exit 2 where it is of another)."""
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, CURVES):
        return key
    size = getattr(key, "key_size", "")
    raise other_kind(f"{type(key).__name__.strip('_')} {size}".strip(), where)


def other_kind(found: str, where: list[str]) -> Refusal:
    """That a key is of a kind that PDF readers do not check."""
    return bad_params(
        "the signing key is of a kind that PDF readers do not check",
        f"RSA of {LEAST_RSA_BITS} bits or more, or a key on the curve P-256, P-384 or P-521", found, where,
    )  # fmt: skip


def check_certificate(where: list[str], certificate: x509.Certificate) -> None:
    """Stop when a certificate is not valid today, or not meant for signing (exit 2)."""
    now, subject = datetime.now(UTC), certificate.subject.rfc4514_string()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise bad_params(
            "the signing certificate has expired", "one that holds today",
            f"{subject}, valid until {ends:%Y-%m-%d %H:%M} UTC", where,
            ["have it renewed; periods that it signed stay signed"],
        )  # fmt: skip
    if now < begins:
        raise bad_params(
            "the signing certificate is not valid yet", "one that holds today",
            f"{subject}, valid from {begins:%Y-%m-%d %H:%M} UTC", where,
        )  # fmt: skip
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise bad_params(
            "the signing certificate is not meant for signing",
            "the key usage digitalSignature or nonRepudiation", subject, where,
        )  # fmt: skip


def public_bytes(public: object) -> bytes:
    """A public key, to compare."""
    found: bytes = public.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found


def _unusable(where: list[str], found: str) -> Refusal:
    return bad_params(
        "the signing key's file cannot be used",
        "a PKCS#12 or PEM file with a private key and its certificate", found, where,
    )  # fmt: skip


def _wrong_passphrase(where: list[str], found: str) -> Refusal:
    return bad_params(
        "the passphrase does not open the signing key", f"the one of the file, in {PASSPHRASE_VARIABLE}",
        found, where,
    )  # fmt: skip
