"""Detached CMS signatures, as `openssl cms -verify` reads them: made here, and checked to the last byte.

A signature here is CAdES in its basic form: sha256, one signer, its certificates inside. What is signed names
the certificates, the content's digest and the time.

What always holds: a signature file has one form. To check one, it is put together again from its parts and
must give the same bytes. So no byte of it can change unnoticed, not even where nothing is signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.signing.broken import Broken, broken_as, check_value
from chargeback.signing.security_store import SecurityStore
from chargeback.signing.signing_key import SigningKey
from chargeback.signing.time_stamp import BrokenStamp, TimeStamp, check_stamp, request_stamp


class BrokenSignature(Broken):
    """A signature does not hold; its text says why."""


@dataclass(frozen=True)
class CheckedSignature:
    """A signature that holds, of whatever content: who signed, and the digest of what.

    Args:
        certificates: in DER, the signer's first.
        signed_at: None where the signature does not say (a PDF says it elsewhere).
        stamp: an authority's time stamp of the signature, where it has one.
        store: what says that no certificate was revoked, where a PDF has it.
    """

    certificates: tuple[bytes, ...]
    content_sha256: str
    signed_at: datetime | None
    stamp: TimeStamp | None = None
    store: SecurityStore | None = None

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's certificate."""
        return x509.load_der_x509_certificate(self.certificates[0])


def sign_detached(
    content: bytes, key: SigningKey, signed_at: datetime | None = None, authority: str = ""
) -> bytes:
    """A signature of a content, in DER.

    Args:
        authority: the address of one that puts its time stamp on it (exit 6 where it does not); blank for none.
    """
    certificates = tuple(one.public_bytes(Encoding.DER) for one in (key.certificate, *key.above))
    named = [tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(one).digest()}) for one in certificates]
    moment = (signed_at or datetime.now(UTC)).replace(microsecond=0)
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "data"),
            _attribute("signing_time", cms.Time({"utc_time": moment})),
            _attribute("message_digest", hashlib.sha256(content).digest()),
            _attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": named})),
        ]
    )
    value = key.sign(attributes.dump())
    stamp = request_stamp(hashlib.sha256(value).digest(), authority).kept if authority else b""
    return _assembled(certificates, attributes.dump(), value, stamp)


def check_detached(signature: bytes) -> CheckedSignature:
    """A signature of this module's form, looked at byte for byte.

    Raises:
        BrokenSignature: it does not hold, or has another form.
    """
    checked, named, attributes, value = _checked(signature)
    if named != [hashlib.sha256(one).hexdigest() for one in checked.certificates]:
        raise BrokenSignature("its certificates are not those that it names")
    stamp = _kept_stamp(signature)
    if _assembled(checked.certificates, attributes, value, stamp) != signature:
        raise BrokenSignature("it is not in the form in which it was made")
    return _with_stamp(checked, stamp, value)


def _with_stamp(checked: CheckedSignature, stamp: bytes, value: bytes) -> CheckedSignature:
    """The signature with its time stamp, where it has one that holds."""
    if not stamp:
        return checked
    try:
        return replace(checked, stamp=check_stamp(stamp, hashlib.sha256(value).digest()))
    except BrokenStamp as error:
        raise BrokenSignature(f"its time stamp does not hold: {error}") from None


def _kept_stamp(signature: bytes) -> bytes:
    """The time stamp in a signature that can be read; empty where there is none."""
    (signer,) = cms.ContentInfo.load(signature)["content"]["signer_infos"]
    try:
        facts = {one["type"].native: one["values"] for one in signer["unsigned_attrs"]}
        (stamp,) = facts["signature_time_stamp_token"]
    except (KeyError, ValueError, TypeError):
        return b""
    found: bytes = stamp.dump()
    return found


@dataclass(frozen=True)
class StampPlaces:
    """Where in a signature its value and the time stamp of that value lie, for programs that are not ours.

    Args:
        value_at, stamp_at: byte at which each begins, with its tag and length, as `openssl asn1parse` counts.
    """

    value_at: int
    stamp_at: int


