"""The ledger folder of a closed period: its manifest with its signature and link, and its postings."""

from __future__ import annotations

from pathlib import Path

from chargeback.books.manifest import (
    MANIFEST,
    MANIFEST_SIGNATURE,
    METRICS,
    POSTINGS,
    parse_manifest,
    recorded_files,
)
from chargeback.books.verify.findings import HOLDS, LINK, VerifiedPeriod
from chargeback.core.books_folders import Books
from chargeback.core.files import bytes_of, sha256_of
from chargeback.signing.cms import BrokenSignature, check_detached

#: What may lie in a ledger folder; the quantities only where the manifest names them.
KNOWN = (POSTINGS, MANIFEST, MANIFEST_SIGNATURE, METRICS)


def verified_ledger(books: Books, period: str) -> VerifiedPeriod:
    """The manifest of a period, its signature and link, and the ledger folder; what every close looks at.

    Without a manifest that holds there is nothing that the other files can be compared with; `manifest` is
    empty then.
    """
    found = VerifiedPeriod(books, period)
    folder = books.ledger(period)
    for one in (folder, *sorted(folder.iterdir())):
        if one.is_symlink():
            found.add(one, "a folder" if one == folder else "a file", LINK)
    signed = folder / MANIFEST_SIGNATURE
    try:
        found.signature = check_detached(bytes_of(signed))
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
        if one.name not in KNOWN and not one.is_symlink():
            found.add(one, "", sha256_of(one) or "not a file")
    if found.signature and sha256 == found.signature.content_sha256:
        _read_manifest(found, path)
    return found


def _read_manifest(found: VerifiedPeriod, path: Path) -> None:
    """The manifest, when it is one that a close wrote; its period, its postings and its link."""
    try:
        manifest = parse_manifest(bytes_of(path))
        recorded = recorded_files(manifest)[f"ledger/{POSTINGS}"]
    except (OSError, ValueError, KeyError):
        found.add(path, "a readable manifest", "not readable")
        return
    found.manifest = manifest
    stamped, previous = manifest["run"].get("time_stamp", ""), manifest["previous"]
    if stamped and found.signature and not found.signature.stamp:
        found.add(path.with_name(MANIFEST_SIGNATURE), f"a time stamp of {stamped}", "none")
    found.add(path, f"of {found.period}", f"of {manifest['billing_period']}")
    found.add(path, recorded, manifest["postings"]["sha256"])
    found.add(path.with_name(POSTINGS), recorded, sha256_of(path.with_name(POSTINGS)))
    metrics = recorded_files(manifest).get(f"ledger/{METRICS}", "")
    found.add(path.with_name(METRICS), metrics, sha256_of(path.with_name(METRICS)))
    if previous:
        before = found.books.ledger(previous["billing_period"]) / MANIFEST
        found.add(before, previous["manifest_sha256"], sha256_of(before))
