"""The change of a statement's total and its parts, read back: they sum to the ledgers' change, or are found."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from pathlib import Path

import pytest
import typst

from chargeback.pages.parts import signed
from chargeback.pages.vocabulary import CHANGES, rule_change, rule_note
from chargeback.statements.execute import REPORTS
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.model import Change, ChangeDetail, ChangePart, Statement
from chargeback.statements.read_back import read_statements
from chargeback.statements.readback import pdf_figures
from chargeback.statements.sections import changes
from chargeback.statements.sections.change import movers_sentence
from tests.statements.hostile import NAMES
from tests.statements.rendered import OWN, TIE, WHY, Rendered

CENT = Decimal("0.01")
Parts = dict[str, Decimal | None]


def shown_changes(rendered: Rendered) -> dict[tuple[str, str], Parts]:
    """(unit, medium) -> the parts that are shown, and the change as "total"."""
    found: dict[tuple[str, str], Parts] = {}
    for row in read_statements(rendered.folder, rendered.inputs)["statement_figures"].to_pylist():
        if row["section"] == "change":
            parts = found.setdefault((row["business_unit_id"], row["medium"]), {})
            assert row["key"] not in parts, "one part with two amounts"
            parts[row["key"]] = row["amount"]
    return found


def test_every_part_is_read_back_and_they_sum_to_the_change(rendered):
    """In both media, of every unit, also of the one that has no cost center."""
    expected = {}
    for unit_id, bridge in rendered.inputs.bridges.items():
        parts = {part.code: part.amount for part in bridge.parts if part.amount}
        assert sum(parts.values(), Decimal(0)) == bridge.after - bridge.before
        for medium in ("html", "pdf"):
            expected[unit_id, medium] = parts | {"total": bridge.after - bridge.before}
    assert shown_changes(rendered) == expected
    assert {"cents", "correction", "direct", "pools", "total", "weight"} == expected[
        "claims", "pdf"
    ].keys()
    assert expected["innovation", "pdf"] == {"total": 0}


def html_part(code: str, amount: Decimal) -> str:
    """How the HTML shows a part of the change."""
    negative = ' class="figure negative"' if amount < 0 else ' class="figure"'
    return f'<td{negative} data-section="change" data-key="{code}">{signed(amount)}</td>'


def test_a_wrong_part_in_the_html_is_returned(altered):
    bridge = altered.inputs.bridges["claims"]
    part = max(bridge.parts, key=lambda one: one.amount)
    altered.edit(
        "claims",
        "html",
        (html_part(part.code, part.amount), html_part(part.code, part.amount + CENT)),
    )
    [row] = altered.broken()[WHY]
    assert row == {
        "business_unit_id": "claims", "medium": "html", "ledger_change": bridge.change,
        "shown_change": bridge.change, "shown_parts": bridge.change + CENT, "unreadable_parts": 0,
        "difference": CENT,
    }  # fmt: skip


def test_a_part_that_is_missing_or_unreadable_is_returned(altered):
    bridge = altered.inputs.bridges["claims"]
    first, second = sorted(bridge.parts, key=lambda one: -abs(one.amount))[:2]
    altered.edit(
        "claims",
        "html",
        (html_part(first.code, first.amount), "<td></td>"),
        (
            html_part(second.code, second.amount),
            html_part(second.code, second.amount).replace(".", ""),
        ),
    )
    [row] = altered.broken()[WHY]
    assert row["shown_parts"] == bridge.change - first.amount - second.amount
    assert row["unreadable_parts"] == 1


def test_a_wrong_change_whose_parts_are_right_is_returned(altered):
    bridge = altered.inputs.bridges["pharmacy"]
    altered.edit(
        "pharmacy",
        "html",
        (
            f'data-key="total">{signed(bridge.change)}<',
            f'data-key="total">{signed(bridge.change + 1)}<',
        ),
    )
    [row] = altered.broken()[WHY]
    assert (row["shown_change"], row["difference"]) == (bridge.change + 1, 0)


def test_wrong_parts_in_the_pdf_are_returned(altered):
    """Each part in turn would be found; here all of one unit are a cent off."""
    bridge = altered.inputs.bridges["claims"]
    parts = [part for part in bridge.parts if part.amount]
    altered.set_pdf(
        "claims",
        # Two parts may have the same amount, and are changed together.
        *{
            f'("{signed(one.amount)}", ': f'("{signed(one.amount + CENT)}", ' for one in parts
        }.items(),
    )
    [row] = altered.broken()[WHY]
    assert (row["medium"], row["difference"]) == ("pdf", len(parts) * CENT)


def test_a_page_without_its_changes_is_returned(altered):
    path = altered.file("claims", "html")
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r' data-section="change" data-key="\w+"', "", text), encoding="utf-8")
    [row] = altered.broken()[WHY]
    assert (row["medium"], row["shown_change"], row["shown_parts"]) == ("html", None, None)


def test_the_first_period_on_record_has_no_changes(hostile):
    """And a statement that shows some all the same is returned."""
    assert hostile.inputs.bridges == {}
    assert shown_changes(hostile) == {}
    assert "changes start with the next one" in hostile.file("formula", "html").read_text("utf-8")


def test_a_change_that_should_not_be_there_is_returned(hostile, tmp_path):
    copy = hostile.copy(tmp_path / "altered")
    copy.edit("formula", "html", ("</main>", html_part("usage", CENT) + "</main>"))
    assert [row["shown_parts"] for row in copy.broken()[WHY]] == [CENT]


def test_the_words_of_a_change_excuse_no_leak(altered):
    """Another unit's name in what a part is for is found, as anywhere else."""
    altered.edit("claims", "html", ("Largest: ", "Largest: Pharmacy +1.00; "))
    broken = altered.broken()
    assert (broken[TIE], broken[WHY]) == ([], [])
    assert {row["leaked_text"] for row in broken[OWN]} == {"Pharmacy"}


