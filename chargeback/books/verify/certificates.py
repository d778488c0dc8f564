"""Certificates: who signed which periods, and whether it is somebody that the reader named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256

from chargeback.books.verify.findings import VerifiedPeriod, counted, minute
from chargeback.core.errors import bad_params
from chargeback.signing.cms import CheckedSignature
from chargeback.signing.signing_key import KEY_VARIABLE
from chargeback.signing.time_stamp import TimeStamp

#: How long after the signature its time stamp is made, at most, where no clock is wrong.
STAMPED_WITHIN = timedelta(minutes=10)

_Said = TypeVar("_Said", bound=x509.ExtensionType)


def signed_by_others(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Each certificate that was not named, with the periods that it signed."""
    for certificate in dict.fromkeys(
        one.signature.certificate for one in found if one.signature and not one.trusted
    ):
        periods = [
            one for one in found if one.signature and one.signature.certificate == certificate
        ]
        yield f"{', '.join(_ranges(periods, found))}: {certificate_text(certificate)}"


def signed_lines(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Each certificate with the periods that it signed."""
    signed: dict[x509.Certificate, list[VerifiedPeriod]] = {}
    for one in found:
        if one.signature:
            signed.setdefault(one.signature.certificate, []).append(one)
    for certificate, periods in signed.items():
        names = ", ".join(_ranges(periods, found))
        made = any(one.manifest and one.manifest["signer"]["development"] for one in periods)
        hint = f"; a development key says not who signed: set {KEY_VARIABLE}" if made else ""
        yield f"signed with {certificate_text(certificate)}: {names}{hint}"


def stamp_lines(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Each time stamp authority with what it stamped in which periods, and where a clock said otherwise."""
    stamps: dict[x509.Certificate, dict[str, list[str]]] = {}
    for one in found:
        for stamp, said in _stamps(one):
            stamps.setdefault(stamp.authority, {}).setdefault(one.period, []).append(said)
    for certificate, periods in stamps.items():
        times = ", ".join(f"{period} {' and '.join(said)}" for period, said in periods.items())
        yield f"time stamps of {certificate_text(certificate)}: {times}"
    for one in found:
        signed = one.signature
        if not (signed and signed.stamp and signed.signed_at):
            continue
        if abs(signed.signed_at - signed.stamp.at) > STAMPED_WITHIN:
            yield (
                f"NOTE  {one.period} was signed at {minute(signed.signed_at)} by the clock of its close; "
                "its time stamp says otherwise"
            )


def _stamps(one: VerifiedPeriod) -> Iterator[tuple[TimeStamp, str]]:
    """The time stamps of a period in words: its manifest's, and of each authority the first of its PDFs."""
    if one.signature and one.signature.stamp:
        yield one.signature.stamp, f"at {minute(one.signature.stamp.at)}"
    stamped: dict[tuple[bytes, bool], list[TimeStamp]] = {}
    for signed in one.pdf_signatures:
        if signed.stamp:
            key = (signed.stamp.certificate, bool(signed.store))
            stamped.setdefault(key, []).append(signed.stamp)
    for (_, with_store), stamps in stamped.items():
        level = "B-LT" if with_store else "B-T"
        first, last = (minute(side(stamp.at for stamp in stamps)) for side in (min, max))
        times = f"at {first}" if first == last else f"{first} to {last}"
        yield stamps[0], f"{counted(len(stamps), 'PDF')} ({level}) {times}"


def _ranges(chosen: list[VerifiedPeriod], found: list[VerifiedPeriod]) -> Iterator[str]:
    """Periods as ranges, where no other closed period lies between."""
    places = [found.index(one) for one in chosen]
    starts = [at for at in places if at - 1 not in places]
    ends = [at for at in places if at + 1 not in places]
    for start, end in zip(starts, ends, strict=True):
        first, last = found[start].period, found[end].period
        yield first if first == last else f"{first}..{last}"


def is_of(signature: CheckedSignature, certificate: Path | None) -> bool:
    """Whether a signature is of a PEM file's certificates, or of one below them; of any where none is named."""
    return certificate is None or is_trusted(signature, named_certificates(certificate))


def is_trusted(signature: CheckedSignature, trusted: list[x509.Certificate]) -> bool:
    """Whether the signer's certificate is a trusted one, or was issued below one, each link checked."""
    one = signature.certificate
    above = [x509.load_der_x509_certificate(der) for der in signature.certificates[1:]]
    for _ in range(len(above) + 1):
        issuers = [other for other in trusted if _issued(one, other, named=True)]
        issuers += [other for other in above if _issued(one, other)]
        if one in trusted or not issuers:
            break
        one = issuers[0]
    return one in trusted


def _issued(one: x509.Certificate, issuer: x509.Certificate, named: bool = False) -> bool:
    """Whether an authority's certificate issued another one; a name that is the same is not enough.

    Args:
        named: by the reader, who may have an authority of a form that cannot say that it is one (version 1).
    """
    try:
        constraints = _extension(issuer, x509.BasicConstraints)
        usage = _extension(issuer, x509.KeyUsage)
        authority = (
            constraints.ca if constraints else named and issuer.version == x509.Version.v1
        ) and (usage is None or usage.key_cert_sign)
        one.verify_directly_issued_by(issuer)
    except (
        InvalidSignature, UnsupportedAlgorithm, x509.DuplicateExtension, ValueError, TypeError,
    ):  # fmt: skip
        return False
    return authority


def _extension(certificate: x509.Certificate, kind: type[_Said]) -> _Said | None:
    """What a certificate says of itself; None where it says nothing of the kind."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def issuers_text(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Who issued the certificates that were not named, where their own are not in the signature."""
    for certificate in dict.fromkeys(
        one.signature.certificates for one in found if one.signature and not one.trusted
    ):
        chain = [x509.load_der_x509_certificate(der) for der in certificate]
        last = next((one for one in chain if not any(_issued(one, other) for other in chain)), None)
        if last and last.issuer != last.subject:
            yield last.issuer.rfc4514_string()


def certificate_text(certificate: x509.Certificate) -> str:
    """A certificate by subject and the sha256 that openssl gives too."""
    name = certificate.subject.rfc4514_string()
    return f"{name} (sha256 {certificate.fingerprint(SHA256()).hex()})"


def certificates_of(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file."""
    return x509.load_pem_x509_certificates(path.read_bytes())


def named_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates that the reader named (exit 2 where they cannot be read)."""
    try:
        return certificates_of(path)
    except OSError as error:
        raise bad_params(
            "the certificate to compare with cannot be read", "a PEM file with certificates",
            error.strerror or str(error), [str(path)],
        ) from None  # fmt: skip
    except ValueError:
        raise bad_params(
            "the certificate to compare with cannot be read", "a PEM file with certificates",
            "no certificate between lines such as -----BEGIN CERTIFICATE-----", [str(path)],
            ["where it is in DER: openssl x509 -inform DER -in FILE -out certificate.pem"],
        ) from None  # fmt: skip
