"""Signs statement PDFs with PAdES (B-B) by appending to them; `chargeback.signing.pdf` checks them.

If a signature is still kept with a period's evidence, it is appended again rather than made anew. So a lost
statement comes back byte for byte, without the key.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer, fields
from pyhanko_certvalidator.registry import SimpleCertificateStore

from chargeback.core.errors import Refusal, unreachable
from chargeback.signing.cms import BrokenSignature
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import SigningKey

FIELD = "Statement"

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


def sign_pdf(rendered: bytes, key: SigningKey, reason: str) -> bytes:
    """A PDF with its signature appended.

    Args:
        reason: shown by PDF readers beside the signature.
    """
    about = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    signer = PdfSigner(about, signer=_KeySigner(key))
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
    folder: Path, key: Callable[[], SigningKey], reason: str, kept: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Sign every PDF of a folder of statements, in place.

    Args:
        key: asked for once, when a signature has to be made.
        kept: signatures that were appended before, as `kept_signature` names them.

    Returns:
        Per PDF, by its path from the folder: size and sha256 of what was rendered.

    Raises:
        Refusal: what was signed does not begin with what was rendered, or its signature does not hold.
    """
    chosen: SigningKey | None = None
    found = {}
    for path in sorted(folder.glob("*/*.pdf")):
        rendered = path.read_bytes()
        signed = _signed_before(rendered, kept and kept_signature(kept, path.parent.name))
        if not signed:
            chosen = chosen or key()
            signed = sign_pdf(rendered, chosen, reason)
        _check_signed(path, rendered, signed)
        path.write_bytes(signed)
        name = path.relative_to(folder).as_posix()
        found[name] = {"bytes": len(rendered), "sha256": hashlib.sha256(rendered).hexdigest()}
    return found


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


def _check_signed(path: Path, rendered: bytes, signed: bytes) -> None:
    try:
        if not signed.startswith(rendered):
            raise BrokenSignature("the first bytes are others")
        check_pdf(signed, len(rendered))
    except BrokenSignature as error:
        raise _not_signed(path, str(error)) from None


def _not_signed(path: Path, found: str) -> Refusal:
    return unreachable(
        "a statement could not be signed", "the bytes that were rendered, and one signature of them",
        found, [str(path)], ["report this with the version of pyHanko; nothing was published"],
    )  # fmt: skip
