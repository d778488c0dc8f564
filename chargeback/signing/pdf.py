"""Signed statement PDFs, checked without a network.

What always holds: a signed PDF begins with the PDF that was rendered, byte for byte; what follows is the
signature, and nothing follows that. The rendered PDF is the same for the same inputs. The signature is not,
because it holds the time.

Known drawback: whether the certificate can be trusted is not asked here; `pdfsig` and PDF readers ask that.
"""

from __future__ import annotations

import hashlib
import re

from chargeback.signing.cms import BrokenSignature, CheckedSignature, check_signature

_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


def check_pdf(signed: bytes, rendered_bytes: int) -> CheckedSignature:
    """The signature of a PDF of which the first bytes are what was rendered.

    Raises:
        BrokenSignature: there is not exactly one, it does not cover the whole file, or it does not hold.
    """
    ranges = _RANGE.findall(signed, rendered_bytes)
    if len(ranges) != 1:
        raise BrokenSignature(f"{len(ranges)} signatures instead of one")
    start, before, after, rest = map(int, ranges[0])
    gap = signed[before:after]
    whole = start == 0 and after + rest == len(signed) and before >= rendered_bytes
    if not (whole and gap.startswith(b"<") and gap.endswith(b">")):
        raise BrokenSignature("it does not cover the whole file")
    try:
        checked = check_signature(bytes.fromhex(gap[1:-1].decode("ascii")))
    except ValueError:
        raise BrokenSignature("it is not written in hexadecimal digits") from None
    hashed = hashlib.sha256(signed[:before])
    hashed.update(signed[after:])
    if hashed.hexdigest() != checked.content_sha256:
        raise BrokenSignature("the file is not what was signed")
    return checked
