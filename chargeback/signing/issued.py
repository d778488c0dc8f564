"""Issued: whether certificates, OCSP answers and CRLs are signed by the certificates that they say.

What always holds: what is signed, its signature and the little around them have one form. They are put together
again and must give the same bytes, so that nothing can change unnoticed where nothing is signed.
"""

from __future__ import annotations

from collections.abc import Iterable

from asn1crypto import core, parser
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.signing.broken import Broken, check_value

#: What a key or a certificate of another form than expected makes `cryptography` raise.
_NOT_SIGNED = (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError)

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip


#: What an OCSP answer begins with, and the kind that every responder answers.
_SUCCESSFUL = asn1_ocsp.OCSPResponseStatus("successful")
_BASIC = asn1_ocsp.ResponseType("basic_ocsp_response")


def is_issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a certificate is signed by the key of another one, or of its own, that has the name it says."""
    try:
        one.verify_directly_issued_by(issuer)
    except _NOT_SIGNED:
        return False
    return True


def check_certificates(certificates: Iterable[x509.Certificate]) -> None:
    """See that each certificate is issued by one of them, the last of a path by itself.

    Raises:
        Broken: one is not.
    """
    known = [*certificates]
    for one in known:
        read = asn1_x509.Certificate.load(der := one.public_bytes(Encoding.DER), strict=True)
        _check_form(der, read["tbs_certificate"], read["signature_value"])
        if not any(is_issued(one, other) for other in known):
            raise Broken(f"nobody issued {one.subject.rfc4514_string()}")


def check_crl(value: bytes, issuers: Iterable[x509.Certificate]) -> None:
    """See that a CRL is of one of these.

    Raises:
        Broken: it is not.
    """
    read = asn1_crl.CertificateList.load(value, strict=True)
    _check_form(value, read["tbs_cert_list"], read["signature"])
    crl = x509.load_der_x509_crl(value)
    for one in issuers:
        try:
            if crl.is_signature_valid(one.public_key()):  # type: ignore[arg-type]
                return
        except _NOT_SIGNED:
            continue
    raise Broken("nobody issued a CRL")


def check_ocsp_answer(value: bytes, issuers: Iterable[x509.Certificate]) -> None:
    """See that an OCSP answer is of one of these, or of a responder that one of these issued.

    It is not read with `cryptography`, which takes no answer with parts of a second in its times.

    Raises:
        Broken: it is not, or does not answer.
    """
    answer = asn1_ocsp.OCSPResponse.load(value, strict=True)
    status = answer["response_status"].native
    if status != "successful":
        raise Broken(f"the answer {status}")
    basic, known = answer.basic_ocsp_response, [*issuers]
    _check_answer_form(value, basic)
    sent = [x509.load_der_x509_certificate(one.dump()) for one in basic["certs"]]
    responders = known + [one for one in sent if any(is_issued(one, above) for above in known)]
    signed, signature = basic["tbs_response_data"].dump(), basic["signature"].native
    digest = _HASHES.get(basic["signature_algorithm"].hash_algo)
    if len(responders) != len(known) + len(sent) or digest is None:
        raise Broken("an OCSP answer with certificates or an algorithm of others")
    for one in responders:
        try:
            check_value(one.public_bytes(Encoding.DER), signed, signature, digest)
        except (*_NOT_SIGNED, Broken):
            continue
        return
    raise Broken("nobody issued an OCSP answer")


def _check_form(value: bytes, signed: core.Sequence, signature: core.OctetBitString) -> None:
    """See that a value is what is signed, its algorithm as it says inside, and the signature."""
    parts = (signed.dump(), signed["signature"].dump(), _bits(signature))
    if value != _sequence(*parts):
        raise Broken("a value is not in the form in which it was made")


def _check_answer_form(value: bytes, basic: asn1_ocsp.BasicOCSPResponse) -> None:
    """See that an OCSP answer is what is signed, its algorithm, the signature and certificates."""
    identifier = basic["signature_algorithm"]["algorithm"].dump()
    sent = basic["certs"].dump() if len(basic["certs"]) else b""
    forms = set()
    for nothing in (b"", core.Null().dump()):
        algorithm = _sequence(identifier, nothing)
        whole = _sequence(
            basic["tbs_response_data"].dump(), algorithm, _bits(basic["signature"]), sent
        )
        answer = _sequence(_BASIC.dump(), core.OctetString(whole).dump())
        forms.add(_sequence(_SUCCESSFUL.dump(), parser.emit(2, 1, 0, answer)))
    if value not in forms:
        raise Broken("an OCSP answer is not in the form in which it was made")
    for one in basic["certs"]:
        _check_form(one.dump(), one["tbs_certificate"], one["signature_value"])


def _sequence(*parts: bytes) -> bytes:
    found: bytes = parser.emit(0, 1, 16, b"".join(parts))
    return found


def _bits(signature: core.OctetBitString) -> bytes:
    found: bytes = core.OctetBitString(signature.native).dump()
    return found
