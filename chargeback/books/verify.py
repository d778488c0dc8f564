"""Verify: are the closed periods of a set of books still what they were when they were closed?

Using nothing but the books, it checks every file of every period against its manifest, with none missing and
none added; the signatures of manifests and PDFs, and whether one certificate made them; what was rendered, cut
out of the signed PDFs; each manifest's link to the one before it; and each entry's postings, which sum to
zero, and their total. What always holds: a changed byte is found, and its file is named, in any file that a
manifest names, in the manifest and in its signature.

Known drawbacks: whoever can sign can make other books that are consistent in themselves. So compare the
printed certificate with one that you received another way, or name that one. The last period leaves no trace
here when it is removed with all its folders. Whether the figures follow from the report is a question for the
audit.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.books.manifest import (
    CERTIFICATES,
    MANIFEST,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    period_folders,
    recorded_files,
)
from chargeback.books.tables import read_postings, statement_total
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.files import sha256_of
from chargeback.core.money import shown
from chargeback.core.sums import sums_by
from chargeback.signing.cms import BrokenSignature, CheckedSignature, check_detached
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import KEY_VARIABLE

HOLDS = "a signature that holds"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was closed.

    Args:
        path: the file, from the books' folder on.
        recorded: what the manifest says, or what must be; empty for a file that it does not name.
        found: what is there; empty for a file that is missing.
    """

    period: str
    path: str
    recorded: str
    found: str

    @property
    def line(self) -> str:
        """For a reader."""
        if not self.recorded:
            return f"{self.path} is not in the manifest"
        if not self.found:
            return f"{self.path} is missing"
        if _SHA256.fullmatch(self.recorded):
            return f"{self.path} is not what was closed"
        return f"{self.path}: {self.found}, instead of {self.recorded}"


@dataclass
class VerifiedPeriod:
    """What was looked at in a period, and what was found."""

    books: Books
    period: str
    manifest: dict[str, Any] = field(default_factory=dict)
    signature: CheckedSignature | None = None
    findings: list[Finding] = field(default_factory=list)
    trusted: bool = True  # signed with a certificate that was named, or none was

    def add(self, path: Path, recorded: str, found: str) -> None:
        """Note a difference."""
        if recorded != found:
            name = path.relative_to(self.books.root).as_posix()
            self.findings.append(Finding(self.period, name, recorded, found))

    @property
    def line(self) -> str:
        """The period in one line."""
        if not self.manifest:
            return (
                f"{self.period}  cannot be compared: its manifest or signature is not what it was"
            )
        postings, statements = self.manifest["postings"], self.manifest["unsigned_pdfs"]
        total = f"{shown(Decimal(postings['charged']))} {self.manifest['currency']}"
        files = len(recorded_files(self.manifest)) + 2  # and the manifest with its signature
        count = len(self.findings)
        verdict = "as closed" if not count else f"{count} difference{'s' if count > 1 else ''}"
        verdict += "" if self.trusted else ", signed with another certificate"
        return f"{self.period}  {files:>4} files  {len(statements):>3} statements  {total:>20}  {verdict}"


def verify_period(books: Books, period: str) -> list[Finding]:
    """Everything in a closed period that is not as it was closed; empty when it is whole."""
    return verified_period(books, period).findings


def verified_period(books: Books, period: str) -> VerifiedPeriod:
    """A closed period with all that can be said of it."""
    found = verified_ledger(books, period)
    if found.manifest:
        _compare_files(found)
        _check_statements(found)
        _check_certificates(found)
        _check_sources(found)
        _check_postings(found)
    return found


def verified_ledger(books: Books, period: str) -> VerifiedPeriod:
    """The manifest of a period, its signature and link, and the ledger folder; what every close looks at.

    Without a manifest that holds there is nothing that the other files can be compared with; `manifest` is
    empty then.
    """
    found = VerifiedPeriod(books, period)
    folder = books.ledger(period)
    signed = folder / MANIFEST_SIGNATURE
    try:
        found.signature = check_detached(signed.read_bytes())
    except OSError:
        found.add(signed, HOLDS, "")
    except BrokenSignature as error:
        found.add(signed, HOLDS, str(error))
    path = folder / MANIFEST
    sha256 = sha256_of(path)
    if not sha256:
        found.add(path, found.signature.content_sha256 if found.signature else "a manifest", "")
    elif found.signature:
        found.add(path, found.signature.content_sha256, sha256)
    for one in sorted(folder.iterdir()):
        if one.name not in (POSTINGS, MANIFEST, MANIFEST_SIGNATURE):
            found.add(one, "", sha256_of(one) or "not a file")
    if found.signature and sha256 == found.signature.content_sha256:
        _read_manifest(found, path)
    return found


