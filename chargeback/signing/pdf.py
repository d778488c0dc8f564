"""Signed statement PDFs, checked without a network.

What always holds: a signed PDF begins with the PDF that was rendered, byte for byte; what follows is the
signature, with its time stamp where it has one (B-T), and nothing follows that but a document security store
(B-LT, chargeback/signing/security_store.py). The rendered PDF is the same for the same inputs. The signature is
not, because it holds the time.

Known drawback: whether the certificate can be trusted is not asked here; `pdfsig` and PDF readers ask that.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from chargeback.signing.cms import BrokenSignature, CheckedSignature, check_signature
from chargeback.signing.security_store import BrokenStore, read_store

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


def check_pdf(signed: bytes, rendered_bytes: int) -> CheckedSignature:
    """The signature of a PDF of which the first bytes are what was rendered.

    Raises:
        BrokenSignature: there is not exactly one, it does not hold, or something follows what it covers that is
            no security store with its certificates.
    """
    ranges = _RANGE.findall(signed, rendered_bytes)
    if len(ranges) != 1:
        raise BrokenSignature(f"{len(ranges)} signatures instead of one")
    start, before, after, rest = map(int, ranges[0])
    gap, end = signed[before:after], after + rest
    whole = start == 0 and end <= len(signed) and before >= rendered_bytes
    if not (whole and gap.startswith(b"<") and gap.endswith(b">")):
        raise BrokenSignature("it does not cover the whole file")
    try:
        checked = check_signature(bytes.fromhex(gap[1:-1].decode("ascii")))
    except ValueError:
        raise BrokenSignature("it is not written in hexadecimal digits") from None
    hashed = hashlib.sha256(signed[:before])
    hashed.update(signed[after:end])
    if hashed.hexdigest() != checked.content_sha256:
        raise BrokenSignature("the file is not what was signed")
    return checked if end == len(signed) else _with_store(checked, signed, end, rendered_bytes)


def _with_store(
    checked: CheckedSignature, signed: bytes, end: int, rendered_bytes: int
) -> CheckedSignature:
    """The signature with the security store that follows it."""
    try:
        store = read_store(signed, end, rendered_bytes)
    except BrokenStore as error:
        raise BrokenSignature(
            f"it does not cover the whole file, nor does a security store follow it: {error}"
        ) from None
    if not checked.stamp:
        raise BrokenSignature("a security store follows it, and it has no time stamp")
    if not {checked.certificates[0], checked.stamp.certificate} <= set(store.certificates):
        raise BrokenSignature("the security store that follows it is of other certificates")
    return replace(checked, store=store)
