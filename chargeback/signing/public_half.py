"""The public half of a key that stays where it is, by which everything is checked that its place answers."""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from chargeback.core.errors import unreachable
from chargeback.signing.key_file import LEAST_RSA_BITS, PublicKey, other_kind


class KeyElsewhere(Protocol):
    """A key that only its place has."""

    def public_key(self) -> PublicKey:
        """Its public half."""

    def sign(self, content: bytes) -> bytes:
        """A signature with sha256: PKCS#1 v1.5 for RSA, else ECDSA (exit 6 where the place gives none)."""


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