def _read_manifest(found: VerifiedPeriod, path: Path) -> None:
    """The manifest, when it has the parts that a manifest has; its period, its postings and its link."""
    try:
        manifest = json.loads(path.read_bytes())
        recorded = recorded_files(manifest)[f"ledger/{POSTINGS}"]
        postings, previous = manifest["postings"], manifest["previous"]
        Decimal(postings["charged"])
        link = (previous["billing_period"], previous["manifest_sha256"]) if previous else None
        _ = manifest["signer"], manifest["unsigned_pdfs"], manifest["sources"], manifest["currency"]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        found.add(path, "a readable manifest", "not readable")
        return
    found.manifest = manifest
    found.add(path, f"of {found.period}", f"of {manifest['billing_period']}")
    found.add(path, recorded, str(postings["sha256"]))
    found.add(path.with_name(POSTINGS), recorded, sha256_of(path.with_name(POSTINGS)))
    if link:
        before = found.books.ledger(link[0]) / MANIFEST
        found.add(before, link[1], sha256_of(before))


def _compare_files(found: VerifiedPeriod) -> None:
    """Every file of statements and evidence with its sha256; the ledger's is looked at before."""
    folders = period_folders(found.books, found.period)
    del folders["ledger"]
    named = {
        file_path(found.books, found.period, name): sha256
        for room in folders
        for name, sha256 in recorded_files(found.manifest, room).items()
    }
    for path, sha256 in named.items():
        found.add(path, sha256, "" if path.is_symlink() else sha256_of(path))
    known = {parent for path in named for parent in path.parents} | named.keys()
    for folder in folders.values():
        for path in sorted(folder.rglob("*")):
            if path not in known:
                found.add(path, "", sha256_of(path) or "not a file")


def _check_statements(found: VerifiedPeriod) -> None:
    """Signed PDFs: they begin with what was rendered, and are signed with the manifest's certificate."""
    for name, rendered in found.manifest["unsigned_pdfs"].items():
        path = file_path(found.books, found.period, name)
        if not path.is_file():
            continue
        content = path.read_bytes()
        sha256 = hashlib.sha256(content[: rendered["bytes"]]).hexdigest()
        found.add(path, f"rendered bytes {rendered['sha256']}", f"rendered bytes {sha256}")
        try:
            signature = check_pdf(content, rendered["bytes"])
        except BrokenSignature as error:
            found.add(path, HOLDS, str(error))
            continue
        if found.signature and signature.certificates[0] != found.signature.certificates[0]:
            found.add(
                path, "the certificate of the manifest", _certificate_text(signature.certificate)
            )


def _check_certificates(found: VerifiedPeriod) -> None:
    """The certificates of the signature are those kept with the period, and held when it was made."""
    assert found.signature
    signed = found.books.ledger(found.period) / MANIFEST_SIGNATURE
    path = found.books.evidence(found.period) / CERTIFICATES
    if path.is_file():
        try:
            kept = {one.public_bytes(Encoding.DER) for one in _certificates_of(path)}
        except ValueError:
            kept = set()
        if kept != set(found.signature.certificates):
            found.add(path, f"the certificates of {MANIFEST_SIGNATURE}", "others")
    own, at = found.signature.certificate, found.signature.signed_at
    if at is None or not own.not_valid_before_utc <= at <= own.not_valid_after_utc:
        found.add(signed, "a time at which its certificate held", str(at))


def _check_sources(found: VerifiedPeriod) -> None:
    """The kept source record is the one in the manifest."""
    path = found.books.evidence(found.period) / "sources.json"
    if path.is_file():
        try:
            same = json.loads(path.read_bytes()) == found.manifest["sources"]
        except ValueError:
            same = False
        if not same:
            found.add(path, "the source record of the manifest", "another")


def _check_postings(found: VerifiedPeriod) -> None:
    """Entries sum to zero, and what is charged to what the manifest says."""
    path = found.books.ledger(found.period) / POSTINGS
    if sha256_of(path) != found.manifest["postings"]["sha256"]:
        return  # it is named already, and may not even be readable
    try:
        postings = read_postings(path)
    except (pa.ArrowException, OSError):
        found.add(path, "a table of postings", "something else")
        return
    for (entry_id,), amount in sums_by(postings, ["entry_id"], "amount").items():
        if amount != 0:
            found.add(path, f"entry {entry_id} of 0.00", f"of {amount}")
    said = found.manifest["postings"]
    found.add(path, f"{said['rows']} postings", f"{postings.num_rows} postings")
    found.add(path, f"{said['charged']} charged", f"{statement_total(postings)} charged")


def stray_files(books: Books) -> Iterator[Finding]:
    """What lies between the periods: files that belong to none, and folders of one that is not closed."""
    closed = {f"billing_period={period}" for period in books.closed_periods()}
    for room in ("ledger", "statements", "evidence"):
        folder = books.root / room
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name not in closed:
                period = path.name.removeprefix("billing_period=")
                kind = "of a period that is not closed" if period != path.name else "of no period"
                yield Finding(period, f"{room}/{path.name}", "folders of closed periods only", kind)


