"""The contents of a closed period: every file with its manifest, and what the manifest says of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.serialization import Encoding

from chargeback.books.evidence import is_by_hand, missing_evidence
from chargeback.books.manifest import (
    CERTIFICATES,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    period_folders,
    recorded_files,
)
from chargeback.books.tables import read_postings, statement_total
from chargeback.books.verify.certificates import certificate_text, certificates_of
from chargeback.books.verify.findings import HOLDS, LINK, Finding, VerifiedPeriod
from chargeback.books.verify.ledger import verified_ledger
from chargeback.core.books_folders import Books
from chargeback.core.files import sha256_of
from chargeback.core.json_text import read_json
from chargeback.core.sums import sums_by
from chargeback.signing.cms import BrokenSignature
from chargeback.signing.pdf import check_pdf


def verify_period(books: Books, period: str) -> list[Finding]:
    """Everything in a closed period that is not as it was closed; empty when it is whole."""
    return verified_period(books, period).findings


def verified_period(books: Books, period: str) -> VerifiedPeriod:
    """A closed period with all that can be said of it by itself."""
    found = verified_ledger(books, period)
    if found.manifest:
        _compare_files(found)
        _check_evidence(found)
        _check_statements(found)
        _check_certificates(found)
        _check_sources(found)
        _check_postings(found)
    return found


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
        found.add(path, sha256, LINK if path.is_symlink() else sha256_of(path))
    known = {parent for path in named for parent in path.parents} | named.keys()
    for folder in folders.values():
        if folder.is_symlink():
            found.add(folder, "a folder", LINK)
        for path in below(folder):
            if path.is_symlink() and path not in named:
                found.add(path, "a folder" if path in known else "", LINK)
            elif path not in known:
                name = path.relative_to(folder).as_posix()
                if folder == folders["evidence"] and is_by_hand(name):
                    found.by_hand.append(path)
                else:
                    found.add(path, "", sha256_of(path) or "not a file")


def below(folder: Path) -> Iterator[Path]:
    """All that lies below a folder; a link is there, and what it leads to is not."""
    for at, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(at) / name for name in sorted([*folders, *files]))


def _check_evidence(found: VerifiedPeriod) -> None:
    """The manifest names all that the evidence of a close must hold."""
    for name in missing_evidence(found.manifest):
        path = file_path(found.books, found.period, name)
        found.add(path, "evidence that every close keeps", "not in the manifest")


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
        found.pdf_signatures.append(signature)
        stamped = found.manifest["signer"].get("time_stamp", "")
        if stamped and not signature.stamp:
            found.add(path, f"a time stamp of {stamped}", "none")
        if found.signature and signature.certificates[0] != found.signature.certificates[0]:
            found.add(
                path, "the certificate of the manifest", certificate_text(signature.certificate)
            )


def _check_certificates(found: VerifiedPeriod) -> None:
    """The certificates of the signature are those kept with the period, and held when it was made."""
    assert found.signature
    signed = found.books.ledger(found.period) / MANIFEST_SIGNATURE
    path = found.books.evidence(found.period) / CERTIFICATES
    if path.is_file():
        try:
            kept = {one.public_bytes(Encoding.DER) for one in certificates_of(path)}
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
            same = read_json(path.read_bytes()) == found.manifest["sources"]
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
