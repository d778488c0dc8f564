"""Paths: the folders of the repository, the SQL that runs, and what notebooks name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from chargeback.core.errors import bad_params

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
PARAMS = ROOT / "params"
BOOKS = ROOT / "books"
#: What can be made again; whoever may not write beside the package names another folder.
BUILD = Path(os.environ.get("CHARGEBACK_BUILD") or ROOT / "build").absolute()
SAMPLE_CUR = BUILD / "sample" / "cur"

#: What CUR= calls the engines that read a report where it lies, and sources.toml their tables.
ENGINES = ("athena", "trino")

#: Keys of sources.toml that the daily flow reads (chargeback/daily/settings.py).
DAILY_SOURCES = ("state", "servicenow", "servicenow_table", "daily")

#: Keys of sources.toml that sending mail reads (chargeback/delivery/mail_settings.py).
MAIL_SOURCES = ("smtp", "smtp_from", "smtp_ca")

#: The table of sources.toml that the portal reads (chargeback/portal/settings.py).
PORTAL_SOURCES = ("portal",)

#: Where SQL is read from: the repository's, or that of a closed period while `sql_from` holds.
_sql = ROOT / "sql"


def sql_folder() -> Path:
    """The folder whose SQL runs, with a folder a stage."""
    return _sql


@contextlib.contextmanager
def sql_from(folder: Path) -> Iterator[None]:
    """Run the SQL of another folder, for the whole process: that of a closed period's evidence, in an audit."""
    global _sql
    before, _sql = _sql, folder
    try:
        yield
    finally:
        _sql = before


#: What `make lab CUR= PARAMS= BOOKS=` tells every notebook, by the environment of its kernel.
CUR_VARIABLE, PARAMS_VARIABLE, BOOKS_VARIABLE = (
    "CHARGEBACK_CUR", "CHARGEBACK_PARAMS", "CHARGEBACK_BOOKS",
)  # fmt: skip

#: What `make lab GROUPS=` tells them instead: a folder with the rows of these groups, and nothing else.
EXTRACT_VARIABLE = "CHARGEBACK_EXTRACT"


def named_extract() -> Path | None:
    """The extract that the notebooks of this process work on; None where they work on books."""
    named = os.environ.get(EXTRACT_VARIABLE, "")
    return Path(named) if named else None


def require_no_extract(what: str) -> None:
    """Stop a notebook that wants more than the extract that it works on (exit 2)."""
    found = named_extract()
    if found:
        raise bad_params(
            "an extract holds rows of charges only", "what spend, two-dimensions and trend show of it",
            what, [str(found)], ["ask the FinOps team for what is not in it"],
        )  # fmt: skip


def named_report(text: str = "") -> str:
    """The report that a notebook names; blank is that of the lab, else the built-in sample's.

    Returns:
        A folder, relative names taken from the repository; or one of ENGINES.
    """
    require_no_extract("the report")
    named = text or os.environ.get(CUR_VARIABLE, "")
    return named if named in ENGINES else str(ROOT / named if named else SAMPLE_CUR)


def named_params(text: str = "") -> Path:
    """The params folder that a notebook names; blank is that of the lab, else the repository's."""
    require_no_extract("params")
    return ROOT / (text or os.environ.get(PARAMS_VARIABLE, "") or PARAMS)
