"""Signs statement PDFs with PAdES by appending to them; `chargeback.signing.pdf` checks them.

    B-B   the signature
    B-T   with the time stamp of an authority on it, where one is named
    B-LT  followed by what says that no certificate was revoked, where trust anchors are named too

One request is made for each time stamp, and then one for each certificate: so what is said of the certificates
is later than every signature.

If a signature is still kept with a period's evidence, it is appended again rather than made anew. So a lost
statement comes back byte for byte, without the key.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer, fields
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from chargeback.core.errors import Refusal, unreachable
from chargeback.signing.cms import BrokenSignature, CheckedSignature
from chargeback.signing.level import OUR_WORD, Level
from chargeback.signing.pdf import check_pdf
from chargeback.signing.revocation import fetch_store
from chargeback.signing.security_store import BrokenStore, store_update
from chargeback.signing.signing_key import SigningKey
from chargeback.signing.time_stamp import no_stamp, request_stamp

FIELD = "Statement"

#: What pyHanko reserves room for in the place of a time stamp, and half as much again for all that it reserves.
STAMP_BYTES = 3_000

#: The largest time stamp that surely fits there.
MOST_STAMP_BYTES = STAMP_BYTES * 3 // 2

logging.getLogger("pyhanko").setLevel(logging.ERROR)


class _KeySigner(Signer):
    """pyHanko's signer over a key that is loaded and checked already."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        above = SimpleCertificateStore()
        for one in key.above:
            above.register(asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)))
        own = asn1_x509.Certificate.load(key.certificate.public_bytes(Encoding.DER))
        super().__init__(signing_cert=own, cert_registry=above)

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        # A dry run asks how long a signature is; a key that is elsewhere would be asked twice.
        return self.key.placeholder() if dry_run else self.key.sign(data)


class Stamper(TimeStamper):
    """pyHanko's time stamps of an authority, asked for and checked as those of manifests.

    It keeps the certificates that the authority sent, in DER.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.certificates: dict[bytes, None] = {}

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        given = request_stamp(message_digest, self.address)
        if len(given.kept) > MOST_STAMP_BYTES:
            found = f"one of {len(given.kept):,} bytes; a PDF has room for {MOST_STAMP_BYTES:,}"
            raise no_stamp(self.address, found)
        self.certificates.update(dict.fromkeys(given.certificates))
        return cms.ContentInfo.load(given.kept)

    async def async_dummy_response(self, md_algorithm: str) -> cms.ContentInfo:
        """What pyHanko measures before it signs; nobody is asked."""
        return cms.ContentInfo(
            {"content_type": "data", "content": core.OctetString(bytes(STAMP_BYTES))}
        )


def sign_pdf(
    rendered: bytes, key: SigningKey, reason: str, stamper: TimeStamper | None = None
) -> bytes:
    """A PDF with its signature appended.

    Args:
        reason: shown by PDF readers beside the signature.
        stamper: whose time stamp the signature gets; None for none.

    Raises:
        Refusal: (exit 6) the time stamp is not given.
    """
    about = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    signer = PdfSigner(about, signer=_KeySigner(key), timestamper=stamper)
    writer = IncrementalPdfFileWriter(BytesIO(rendered))
    _order_by_structure(writer)
    # pyHanko runs an event loop, and a notebook's kernel has one in this thread.
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(signer.sign_pdf, writer).result()
    return bytes(made.getbuffer())


def _order_by_structure(writer: IncrementalPdfFileWriter) -> None:
    """Say in which order a keyboard reaches what the first page holds, where the signature's field will be.

    PDF/UA asks for that on every page that has a field, also on one that nobody sees.
    """
    page, _ = writer.find_page_for_modification(0)
    page.get_object()["/Tabs"] = NameObject("/S")
    writer.mark_update(page)


def sign_statements(
    folder: Path,
    key: Callable[[], SigningKey],
    reason: str,
    kept: Path | None = None,
    level: Level = OUR_WORD,
) -> dict[str, dict[str, Any]]:
    """Sign every PDF of a folder of statements, in place.

    Args:
        key: asked for once, when a signature has to be made.
        kept: signatures that were appended before, as `kept_signature` names them.
        level: of the signatures that have to be made.

    Returns:
        Per PDF, by its path from the folder: size and sha256 of what was rendered.

    Raises:
        Refusal: (exit 6) what was signed does not begin with what was rendered, or its signature does not hold;
            a time stamp is not given, or nothing says that a certificate is not revoked.
    """
    rendered = {path: path.read_bytes() for path in sorted(folder.glob("*/*.pdf"))}
    signed = {
        path: _signed_before(content, kept and kept_signature(kept, path.parent.name))
        for path, content in rendered.items()
    }
    missing = {path: rendered[path] for path, content in signed.items() if not content}
    if missing:
        signed |= _signed_now(missing, key(), reason, level)
    found = {}
    for path, content in signed.items():
        _check_signed(path, rendered[path], content)
        path.write_bytes(content)
        found[path.relative_to(folder).as_posix()] = {
            "bytes": len(rendered[path]), "sha256": hashlib.sha256(rendered[path]).hexdigest(),
        }  # fmt: skip
    return found


def _signed_now(
    rendered: Mapping[Path, bytes], key: SigningKey, reason: str, level: Level
) -> dict[Path, bytes]:
    """PDFs that are signed anew, all of them before anything is fetched about certificates."""
    stamper = Stamper(level.authority) if level.authority else None
    signed = {path: sign_pdf(content, key, reason, stamper) for path, content in rendered.items()}
    if not (stamper and level.anchors) or key.development:
        return signed
    checked = [_check_signed(path, rendered[path], content) for path, content in signed.items()]
    signers = [one.certificates[0] for one in checked]
    stamps = [one.stamp.certificate for one in checked if one.stamp]
    others = [der for one in checked for der in one.certificates] + [*stamper.certificates]
    store = fetch_store([*signers, *stamps], others, level.anchors)
    try:
        return {
            path: content + store_update(content, len(rendered[path]), store)
            for path, content in signed.items()
        }
    except BrokenStore as error:
        raise _not_signed(next(iter(signed)), str(error)) from None


def kept_signature(folder: Path, unit_id: str) -> Path:
    """Where the evidence of a period keeps what signing appended to a unit's statement."""
    return folder / f"{unit_id}.pdf-signature"


def _signed_before(rendered: bytes, kept: Path | None) -> bytes:
    """The PDF with its kept signature; empty when there is none that fits it."""
    if not kept or not kept.is_file():
        return b""
    signed = rendered + kept.read_bytes()
    try:
        check_pdf(signed, len(rendered))
    except BrokenSignature:
        return b""
    return signed


def _check_signed(path: Path, rendered: bytes, signed: bytes) -> CheckedSignature:
    try:
        if not signed.startswith(rendered):
            raise BrokenSignature("the first bytes are others")
        return check_pdf(signed, len(rendered))
    except BrokenSignature as error:
        raise _not_signed(path, str(error)) from None


def _not_signed(path: Path, found: str) -> Refusal:
    return unreachable(
        "a statement could not be signed", "the bytes that were rendered, and one signature of them",
        found, [str(path)], ["report this with the version of pyHanko; nothing was published"],
    )  # fmt: skip
