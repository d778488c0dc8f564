"""The index of a month: every unit with its total and its files, for those who may see all of them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from chargeback.books.tables import statement_total
from chargeback.core.money import shown
from chargeback.core.paths import sql_folder, sql_from
from chargeback.core.sums import sums_by
from chargeback.statements import index_wording
from chargeback.statements.execute import INDEX_NOTEBOOK
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.extract.month import month_index
from chargeback.statements.index import has_index
from chargeback.statements.index_readback import SECTIONS, index_differences
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.month import INDEX, MonthIndex
from chargeback.statements.sections import month as sections
from tests.statements.estate import UNITS, business, estate
from tests.statements.rendered import INDEX as CONTROL
from tests.statements.rendered import Rendered, write_embedded


def month_of(inputs: StatementInputs) -> MonthIndex:
    """The index of a month, as it is made."""
    charges = read_charges(inputs)
    return month_index(inputs, charges, extract_units(inputs, charges))


def page_of(rendered: Rendered) -> str:
    """The finished index."""
    return (rendered.folder / INDEX).read_text(encoding="utf-8")


def rows_of(page: str) -> list[str]:
    """The rows of the table of units, as texts."""
    table = page.split("<table>")[1].split("</table>")[0]
    return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in table.split("<tr")[2:]]


def broken(rendered: Rendered) -> list[dict[str, Any]]:
    """What the control finds."""
    return rendered.broken()[CONTROL]


def test_each_unit_stands_with_what_the_ledger_charges_it_the_largest_first(rendered):
    now = sums_by(rendered.inputs.postings, ["business_unit_id"], "amount")
    before = sums_by(rendered.inputs.history["2026-04"], ["business_unit_id"], "amount")
    rows, whole = rows_of(page_of(rendered)), rendered.inputs.postings
    for unit_id in ("claims", "pharmacy", "corporate"):
        [row] = [one for one in rows if f" {unit_id} HTML PDF CSV" in one]
        amount, then = now[unit_id,], before[unit_id,]
        sign = "+" if amount > then else ""
        assert row.endswith(f" {shown(then)} {sign}{shown(amount - then)} {shown(amount)}")
    charged = [now[unit_id,] for unit_id in ("claims", "pharmacy", "corporate")]
    order = [row.split(" HTML")[0].split()[-1] for row in rows if "HTML" in row]
    assert order[-1] == "innovation", "which has no cost center, and a statement of nothing"
    assert [now.get((one,), Decimal(0)) for one in order] == sorted(
        [*charged, Decimal(0)], reverse=True
    )
    assert rows[-1].startswith('class="total"> Total 100.0% ')
    assert rows[-1].endswith(f" {shown(statement_total(whole))}")
    assert statement_total(whole) == sum(charged)


def test_it_leads_to_each_file_of_each_unit_and_to_nothing_else(rendered):
    found = re.findall(r'<a href="([^"]*)"', page_of(rendered))
    assert sorted(found) == sorted(
        f"{unit_id}/statement.{medium}"
        for unit_id in rendered.units
        for medium in ("html", "pdf", "csv")
    )
    assert all((rendered.folder / one).is_file() for one in found)


def test_it_is_whole_without_a_network(rendered, hostile):
    for page in (page_of(rendered), page_of(hostile)):
        assert not re.search(r"<(script|link|img|iframe|object|base)\b", page)
        assert "@import" not in page and "url(http" not in page
        assert not re.search(r'(src|href)\s*=\s*"(?!#)[a-z]+:', page)


def test_names_are_texts_and_an_open_month_says_so(hostile):
    page = page_of(hostile)
    assert '<p class="provisional" role="note">PROVISIONAL</p>' in page
    assert "<title>PROVISIONAL Index of statements, " in page
    assert "Every draft replaces it." in page and "signed manifest" not in page
    assert broken(hostile) == []


def test_a_closed_month_says_what_it_ties_to_and_who_signed(rendered):
    page = " ".join(page_of(rendered).split())
    assert "PROVISIONAL" not in page and "Charged to all business units together" in page
    assert "signed with a development key" in page
    for digest in rendered.inputs.digests.values():
        assert digest in page
    month = month_of(replace(rendered.inputs, payers=("012345670123",)))
    assert "<dt>Payer accounts</dt><dd><bdi>012345670123</bdi>" in sections.head(month).markdown()


def test_it_keeps_no_total_back(rendered):
    """Those who may see every unit see every invoice, whatever a statement keeps."""
    month = month_of(replace(rendered.inputs, published_totals="none"))
    assert month == month_of(rendered.inputs)
    assert month.tie_out.kept == 0 and month.tie_out.invoiced is not None
    assert month.tie_out.charged == month.total


def test_what_a_unit_was_charged_that_ended_stands_apart(rendered):
    """Else the change of the units would not sum to the change of all: here digital had 12.00 in April."""
    april = rendered.inputs.history["2026-04"]
    charge = {**april.to_pylist()[0], "business_unit_id": "digital", "cost_center_id": "CC-OLD",
              "kind": "direct", "amount": Decimal("12.00")}  # fmt: skip
    more = pa.concat_tables([april, pa.Table.from_pylist([charge], schema=april.schema)])
    history = {**rendered.inputs.history, "2026-04": more}
    month = month_of(replace(rendered.inputs, history=history))
    assert month.ended == Decimal("12.00")
    known = sum(one.previous for one in month.units if one.previous is not None)
    assert month.previous_total == known + Decimal("12.00")
    assert "Units that get no statement any more" in sections.units(month).markdown()
    assert "Units that get no statement" not in sections.units(month_of(rendered.inputs)).markdown()


def test_the_first_month_compares_with_nothing(rendered):
    month = month_of(replace(rendered.inputs, history={}, bridges={}))
    assert month.previous_total is None and month.ended == 0
    text = sections.units(month).markdown()
    assert "Change" not in text and "<svg" not in text
    assert "first period on record" in sections.head(month).markdown()


def test_what_is_written_for_the_notebook_is_what_is_read(rendered):
    month = month_of(rendered.inputs)
    assert MonthIndex.from_json(month.to_json()) == month


def test_the_headings_of_the_notebook_are_those_that_are_looked_for():
    cells = json.loads(INDEX_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    found = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert found == [f"## {heading}" for heading in index_wording.INDEX_HEADINGS]
    assert isinstance(cells[0]["source"], list), "Quarto prints a front matter that is one text"


def test_it_lies_in_no_folder_of_a_unit_and_its_notebook_in_the_evidence(rendered):
    assert [path.parent for path in rendered.folder.rglob(INDEX)] == [rendered.folder]
    assert (rendered.evidence / "index.ipynb").is_file()


def test_no_notebook_of_a_statement_has_an_output_that_loads_scripts(rendered):
    """Quarto loads two from a network for any HTML (tests/notebooks/test_offline.py)."""
    for path in rendered.evidence.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        kinds = {kind for cell in cells for one in cell.get("outputs", []) for kind in one["data"]}
        assert kinds == {"text/markdown", "text/plain"}, path.name


@pytest.mark.slow
def test_the_same_month_gives_the_same_bytes(tmp_path):
    inputs = estate(business({"claims": UNITS["claims"]}))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_embedded(inputs, tmp_path / name / "statements", tmp_path / name / "notebooks")
    pages = [(tmp_path / name / "statements" / INDEX).read_bytes() for name in ("one", "two")]
    assert pages[0] == pages[1]


# The control, on finished pages that were altered.


def total_of(rendered: Rendered, unit_id: str) -> str:
    """A unit's total as the page shows it."""
    return shown(sums_by(rendered.inputs.postings, ["business_unit_id"], "amount")[unit_id,])


