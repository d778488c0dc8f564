"""What sellers of AWS Marketplace call their products stands on statements, with the code beside it."""

from __future__ import annotations

import csv
from dataclasses import replace

from chargeback.pages.parts import Cell, Section, Table
from chargeback.statements import sections
from chargeback.statements.bridge import Detail
from chargeback.statements.extract import detail_label, extract_units, read_charges
from chargeback.statements.model import CommitmentAmount, CorrectionRow, Listed, UntaggedCost
from chargeback.statements.tagged_pdf import texts_of_pdf
from tests.statements.estate import PRODUCT_NAMES, estate
from tests.statements.rendered import ALL_HOLD

CODE = "6mc0codingvalidator3rk9fzl"
NAME = PRODUCT_NAMES[CODE]
BY_CODE = f"Marketplace {CODE}"


def cells_of(section: Section) -> list[Cell]:
    tables = [part for part in section.parts if isinstance(part, Table)]
    return [cell for table in tables for row in table.rows for cell in row.cells]


def test_pages_say_the_name_and_the_code_in_small(rendered):
    assert rendered.broken() == ALL_HOLD
    for medium in ("html", "pdf"):
        path = rendered.file("claims", medium)
        text = (
            path.read_text(encoding="utf-8") if medium == "html" else "\n".join(texts_of_pdf(path))
        )
        assert NAME in text and CODE in text
    statement = rendered.statement("claims")
    for section in (sections.services(statement), sections.accounts(statement)):
        named = [cell for cell in cells_of(section) if cell.text == NAME]
        assert named and {cell.sub for cell in named} == {BY_CODE}
        assert not [cell for cell in cells_of(section) if BY_CODE in cell.text]


def test_what_aws_sells_is_called_as_ever(rendered):
    cells = cells_of(sections.services(rendered.statement("claims")))
    assert {cell.sub for cell in cells if cell.text == "Amazon EC2"} == {""}


def test_the_csv_has_code_and_name(rendered):
    with rendered.file("claims", "csv").open(encoding="utf-8", newline="") as file:
        names = {row["product_code"]: row["product_name"] for row in csv.DictReader(file)}
    assert (names[CODE], names["AmazonEC2"], names[""]) == (NAME, "Amazon EC2", "")


def test_without_a_name_the_code_stands_as_before(rendered):
    inputs = replace(rendered.inputs, product_names={})
    statement = extract_units(inputs, read_charges(inputs))["claims"]
    named = [cell for cell in cells_of(sections.services(statement)) if CODE in cell.text]
    assert [(cell.text, cell.sub) for cell in named] == [(BY_CODE, "")]


def test_a_part_of_a_change_a_commitment_a_correction_and_untagged_cost_say_it_too():
    inputs = estate()
    account = next(iter(inputs.params.accounts))
    detail = Detail(CODE, account, "", inputs.postings["amount"][0].as_py())
    assert detail_label(inputs.params, detail, PRODUCT_NAMES).startswith(f"{NAME} in ")
    assert detail_label(inputs.params, detail, {}).startswith(f"{BY_CODE} in ")
    holder = extract_units(inputs, read_charges(inputs))["corporate"]
    amount = holder.total
    corrected = CorrectionRow("CC-1", "Web", "direct", "", CODE, NAME, "lab", "", amount)
    held = replace(
        holder, commitments=Listed((CommitmentAmount(CODE, NAME, "Fee", amount),)),
        untagged=replace(
            holder.untagged, rows=Listed((UntaggedCost("1", "lab", CODE, NAME, "pool", amount),))
        ),
        corrections=tuple(
            replace(one, rows=Listed((corrected,))) for one in holder.corrections
        ),
    )  # fmt: skip
    assert NAME in {cell.text for cell in cells_of(sections.other_lines(held))}
    assert f"{NAME} in lab" in {cell.text for cell in cells_of(sections.corrections(held))}
    [cell] = [cell for cell in cells_of(sections.untagged(held)) if cell.text == NAME]
    assert cell.sub == BY_CODE
