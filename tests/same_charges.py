"""Whether two sets of books charge the same: what a change of the software must not move.

    python -m tests.same_charges BEFORE AFTER

Prints, for each period closed in either, the sha256 of the postings, and of each statement's CSV and its PDF
before it was signed, in both; ends with exit code 1 when one differs. Close both with the same report, the same
params and the same key (`BOOKS/keys/` copied before the first close), for statements name who signs them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chargeback.books.checked import checked_manifest
from chargeback.books.manifest import POSTINGS
from chargeback.core.books_folders import Books

Digests = dict[tuple[str, str], str]


def digests(books: Books) -> Digests:
    """sha256 by period and file, as the manifests record them."""
    found: Digests = {}
    for period in books.closed_periods():
        manifest = checked_manifest(books, period)
        found[period, POSTINGS] = manifest["postings"]["sha256"]
        for name, sha256 in manifest["derived"].items():
            if name.startswith("statements/") and name.endswith(".csv"):
                found[period, name] = sha256
        for name, pdf in manifest["unsigned_pdfs"].items():
            found[period, name] = pdf["sha256"]
    return found


def main(before: str, after: str) -> int:
    """Print both, a line a file."""
    was, now = digests(Books(Path(before))), digests(Books(Path(after)))
    differing = 0
    for period, name in sorted(was.keys() | now.keys()):
        one, other = was.get((period, name), "-"), now.get((period, name), "-")
        differing += one != other
        print(
            f"{period}  {name:<42} {one[:16]:<16}  {other[:16]:<16}  {'' if one == other else 'DIFFERS'}"
        )
    print(f"{len(was.keys() | now.keys())} files, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
