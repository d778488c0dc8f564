"""Finished statements, how they are altered, and what the controls say about them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chargeback.engine import Engine
from chargeback.engine.controls import run_group
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.project import RENDERED, add_page, begin_project
from chargeback.statements.read_back import read_statements
from chargeback.statements.render import EmbeddedRenderer, Page
from chargeback.statements.sections.first_page import file_title
from chargeback.statements.write import write_statements
from tests.made_once import made_once

TIE = "statements_tie_to_ledger"
WHY = "statements_explain_every_change"
OWN = "statements_show_only_their_own_unit"
INDEX = "statements_tie_to_their_index"
BUDGET = "statements_tie_to_their_budgets"
SPREAD = "budgets_are_spread_as_entered"
UNIT_COST = "statements_tie_to_their_unit_costs"
EFFECTS = "statements_explain_their_unit_costs"

#: What the controls say of statements as they are made.
ALL_HOLD: dict[str, list[Any]] = {
    TIE: [], WHY: [], OWN: [], INDEX: [], BUDGET: [], SPREAD: [], UNIT_COST: [], EFFECTS: [],
}  # fmt: skip
MEDIA = ("html", "pdf", "csv")


@dataclass(frozen=True)
class Rendered:
    """A folder of finished statements, their executed notebooks, and what they were made from."""

    inputs: StatementInputs
    folder: Path
    evidence: Path

    @property
    def units(self) -> list[str]:
        """The ids of the business units."""
        return sorted(self.inputs.params.business_units)

    def file(self, unit_id: str, medium: str) -> Path:
        """A finished file."""
        return self.folder / unit_id / f"statement.{medium}"

    def notebook(self, unit_id: str) -> Path:
        """A unit's executed notebook."""
        return self.evidence / f"statement-{unit_id}.ipynb"

    def statement(self, unit_id: str) -> Statement:
        """What a unit's files were made from."""
        return extract_units(self.inputs, read_charges(self.inputs))[unit_id]

    def copy(self, target: Path) -> Rendered:
        """The same statements in another folder, to be altered."""
        shutil.copytree(self.folder, target)
        return replace(self, folder=target)

    def edit(self, unit_id: str, medium: str, *changes: tuple[str, str]) -> None:
        """Replace texts in an HTML or CSV file; each must be there."""
        path = self.file(unit_id, medium)
        path.write_text(changed(path.read_text(encoding="utf-8"), changes), encoding="utf-8")

    def set_pdf(self, unit_id: str, *changes: tuple[str, str], title: str = "") -> None:
        """Put a PDF in place whose notebook showed other texts; each must be there.

        Args:
            title: instead of the unit's own.
        """
        notebook = json.loads(self.notebook(unit_id).read_text(encoding="utf-8"))
        shown = [
            output["data"]
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
            if "text/markdown" in output.get("data", {})
        ]
        divider = "\n\x1f\n"
        texts = divider.join("".join(data["text/markdown"]) for data in shown)
        for data, text in zip(shown, changed(texts, changes).split(divider), strict=True):
            data["text/markdown"] = text
        with tempfile.TemporaryDirectory() as temporary:
            made = set_pages(
                notebook, title or file_title(self.statement(unit_id)), Path(temporary)
            )
            shutil.copyfile(made.with_suffix(".pdf"), self.file(unit_id, "pdf"))

    def broken(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that each control returns, as in a close."""
        engine = Engine(threads=1)
        for name, table in read_statements(self.folder, self.inputs).items():
            engine.register(name, table)
        rows = {one.name: one.rows.to_pylist() for one in run_group(engine, "statements")}
        engine.close()
        return rows


def changed(text: str, changes: Iterable[tuple[str, str]]) -> str:
    """The text with each change made everywhere."""
    for old, new in changes:
        assert old in text, f"nothing to change: {old!r}"
        text = text.replace(old, new)
    return text


def set_pages(notebook: dict[str, Any], title: str, folder: Path) -> Path:
    """HTML and PDF of an executed notebook, by the embedded renderer; where they are, without an ending."""
    begin_project(folder)
    executed = folder / "executed.json"
    executed.write_text(json.dumps(notebook), encoding="utf-8")
    add_page(folder, "page", executed, title)
    EmbeddedRenderer().render(folder, [Page("page")], 1)
    return folder / RENDERED / "page"


def write_embedded(inputs: StatementInputs, folder: Path, evidence: Path) -> None:
    """Write statements with the embedded renderer, also on a machine that has a Quarto."""
    write_statements(inputs, folder, evidence, lambda _: None, EmbeddedRenderer())


def rendered_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[], StatementInputs]
) -> Rendered:
    """Statements that several tests look at, rendered once in a test run."""
    inputs = make()
    folder = made_once(
        factory,
        name,
        lambda made: write_embedded(inputs, made / "statements", made / "notebooks"),
    )
    return Rendered(inputs, folder / "statements", folder / "notebooks")
