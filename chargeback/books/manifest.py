"""The manifest of a closed period: every file that the period consists of, with its sha256.

Files are named by their place, without the period: `ledger/postings.parquet`, `evidence/rollup.parquet`,
`statements/claims/statement.pdf`, `statements/index.html`. What always holds: apart from `run`, `books` and
`history`, the manifest is the same whenever the period is derived again; and no name that leads out of the
period's folders is ever followed.

    derived         files that the same inputs give again, byte for byte
    unsigned_pdfs   statement PDFs as they were rendered: the first bytes of the signed ones
    books, history  of which books it is, and their closes before this one (chargeback/books/history.py)
    evidence        the version of the list of what evidence holds (chargeback/books/evidence.py)
    run             what belongs to one run: signed PDFs, executed notebooks, certificates, times, versions,
                    who closed and who rendered, and where the books lay
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chargeback.books.names import require_confined
from chargeback.core.books_folders import Books
from chargeback.core.json_text import read_json
from chargeback.core.period import PERIOD

POSTINGS, MANIFEST, MANIFEST_SIGNATURE = "postings.parquet", "manifest.json", "manifest.json.p7s"

#: In a period's ledger where its params have metrics: their quantities (chargeback/books/metrics_table.py).
METRICS = "metrics.parquet"

#: In a period's evidence: what signing appended to each PDF, and the certificates that signed.
SIGNATURES, CERTIFICATES = "signatures", "certificates.pem"

#: In a period's evidence: the change in ServiceNow that ratified its rules, as it was read, where one did.
RULES_CHANGE = "rules-change.json"

#: In a period's evidence: its charges as claims, quality improvement and administration, where declared.
LOSS_RATIO = "medical_loss_ratio.csv"

#: The index of the month, over the folders of its units; the first versions made none.
INDEX_PAGE = "statements/index.html"

#: Files that are of one run, by the beginning of their names; signed PDFs are as well.
OF_ONE_RUN = (
    "evidence/run.json", "evidence/notebooks/", f"evidence/{SIGNATURES}/", f"evidence/{CERTIFICATES}",
    f"evidence/{RULES_CHANGE}",
)  # fmt: skip


#: Whether a value that was read from JSON is of a kind.
Kind = Callable[[Any], bool]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_AMOUNT = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?(E-[0-9]{1,2})?")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _period(value: Any) -> bool:
    return isinstance(value, str) and bool(PERIOD.fullmatch(value))


def _sha256(value: Any) -> bool:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


def _amount(value: Any) -> bool:
    return isinstance(value, str) and bool(_AMOUNT.fullmatch(value))


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _each(kind: Kind) -> Kind:
    """An object of which each member is of one kind."""
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def _list(kind: Kind) -> Kind:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def _parts(**kinds: Kind) -> Kind:
    """An object with these members; others are for those who know them."""
    return lambda value: (
        isinstance(value, dict)
        and all(name in value and kind(value[name]) for name, kind in kinds.items())
    )


#: What every manifest has, of whatever version; `sources` and `history` have readers of their own.
PARTS: dict[str, Kind] = {
    "billing_period": _period,
    "currency": _text,
    "cost_basis": _text,
    "sources": _parts(),
    "params": _each(_sha256),
    "controls": _list(_parts(control=_text, broken_by_rows=_count)),
    "invoices": _each(_parts(total=_amount, rounding=_amount)),
    "postings": _parts(sha256=_sha256, rows=_count, charged=_amount),
    "previous": lambda value: (
        value is None or _parts(billing_period=_period, manifest_sha256=_sha256)(value)
    ),
    "signer": _parts(name=_text, development=_truth),
    "derived": _each(_sha256),
    "unsigned_pdfs": _each(_parts(bytes=_count, sha256=_sha256)),
    "run": _parts(files=_each(_sha256)),
}

#: What only later versions write, of this kind where it is there.
LATER_PARTS: dict[str, Kind] = {"deferrals": _list(_parts(invoice_id=_text, deferred_to=_text))}
LATER_PARTS_OF_RUN: dict[str, Kind] = {
    "time_stamp": _text, "place": _text, "versions": _parts(), "renderer": _each(_text),
    "closed_by": _text,
}  # fmt: skip
LATER_PARTS_OF_SIGNER: dict[str, Kind] = {"time_stamp": _text, "long_term": _truth}


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
    """What a manifest says, of the kinds that its readers take.

    Raises:
        ValueError: it is not one that a close wrote; says which part is missing or of another kind.
    """
    manifest = read_json(content)
    if not isinstance(manifest, dict):
        raise ValueError("it is no object")
    wrong = [
        name for name, kind in PARTS.items() if name not in manifest or not kind(manifest[name])
    ]
    wrong += [
        name
        for part, later in (
            (manifest, LATER_PARTS),
            (manifest.get("run"), LATER_PARTS_OF_RUN),
            (manifest.get("signer"), LATER_PARTS_OF_SIGNER),
        )
        if isinstance(part, dict)
        for name, kind in later.items()
        if name in part and not kind(part[name])
    ]
    if wrong:
        raise ValueError(f"missing or of another kind: {', '.join(wrong)}")
    return manifest


def recorded_sha256(manifest: Mapping[str, Any], name: str) -> str | None:
    """The sha256 of one file; None where a manifest names none so. No other name is looked at."""
    found: str | None = manifest["run"]["files"].get(name, manifest["derived"].get(name))
    return found


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
