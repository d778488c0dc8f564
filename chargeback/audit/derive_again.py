"""Derive again: a closed period from the files that were delivered, with the params and SQL kept in its
evidence.

Runs in a process of its own (`python -m chargeback.audit.derive_again <request>`), in which the folder of
SQL is the one of the evidence, for every module that reads SQL. In: a request as JSON. Out, in the
request's work folder: the tables of a close, the statements as they are rendered before they are signed,
and `derived.json` with the controls, and with the refusal where it stopped.

The published statements are read back, not those rendered here, so that the controls on statements speak of
the files that were handed out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chargeback import places

if TYPE_CHECKING:
    from chargeback.closing import Closing
    from chargeback.sources import SourceRecord


@dataclass(frozen=True)
class BooksThen(places.Books):
    """Books as a close saw them: a gap that was closed later is not on its statements."""

    known: tuple[str, ...] = ()

    def closed_periods(self) -> list[str]:
        """The closed periods that were there."""
        return [one for one in super().closed_periods() if one in self.known]


REQUEST, DERIVED, RENDERED = "request.json", "derived.json", "rendered"


def derive_again(
    period: str, report: Path, books: places.Books, work: Path, render: bool
) -> dict[str, Any]:
    """Derive a closed period into a work folder, in a process of its own.

    Returns:
        `controls`, as manifests record them, `broken`, the first rows of those that do not hold, and `refusal`,
        None where nothing stopped it.
    """
    request = {
        "period": period, "report": str(report), "books": str(books.root), "work": str(work),
        "sql": str(books.evidence(period) / "sql"), "render": render,
    }  # fmt: skip
    (work / REQUEST).write_text(json.dumps(request))
    ended = subprocess.run(
        [sys.executable, "-m", "chargeback.audit.derive_again", str(work / REQUEST)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not (work / DERIVED).is_file():
        last = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        return {"controls": [], "broken": [], "refusal": {"what": last[0], "where": []}}
    found: dict[str, Any] = json.loads((work / DERIVED).read_text())
    return found


def main(request: dict[str, Any]) -> None:
    """Carry out a request; the folder of SQL is set before any module reads it."""
    places.SQL = Path(request["sql"])
    from chargeback.closing import Closing
    from chargeback.errors import Refusal
    from chargeback.manifest import read_manifest
    from chargeback.signing import Signer

    books, period, work = (
        places.Books(Path(request["books"])), request["period"], Path(request["work"])
    )  # fmt: skip
    manifest = read_manifest(books, period)
    then = BooksThen(books.root, known=closed_before(books, period))
    closing = Closing(
        period, Path(request["report"]), books.evidence(period) / "params", then, work,
        signer=Signer(**manifest["signer"]),
    )  # fmt: skip
    outcome: dict[str, Any] = {"controls": [], "broken": [], "refusal": None}
    try:
        derive_tables(closing, manifest)
        outcome["controls"] = stage_controls(closing)
        if request["render"]:
            render_statements(closing, outcome)
    except Refusal as refusal:
        outcome["refusal"] = asdict(refusal)
    (work / DERIVED).write_text(json.dumps(outcome))


def closed_before(books: places.Books, period: str) -> tuple[str, ...]:
    """The periods that were closed when one was, itself included, by the times at which they were signed."""
    from chargeback.verify import verified_ledger

    signatures = {one: verified_ledger(books, one).signature for one in books.closed_periods()}
    times = {one: found.signed_at for one, found in signatures.items() if found and found.signed_at}
    own = times.get(period)
    return tuple(
        one for one in signatures if own is None or one not in times or times[one] <= own
    )  # fmt: skip


def derive_tables(closing: Closing, manifest: dict[str, Any]) -> None:
    """The stages of a close, from the record in the manifest and the files that it names."""
    from chargeback.closing import STAGE_FUNCTIONS, take_sources
    from chargeback.report_engines import FolderEngine
    from chargeback.restatements import Redelivery
    from chargeback.restatements.held import kept_params, kept_record, kept_restatements
    from chargeback.sources import SourceRecord

    assert isinstance(closing.report, Path)
    report = closing.report
    engine = FolderEngine(report)

    def delivered_again() -> list[Redelivery]:
        """Earlier periods as they were delivered when this one was closed, rolled up again."""
        kept = kept_restatements(closing.books, closing.period)
        records = [kept_record(kept[one]) for one in sorted(kept) if kept[one]["redelivered"]]
        return [
            Redelivery(
                one,
                engine.roll_up(
                    as_read(report, one), kept_params(closing.books, one.billing_period)
                ),
            )
            for one in records
        ]

    record = SourceRecord.from_json(json.dumps(manifest["sources"]))
    take_sources(closing, engine, as_read(report, record), delivered_again)
    closing.path("sources.json").write_text(record.to_json())
    for name, function in STAGE_FUNCTIONS.items():
        if name != "sources":
            function(closing)


def as_read(report: Path, record: SourceRecord) -> SourceRecord:
    """A record with what this version finds absent in its files, and with its control totals counted again."""
    from chargeback.money import exact_amount
    from chargeback.sources import COLUMNS, count_file

    there: set[str] = set()
    rows = units = 0
    for one in record.files:
        names, own_rows, own_units = count_file(report / one.path, one.path, record.layout)
        there |= names
        rows, units = rows + own_rows, units + own_units
    return replace(
        record, absent_columns=tuple(sorted(set(COLUMNS) - there)), line_items=rows,
        unblended_cost=str(exact_amount(units)),
    )  # fmt: skip


def stage_controls(closing: Closing) -> list[dict[str, Any]]:
    """The outcomes of the controls from sources to ledger; all hold, or a stage would have stopped."""
    from chargeback.closing import STAGES

    return [record for stage in STAGES for record in closing.stage_record(stage)["controls"]]


def render_statements(closing: Closing, outcome: dict[str, Any]) -> None:
    """Render every statement, and read back those that are published."""
    from chargeback.close import statement_inputs, statement_outcomes
    from chargeback.controls import shown_rows
    from chargeback.statements import write_statements

    inputs = statement_inputs(closing)
    rendered, notebooks = closing.path(RENDERED), closing.path("statement-notebooks")
    rendered.mkdir()
    write_statements(inputs, rendered, notebooks, lambda _: None)
    shutil.copytree(closing.books.statements(closing.period), closing.path("statements"))
    for one in statement_outcomes(closing, inputs):
        outcome["controls"].append(one.record())
        if not one.holds:
            outcome["broken"] += [f"{one.name}: {line}" for line in shown_rows(one.rows)]


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
