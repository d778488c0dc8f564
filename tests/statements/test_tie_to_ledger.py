"""Every figure of a statement is the ledger's, in each medium, and a wrong one is found."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.money import shown
from chargeback.statements.read_back import read_statements
from chargeback.statements.readback import csv_figures
from tests.statements.rendered import ALL_HOLD, MEDIA, OWN, TIE, Rendered

SECTIONS = {"correction", "total", "cost_center", "kind", "pool"}
Figures = dict[tuple[str, str, str], Decimal]


def ledger_figures(rendered: Rendered) -> Figures:
    """(unit, section, key) -> amount, summed here without SQL."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for row in rendered.inputs.postings.to_pylist():
        if row["cost_center_id"] is None:
            continue
        keys = {"total": "total", "cost_center": row["cost_center_id"], "kind": row["kind"]}
        if row["kind"] == "allocated":
            keys["pool"] = row["pool_id"]
        if row["original_period"]:
            keys["correction"] = row["original_period"]
        for section, key in keys.items():
            sums[row["business_unit_id"], section, key] += row["amount"]
    return dict(sums)


def first_figures(rendered: Rendered, unit_id: str) -> dict[tuple[str, str], Decimal]:
    """One figure of each section of a unit: its total, the largest cost center, pool and kind."""
    found: dict[tuple[str, str], Decimal] = {}
    figures = ledger_figures(rendered)
    for section in SECTIONS:
        largest = max(
            (amount, key)
            for (unit, one, key), amount in figures.items()
            if (unit, one) == (unit_id, section)
        )
        found[section, largest[1]] = largest[0]
    return found


def html_figure(section: str, key: str, amount: Decimal) -> str:
    """How an HTML statement ends the start tag of a figure, and shows it."""
    return f'data-section="{section}" data-key="{key}">{shown(amount)}<'


def test_every_unit_has_its_files_and_both_controls_hold(rendered):
    """Also the unit that has no cost center: its GM receives a statement that says so."""
    assert rendered.units == ["claims", "corporate", "innovation", "pharmacy"]
    for unit_id in rendered.units:
        names = sorted(path.name for path in (rendered.folder / unit_id).iterdir())
        assert names == ["statement.csv", "statement.html", "statement.pdf"]
        assert rendered.notebook(unit_id).is_file()
    assert rendered.broken() == ALL_HOLD


def test_the_figures_read_back_are_all_of_the_ledgers(rendered):
    """The control compares what is shown; here, that all of it is shown, in each medium."""
    expected = ledger_figures(rendered)
    assert {section for _, section, _ in expected} == SECTIONS
    assert {key for _, section, key in expected if section == "kind"} == {
        "direct", "allocated", "commitment", "rounding", "adjustment",
    }  # fmt: skip
    found: dict[str, Figures] = {medium: {} for medium in MEDIA}
    for row in read_statements(rendered.folder, rendered.inputs)["statement_figures"].to_pylist():
        key = (row["business_unit_id"], row["section"], row["key"])
        if (
            row["section"] == "change"
        ):  # not of one ledger but of two: test_why_the_total_changed.py
            continue
        assert key not in found[row["medium"]], "one figure with two amounts"
        found[row["medium"]][key] = row["amount"]
    for medium, figures in found.items():
        more = {key: amount for key, amount in figures.items() if key not in expected}
        assert {key: figures.get(key) for key in expected} == expected, medium
        assert set(more.values()) <= {Decimal("0.00")}, medium


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_a_wrong_figure_in_the_html_is_returned(altered, section):
    """Once is enough, also where the same figure is right elsewhere on the page."""
    [(key, amount)] = [
        (key, amount)
        for (one, key), amount in first_figures(altered, "claims").items()
        if one == section
    ]
    path = altered.file("claims", "html")
    text = path.read_text(encoding="utf-8")
    # The total's first place is the large one, where the tag also has a class.
    assert html_figure(section, key, amount) in text
    wrong = html_figure(section, key, amount + 1)
    path.write_text(text.replace(html_figure(section, key, amount), wrong, 1), encoding="utf-8")
    [row] = altered.broken()[TIE]
    assert row == {
        "business_unit_id": "claims", "medium": "html", "section": section, "key": key,
        "ledger_amount": amount, "shown_amount": amount + 1, "difference": Decimal("1.00"),
    }  # fmt: skip


def test_a_figure_that_is_unreadable_or_missing_in_the_html_is_returned(altered):
    figures = first_figures(altered, "claims")
    [pool] = [key for section, key in figures if section == "pool"]
    [center] = [key for section, key in figures if section == "cost_center"]
    altered.edit(
        "claims",
        "html",
        (
            html_figure("pool", pool, figures["pool", pool]),
            f'data-section="pool" data-key="{pool}">n/a<',
        ),
        (f'data-section="cost_center" data-key="{center}"', ""),
    )
    rows = altered.broken()[TIE]
    assert [(row["section"], row["key"], row["shown_amount"]) for row in rows] == [
        ("cost_center", center, None),
        ("pool", pool, None),
    ]


