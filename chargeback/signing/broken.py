"""Broken: what makes a signature or a time stamp not hold, said in one way for both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm


class Broken(Exception):
    """Something that was signed does not hold; its text says why."""


@contextlib.contextmanager
def broken_as(kind: type[Broken]) -> Iterator[None]:
    """Whatever a changed byte makes a parser stumble over ends in one kind of exception."""
    try:
        yield
    except Broken as error:
        raise kind(str(error)) from None
    except InvalidSignature:
        raise kind("it is not of the key of its certificate") from None
    except Exception as error:
        raise kind(f"it cannot be read: {type(error).__name__}") from None


def check_value(certificate: bytes, content: bytes, value: bytes, digest: HashAlgorithm) -> None:
    """Whether a value is the signature of a content by the key of a certificate, in DER.

    Raises:
        InvalidSignature: it is not.
        Broken: the key is of another kind than those that sign here.
    """
    public = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(value, content, padding.PKCS1v15(), digest)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(value, content, ec.ECDSA(digest))
    else:
        raise Broken("its key is neither RSA nor on a curve")
