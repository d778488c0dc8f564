"""Keys that stay where they are: Vault's or OpenBao's transit engine, AWS KMS. They sign; nobody reads them.

What always holds: the key's public half, which its place tells, is that of a certificate that is given here, or
the key is not used at all; and what the place signed is checked against it before it is used.
"""

from __future__ import annotations

from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from chargeback.core.errors import bad_params, unreachable
from chargeback.signing.key_file import (
    LEAST_RSA_BITS,
    PublicKey,
    other_kind,
    own_and_above,
    public_bytes,
)

VAULT, KMS = "vault:", "kms:"


class KeyElsewhere(Protocol):
    """A key that only its place has."""

    def public_key(self) -> PublicKey:
        """Its public half."""

    def sign(self, content: bytes) -> bytes:
        """A signature with sha256: PKCS#1 v1.5 for RSA, else ECDSA (exit 6 where the place gives none)."""


def is_elsewhere(named: str) -> bool:
    """Whether this names a key that stays where it is."""
    return named.startswith((VAULT, KMS))


def key_elsewhere(
    named: str, certificates: list[x509.Certificate], where: list[str]
) -> tuple[KeyElsewhere, x509.Certificate, tuple[x509.Certificate, ...]]:
    """A key that stays where it is, its certificate, and those above it, checked.

    Args:
        certificates: one of them is the key's; of a key with several versions, it says which of them signs.
        where: who gives them.

    Raises:
        Refusal: (exit 2) there is no such certificate, or the key is of a kind that does not sign here;
            (exit 6) the place is not reached, denies it, or has no such key.
    """
    where = [named, *where]
    if not certificates:
        raise bad_params(
            "the signing key has no certificate", "a PEM file with the key's certificate and those above it",
            "nothing", where,
            ["docs/secrets.md says how to have one made for a key that stays where it is"],
        )  # fmt: skip
    keys = _keys_of(named, where)
    theirs = {public_bytes(one.public_key()) for one in certificates}
    chosen = next((one for one in keys if public_bytes(one.public_key()) in theirs), keys[0])
    return chosen, *own_and_above(chosen.public_key(), certificates, where)


def _keys_of(named: str, where: list[str]) -> list[KeyElsewhere]:
    """The versions of a key, the newest first."""
    if named.startswith(VAULT):
        from chargeback.signing.transit import transit_keys

        return list(transit_keys(named.removeprefix(VAULT), where))
    from chargeback.signing.kms import kms_key

    return [kms_key(named.removeprefix(KMS), where)]


def public_half(
    content: bytes, curves: tuple[type[ec.EllipticCurve], ...], where: list[str]
) -> PublicKey:
    """A public key in PEM or DER, of a kind that signs here.

    Raises:
        Refusal: (exit 2) it is of another.
    """
    try:
        load = load_pem_public_key if content.startswith(b"-----") else load_der_public_key
        public = load(content)
    except ValueError:
        raise other_kind("one that cannot be read", where) from None
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= LEAST_RSA_BITS:
        return public
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, curves):
        return public
    size = getattr(public, "key_size", "")
    raise other_kind(f"{type(public).__name__.strip('_')} {size}".strip(), where)


def checked(value: bytes, content: bytes, public: PublicKey, place: str) -> bytes:
    """A signature that a place made, when it is one (exit 6 where it is none)."""
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(value, content, padding.PKCS1v15(), hashes.SHA256())
        else:
            public.verify(value, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise unreachable(
            "what the signing key's place answered is no signature of the key", "a signature with sha256",
            f"{len(value):,} bytes that are none", [place],
            ["nothing was published; see that the place is the one that is meant, and run it again"],
        ) from None  # fmt: skip
    return value
