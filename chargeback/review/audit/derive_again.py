"""Derive again: a closed period from the delivered files, with the params and SQL kept in its evidence.

It runs in a process of its own (`isolated_python`), in which the SQL
is that of the evidence. In: a request as JSON. Out, in the request's work folder: the tables of a close, the
statements as they are rendered before they are signed, and `derived.json` with the controls, and with the
refusal if it stopped.

It reads back the published statements, not those rendered here, so the controls on statements speak of the
files that were handed out; those of pages that another version of the program made are the exception.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chargeback.allocation import stage as allocation
from chargeback.attribution import stage as attribution
from chargeback.books.checked import checked_manifest
from chargeback.books.closed_period import kept_params, kept_record, kept_restatements
from chargeback.books.counted import counted_metrics
from chargeback.books.history import read_history
from chargeback.books.manifest import METRICS
from chargeback.books.metrics_table import write_metrics
from chargeback.books.source_record import SourceRecord
from chargeback.books.work_folder import STAGES, STATEMENT_PROJECT, WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.confidential import without_secrets
from chargeback.core.errors import Refusal
from chargeback.core.files import copy_folder
from chargeback.core.isolated_python import isolated_python
from chargeback.core.money import exact_amount
from chargeback.core.paths import sql_from
from chargeback.core.progress import say_nothing
from chargeback.engine import read_sql
from chargeback.engine.controls import require, shown_rows
from chargeback.ledger import stage as ledger
from chargeback.review.audit.pages import FIGURES, Pages, compare_pages
from chargeback.rollup import stage as rollup
from chargeback.rollup.redeliveries import Redelivery, invoicing_of
from chargeback.rollup.roll_up import read_rollup
from chargeback.signing import Signer
from chargeback.sources import stage as sources
from chargeback.sources.cost_units import count_of
from chargeback.sources.freeze import count_file
from chargeback.sources.readers import FolderReader
from chargeback.sources.report import COLUMNS
from chargeback.statements import stage as statements
from chargeback.statements.readback import known_ids
from chargeback.statements.render import find_renderer, there
from chargeback.statements.write import write_statements


@dataclass(frozen=True)
class BooksThen(Books):
    """Books as a close saw them: a gap that was closed later is not on its statements."""

    known: tuple[str, ...] = ()

    def closed_periods(self) -> list[str]:
        """The closed periods that were there."""
        return [one for one in super().closed_periods() if one in self.known]


REQUEST, DERIVED, RENDERED = "request.json", "derived.json", "rendered"

#: What the process begins with; its argument is the request's path.
STARTING = "from chargeback.review.audit.derive_again import carry_out; carry_out(sys.argv[1])"


def derive_again(
    period: str, report: Path, books: Books, work: Path, render: bool
) -> dict[str, Any]:
    """Derive a closed period into a work folder, in a process of its own.

    Returns:
        `controls`, as manifests record them, `broken`, the first rows of those that do not hold, `statements`,
        as `pages.Compared` records it, and `refusal`, None where nothing stopped it.
    """
    request = {
        "period": period, "report": str(report), "books": str(books.root), "work": str(work),
        "sql": str(books.evidence(period) / "sql"), "render": render,
    }  # fmt: skip
    (work / REQUEST).write_text(json.dumps(request))
    ended = subprocess.run(
        isolated_python(STARTING, str(work / REQUEST)),
        capture_output=True, encoding="utf-8", errors="replace", check=False, env=without_secrets(os.environ),
    )  # fmt: skip
    if not (work / DERIVED).is_file():
        last = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        return {"controls": [], "broken": [], "refusal": {"what": last[0], "where": []}}
    found: dict[str, Any] = json.loads((work / DERIVED).read_text("utf-8"))
    return found


def carry_out(request_file: str) -> None:
    """Carry out the request of a file, by the SQL that the period was closed with."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    with sql_from(Path(request["sql"])):
        derive_closed(
            Books(Path(request["books"])), request["period"], Path(request["report"]),
            Path(request["work"]), request["render"],
        )  # fmt: skip


