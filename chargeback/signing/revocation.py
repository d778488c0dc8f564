"""Revocation: what says that no certificate of a signature was revoked, fetched while it can be had.

    CHARGEBACK_TRUST_ANCHORS   a PEM file with the certificates that signer and time stamps go back to; with it
                               statement PDFs are made B-LT, without it B-T

From the signing certificate and from those of the time stamps up to an anchor, each certificate that is no anchor
is asked for by OCSP at the address that it names, else looked up in the CRL that it names. What always holds:
only addresses in certificates that go back to an anchor are asked, and only what pyHanko's validator accepts for
these paths, as of now, is kept.

Known drawback: a CRL of more than a megabyte is not taken; every PDF would hold it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.signing.asking import NoAnswer, ask
from chargeback.signing.security_store import SecurityStore
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE, time_stamp_authority

ANCHORS_VARIABLE = "CHARGEBACK_TRUST_ANCHORS"

#: More certificates than this are on no path.
LONGEST_PATH = 8

Anchors = tuple[x509.Certificate, ...]
Chain = list[x509.Certificate]


class NoValues(Exception):
    """Something that says that a certificate is not revoked cannot be had; its text says why."""


def trust_anchors() -> Anchors:
    """The certificates that signatures must go back to, so that PDFs can be made B-LT; none where none are named.

    Raises:
        Refusal: (exit 2) they cannot be read, or no authority stamps the time.
    """
    named = os.environ.get(ANCHORS_VARIABLE, "").strip()
    if not named:
        return ()
    if not time_stamp_authority():
        raise bad_params(
            "trust anchors are named and no time stamp authority", f"an address in {AUTHORITY_VARIABLE}", "none",
            [ANCHORS_VARIABLE], ["what says that a certificate was not revoked is of use with a time stamp alone"],
        )  # fmt: skip
    try:
        found = x509.load_pem_x509_certificates(Path(named).read_bytes())
    except (OSError, ValueError) as error:
        raise bad_params(
            "the trust anchors cannot be read", "a PEM file with certificates",
            getattr(error, "strerror", None) or "no certificate in it", [f"{named}, named by {ANCHORS_VARIABLE}"],
        ) from None  # fmt: skip
    return tuple(found)


def fetch_store(
    leaves: Iterable[bytes], others: Iterable[bytes], anchors: Anchors
) -> SecurityStore:
    """What says today that no certificate from these up to the anchors is revoked, with the certificates.

    Args:
        leaves: the certificates that signed, in DER.
        others: those that may stand between them and the anchors.

    Raises:
        Refusal: (exit 6) it cannot be had, or one is revoked; says which.
    """
    pool = [*anchors, *map(x509.load_der_x509_certificate, dict.fromkeys(others))]
    certificates: dict[bytes, None] = {}
    answers: dict[bytes, None] = {}
    crls: dict[bytes, None] = {}
    try:
        for leaf in dict.fromkeys(leaves):
            path = _path(x509.load_der_x509_certificate(leaf), pool, anchors)
            for one, issuer in zip(path, path[1:], strict=False):
                if _der(one) in certificates:
                    continue
                answer, crl = _value(one, issuer)
                (answers if answer else crls)[answer or crl] = None
                certificates[_der(one)] = None
            certificates[_der(path[-1])] = None
        store = SecurityStore(tuple(certificates), tuple(answers), tuple(crls))
        for leaf in dict.fromkeys(leaves):
            _require_valid(leaf, store, anchors)
    except NoValues as error:
        raise _no_values(str(error)) from None
    return store


def _path(one: x509.Certificate, pool: Chain, anchors: Anchors) -> Chain:
    """From a certificate to an anchor, each issued by the next."""
    path = [one]
    while path[-1] not in anchors:
        above = next((issuer for issuer in pool if _issued(path[-1], issuer)), None)
        if above is None or len(path) == LONGEST_PATH:
            raise NoValues(
                f"{_name(one)} goes back to {path[-1].issuer.rfc4514_string()}, which is no trust anchor"
            )
        path.append(above)
    return path


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return one != issuer


def _value(one: x509.Certificate, issuer: x509.Certificate) -> tuple[bytes, bytes]:
    """An OCSP answer about a certificate, else a CRL; the other one is empty."""
    said = []
    for address in _ocsp_addresses(one):
        try:
            return _ocsp_answer(one, issuer, address), b""
        except (NoAnswer, ValueError) as error:
            said.append(f"{address}: {error}")
    for address in _crl_addresses(one):
        try:
            crl = ask(address)
            with suppress(ValueError):
                crl = x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER)
            x509.load_der_x509_crl(crl)
            return b"", crl
        except (NoAnswer, ValueError) as error:
            said.append(f"{address}: {error}")
    raise NoValues(
        f"nothing about {_name(one)}: {'; '.join(said) or 'it names no address of OCSP or of a CRL'}"
    )


def _ocsp_answer(one: x509.Certificate, issuer: x509.Certificate, address: str) -> bytes:
    question = ocsp.OCSPRequestBuilder().add_certificate(one, issuer, SHA1()).build()
    content = ask(address, question.public_bytes(Encoding.DER), "application/ocsp-request")
    # Read as the validator reads it: cryptography takes no answer with parts of a second in its times.
    answer = asn1_ocsp.OCSPResponse.load(content, strict=True)
    status = answer["response_status"].native
    if status != "successful":
        raise NoAnswer(f"the answer {status}")
    (said,) = answer.response_data["responses"]
    if said["cert_status"].name == "unknown":
        raise NoAnswer("it does not know the certificate")
    return content


def _ocsp_addresses(one: x509.Certificate) -> Iterator[str]:
    with suppress(x509.ExtensionNotFound):
        for about in one.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value:
            if about.access_method == AuthorityInformationAccessOID.OCSP:
                yield str(about.access_location.value)


def _crl_addresses(one: x509.Certificate) -> Iterator[str]:
    with suppress(x509.ExtensionNotFound):
        for point in one.extensions.get_extension_for_class(x509.CRLDistributionPoints).value:
            for name in point.full_name or ():
                if isinstance(name, x509.UniformResourceIdentifier):
                    yield name.value


def _require_valid(leaf: bytes, store: SecurityStore, anchors: Anchors) -> None:
    """That pyHanko's validator accepts a certificate by what was fetched, and asks nobody."""
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(_der(one)) for one in anchors],
        other_certs=[asn1_x509.Certificate.load(one) for one in store.certificates],
        ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in store.ocsp_answers],
        crls=[asn1_crl.CertificateList.load(one) for one in store.crls],
        revocation_mode="require",
        allow_fetching=False,
    )
    own = asn1_x509.Certificate.load(leaf)
    validator = CertificateValidator(own, validation_context=context)
    try:
        # It runs an event loop, and a notebook's kernel has one in this thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, validator.async_validate_path()).result()
    except (PathError, ValidationError) as error:
        name = _name(x509.load_der_x509_certificate(leaf))
        raise NoValues(f"{name}: {error}") from None


def _der(one: x509.Certificate) -> bytes:
    return one.public_bytes(Encoding.DER)


def _name(one: x509.Certificate) -> str:
    return one.subject.rfc4514_string()


def _no_values(found: str) -> Refusal:
    return unreachable(
        "nothing says that the certificates are not revoked",
        "an OCSP answer or a CRL for each certificate up to a trust anchor", found,
        [f"{os.environ.get(ANCHORS_VARIABLE, '')}, named by {ANCHORS_VARIABLE}"],
        ["nothing was published; run it again, or unset the variable to close with time stamps alone"],
    )  # fmt: skip
