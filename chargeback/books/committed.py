"""Committed: the manifest of a closed period as it lies in a bucket, believed only where its signature holds.

The order is what protects: the manifest's bytes, the signature over exactly these bytes, then what they say,
and only then any other object. Who signed is not decided here: verify prints the certificate, and compares it
with the one that it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from chargeback.aws.bucket import Bucket
from chargeback.books.manifest import MANIFEST_SIGNATURE, parse_manifest, recorded_files
from chargeback.books.objects import manifest_name, run_in, run_of, signature_name
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.signing.cms import BrokenSignature, check_detached

#: Bytes: a manifest has some hundred for each file, a signature those of its certificates.
MOST_OF_MANIFEST, MOST_OF_SIGNATURE = 32 << 20, 1 << 20


@dataclass(frozen=True)
class Committed:
    """What commits a period.

    Args:
        signature: empty where there is none.
        files: what the manifest names, with its sha256; empty where the signature does not hold.
        broken: why the manifest is not to be believed, blank where it is.
    """

    period: str
    manifest: bytes
    signature: bytes
    files: dict[str, str]
    broken: str = ""

    @property
    def run(self) -> str:
        """The run that committed it."""
        return run_of(self.manifest)


def read_committed(bucket: Bucket, period: str, there: Collection[str]) -> Committed:
    """The manifest of a period with its signature, and what it names where the signature holds.

    Args:
        there: the names of the objects under ledger/.

    Raises:
        Refusal: (exit 6) S3 does not answer; (exit 4) one of the two is too large, or a name that the
            manifest gives leads out of the period.
    """
    content = bucket.get(manifest_name(period), MOST_OF_MANIFEST)
    name = signature_name(period, run_of(content))
    if name not in there:
        # A manifest that was written over belongs to no run: any signature of the period says so.
        name = next((one for one in sorted(there) if is_signature(one, period)), "")
    signature = bucket.get(name, MOST_OF_SIGNATURE) if name else b""
    broken = signature_fault(content, signature)
    if broken:
        return Committed(period, content, signature, {}, broken)
    try:
        return Committed(period, content, signature, named_files(content, period))
    except ValueError:
        return Committed(period, content, signature, {}, "it is not a manifest of this period")


def is_signature(name: str, period: str) -> bool:
    """Whether an object is the signature of a manifest of a period, of whatever run."""
    run = run_in(name)
    return bool(run and run.period == period and name == signature_name(period, run.run))


def signature_fault(manifest: bytes, signature: bytes) -> str:
    """Why a signature does not hold over exactly these bytes, blank where it does."""
    if not signature:
        return "it has no signature"
    try:
        signed = check_detached(signature).content_sha256
    except BrokenSignature as error:
        return f"its signature does not hold: {error}"
    return (
        "" if signed == hashlib.sha256(manifest).hexdigest() else "its signature is of other bytes"
    )


def named_files(manifest: bytes, period: str) -> dict[str, str]:
    """What a manifest names, with a sha256 each, the signature left out; ValueError where it is none."""
    content = parse_manifest(manifest)
    files = recorded_files(content)
    if content["billing_period"] != period:
        raise ValueError(f"a manifest of {content['billing_period']}")
    folders = {name[:at] for name in files for at, one in enumerate(name) if one == "/"}
    if folders & files.keys():
        raise ValueError("a file that is a folder too")
    return files


def require_believed(one: Committed, bucket: Bucket) -> None:
    """Stop where a manifest's signature does not hold (exit 4)."""
    if one.broken:
        raise Refusal(
            CONTROL_FAILED, "the manifest of a closed period in S3 is not as it was signed",
            f"a manifest of {one.period}, and {MANIFEST_SIGNATURE} over exactly its bytes", one.broken, "",
            [f"{bucket.place}{manifest_name(one.period)}"],
            ["nothing that it names was fetched: find out who put it, and restore the version before it",
             "see what else is not as it was closed: make verify BOOKS=…"],
        )  # fmt: skip
