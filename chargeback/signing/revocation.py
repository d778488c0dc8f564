"""Revocation: what says that no certificate of a signature was revoked, fetched while it can be had.

    certificates that signed -> those above them, up to a trust anchor, with an OCSP answer or a CRL for each

From the signing certificate and from those of the time stamps up to an anchor, each certificate that is no
anchor is asked for by OCSP at the address that it names, else looked up in the CRL that it names. What always
holds: only addresses in certificates that go back to an anchor are asked, and only what pyHanko's validator
accepts for these paths, as of now, is kept.

Known drawback: a CRL of more than a megabyte is not taken; every PDF would hold it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from chargeback.core.errors import Refusal, unreachable
from chargeback.signing.asking import ask
from chargeback.signing.broken import Broken, broken_as
from chargeback.signing.issued import check_crl, check_ocsp_answer, is_issued
from chargeback.signing.level import ANCHORS_VARIABLE
from chargeback.signing.security_store import SecurityStore

#: More certificates than this are on no path.
LONGEST_PATH = 8

Anchors = tuple[x509.Certificate, ...]
Chain = list[x509.Certificate]


class NoValues(Broken):
    """Something that says that a certificate is not revoked cannot be had; its text says why."""


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
    try:
        with broken_as(NoValues):
            paths = [_path(leaf, _pool(others, anchors), anchors) for leaf in dict.fromkeys(leaves)]
            store = _store(paths)
            for path in paths:
                _require_valid(path[0], store, anchors)
    except NoValues as error:
        raise _no_values(str(error)) from None
    return store


def _pool(others: Iterable[bytes], anchors: Anchors) -> Chain:
    """What may stand above a certificate, the anchors first; what is no certificate is left out."""
    pool = [*anchors]
    for one in dict.fromkeys(others):
        with suppress(ValueError):
            pool.append(x509.load_der_x509_certificate(one))
    return pool


def _store(paths: Iterable[Chain]) -> SecurityStore:
    """The certificates of paths, and what says of each but the last ones that it is not revoked."""
    certificates: dict[bytes, None] = {}
    answers: dict[bytes, None] = {}
    crls: dict[bytes, None] = {}
    known: dict[str, bytes] = {}
    for path in paths:
        for one, issuer in pairwise(path):
            if _der(one) in certificates:
                continue
            answer, crl = _value(one, issuer, known)
            (answers if answer else crls)[answer or crl] = None
            certificates[_der(one)] = None
        certificates[_der(path[-1])] = None
    return SecurityStore(tuple(certificates), tuple(answers), tuple(crls))


def _path(leaf: bytes, pool: Chain, anchors: Anchors) -> Chain:
    """From a certificate to an anchor, each issued by the next."""
    path = [x509.load_der_x509_certificate(leaf)]
    while path[-1] not in anchors:
        above = next((other for other in pool if is_issued(path[-1], other)), None)
        if above is None or len(path) == LONGEST_PATH:
            raise NoValues(
                f"{_name(path[0])} goes back to {path[-1].issuer.rfc4514_string()}, which is no trust anchor"
            )
        path.append(above)
    if not is_issued(path[-1], path[-1]):
        raise NoValues(
            f"{_name(path[-1])} is a trust anchor, and was issued by another one: name that one"
        )
    return path


def _value(
    one: x509.Certificate, issuer: x509.Certificate, known: dict[str, bytes]
) -> tuple[bytes, bytes]:
    """An OCSP answer about a certificate, else a CRL; the other one is empty.

    Args:
        known: the CRLs that were fetched, by address; it gets those that are fetched here.
    """
    said = []
    for address in _ocsp_addresses(one):
        try:
            with broken_as(Broken):
                return _ocsp_answer(one, issuer, address), b""
        except Broken as error:
            said.append(f"{address}: {error}")
    for address in _crl_addresses(one):
        try:
            with broken_as(Broken):
                if address not in known:
                    known[address] = _crl(issuer, address)
                return b"", known[address]
        except Broken as error:
            said.append(f"{address}: {error}")
    raise NoValues(
        f"nothing about {_name(one)}: {'; '.join(said) or 'it names no address of OCSP or of a CRL'}"
    )


def _ocsp_answer(one: x509.Certificate, issuer: x509.Certificate, address: str) -> bytes:
    question = ocsp.OCSPRequestBuilder().add_certificate(one, issuer, SHA1()).build()
    content = ask(address, question.public_bytes(Encoding.DER), "application/ocsp-request")
    check_ocsp_answer(content, [issuer])
    answer = asn1_ocsp.OCSPResponse.load(content)
    (said,) = answer.response_data["responses"]
    if said["cert_status"].name == "unknown":
        raise Broken("it does not know the certificate")
    return content


def _crl(issuer: x509.Certificate, address: str) -> bytes:
    crl = ask(address)
    with suppress(ValueError):
        crl = x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER)
    check_crl(crl, [issuer])
    return crl


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


def _require_valid(leaf: x509.Certificate, store: SecurityStore, anchors: Anchors) -> None:
    """That pyHanko's validator accepts a certificate by what was fetched, and asks nobody."""
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(_der(one)) for one in anchors],
        other_certs=[asn1_x509.Certificate.load(one) for one in store.certificates],
        ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in store.ocsp_answers],
        crls=[asn1_crl.CertificateList.load(one) for one in store.crls],
        revocation_mode="require",
        allow_fetching=False,
    )
    own = asn1_x509.Certificate.load(_der(leaf))
    validator = CertificateValidator(own, validation_context=context)
    try:
        # It runs an event loop, and a notebook's kernel has one in this thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, validator.async_validate_path()).result()
    except (PathError, ValidationError) as error:
        raise NoValues(f"{_name(leaf)}: {error}") from None


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