def another_total(page: str, rendered: Rendered) -> str:
    own = total_of(rendered, "claims")
    assert page.count(f'data-key="claims">{own}<') == 1
    return page.replace(f'data-key="claims">{own}<', 'data-key="claims">1.23<')


def no_amount(page: str, rendered: Rendered) -> str:
    return page.replace(
        f'data-key="claims">{total_of(rendered, "claims")}<', 'data-key="claims">soon<'
    )


def another_sum(page: str, rendered: Rendered) -> str:
    own = shown(statement_total(rendered.inputs.postings))
    return page.replace(f'data-section="total" data-key="total">{own}<',
                        'data-section="total" data-key="total">9.99<')  # fmt: skip


def row_left_out(page: str, _: Rendered) -> str:
    [row] = [one for one in re.findall("<tr.*?</tr>", page, re.S) if "claims/statement.pdf" in one]
    return page.replace(row, "")


def another_name(page: str, _: Rendered) -> str:
    return page.replace("<bdi>Claims Operations</bdi>", "<bdi>Pharmacy</bdi>")


def another_file(page: str, _: Rendered) -> str:
    return page.replace("claims/statement.html", "pharmacy/statement.html")


def another_bar(page: str, _: Rendered) -> str:
    return re.sub(r'(<rect x="0" y=")[0-9.]+', r"\g<1>3.3", page, count=1)


