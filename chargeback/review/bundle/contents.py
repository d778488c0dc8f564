"""Contents: the files of a bundle, in the bytes that they have in the books.

What always holds: each file of the books is given only as the signed manifest has it (books/checked.py).
Of statements there are the unit's own and nobody else's. The same books give the same bytes, whenever and
wherever the bundle is made. SHA256SUMS has every other file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from chargeback.books.checked import Signed, checked_bytes, signed_manifest
from chargeback.books.closed_period import kept_params
from chargeback.books.history import Close, log_of, next_head
from chargeback.books.manifest import CERTIFICATES, MANIFEST, MANIFEST_SIGNATURE, recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.text import plain, suggestion
from chargeback.signing.cms import CheckedSignature, StampPlaces, check_detached, stamp_places

README, SUMS = "README.txt", "SHA256SUMS"


@dataclass(frozen=True)
class Bundled:
    """What a bundle is made of.

    Args:
        files: what it takes from the books, by its name in the bundle.
        recorded: the name that each of them has in the manifest; the manifest itself has none.
    """

    period: str
    unit: str
    unit_name: str
    signed: Signed
    files: dict[str, bytes]
    recorded: dict[str, str]

    @property
    def name(self) -> str:
        """What the bundle is called: its folder, and its ZIP without the ending."""
        return f"chargeback-{self.period}-{self.unit}"

    @property
    def manifest(self) -> dict[str, Any]:
        """What the manifest says."""
        return self.signed.manifest

    @property
    def pdf(self) -> str:
        """The statement that is signed by itself."""
        return next(one for one in self.recorded if one.endswith(".pdf"))

    @cached_property
    def signature(self) -> CheckedSignature:
        """The manifest's signature."""
        return check_detached(self.signed.signature)

    @property
    def stamped(self) -> StampPlaces | None:
        """Where in the manifest's signature its time stamp lies; None where it has none."""
        return stamp_places(self.signed.signature)

    @property
    def certificates(self) -> list[x509.Certificate]:
        """The certificates that are in it, as PEM files have them."""
        return x509.load_pem_x509_certificates(self.files[CERTIFICATES])

    @property
    def head_before(self) -> str:
        """The head of the history before this close; blank where its version kept none."""
        return str(self.manifest["history"]["head"]) if log_of(self.manifest) else ""

    @property
    def head(self) -> str:
        """The head after this close; blank where its version kept none."""
        if not self.head_before:
            return ""
        sha256 = hashlib.sha256(self.signed.content).hexdigest()
        return next_head(self.head_before, Close(self.period, sha256))


def fingerprint(certificate: x509.Certificate) -> str:
    """The sha256 of a certificate, as openssl prints it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def bundled(books: Books, period: str, unit: str) -> Bundled:
    """What the bundle of a unit's statement is made of.

    Raises:
        Refusal: (exit 2) the period is not closed, or the unit has no statement of it; (exit 4) a file is
            missing, or is not what was closed.
    """
    closed = books.closed_periods()
    if period not in closed:
        raise bad_params(
            f"{period} is not closed, so there is no statement to bundle",
            "one of: " + (", ".join(closed) or "none is closed"), period, [str(books.root)],
            ["name a closed period with PERIOD=, or other books with BOOKS="],
        )  # fmt: skip
    signed = signed_manifest(books, period)
    statements = recorded_files(signed.manifest, "statements")
    units = sorted({one.split("/")[1] for one in statements if one.count("/") > 1})
    if unit not in units:
        raise bad_params(
            f"this unit has no statement of {period}", "one of: " + ", ".join(units), repr(plain(unit)),
            [str(books.statements(period))],
            [*suggestion(unit, units), "name one of them with UNIT="],
        )  # fmt: skip
    own = f"statements/{unit}/"
    recorded = {name.removeprefix(own): name for name in statements if name.startswith(own)}
    recorded[CERTIFICATES] = f"evidence/{CERTIFICATES}"
    files = {
        short: checked_bytes(books, period, name, signed.manifest)
        for short, name in recorded.items()
    }
    files |= {MANIFEST: signed.content, MANIFEST_SIGNATURE: signed.signature}
    known = kept_params(books, period).business_units.get(unit)
    return Bundled(period, unit, plain(known.name) if known else unit, signed, files, recorded)


def sums(files: dict[str, bytes]) -> bytes:
    """SHA256SUMS of files, as `sha256sum` writes and checks it."""
    lines = (f"{hashlib.sha256(files[one]).hexdigest()}  {one}\n" for one in sorted(files))
    return "".join(lines).encode("ascii")