def derive_closed(books: Books, period: str, report: Path, folder: Path, render: bool) -> None:
    """Derive a period as it was closed, and write what came of it."""
    manifest = checked_manifest(books, period)
    then = BooksThen(books.root, known=closed_before(books, period))
    work = WorkFolder(
        period, report, books.evidence(period) / "params", then, folder,
        signer=Signer(**manifest["signer"]),
    )  # fmt: skip
    outcome: dict[str, Any] = {"controls": [], "broken": [], "refusal": None}
    try:
        derive_tables(work, report, manifest)
        outcome["controls"] = stage_controls(work)
        if render:
            render_statements(work, manifest, outcome)
    except Refusal as refusal:
        outcome["refusal"] = asdict(refusal)
    (folder / DERIVED).write_text(json.dumps(outcome))


def closed_before(books: Books, period: str) -> tuple[str, ...]:
    """The periods that were closed when one was, itself included, as the history of the books has them."""
    return read_history(books).closed_before(period)


def derive_tables(work: WorkFolder, report: Path, manifest: dict[str, Any]) -> None:
    """The steps of a close, from the record in the manifest and the files that it names."""
    reader = FolderReader(report)
    record = SourceRecord.from_json(json.dumps(manifest["sources"]))
    sources.keep(work, record, sources.control(work, reader))
    read = as_read(report, record)
    rolled_up = rollup.roll_up(work, reader, read)
    outcomes = rollup.control(read, rolled_up, work.params)
    again = delivered_again(work, reader, report)
    outcomes += rollup.control_again(work, again)
    require(outcomes, work.period, work.params.policy.currency)
    rollup.keep(work, reader, record, rolled_up, outcomes, again)
    for stage in (attribution, allocation, ledger):
        stage.run(work)
    write_metrics(counted_metrics(work.books, work.params), work.path(METRICS))


def delivered_again(work: WorkFolder, reader: FolderReader, report: Path) -> list[Redelivery]:
    """Earlier periods as they were delivered when this one was closed, rolled up again."""
    kept = kept_restatements(work.books, work.period)
    records = [kept_record(kept[one]) for one in sorted(kept) if kept[one]["redelivered"]]
    return [
        Redelivery(
            one,
            read_rollup(reader, as_read(report, one), kept_params(work.books, one.billing_period)),
            invoicing_of(work.books, one.billing_period),
        )
        for one in records
    ]


def as_read(report: Path, record: SourceRecord) -> SourceRecord:
    """A record with what this version finds absent in its files, and with its control totals counted again.

    They are counted as the SQL that the period was closed with casts costs.
    """
    count = count_of(read_sql("sources", "line_items"))
    there: set[str] = set()
    rows = units = 0
    for part in record.parts():
        for one in part.files:
            counted = count_file(report / one.path, one.path, part.layout, count)
            there |= counted.names
            rows, units = rows + counted.line_items, units + counted.units
    return replace(
        record, absent_columns=tuple(sorted(set(COLUMNS) - there)), line_items=rows,
        unblended_cost=str(exact_amount(units)),
    )  # fmt: skip


def stage_controls(work: WorkFolder) -> list[dict[str, Any]]:
    """The outcomes of the controls from sources to ledger; all hold, or a stage would have stopped."""
    return [record for stage in STAGES[:-1] for record in work.stage_record(stage)["controls"]]


def render_statements(work: WorkFolder, manifest: dict[str, Any], outcome: dict[str, Any]) -> None:
    """Render every statement, compare it, and read back those that are published.

    Of pages that another version of the program made, those rendered here are read back: the controls know
    the words of these.
    """
    inputs = statements.gather(work)
    renderer = find_renderer(there(manifest["run"].get("renderer", {}).get("name", "")))
    rendered, project = work.path(RENDERED), work.path(STATEMENT_PROJECT)
    rendered.mkdir()
    write_statements(inputs, rendered, project, say_nothing, renderer)
    pages = Pages(work.books, work.period, manifest, rendered, known_ids(inputs))
    compared = compare_pages(pages, renderer.record)
    outcome["statements"] = compared.record()
    of_another = compared.how == FIGURES
    read = rendered if of_another else work.books.statements(work.period)
    copy_folder(read, work.path(statements.STATEMENTS))
    for one in statements.control(work, inputs):
        outcome["controls"].append(one.record())
        if not one.holds:
            outcome["broken"] += [f"{one.name}: {line}" for line in shown_rows(one.rows)]