def another_unit(page: str, _: Rendered) -> str:
    row = '<tr class="body"><th>Data</th><td data-section="unit" data-key="data">5.00</td></tr>'
    return page.replace('<tr class="total">', f'{row}<tr class="total">', 1)


FAULTS: dict[Callable[[str, Rendered], str], set[str]] = {
    another_total: {"unit", "table row that is not there", "table row that the month does not have"},
    no_amount: {"unit", "table row that is not there", "table row that the month does not have"},
    another_sum: {"total", "table row that is not there", "table row that the month does not have",
                  "text that is not there"},
    row_left_out: {"unit", "previous", "table row that is not there", "picture that is not there", "link"},
    another_name: {"table row that is not there", "table row that the month does not have"},
    another_file: {"link"},
    another_bar: {"picture that is not there", "picture that the month does not have"},
    another_unit: {"unit", "table row that the month does not have"},
}  # fmt: skip


@pytest.mark.parametrize("alter", FAULTS, ids=lambda one: one.__name__)
def test_what_is_not_the_months_is_found(altered, alter):
    page = page_of(altered)
    changed = alter(page, altered)
    assert changed != page
    (altered.folder / INDEX).write_text(changed, encoding="utf-8")
    assert {row["section"] for row in broken(altered)} == FAULTS[alter]


def test_a_wrong_total_is_told_with_its_difference(altered):
    page = another_total(page_of(altered), altered)
    (altered.folder / INDEX).write_text(page, encoding="utf-8")
    [row] = [one for one in broken(altered) if one["section"] == "unit"]
    ledger = sums_by(altered.inputs.postings, ["business_unit_id"], "amount")["claims",]
    assert (row["key"], row["ledger_amount"]) == ("claims", ledger)
    assert row["difference"] == Decimal("1.23") - ledger


def test_an_index_that_is_not_there_is_found(altered):
    (altered.folder / INDEX).unlink()
    sections_found = {row["section"] for row in broken(altered)}
    assert {"unit", "total", "previous", "previous_total", "the whole page"} == sections_found


def test_months_of_a_version_without_the_control_have_none(rendered, tmp_path):
    shutil.copytree(sql_folder(), tmp_path / "sql")
    (tmp_path / "sql" / "controls" / f"{CONTROL}.sql").unlink()
    assert has_index()
    with sql_from(tmp_path / "sql"):
        assert not has_index()
        folder: Path = tmp_path / "statements"
        shutil.copytree(rendered.folder, folder)
        (folder / INDEX).unlink()
        assert CONTROL not in replace(rendered, folder=folder).broken()


def many(rendered: Rendered, units: int) -> MonthIndex:
    """A month of so many units, of which two have one name."""
    month = month_of(rendered.inputs)
    one = month.units[0]
    names = [f"Unit {number:02}" for number in range(units - 2)] + ["Alike <b>", "Alike <b>"]
    return replace(
        month,
        units=tuple(
            replace(one, business_unit_id=f"u {number}", name=name)
            for number, name in enumerate(names)
        ),
    )


def test_of_few_units_there_is_the_table_alone(rendered):
    assert "<details" not in page_of(rendered)
    assert "<details" not in sections.units(many(rendered, sections.FOUND_AT_SIGHT)).markdown()


def test_many_units_are_found_by_their_names(rendered, tmp_path):
    """Each once, in their order, and those of one name apart; another one in the list is found."""
    count = sections.FOUND_AT_SIGHT + 1
    month = many(rendered, count)
    text = sections.units(month).markdown()
    [folded] = re.findall(r"<details.*?</details>", text, re.S)
    assert f"Find one of {count} business units by its name" in folded
    links = re.findall(r'<li><a href="([^"]*)"><bdi>(.*?)</bdi></a></li>', folded)
    assert [name for _, name in links] == sorted(name for _, name in links)
    assert [address for address, _ in links][:2] == [
        f"u%20{count - 2}/statement.html", f"u%20{count - 1}/statement.html",
    ]  # fmt: skip
    assert [name for _, name in links][:2] == [
        f"Alike &lt;b&gt; (u {count - 2})", f"Alike &lt;b&gt; (u {count - 1})",
    ]  # fmt: skip
    assert len(links) == count
    path = tmp_path / INDEX
    whole = "\n".join(part.html() for section in SECTIONS for part in section(month).parts)
    path.write_text(f"{whole}", encoding="utf-8")
    before = index_differences(path, month).num_rows  # headings, which the notebook has
    path.write_text(whole.replace(links[-1][0], "elsewhere/statement.html"), encoding="utf-8")
    assert index_differences(path, month).num_rows > before
