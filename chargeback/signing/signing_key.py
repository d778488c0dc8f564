"""The signing key: whose it is, and how it signs, wherever it lies.

    CHARGEBACK_SIGNING_KEY          path of a PKCS#12 or PEM file: private key, certificate, those above it; or
                                    vault:<transit mount>/<key>, or kms:<key id, alias or ARN>: it stays there
    CHARGEBACK_SIGNING_PASSPHRASE   opens a file that is encrypted
    CHARGEBACK_SIGNING_CERTIFICATE  PEM file with the certificate of a key that stays where it is

Each of them may be among the secrets instead (chargeback/secrets): signing_key there is the content of the
file, as PEM or as PKCS#12 in base64. Without any, a development key is kept with the books; it is made when the
first statement is signed. Everything that can be wrong with a key is reported before anything long runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from chargeback.core.books_folders import Books
from chargeback.core.confidential import AGENT_VARIABLE, keep_secret, variable_of
from chargeback.secrets import Secret, find_secret, secret
from chargeback.signing import DEVELOPMENT, Signer
from chargeback.signing import key_file as files
from chargeback.signing.development_key import make_development_key, signing_usage
from chargeback.signing.elsewhere import is_elsewhere, key_elsewhere
from chargeback.signing.key_file import PASSPHRASE_VARIABLE, PrivateKey, PublicKey
from chargeback.signing.public_half import KeyElsewhere

__all__ = [
    "KEY_VARIABLE", "PASSPHRASE_VARIABLE", "PrivateKey", "SigningKey", "development_path", "find_signer",
    "make_development_key", "read_key", "signing_key", "signing_usage",
]  # fmt: skip

KEY_VARIABLE = variable_of("signing_key")


@dataclass(frozen=True)
class SigningKey:
    """A private key, here or elsewhere, with its certificate, and the certificates above it."""

    private_key: PrivateKey | KeyElsewhere
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
        """A signature with sha256: PKCS#1 v1.5 for RSA, else ECDSA; both are what every reader knows.

        Raises:
            Refusal: (exit 6) the key is elsewhere, and that place does not sign.
        """
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return self.private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self.private_key, ec.EllipticCurvePrivateKey):
            return self.private_key.sign(content, ec.ECDSA(hashes.SHA256()))
        return self.private_key.sign(content)

    def placeholder(self) -> bytes:
        """As many bytes as its longest signature has, to keep room for one."""
        return bytes(longest_signature(self.private_key.public_key()))


def longest_signature(public: PublicKey) -> int:
    """How many bytes a signature has at most: one number of the modulus' size, or two of the curve's in DER."""
    size = (public.key_size + 7) // 8
    if isinstance(public, rsa.RSAPublicKey):
        return size
    zero = public.key_size % 8 == 0  # before a first bit that is set
    numbers = 2 * (2 + zero + size)
    return numbers + (2 if numbers < 128 else 3)


def development_path(books: Books) -> Path:
    """Where the development key of these books is kept."""
    return books.root / "keys" / "development.pem"


def find_signer(books: Books) -> Signer:
    """Who will sign, with the key looked at but not made yet where there is none.

    Raises:
        Refusal: (exit 2) the key cannot be used; says why. (exit 6) the place where it is cannot be asked.
    """
    found = given_key()
    if found is None and development_path(books).exists():
        found = signing_key(books)
    return found.signer if found else DEVELOPMENT


def signing_key(books: Books) -> SigningKey:
    """The key that somebody gives, else the books' development key, made when there is none.

    Raises:
        Refusal: (exit 2) the key cannot be used; says why. (exit 6) the place where it is cannot be asked.
    """
    found = given_key()
    if found is not None:
        return found
    path = development_path(books)
    if not path.exists():
        make_development_key(path)
    return read_key(path, b"", development=True)


def given_key() -> SigningKey | None:
    """The key that the environment or the place of secrets gives; None where nobody does."""
    agent = os.environ.get(AGENT_VARIABLE)
    if agent:
        from chargeback.signing.asked_key import key_of_agent

        asked = key_of_agent(Path(agent))
        return SigningKey(*asked) if asked else None
    given = find_secret("signing_key")
    if not given.text:
        return None
    if is_elsewhere(given.text):
        return SigningKey(*key_elsewhere(given.text, *given_certificates(given.where)))
    content, where = content_of(given)
    if is_content(given):
        keep_secret(given.text)
    return SigningKey(*files.read_key(content, secret("signing_passphrase").encode(), where))


def given_certificates(of: str) -> tuple[list[x509.Certificate], list[str]]:
    """The certificates of a key that is elsewhere, and who gives them; none where nobody does."""
    given = find_secret("signing_certificate")
    if not given.text:
        return [], [variable_of("signing_certificate"), of]
    content, where = content_of(given)
    return files.read_certificates(content, where), where


def content_of(given: Secret) -> tuple[bytes, list[str]]:
    """The content of a key's or certificate's file, and where it is from.

    In the environment its path stands (or PEM itself); other places hold the content.
    """
    if not is_content(given):
        path = Path(given.text)
        where = [f"{path}, named by {given.where}"]
        return files.read_file(path, where), where
    return files.as_content(given.text, [given.where]), [given.where]


def is_content(given: Secret) -> bool:
    """Whether this is a file's content, and not its path."""
    return not given.in_environment or "-----BEGIN " in given.text


def read_key(path: Path, passphrase: bytes, development: bool = False) -> SigningKey:
    """The key and certificates of a file, checked.

    Raises:
        Refusal: (exit 2) the file, the passphrase or the certificate cannot be used; says why.
    """
    where = [str(path)]
    found = files.read_key(files.read_file(path, where), passphrase, where)
    return SigningKey(*found, development)
