"""Verify: are the closed periods of a set of books still what they were when they were closed?

Using nothing but the books, it checks every file of every period against its manifest, with none missing and
none added (`contents`), and that nothing is missing from the list of what evidence must hold; the signatures
of manifests and PDFs, and whether one certificate made them; what was rendered, cut out of the signed PDFs;
each manifest's link to the one before it (`ledger`); each entry's postings, which sum to zero, and their
total; the history of closes, which all manifests must tell alike (`closes`); the delivery log with the files
that it names and its approvals (`delivered`); and the access log of the portal (`accessed`). What always
holds: a changed byte is found, and its file is named, in any file that a manifest names, in the manifest and
in its signature; and a period that was taken out, replaced or moved is found by any later close, and by any
head that somebody kept.

Known drawbacks: whoever can sign can make other books that are consistent in themselves. So compare the
printed certificate with one that you received another way, or name that one. The last closes leave no trace
here when they are removed with all their folders, unless a head was kept outside. Whether the figures follow
from the report is a question for the audit.
"""

from __future__ import annotations

from chargeback.books.verify.certificates import is_of
from chargeback.books.verify.contents import verified_period, verify_period
from chargeback.books.verify.findings import HOLDS, LINK, Finding, Origin, VerifiedPeriod
from chargeback.books.verify.ledger import verified_ledger
from chargeback.books.verify.report import verify_books
from chargeback.books.verify.rooms import stray_files

__all__ = [
    "HOLDS", "LINK", "Finding", "Origin", "VerifiedPeriod", "is_of", "stray_files", "verified_ledger",
    "verified_period", "verify_books", "verify_period",
]  # fmt: skip
