"""What a PDF holds after its signature, to see later that no certificate was revoked (PAdES B-LT).

    signed PDF + certificates, OCSP answers, CRLs -> one further update of the file, its document security store

What always holds: the update has one form, made of the signed bytes and these values alone. To check one, it is
put together again and must give the same bytes. So it holds no page, no annotation and no field: each value is
an object of its own, and the only object that takes the place of another is the catalog, as it was signed, with
one more entry, /DSS. Each value is signed by one of its certificates, so none of them can be changed.

Known drawback: whether the values prove that nothing was revoked is asked when they are fetched
(chargeback/signing/revocation.py) and by PDF readers, not whenever the form is checked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass

from cryptography import x509

from chargeback.signing.broken import Broken, broken_as
from chargeback.signing.issued import check_certificates, check_crl, check_ocsp_answer


@dataclass(frozen=True)
class SecurityStore:
    """Values in DER, each once."""

    certificates: tuple[bytes, ...] = ()
    ocsp_answers: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


class BrokenStore(Broken):
    """What follows a signature is no security store; its text says why."""


#: The end of a file as the signature leaves it: a table of places, a trailer, and where the table is.
_END = re.compile(
    rb"\ntrailer\s*<<(?P<trailer>[^<>]*(?:<[0-9a-fA-F]*>[^<>]*)*)>>\s*"
    rb"startxref\s+(?P<table>\d+)\s+%%EOF\s*\Z"
)
_SIZE, _ROOT = re.compile(rb"/Size (\d+)\b"), re.compile(rb"/Root (\d+) 0 R\b")
_INFO, _ID = re.compile(rb"/Info \d+ \d+ R\b"), re.compile(rb"/ID \[ ?(<[0-9a-fA-F]*>)")

_VALUE = re.compile(rb"\d+ 0 obj\n<< /Length (\d{1,9}) >>\nstream\n")
_AFTER_VALUE = b"\nendstream\nendobj\n"
_LISTS = re.compile(
    rb"\d+ 0 obj\n<< /Type /DSS /Certs \[([0-9 R]*)\] /OCSPs \[([0-9 R]*)\] /CRLs \[([0-9 R]*)\] >>\n"
)


def store_update(signed: bytes, rendered_bytes: int, store: SecurityStore) -> bytes:
    """The bytes that put a security store behind a signed PDF.

    Args:
        rendered_bytes: where what signing appended begins.

    Raises:
        BrokenStore: the signed PDF does not end as a signature leaves it.
    """
    appended = signed[rendered_bytes:]
    end = _END.search(appended)
    size, root = end and _SIZE.search(end["trailer"]), end and _ROOT.search(end["trailer"])
    first_id = end and _ID.search(end["trailer"])
    if not (end and size and root and first_id and signed.endswith(b"\n")):
        raise BrokenStore("the file does not end as a signature leaves it")
    number, catalog_number = int(size[1]), int(root[1])
    objects = {catalog_number: b""}  # a table of places is in the order of the numbers
    lists = []
    for values in astuple(store):
        lists.append(b" ".join(b"%d 0 R" % (number + at) for at in range(len(values))))
        for value in values:
            objects[number] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(value), value)
            number += 1
    objects[number] = b"<< /Type /DSS /Certs [%s] /OCSPs [%s] /CRLs [%s] >>" % tuple(lists)
    objects[catalog_number] = _catalog(appended, catalog_number, number)
    written, places = b"", {}
    for one in (*list(objects)[1:], catalog_number):
        places[one] = len(signed) + len(written)
        written += b"%d 0 obj\n%s\nendobj\n" % (one, objects[one])
    info = _INFO.search(end["trailer"])
    trailer = b"trailer\n<< /Size %d /Root %d 0 R%s /ID [ %s <%s> ] /Prev %s >>\n" % (
        number + 1, catalog_number, b" " + info[0] if info else b"", first_id[1],
        hashlib.sha256(signed).hexdigest()[:32].encode(), end["table"],
    )  # fmt: skip
    table = len(signed) + len(written)
    return written + _table(places) + trailer + b"startxref\n%d\n%%%%EOF\n" % table


def _catalog(appended: bytes, number: int, store_number: int) -> bytes:
    """The catalog as it was signed, with the store."""
    found = re.findall(rb"\n%d 0 obj\n(<<\n.*?\n)>>\nendobj\n" % number, appended, re.DOTALL)
    if len(found) != 1 or b"/DSS" in found[0]:
        raise BrokenStore("the file has no catalog of the form that a signature leaves")
    return bytes(found[0]) + b"/DSS %d 0 R\n>>" % store_number


def _table(places: dict[int, int]) -> bytes:
    """Where the objects are, by number: the catalog, and the new ones, which follow one another."""
    (catalog, *new) = sorted(places)
    lines = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (catalog, places[catalog])
    return (
        lines
        + b"%d %d\n" % (new[0], len(new))
        + b"".join(b"%010d 00000 n \n" % places[one] for one in new)
    )


def read_store(content: bytes, signed_bytes: int, rendered_bytes: int) -> SecurityStore:
    """The security store of a PDF, looked at byte for byte; all that may follow the signature.

    Args:
        signed_bytes: where what the signature covers ends.

    Raises:
        BrokenStore: something else follows, or more than that.
    """
    update = content[signed_bytes:]
    values, rest = _values(update)
    lists = _LISTS.match(update, rest)
    if not lists:
        raise BrokenStore("it has another form")
    counts = [one.count(b"R") for one in lists.groups()]
    kinds = (
        values[: counts[0]],
        values[counts[0] : counts[0] + counts[1]],
        values[sum(counts[:2]) :],
    )
    store = SecurityStore(*map(tuple, kinds))
    if store_update(content[:signed_bytes], rendered_bytes, store) != update:
        raise BrokenStore("it is not in the form in which it was made")
    _check_values(store)
    return store


def _check_values(store: SecurityStore) -> None:
    """See that all values are signed by the store's certificates."""
    with broken_as(BrokenStore):
        known = [x509.load_der_x509_certificate(one) for one in store.certificates]
        check_certificates(known)
        for answer in store.ocsp_answers:
            check_ocsp_answer(answer, known)
        for crl in store.crls:
            check_crl(crl, known)


def _values(update: bytes) -> tuple[list[bytes], int]:
    """The values that an update begins with, and where they end."""
    found, at = [], 0
    while one := _VALUE.match(update, at):
        until = one.end() + int(one[1])
        found.append(update[one.end() : until])
        if not update.startswith(_AFTER_VALUE, until):
            break
        at = until + len(_AFTER_VALUE)
    return found, at
