"""Time stamps: an authority outside says when a signature was there (RFC 3161), of a manifest or of a PDF.

    CHARGEBACK_TIME_STAMP_AUTHORITY   its address, such as https://tsa.example.com; blank for no time stamp

The authority signs the sha256 of the signature's value with its own clock and certificate. Its answer is kept
inside of the signature, where `openssl cms -verify` passes it by and readers of CAdES and PAdES find it. What
always holds: only what was checked is kept, in one form, as the signature itself (chargeback/signing/cms.py):
the authority's statement, its signature and its own certificate. Certificates above that one are not kept here;
a reader has them from the authority, or from what follows a PDF's signature.

Known drawback: whether an authority can be trusted is for the reader, to whom verify prints its certificate.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.signing.asking import NoAnswer, ask
from chargeback.signing.broken import Broken, broken_as, check_value

AUTHORITY_VARIABLE = "CHARGEBACK_TIME_STAMP_AUTHORITY"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip


class BrokenStamp(Broken):
    """A time stamp does not hold; its text says why."""


@dataclass(frozen=True)
class TimeStamp:
    """A time stamp that holds.

    Args:
        at: when the authority saw it, by its own clock.
        certificate: of the authority, in DER.
    """

    at: datetime
    certificate: bytes

    @property
    def authority(self) -> x509.Certificate:
        """The certificate of the authority."""
        return x509.load_der_x509_certificate(self.certificate)


def time_stamp_authority() -> str:
    """The address of the authority that stamps; empty where nobody does.

    Raises:
        Refusal: (exit 2) it is not an address.
    """
    text = os.environ.get(AUTHORITY_VARIABLE, "").strip()
    if text:
        try:
            parts = urlsplit(text)
            known = parts.scheme in ("http", "https") and bool(parts.hostname)
            known = known and parts.username is None  # manifests hold the address, for all to read
        except ValueError:
            known = False
        if not known:
            raise bad_params(
                "the time stamp authority is not an address", "https://tsa.example.com",
                "one with a name and password in it" if "@" in text else repr(text),
                [AUTHORITY_VARIABLE], ["unset it to close without time stamps"],
            )  # fmt: skip
    return text


@dataclass(frozen=True)
class GivenStamp:
    """A time stamp as an authority gave it.

    Args:
        kept: the part that is checked and kept.
        certificates: all that it sent, in DER; those above its own are not kept in the stamp.
    """

    kept: bytes
    certificates: tuple[bytes, ...]


def request_stamp(digest: bytes, address: str) -> GivenStamp:
    """The time stamp of a signature.

    Args:
        digest: sha256 of the signature's value.

    Raises:
        Refusal: (exit 6) the authority does not answer, refuses, or answers something else.
    """
    nonce = secrets.randbits(63)
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": digest,
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    try:
        return _given(ask(address, request.dump(), "application/timestamp-query"), digest, nonce)
    except (NoAnswer, BrokenStamp) as error:
        raise no_stamp(address, str(error)) from None


class _Answer(core.Sequence):
    """An authority's answer; one that refuses has no token."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def _given(answer: bytes, digest: bytes, nonce: int) -> GivenStamp:
    """The checked part of an authority's answer, in the form in which it is kept."""
    try:
        response = _Answer.load(answer, strict=True)
        status = response["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            raise BrokenStamp(f"the answer {status}")
        token = _token(response["time_stamp_token"])
        said = tsp.TSTInfo.load(token.statement)["nonce"].native
        sent = response["time_stamp_token"]["content"]["certificates"]
        certificates = tuple(one.chosen.dump() for one in sent)
    except BrokenStamp:
        raise
    # Whatever makes a parser stumble over what somebody else's server sent.
    except Exception as error:
        raise BrokenStamp(f"an answer that cannot be read: {type(error).__name__}") from None
    if said != nonce:
        raise BrokenStamp("an answer to another question")
    kept = _assembled(token)
    check_stamp(kept, digest)
    return GivenStamp(kept, certificates)


def check_stamp(kept: bytes, digest: bytes) -> TimeStamp:
    """The time stamp of a signature, looked at byte for byte.

    Args:
        digest: sha256 of the signature's value.

    Raises:
        BrokenStamp: it does not hold, is of something else, or has another form.
    """
    with broken_as(BrokenStamp):
        token = _token(cms.ContentInfo.load(kept, strict=True))
        said = tsp.TSTInfo.load(token.statement, strict=True)
        facts = _facts(token.attributes)
        check_value(token.certificate, token.attributes, token.signature, _HASHES[token.digest])
        (kind,), (signed,) = facts["content_type"].native, facts["message_digest"].native
        if kind != "tst_info" or signed != hashlib.new(token.digest, token.statement).digest():
            raise BrokenStamp("its statement is not what was signed")
        imprint = said["message_imprint"]
        asked = (imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native)
        if asked != ("sha256", digest):
            raise BrokenStamp("it is of another signature")
        stamp = TimeStamp(said["gen_time"].native, token.certificate)
        check_certificate(stamp)
    if _assembled(token) != kept:
        raise BrokenStamp("it is not in the form in which it was kept")
    return stamp


@dataclass(frozen=True)
class _Token:
    """The parts of a time stamp: the statement of the time, what was signed about it, and by whom."""

    statement: bytes
    attributes: bytes
    digest: str
    signature: bytes
    certificate: bytes


def _token(content: cms.ContentInfo) -> _Token:
    """The parts of a time stamp; what else is in it is not signed, and left out."""
    signed_data = content["content"]
    (signer,) = signed_data["signer_infos"]
    attributes = signer["signed_attrs"].untag().dump()
    digest = signer["digest_algorithm"]["algorithm"].native
    if digest not in _HASHES:
        raise BrokenStamp(f"it is one with {digest}")
    certificates = [one.chosen.dump() for one in signed_data["certificates"]]
    own = [one for one in certificates if _is_named(one, _facts(attributes))]
    if not own:
        raise BrokenStamp("the certificate that it names is not in it")
    statement = bytes(signed_data["encap_content_info"]["content"])
    return _Token(statement, attributes, digest, signer["signature"].native, own[0])


def _facts(attributes: bytes) -> dict[str, Any]:
    """What was signed about a statement, by kind."""
    return {one["type"].native: one["values"] for one in cms.CMSAttributes.load(attributes)}


def _is_named(certificate: bytes, facts: dict[str, Any]) -> bool:
    """Whether a certificate is the one that was signed as the signer's."""
    if "signing_certificate_v2" in facts:
        (named,) = facts["signing_certificate_v2"]
        first = named["certs"][0]
        digest = first["hash_algorithm"]["algorithm"].native
    else:
        (named,) = facts["signing_certificate"]
        first, digest = named["certs"][0], "sha1"
    found = hashlib.new(digest, certificate, usedforsecurity=False).digest()
    return bool(found == first["cert_hash"].native)


def check_certificate(stamp: TimeStamp) -> None:
    """See that the certificate is one for time stamps, and held at the time.

    Raises:
        BrokenStamp: it is not.
    """
    own = stamp.authority
    try:
        usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([])
    if ExtendedKeyUsageOID.TIME_STAMPING not in usage:
        raise BrokenStamp("its certificate is not one for time stamps")
    if not own.not_valid_before_utc <= stamp.at <= own.not_valid_after_utc:
        raise BrokenStamp("its certificate did not hold at the time")


def _assembled(token: _Token) -> bytes:
    """The whole structure from its parts."""
    own = asn1_x509.Certificate.load(token.certificate)
    is_rsa = own.public_key.algorithm == "rsa"
    algorithm = "rsassa_pkcs1v15" if is_rsa else f"{token.digest}_ecdsa"
    identifier = cms.IssuerAndSerialNumber(
        {"issuer": own.issuer, "serial_number": own.serial_number}
    )
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": identifier}),
            "digest_algorithm": {"algorithm": token.digest},
            "signed_attrs": cms.CMSAttributes.load(token.attributes),
            "signature_algorithm": {"algorithm": algorithm},
            "signature": token.signature,
        }
    )
    data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": token.digest}],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": tsp.TSTInfo.load(token.statement),
            },
            "certificates": [cms.CertificateChoices("certificate", own)],
            "signer_infos": [signer],
        }
    )
    found: bytes = cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()
    return found


def no_stamp(address: str, found: str) -> Refusal:
    """That a time stamp was asked for and not given (exit 6)."""
    return unreachable(
        "the time stamp authority gave no time stamp", "a time stamp of each signature", found,
        [f"{address}, named by {AUTHORITY_VARIABLE}"],
        ["nothing was published; run it again, or unset the variable to close without time stamps"],
    )  # fmt: skip