@dataclass(frozen=True)
class Origin:
    """Where the books were fetched from to be verified, when they are not just a folder.

    Args:
        findings: what is not as it was closed there, beside the files that were fetched.
        names: what files are called there, by their paths in the books' folder.
        todo: what can be done about a difference there, beside what can be done anywhere.
    """

    findings: tuple[Finding, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    todo: tuple[str, ...] = ()

    def named(self, finding: Finding) -> Finding:
        """A finding by the name that its file has there."""
        return replace(finding, path=self.names.get(finding.path, finding.path))


def verify_books(
    books: Books,
    say: Callable[[str], None],
    certificate: Path | None = None,
    origin: Origin = Origin(),
) -> list[VerifiedPeriod]:
    """Verify every closed period and print a line for each, then who signed.

    Args:
        certificate: a PEM file; every period must be signed with one of its certificates, or with one that
            was issued below one of them.
        origin: of books that were fetched.

    Raises:
        Refusal: (exit 4) something is not as it was closed, every file named, or another certificate signed
            it; (exit 2) there is nothing to verify, or the certificate cannot be read.
    """
    periods = books.closed_periods()
    if not periods:
        raise bad_params(
            "there is no closed period in these books", "a books folder with a ledger",
            "none" if books.root.is_dir() else "no such folder", [str(books.root)],
            ["name the folder with BOOKS="],
        )  # fmt: skip
    trusted = _trusted(certificate) if certificate else []
    found, findings = [], [*stray_files(books), *origin.findings]
    for period in periods:
        one = verified_period(books, period)
        if certificate and one.signature:
            one.trusted = _is_trusted(one.signature, trusted)
        say(one.line)
        found.append(one)
        findings += map(origin.named, one.findings)
    for line in _signed_lines(found):
        say(line)
    others = list(_signed_by_others(found))
    if findings:
        paths = len({finding.path for finding in findings})
        raise Refusal(
            CONTROL_FAILED, "the books are not as they were closed",
            f"{len(periods)} closed period{'s' if len(periods) > 1 else ''}, each as its signed manifest says",
            f"{len(findings)} difference{'s' if len(findings) > 1 else ''} in {paths} "
            f"file{'s' if paths > 1 else ''}",
            "", [*dict.fromkeys(finding.line for finding in findings),
                 *(f"signed with another certificate than you named: {one}" for one in others)],
            [*origin.todo,
             "restore the files from your backup; make monthly-close renders lost statements again"],
        )  # fmt: skip
    if others:
        raise Refusal(
            CONTROL_FAILED, "closed periods are signed with another certificate than the one you named",
            "; or ".join(_certificate_text(one) for one in trusted),
            "; ".join(others), "", [f"{certificate} is the file that you named with CERTIFICATE="],
            ["the books are whole: every file is as it was closed, and every signature valid",
             "compare its sha256 with your own record: if it is yours too, renewed or earlier, name a PEM file "
             "with both",
             "if it is not, somebody else signed these periods: find out who before you rely on them"],
        )  # fmt: skip
    files = sum(len(recorded_files(one.manifest)) + 2 for one in found)
    say(
        f"{len(periods)} closed periods, {files:,} files: unchanged since they were closed, signatures valid"
    )
    return found


def _signed_by_others(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Each certificate that was not named, with the periods that it signed."""
    for certificate in dict.fromkeys(
        one.signature.certificate for one in found if one.signature and not one.trusted
    ):
        periods = [
            one for one in found if one.signature and one.signature.certificate == certificate
        ]
        yield f"{', '.join(_ranges(periods, found))}: {_certificate_text(certificate)}"


def _signed_lines(found: list[VerifiedPeriod]) -> Iterator[str]:
    """Each certificate with the periods that it signed."""
    signed: dict[x509.Certificate, list[VerifiedPeriod]] = {}
    for one in found:
        if one.signature:
            signed.setdefault(one.signature.certificate, []).append(one)
    for certificate, periods in signed.items():
        names = ", ".join(_ranges(periods, found))
        made = any(one.manifest and one.manifest["signer"]["development"] for one in periods)
        hint = f"; a development key says not who signed: set {KEY_VARIABLE}" if made else ""
        yield f"signed with {_certificate_text(certificate)}: {names}{hint}"


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
    return certificate is None or _is_trusted(signature, _trusted(certificate))


def _is_trusted(signature: CheckedSignature, trusted: list[x509.Certificate]) -> bool:
    """Whether the signer's certificate is a trusted one, or was issued below one, each link checked."""
    one = signature.certificate
    above = [x509.load_der_x509_certificate(der) for der in signature.certificates[1:]]
    for _ in range(len(above) + 1):
        issuer = next((other for other in (*trusted, *above) if _issued(one, other)), None)
        if one in trusted or issuer is None:
            break
        one = issuer
    return one in trusted


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether an authority's certificate issued another one."""
    try:
        authority = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        one.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return authority


def _certificate_text(certificate: x509.Certificate) -> str:
    name = certificate.subject.rfc4514_string()
    return f"{name} (sha256 {certificate.fingerprint(SHA256()).hex()})"


def _certificates_of(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def _trusted(path: Path) -> list[x509.Certificate]:
    try:
        return _certificates_of(path)
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
