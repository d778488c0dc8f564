"""Objects: where the files of a period lie in a bucket, and what an object's name says.

    ledger/billing_period=2026-05/manifest.json            the commit point
    ledger/billing_period=2026-05/<run>/…                  postings and signature
    evidence/billing_period=2026-05/<run>/…
    statements/<business unit>/billing_period=2026-05/<run>/…
    statements/billing_period=2026-05/<run>/index.html     of all units: under no unit's prefix
    postings/billing_period=2026-05/postings.parquet       the same postings once more, for Athena
    metrics/billing_period=2026-05/metrics.parquet         so the quantities of unit costs, where there are some

A run is called by the beginning of its manifest's sha256, so that runs never write the same name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, METRICS, POSTINGS
from chargeback.books.names import ROOMS, is_confined
from chargeback.core.period import PERIOD

RUN_LETTERS = 16

#: What Athena reads as a table, and as another one beside it.
TABLE_ROOM = "postings"
METRICS_ROOM = "metrics"

#: Where the objects of books lie, under their prefix.
OBJECT_ROOMS = (*ROOMS, TABLE_ROOM, METRICS_ROOM)

_OF_RUN = re.compile(
    rf"(?:ledger|evidence|statements(?:/[^/]+)?)/billing_period=(?P<period>{PERIOD.pattern})"
    rf"/(?P<run>[0-9a-f]{{{RUN_LETTERS}}})/(?P<rest>.+)",
    re.DOTALL,
)
_MANIFEST = re.compile(rf"ledger/billing_period=({PERIOD.pattern})/{re.escape(MANIFEST)}")
_POSTINGS = re.compile(rf"{TABLE_ROOM}/billing_period=({PERIOD.pattern})/{re.escape(POSTINGS)}")


@dataclass(frozen=True, order=True)
class Run:
    """A run that closed a period, or set out to."""

    period: str
    run: str


def run_of(manifest: bytes) -> str:
    """What the objects of a run are told apart by: the beginning of its manifest's sha256."""
    return hashlib.sha256(manifest).hexdigest()[:RUN_LETTERS]


def manifest_name(period: str) -> str:
    """The object that commits a period."""
    return f"ledger/billing_period={period}/{MANIFEST}"


def signature_name(period: str, run: str) -> str:
    """The signature of a run's manifest."""
    return object_name(period, run, f"ledger/{MANIFEST_SIGNATURE}")


def postings_name(period: str) -> str:
    """The postings for Athena: one file a folder, and nothing else in it."""
    return f"{TABLE_ROOM}/billing_period={period}/{POSTINGS}"


def metrics_name(period: str) -> str:
    """The quantities for Athena, in the same way."""
    return f"{METRICS_ROOM}/billing_period={period}/{METRICS}"


def tables_of(period: str, files: Collection[str]) -> dict[str, str]:
    """What Athena reads of a period, with the file of the ledger that it is a copy of.

    Args:
        files: what the period's manifest names; one that tells no quantities has none for Athena.
    """
    copies = {postings_name(period): f"ledger/{POSTINGS}"}
    metrics = f"ledger/{METRICS}"
    return copies | ({metrics_name(period): metrics} if metrics in files else {})


def object_name(period: str, run: str, name: str) -> str:
    """Where a file of a manifest lies in the bucket; each business unit's statements under one prefix.

    >>> object_name("2026-05", "0a1b", "statements/claims/statement.pdf")
    'statements/claims/billing_period=2026-05/0a1b/statement.pdf'
    >>> object_name("2026-05", "0a1b", "statements/index.html")
    'statements/billing_period=2026-05/0a1b/index.html'
    >>> object_name("2026-05", "0a1b", "evidence/sql/keys/split_cost.sql")
    'evidence/billing_period=2026-05/0a1b/sql/keys/split_cost.sql'
    """
    room, _, rest = name.partition("/")
    if room == "statements" and "/" in rest:
        unit, _, rest = rest.partition("/")
        room = f"{room}/{unit}"
    return f"{room}/billing_period={period}/{run}/{rest}"


def committed_period(name: str) -> str:
    """The period that an object commits, blank where it commits none.

    >>> committed_period("ledger/billing_period=2026-05/manifest.json")
    '2026-05'
    """
    found = _MANIFEST.fullmatch(name)
    return found[1] if found else ""


def table_period(name: str) -> str:
    """The period whose postings an object holds for Athena, blank where it holds none."""
    found = _POSTINGS.fullmatch(name)
    return found[1] if found else ""


def run_in(name: str) -> Run | None:
    """The run that an object belongs to by its name; None where a close writes no such name.

    >>> run_in("evidence/billing_period=2026-05/0123456789abcdef/run.json")
    Run(period='2026-05', run='0123456789abcdef')
    >>> run_in("evidence/billing_period=2026-05/0123456789abcdef/../run.json")
    >>> run_in("evidence/billing_period=2026-05/run.json")
    """
    found = _OF_RUN.fullmatch(name)
    return Run(found["period"], found["run"]) if found and is_confined(name) else None
