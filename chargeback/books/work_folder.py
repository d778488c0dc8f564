"""The work folder: one period while it is being derived, from files to files.

A stage reads what earlier stages left here, writes its own tables, and last of all leaves a small record of
itself: `<stage>.stage.json`, with the sha256 of its files, the outcomes of its controls and a summary. A run
that stopped resumes at the first stage whose record is missing or no longer fits (chargeback/close). Nothing
here is published; publishing moves files out of it (chargeback/delivery).
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.aws.report_location import ReportLocation, report_location
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import Refusal, bad_params
from chargeback.core.files import sha256_of
from chargeback.core.paths import named_params, named_report
from chargeback.core.period import check_period
from chargeback.engine.controls import Outcome
from chargeback.params import Params, read_params
from chargeback.signing import Signer
from chargeback.signing.level import asked_level
from chargeback.signing.signing_key import find_signer

#: The stages, in the order of the flow.
STAGES = ("sources", "rollup", "attribution", "allocation", "ledger", "statements")

#: Where the SQL that ran is kept, a folder a stage, with its parameters in their places.
BOUND_SQL = "bound-sql"

#: The project that the statements were rendered from.
STATEMENT_PROJECT = "statement-project"

#: Which stage leaves a file that others read.
MADE_BY = {
    "sources.json": "01-sources",
    "rollup.parquet": "02-rollup",
    "restated_rollup.parquet": "02-rollup",
    "restated_sources.json": "02-rollup",
    "owned_costs.parquet": "03-attribution",
    "split_costs.parquet": "03-attribution",
    "owner_costs.parquet": "04-allocation",
    "charges.parquet": "04-allocation",
    "postings.parquet": "05-ledger",
    "restatements.json": "05-ledger",
    "medical_loss_ratio.csv": "05-ledger",
}


@dataclass(frozen=True)
class WorkFolder:
    """One period being derived: what it reads and where it works.

    Args:
        folder: where the tables of the stages are.
        provisional: a draft of an open period, for which AWS has no invoices yet.
        signer: who signs the statements; nobody signs a draft.
        renderer: who renders them, by name; blank is whoever is there.
        by: who closes the period, as named; blank is whoever is logged in.
        posted_before: it was closed before, in books that a drill makes again: its adjustments may be of the
            time when nothing asked who approved them.
    """

    period: str
    report: ReportLocation
    params_folder: Path
    books: Books
    folder: Path
    provisional: bool = False
    signer: Signer | None = None
    renderer: str = ""
    by: str = ""
    posted_before: bool = False

    @functools.cached_property
    def params(self) -> Params:
        """The params of the period, read once."""
        return read_params(self.params_folder, self.period)

    def path(self, name: str) -> Path:
        """A file of the work folder."""
        return self.folder / name

    def made(self, name: str) -> Path:
        """A file that an earlier stage left.

        Raises:
            Refusal: (exit 2) it is not there, because that stage has not run here.
        """
        path = self.path(name)
        if not path.is_file():
            raise not_made(name, self.folder)
        return path

    def table(self, name: str) -> pa.Table:
        """A table that an earlier stage wrote (exit 2 when it has not run here)."""
        return pq.read_table(self.made(f"{name}.parquet"))

    def source_record(self) -> SourceRecord:
        """The record that the sources stage wrote (exit 2 when it has not run here)."""
        return SourceRecord.from_json(self.made("sources.json").read_text("utf-8"))

    def keep_sql(self, stage: str, ran: Mapping[str, str], anew: bool = False) -> None:
        """Keep the SQL that a step ran, as `Engine.ran` tells it; controls run as they stand in sql/controls/.

        Args:
            anew: by the first step of a stage that runs any, so that nothing of an earlier run stays.
        """
        folder = self.path(BOUND_SQL) / stage
        if anew:
            shutil.rmtree(folder, ignore_errors=True)
        for key, text in ran.items():
            of, _, name = key.partition("/")
            if of != "controls":
                folder.mkdir(parents=True, exist_ok=True)  # no manifest names an empty folder
                own = name if of == stage else f"{of}-{name}"
                (folder / f"{own}.sql").write_text(text, encoding="utf-8")

    def sql_files(self, stage: str) -> list[str]:
        """The files of the SQL that a stage ran, as names of this folder, in order."""
        folder = self.path(BOUND_SQL) / stage
        return [
            one.relative_to(self.folder).as_posix()
            for one in sorted(folder.glob("*.sql"), key=own_first)
        ]

    def bound_sql(self, stage: str, *names: str) -> list[str]:
        """The SQL that a stage ran here, each statement with its bound values; all of it, or files by name."""
        chosen = [f"{BOUND_SQL}/{stage}/{one}.sql" for one in names] or self.sql_files(stage)
        paths = [self.path(one) for one in chosen]
        return [one.read_text(encoding="utf-8") for one in paths if one.is_file()]

    def stage_record(self, stage: str) -> dict[str, Any]:
        """What a finished stage left about itself; empty when it has not finished, or was killed writing it."""
        try:
            return dict(json.loads(self.path(f"{stage}.stage.json").read_text("utf-8")))
        except (FileNotFoundError, ValueError):
            return {}

    def finish(
        self,
        stage: str,
        files: Iterable[str],
        outcomes: Iterable[Outcome],
        summary: str,
        **more: Any,
    ) -> None:
        """Record that a stage finished; its files are written before this, and `more` is kept beside them."""
        kept = [*files, *self.sql_files(stage)]
        record = {
            "files": {one: sha256_of(self.path(one)) for one in kept},
            "controls": [outcome.record() for outcome in outcomes],
            "summary": summary,
            **more,
        }
        self.path(f"{stage}.stage.json").write_text(json.dumps(record, indent=1) + "\n")


def own_first(path: Path) -> tuple[bool, str]:
    """The order of the SQL that a stage ran: its own files, then those that it took from other folders."""
    return "-" in path.stem, path.name


def open_work(
    period: str,
    report: str = "",
    params: str = "",
    books: str = "",
    work: str = "",
    provisional: str = "no",
    signed: str = "no",
    renderer: str = "",
) -> WorkFolder:
    """A work folder from the texts that a notebook gets as parameters; it is made if need be.

    Args:
        report, params, books: blank are those of the lab (chargeback/core/paths.py).
        work: blank is a folder of the analyst's own below the books, which nothing publishes.
        signed: "yes" where the statements are signed, with the key of a close.
        renderer: "quarto" or "embedded"; blank is Quarto where it is there.

    Raises:
        Refusal: (exit 2) this is not a period, or the params cannot be used.
    """
    from chargeback.pages.table_view import show_whole_tables  # pandas, which a close does not need

    show_whole_tables()
    found, folder = named_books(books), named_params(params)
    own = Path(work) if work else found.lab / "work" / f"billing_period={check_period(period)}"
    own.mkdir(parents=True, exist_ok=True)
    return WorkFolder(
        period,
        report_location(named_report(report), folder),
        folder,
        found,
        own,
        provisional == "yes",
        asked_level().of(find_signer(found)) if signed == "yes" else None,
        renderer,
    )


def not_made(name: str, folder: Path) -> Refusal:
    """That a stage was asked for before the one that it reads."""
    notebook = MADE_BY.get(name, "an earlier notebook")
    return bad_params(
        "an earlier stage has not run in this work folder", f"{name}, which {notebook} leaves", "nothing",
        [str(folder)], [f"run {notebook}.ipynb first, with the same parameters"],
    )  # fmt: skip
