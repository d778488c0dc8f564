"""Where a report is: in a folder, or in S3 where Athena reads it; as CUR= and the notebooks name it."""

from __future__ import annotations

from pathlib import Path

from chargeback.aws.athena_settings import AthenaSettings, read_settings
from chargeback.core.progress import show_path

#: A report as a run holds it.
Place = Path | AthenaSettings


def report_place(text: str, params: Path) -> Place:
    """A report as CUR= and the notebooks name it; params hold the settings of Athena."""
    return read_settings(params) if text == "athena" else Path(text)


def shown_place(place: Place) -> str:
    """A report as a reader knows it."""
    return place.shown if isinstance(place, AthenaSettings) else str(place)


def show_report(place: Place) -> str:
    """A report as short as the reader's folder allows."""
    return show_path(place) if isinstance(place, Path) else place.shown