def test_wrong_figures_in_the_pdf_are_returned(altered):
    """A PDF set from other amounts is put in place of the right one."""
    figures = first_figures(altered, "claims")
    assert len({shown(amount) for amount in figures.values()}) == len(SECTIONS)
    altered.set_pdf(
        "claims",
        *((f'("{shown(amount)}", ', f'("{shown(amount + 1)}", ') for amount in figures.values()),
    )
    rows = altered.broken()[TIE]
    assert {(row["business_unit_id"], row["medium"]) for row in rows} == {("claims", "pdf")}
    assert {
        (row["section"], row["key"]): (row["ledger_amount"], row["shown_amount"]) for row in rows
    } == {figure: (amount, amount + 1) for figure, amount in figures.items()}


def test_a_pdf_of_another_unit_is_returned(altered):
    """A mix-up of files, which a control of single figures could miss."""
    source = altered.file("pharmacy", "pdf").read_bytes()
    altered.file("claims", "pdf").write_bytes(source)
    broken = altered.broken()
    assert {(row["business_unit_id"], row["medium"]) for row in broken[TIE]} == {("claims", "pdf")}
    assert ("total", "total") in {(row["section"], row["key"]) for row in broken[TIE]}
    assert "name of pharmacy" in {row["leaked_what"] for row in broken[OWN]}


def test_a_wrong_cell_of_the_csv_is_returned(altered):
    """One amount that changes is missing from its total, kind, cost center and pool."""
    text = altered.file("claims", "csv").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if ",allocated,security," in line)
    cells = re.fullmatch(r"(.*,)(-?\d+\.\d\d)(,USD,.*)", line)
    assert cells
    amount = Decimal(cells[2])
    altered.edit("claims", "csv", (line, f"{cells[1]}{amount + 1}{cells[3]}"))
    rows = altered.broken()[TIE]
    center = line.split(",")[4]
    assert {(row["medium"], row["section"], row["key"], row["difference"]) for row in rows} == {
        ("csv", section, key, Decimal("1.00"))
        for section, key in (
            ("total", "total"), ("kind", "allocated"), ("cost_center", center),
            ("pool", "security"),
        )
    }  # fmt: skip


def test_a_line_missing_from_the_csv_is_returned(altered):
    path = altered.file("pharmacy", "csv")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    rows = altered.broken()[TIE]
    assert {(row["business_unit_id"], row["medium"]) for row in rows} == {("pharmacy", "csv")}


def test_an_unreadable_cell_of_the_csv_is_returned(altered):
    """What is no amount stays a figure without one, and the control finds it."""
    text = altered.file("claims", "csv").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if ",allocated,security," in line)
    altered.edit("claims", "csv", (line, re.sub(r"-?\d+\.\d\d(?=,USD)", "n/a", line)))
    rows = altered.broken()[TIE]
    assert {(row["medium"], row["section"], row["shown_amount"]) for row in rows} == {
        ("csv", section, None) for section in SECTIONS - {"correction"}
    }


@pytest.mark.parametrize(
    "amount", ["", "NaN", "1e2", '"1,000.00"', "1.234", "'5.00", "\u0663.\u0660\u0660"]
)
def test_a_csv_amount_is_read_only_as_a_plain_number(tmp_path, amount):
    """A spreadsheet adds up plain numbers; anything else is not what the ledger has."""
    header = "kind,cost_center_id,pool_id,amount\n"
    path = tmp_path / "statement.csv"
    path.write_text(f"{header}direct,CC-1,,7.00\ndirect,CC-1,,{amount}\n", encoding="utf-8")
    assert list(csv_figures(path)) == [
        ("total", "total", None),
        ("kind", "direct", None),
        ("cost_center", "CC-1", None),
    ]
    path.write_text(f"{header}direct,CC-1,,7.00\ndirect,CC-1,,-7.50\n", encoding="utf-8")
    assert ("total", "total", Decimal("-0.50")) in csv_figures(path)


@pytest.mark.parametrize("medium", MEDIA)
def test_a_missing_file_is_refused(altered, medium):
    altered.file("pharmacy", medium).unlink()
    with pytest.raises(Refusal) as raised:
        altered.broken()
    assert raised.value.exit_code == UNREACHABLE
    assert "a statement of pharmacy is missing" in raised.value.what
    assert raised.value.where == [str(altered.file("pharmacy", medium))]


def test_a_file_that_is_no_pdf_is_refused(altered):
    """What a renderer could leave where it failed without saying so."""
    altered.file("pharmacy", "pdf").write_text("<html>Error</html>")
    with pytest.raises(Refusal) as raised:
        altered.broken()
    assert raised.value.exit_code == UNREACHABLE
    assert "pharmacy" in raised.value.block()