@pytest.fixture(scope="module")
def claims(rendered) -> Statement:
    return extract_units(rendered.inputs, read_charges(rendered.inputs))["claims"]


def changed_by(statement: Statement, parts: list[tuple[str, Decimal, list[str]]]) -> Statement:
    """A statement whose change has these parts, with the names of what they are for."""
    aside = Decimal("-9999.99")
    change = Change(
        parts=tuple(
            ChangePart(code, amount, tuple(ChangeDetail(name, aside) for name in names))
            for code, amount, names in parts
        ),
        remarks=(),
    )
    before = Decimal("1000.00")
    total = sum((amount for _, amount, _ in parts), before)
    return replace(statement, previous_total=before, total=total, change=change)


def pdf_changes(folder: Path, statement: Statement) -> Parts:
    """The parts that are read from a page with the section alone."""
    typst_text = changes(statement).markdown().partition("{=typst}\n")[2]
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    heading = "\n== Why the total changed\n"
    source = template + heading + typst_text.rstrip().rstrip("`")
    typst.compile(source.encode(), output=str(folder / "page.pdf"), ignore_system_fonts=True)
    return {
        key: amount
        for section, key, amount in pdf_figures(folder / "page.pdf", {})
        if section == "change"
    }


def test_each_part_there_is_can_be_read_back(tmp_path, claims):
    """Rises and falls; the words beside a label are no part of it."""
    amounts = {code: Decimal(3 + 7 * at) * (-1) ** at for at, code in enumerate(CHANGES)}
    statement = changed_by(claims, [(code, amount, ["Web"]) for code, amount in amounts.items()])
    found = pdf_changes(tmp_path, statement)
    assert found == amounts | {"total": sum(amounts.values())}


def test_what_was_not_measured_has_a_line_and_no_figure(tmp_path, claims):
    note = rule_note("rules-unknown")
    unknown = ChangePart("rules", Decimal("0.00"), (), (note,), is_unknown=True)
    known = changed_by(claims, [("usage", Decimal("12.34"), [])])
    statement = replace(known, change=replace(known.change, parts=(*known.change.parts, unknown)))
    html = changes(statement).parts[-1].html()
    assert "Rule changes: not measured" in html and note in html
    assert 'data-key="rules"' not in html
    assert pdf_changes(tmp_path, statement) == {
        "usage": Decimal("12.34"), "total": Decimal("12.34"),
    }  # fmt: skip


def test_what_is_to_be_known_of_a_part_stands_at_its_line(tmp_path, claims):
    begins = rule_change("begins", "Rule changes", "CHG1")
    part = ChangePart("rules", Decimal("7.00"), (), (begins, rule_note("old-driver:driver:heads")))
    base = changed_by(claims, [("rules", Decimal("7.00"), [])])
    statement = replace(base, change=replace(base.change, parts=(part,)))
    table = changes(statement).parts[-1]
    at = next(n for n, row in enumerate(table.rows) if row.cells[0].text == "Rule changes")
    assert [row.cells[0].text for row in table.rows[at + 1 : at + 3]] == list(part.notes)
    assert "(CHG1)." in part.notes[0] and part.notes[1].startswith("Heads was not measured")
    assert pdf_changes(tmp_path, statement) == {"rules": 7, "total": 7}


def test_the_first_page_names_the_largest_movers(rendered):
    """As two ledgers have them, by service and account, whatever else changed."""
    inputs = rendered.inputs
    [then] = [inputs.history[inputs.previous_period]]
    for unit_id in rendered.units:
        statement, moved = rendered.statement(unit_id), dict[tuple[str, str], Decimal]()
        for table, sign in ((inputs.postings, 1), (then, -1)):
            for row in table.to_pylist():
                if (row["business_unit_id"], row["kind"]) == (unit_id, "direct"):
                    key = (row["account_id"] or "", row["product_code"] or "")
                    moved[key] = moved.get(key, Decimal(0)) + sign * row["exact_amount"]
        rounded = [abs(one).quantize(CENT, ROUND_HALF_UP) for one in moved.values()]
        largest = sorted(filter(None, rounded), reverse=True)[:3]
        named = statement.movers.services if statement.movers else ()
        assert [abs(one.amount) for one in named] == largest
        page = unescape(rendered.file(unit_id, "html").read_text("utf-8"))
        for one in named:
            assert f"{one.label}, {signed(one.amount)}" in page
        if named:
            assert movers_sentence(statement)
            assert not movers_sentence(replace(statement, provisional=True)), "of half a month"


@pytest.mark.parametrize("name", [*NAMES, *(label for label, _ in CHANGES.values()), "+1.00"])
def test_no_name_is_read_as_a_part(tmp_path, claims, name):
    """Names of accounts and pools stand below the parts; they are in cells of their own."""
    parts = [("usage", Decimal("12.34"), [name] * 3), ("price", Decimal("-5.00"), [name])]
    assert pdf_changes(tmp_path, changed_by(claims, parts)) == {
        "usage": Decimal("12.34"), "price": Decimal("-5.00"), "total": Decimal("7.34"),
    }  # fmt: skip
