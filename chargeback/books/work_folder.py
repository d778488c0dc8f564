"""The work folder: one period while it is derived, from files to files.

A stage reads what the stages before it left here, writes its own tables, and leaves a small record of itself
last: `<stage>.stage.json` with the sha256 of its files, the outcomes of its controls and a summary. A run that
stopped is resumed from the first stage whose record is not there or does not fit any more (chargeback/close).
Nothing here is published; what a close publishes is moved out of it (chargeback/delivery).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.aws.report_place import Place, report_place
from chargeback.books.source_record import SourceRecord
from chargeback.core.errors import Refusal, bad_params
from chargeback.core.files import sha256_of
from chargeback.core.places import Books
from chargeback.engine.controls import Outcome
from chargeback.params import Params, read_params
from chargeback.signing import Signer
from chargeback.signing.signing_key import find_signer

#: The stages, in the order of the flow.
STAGES = ("sources", "rollup", "attribution", "allocation", "ledger", "statements")

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
}


@dataclass(frozen=True)
class WorkFolder:
    """One period being derived: what it reads and where it works.

    Args:
        folder: where the tables of the stages are.
        provisional: a draft of an open period, for which AWS has no invoices yet.
        signer: who signs the statements; nobody signs a draft.
    """

    period: str
    report: Place
    params_folder: Path
    books: Books
    folder: Path
    provisional: bool = False
    signer: Signer | None = None

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
        return SourceRecord.from_json(self.made("sources.json").read_text())

    def stage_record(self, stage: str) -> dict[str, Any]:
        """What a finished stage left about itself; empty when it has not finished, or was killed writing it."""
        try:
            return dict(json.loads(self.path(f"{stage}.stage.json").read_text()))
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
        record = {
            "files": {one: sha256_of(self.path(one)) for one in files},
            "controls": [outcome.record() for outcome in outcomes],
            "summary": summary,
            **more,
        }
        self.path(f"{stage}.stage.json").write_text(json.dumps(record, indent=1) + "\n")


def open_work(
    period: str,
    report: str,
    params: str,
    books: str,
    work: str,
    provisional: str = "no",
    signed: str = "no",
) -> WorkFolder:
    """A work folder from the texts that a notebook gets as parameters; it is made if need be.

    Args:
        signed: "yes" where the statements are signed, with the key of a close.
    """
    Path(work).mkdir(parents=True, exist_ok=True)
    found = Books(Path(books))
    return WorkFolder(
        period,
        report_place(report, Path(params)),
        Path(params),
        found,
        Path(work),
        provisional == "yes",
        find_signer(found) if signed == "yes" else None,
    )


def not_made(name: str, folder: Path) -> Refusal:
    """That a stage was asked for before the one that it reads."""
    notebook = MADE_BY.get(name, "an earlier notebook")
    return bad_params(
        "an earlier stage has not run in this work folder", f"{name}, which {notebook} leaves", "nothing",
        [str(folder)], [f"run {notebook}.ipynb first, with the same parameters"],
    )  # fmt: skip
