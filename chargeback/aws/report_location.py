"""Where a report is: in a folder, or where Athena or Trino reads it; as CUR= and the notebooks name it."""

from __future__ import annotations

from pathlib import Path

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.athena_settings import read_settings as read_athena
from chargeback.core.paths import ENGINES
from chargeback.core.progress import show_path
from chargeback.params.trino_settings import TrinoSettings
from chargeback.params.trino_settings import read_settings as read_trino

#: In a folder that several deliveries are read through: the report's own, and then who else delivers.
READ_THROUGH = ".read-through"

#: A report as a run holds it.
ReportLocation = Path | AthenaSettings | TrinoSettings


def report_location(text: str, params: Path) -> ReportLocation:
    """A report as CUR= and the notebooks name it; params hold the settings of engines."""
    if text in ENGINES:
        return read_athena(params) if text == "athena" else read_trino(params)
    return Path(text)


def shown_location(location: ReportLocation) -> str:
    """A report as a reader knows it."""
    return str(location) if isinstance(location, Path) else location.shown


def show_report(location: ReportLocation) -> str:
    """A report as short as the reader's folder allows."""
    if not isinstance(location, Path):
        return location.shown
    told = location / READ_THROUGH
    if not told.is_file():
        return show_path(location)
    report, *others = told.read_text("utf-8").splitlines()
    return ", ".join([show_path(Path(report)), *others])