def stamp_places(signature: bytes) -> StampPlaces | None:
    """Where value and time stamp of a signature lie; None where it has no time stamp.

    Raises:
        BrokenSignature: it does not hold.
    """
    _, _, _, value = _checked(signature)
    stamp = _kept_stamp(signature)
    if not stamp:
        return None
    octets = core.OctetString(value).dump()
    return StampPlaces(
        signature.rindex(octets, 0, signature.rindex(stamp)), signature.rindex(stamp)
    )


def check_signature(signature: bytes) -> CheckedSignature:
    """A signature as it stands in a PDF: of any maker, padded with zeros.

    Raises:
        BrokenSignature: it or its time stamp does not hold, or more than a time stamp was added to it.
    """
    checked, _, _, value = _checked(signature)
    with broken_as(BrokenSignature):
        (signer,) = cms.ContentInfo.load(signature)["content"]["signer_infos"]
        added = [one["type"].native for one in signer["unsigned_attrs"]]
        if added not in ([], ["signature_time_stamp_token"]):
            raise BrokenSignature("it holds what was not signed, and is no time stamp")
    stamp = _kept_stamp(signature)
    if added and not stamp:
        raise BrokenSignature("its time stamp cannot be read")
    return _with_stamp(checked, stamp, value)


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _assembled(
    certificates: tuple[bytes, ...], attributes: bytes, value: bytes, stamp: bytes = b""
) -> bytes:
    """The whole structure from its parts."""
    own = asn1_x509.Certificate.load(certificates[0])
    is_rsa = own.public_key.algorithm == "rsa"
    algorithm = "rsassa_pkcs1v15" if is_rsa else "sha256_ecdsa"
    identifier = cms.IssuerAndSerialNumber(
        {"issuer": own.issuer, "serial_number": own.serial_number}
    )
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": identifier}),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": cms.CMSAttributes.load(attributes),
            "signature_algorithm": {"algorithm": algorithm},
            "signature": value,
        }
    )
    if stamp:
        token = cms.ContentInfo.load(stamp)
        signer["unsigned_attrs"] = cms.CMSAttributes(
            [_attribute("signature_time_stamp_token", token)]
        )
    chosen = [
        cms.CertificateChoices("certificate", asn1_x509.Certificate.load(one))
        for one in certificates
    ]
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data"},
            "certificates": chosen,
            "signer_infos": [signer],
        }
    )
    found: bytes = cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()
    return found


def _checked(signature: bytes) -> tuple[CheckedSignature, list[str], bytes, bytes]:
    """The checked signature, the sha256 of the certificates that it names, what was signed, and the value."""
    with broken_as(BrokenSignature):
        parsed = cms.ContentInfo.load(signature)
        if any(signature[len(parsed.dump()) :]):
            raise BrokenSignature("something follows it")
        signed_data = parsed["content"]
        (signer,) = signed_data["signer_infos"]
        certificates = [one.chosen.dump() for one in signed_data["certificates"]]
        facts = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
        (digest,) = facts["message_digest"].native
        (naming,) = facts["signing_certificate_v2"]
        named = [one["cert_hash"].native.hex() for one in naming["certs"]]
        times = facts["signing_time"].native if "signing_time" in facts else [None]
        own = [one for one in certificates if hashlib.sha256(one).hexdigest() == named[0]]
        attributes = signer["signed_attrs"].untag().dump()
        value = signer["signature"].native
        if signer["digest_algorithm"]["algorithm"].native != "sha256":
            raise BrokenSignature("it is not one with sha256")
        if not own:
            raise BrokenSignature("the certificate that it names is not in it")
        check_value(own[0], attributes, value, hashes.SHA256())
    # In the order in which they are named; a set has none of its own.
    places = {sha256: place for place, sha256 in enumerate(named)}
    certificates.sort(key=lambda one: places.get(hashlib.sha256(one).hexdigest(), len(places)))
    checked = CheckedSignature(tuple(certificates), digest.hex(), times[0])
    return checked, named, attributes, value
