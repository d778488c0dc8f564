"""Where a report is: in a folder, or in S3 where Athena reads it; as CUR= and the notebooks name it."""

from __future__ import annotations

from pathlib import Path

from chargeback.aws.athena_settings import AthenaSettings, read_settings
from chargeback.core.progress import show_path

#: A report as a run holds it.
ReportLocation = Path | AthenaSettings


def report_location(text: str, params: Path) -> ReportLocation:
    """A report as CUR= and the notebooks name it; params hold the settings of Athena."""
    return read_settings(params) if text == "athena" else Path(text)


def shown_location(location: ReportLocation) -> str:
    """A report as a reader knows it."""
    return location.shown if isinstance(location, AthenaSettings) else str(location)


def show_report(location: ReportLocation) -> str:
    """A report as short as the reader's folder allows."""
    return show_path(location) if isinstance(location, Path) else location.shown
