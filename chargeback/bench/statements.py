"""Statements: how many a minute are rendered, and what a month's single call of Quarto is worth."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chargeback.bench.measuring import measure, ratio
from chargeback.core.books_folders import Books


def run_statements(report: Path, params: Path, period: str) -> None:
    """All statements of a derived period; prints the seconds of the rendering alone."""
    from chargeback.books.work_folder import STATEMENT_PROJECT, WorkFolder
    from chargeback.close.stages import derive
    from chargeback.statements.stage import gather, render

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        place = Path(folder)
        work = WorkFolder(period, report, params, Books(place / "books"), place)
        derive(work)
        inputs = gather(work)
        started = time.monotonic()
        render(work, inputs)
        took = time.monotonic() - started
        counted = {"seconds": took, "statements": len(work.params.business_units)}
        print(json.dumps({**counted, **rendering_seconds(work.path(STATEMENT_PROJECT), place)}))


def rendering_seconds(project: Path, place: Path) -> dict[str, float]:
    """Seconds that Quarto takes for the month's pages in one call, in one a unit, and in one a unit and format.

    Args:
        place: a folder to work in.

    Returns:
        seconds by the calls; nothing where there is no Quarto.
    """
    from chargeback.statements.project import LOOK
    from chargeback.statements.render import QuartoRenderer, find_renderer, font_folder

    renderer = find_renderer()
    if not isinstance(renderer, QuartoRenderer):
        return {}
    folder = place / "rendered-alone"
    folder.mkdir()
    pages = sorted(project.glob("statement-*.ipynb"))
    for path in (*(project / name for name in LOOK), *pages):
        shutil.copyfile(path, folder / path.name)
    (folder / "fonts").symlink_to(font_folder())

    def seconds(*calls: Sequence[str]) -> float:
        started = time.monotonic()
        for call in calls:
            command = [renderer.command, "render", *call, "--no-execute"]
            subprocess.run(command, cwd=folder, capture_output=True, check=True)
        return time.monotonic() - started

    by_format = [(one.name, "--to", to) for one in pages for to in ("html", "typst")]
    return {
        "a month": seconds(["."]),
        "a unit": seconds(*([one.name] for one in pages)),
        "a unit and format": seconds(*by_format),
    }


def show_statements(report: Path, params: Path, period: str) -> None:
    """Statements rendered per minute, or why they were not measured."""
    found = measure("statements", report, params, period)
    if found:
        rate = 60 * found[0]["statements"] / found[0]["seconds"]
        print(f"statements: {found[0]['statements']:.0f} rendered, {rate:.1f} a minute")
        for calls in ("a unit", "a unit and format"):
            if calls in found[0]:
                label = f"Quarto: a call a month / {calls}, time"
                print(ratio(label, found[0]["a month"], found[0][calls]))
