"""The manifest of a closed period: every file that the period consists of, with its sha256.

Files are named by their place, without the period: `ledger/postings.parquet`, `evidence/rollup.parquet`,
`statements/claims/statement.pdf`. What always holds: apart from `run`, `books` and `history`, the manifest is
the same whenever the period is derived again; and no name that leads out of the period's folders is ever
followed.

    derived         files that the same inputs give again, byte for byte
    unsigned_pdfs   statement PDFs as they were rendered: the first bytes of the signed ones
    books, history  of which books it is, and their closes before this one (chargeback/books/history.py)
    evidence        the version of the list of what evidence holds (chargeback/books/evidence.py)
    run             what belongs to one run: signed PDFs, executed notebooks, certificates, times, versions,
                    and where the books lay
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chargeback.books.names import require_confined
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.json_text import read_json

POSTINGS, MANIFEST, MANIFEST_SIGNATURE = "postings.parquet", "manifest.json", "manifest.json.p7s"

#: In a period's evidence: what signing appended to each PDF, and the certificates that signed.
SIGNATURES, CERTIFICATES = "signatures", "certificates.pem"

#: Files that are of one run, by the beginning of their names; signed PDFs are as well.
OF_ONE_RUN = (
    "evidence/run.json", "evidence/notebooks/", f"evidence/{SIGNATURES}/", f"evidence/{CERTIFICATES}",
)  # fmt: skip


#: What every manifest has.
PARTS = ("derived", "run", "sources", "postings")


def period_folders(books: Books, period: str) -> dict[str, Path]:
    """The folders of a period, by the first part of its files' names."""
    return {
        "ledger": books.ledger(period),
        "statements": books.statements(period),
        "evidence": books.evidence(period),
    }


def file_path(books: Books, period: str, name: str) -> Path:
    """Where a file of a manifest lies (exit 4 where its name leads out of the period)."""
    require_confined([name], f"the manifest of {period}")
    room, _, rest = name.partition("/")
    return period_folders(books, period)[room] / rest


def parse_manifest(content: bytes) -> dict[str, Any]:
    """What a manifest says.

    Raises:
        ValueError: it is not one that a close wrote; says what is missing or of another kind.
    """
    try:
        manifest: dict[str, Any] = read_json(content)
        if not all(isinstance(manifest[part], dict) for part in PARTS):
            raise ValueError("a part of it is of another kind")
        SourceRecord.from_json(json.dumps(manifest["sources"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return manifest


def recorded_files(manifest: dict[str, Any], room: str = "") -> dict[str, str]:
    """Every file that a manifest names with its sha256, or those of one room.

    Raises:
        Refusal: (exit 4) a name leads out of the period's folders.
    """
    files = {**manifest["derived"], **manifest["run"]["files"]}
    require_confined(files, f"the manifest of {manifest.get('billing_period')}")
    return {
        name: sha256
        for name, sha256 in files.items()
        if name.startswith(f"{room}/" if room else "")
    }
