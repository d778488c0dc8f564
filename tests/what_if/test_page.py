"""The page for a council: every figure is one of the CSV's, nothing is fetched, no name is interpreted."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chargeback.core.money import MINUS
from chargeback.core.text import plain
from chargeback.review.what_if.page import CSV_COLUMNS, page, write_page
from tests.params_folder import ALWAYS, added, pool
from tests.statements.hostile import FORMULA, MARKDOWN, RTL, SCRIPT
from tests.what_if.estate import ALL, APRIL, BY_SPEND, PERIODS, WITH_STORAGE, ask, propose

#: What the page consists of; links, pictures, forms and scripts are not among it.
ELEMENTS = (
    "html head meta title style body main header section div p h1 h2 span bdi dl dt dd ul li table caption "
    "thead tbody tr th td code figure figcaption svg rect text"
)
FOLDER = "<img src=x onerror=alert(1)>"
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
Row = dict[str, str]


class Page(HTMLParser):
    """A page as a browser takes it apart: elements, texts, and figures by section and key."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.figures: dict[tuple[str, str], set[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        _, attributes = self.elements[-1] if self.elements else ("", {})
        self.texts.append(data)
        if "data-section" in attributes and data.strip():
            key = (attributes["data-section"], attributes["data-key"])
            self.figures.setdefault(key, set()).add(data)


@pytest.fixture(scope="module")
def written(three, tmp_path_factory) -> Path:
    """A folder with page and figures of a proposal that moves most things."""
    folder = tmp_path_factory.mktemp("written")
    rules = WITH_STORAGE.replace('"even"', '"direct_spend"')
    write_page(ask(three, propose(folder / "proposed", allocation_toml=rules)), str(folder))
    return folder


@pytest.fixture(scope="module")
def hostile(three, tmp_path_factory) -> Path:
    """The same with names that attack, also of the folder."""
    folder = tmp_path_factory.mktemp("hostile")
    units = 'business_unit_id,name,owner,email,idp_group\nshop,"{}",Ann,,\ncore,"{}",Bob,,\n'
    centers = (
        "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
        'CC-1,"{}",shop,2026-01,\nCC-2,"{}",shop,2026-01,\nCC-9,"{}",core,2026-01,\n'
    )
    quoted = [one.replace('"', '""') for one in (SCRIPT, MARKDOWN, FORMULA, RTL, SCRIPT)]
    rules = BY_SPEND.replace('name = "untagged"', f"name = '''{SCRIPT}'''")
    alias = added("tag_values.csv", f'user_cost_center,"{quoted[0]}",CC-1,2026-01,,REF')
    proposed = propose(
        folder / FOLDER, allocation_toml=rules, tag_values_csv=alias,
        business_units_csv=units.format(*quoted[:2]), cost_centers_csv=centers.format(*quoted[2:]),
    )  # fmt: skip
    write_page(ask(three, proposed), str(folder))
    return folder


def read_page(folder: Path) -> Page:
    return Page((folder / "what-if.html").read_text(encoding="utf-8"))


def read_rows(folder: Path) -> list[Row]:
    with (folder / "what-if.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def total(rows: list[Row], column: str, chosen: Callable[[Row], bool] = lambda _: True) -> Decimal:
    """A sum over the rows of the CSV."""
    return sum((Decimal(row[column]) for row in rows if chosen(row)), Decimal(0))


def amount(text: str) -> Decimal:
    """An amount as the page shows it."""
    return Decimal(text.replace(MINUS, "-").replace(",", ""))


def test_every_figure_of_the_page_is_a_sum_of_the_figures(written):
    rows, found = read_rows(written), read_page(written).figures
    expected: dict[tuple[str, str], Decimal] = {}
    for column in ("before", "after", "difference"):
        expected[f"total-{column}", ""] = total(rows, column)
        for unit in {row["business_unit_id"] for row in rows}:
            expected[f"unit-{column}", unit] = total(
                rows, column, lambda row, unit=unit: row["business_unit_id"] == unit
            )
        for payer in {(row["business_unit_id"], row["cost_center_id"]) for row in rows}:
            expected[f"cost-center-{column}", " ".join(payer)] = total(
                rows, column,
                lambda row, payer=payer: (row["business_unit_id"], row["cost_center_id"]) == payer,
            )  # fmt: skip
    for source in {(row["kind"], row["pool_id"]) for row in rows}:
        expected["source", " ".join(source).strip()] = total(
            rows, "difference", lambda row, source=source: (row["kind"], row["pool_id"]) == source
        )
    for unit in {row["business_unit_id"] for row in rows}:
        for period in PERIODS:
            expected["unit-month", f"{unit} {period}"] = total(
                rows, "difference",
                lambda row, at=(unit, period): (row["business_unit_id"], row["billing_period"]) == at,
            )  # fmt: skip
    moved = {key: figure for key, figure in expected.items() if key[0] == "cost-center-difference"}
    expected["moved", "moved"] = sum((one for one in moved.values() if one > 0), Decimal(0))
    assert {key: {amount(one) for one in shown} for key, shown in found.items()} == {
        key: {one} for key, one in expected.items()
    }
    assert expected["moved", "moved"] > 0 == expected["total-difference", ""]


def test_the_csv_has_every_charge_once(three, written):
    rows = read_rows(written)
    keys = [tuple(row[name] for name in CSV_COLUMNS[:8]) for row in rows]
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(set(keys)) == len(keys) > 20
    assert total(rows, "before") == total(rows, "after") == 390
    for row in rows:
        assert Decimal(row["after"]) - Decimal(row["before"]) == Decimal(row["difference"])


def test_the_page_says_what_is_proposed_and_how_it_was_checked(written):
    text = " ".join(read_page(written).texts)
    assert "pool 'untagged' (untagged): key even → direct_spend" in text
    assert "pool 'storage' (storage) is new, before 'untagged': match product_code AmazonS3" in text
    assert "The sum of all differences is 0.00" in text
    assert "gave the amounts of the ledger to the cent, for April 2026, May 2026, June 2026" in text
    assert "Equal parts → Direct cost" in text


def test_a_change_of_some_periods_names_them(three, tmp_path):
    ended = BY_SPEND + 'valid_to = "2026-04"\n' + pool().replace("2026-01", "2026-05")
    text = " ".join(Page(page(ask(three, propose(tmp_path / "p", allocation_toml=ended)))).texts)
    assert "pool 'untagged' (untagged): key even → direct_spend (April 2026)" in text


def test_rules_in_force_are_said_to_change_nothing(three):
    text = " ".join(Page(page(ask(three, three.params, ALL))).texts)
    assert "Nobody would have paid anything else." in text
    assert "those that the periods were closed with" in text
    assert "Would have paid more" not in text


def test_one_period_has_no_table_of_months(three, tmp_path):
    proposed = propose(tmp_path / "p", allocation_toml=BY_SPEND)
    assert "month by month" not in page(ask(three, proposed, APRIL))
    assert "month by month" in page(ask(three, proposed))


@pytest.mark.parametrize("folder", ["written", "hostile"])
def test_the_page_is_complete_in_itself(folder, request):
    """No script, link or picture, and nothing is fetched from anywhere."""
    html = (request.getfixturevalue(folder) / "what-if.html").read_text(encoding="utf-8")
    found = Page(html)
    assert {tag for tag, _ in found.elements} <= set(ELEMENTS.split())
    for tag, attributes in found.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("href", "src", "srcset", "action", "style", "http-equiv"), (
                tag,
                name,
            )
            assert not re.search(r"url\(|javascript:|https?:", value), (tag, name, value)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"@import|url\s*\(|https?:|expression\s*\(", style)


def test_names_are_shown_as_what_they_are(hostile):
    seen = "\n".join(read_page(hostile).texts)
    for name in (SCRIPT, MARKDOWN, FORMULA, RTL, FOLDER):
        assert plain(name) in seen


def test_no_cell_of_the_csv_starts_a_formula(hostile):
    cells = [
        cell
        for row in read_rows(hostile)
        for name, cell in row.items()
        if name not in ("before", "after", "difference")
    ]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.strip().startswith(FORMULA_STARTS)]


def test_the_same_replays_give_the_same_bytes(three, written, tmp_path):
    rules = WITH_STORAGE.replace('"even"', '"direct_spend"')
    proposed = propose(tmp_path / "proposed", allocation_toml=rules)
    write_page(ask(three, proposed), str(tmp_path))
    for name in ("what-if.html", "what-if.csv"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_without_a_folder_nothing_is_written(three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "nothing" in write_page(ask(three, three.params, APRIL), "")
    assert not list(tmp_path.iterdir())


def test_a_register_of_another_folder_is_said_row_by_row(three, tmp_path):
    text = (
        ALWAYS["accounts.csv"].replace("work,core,", "labour,core,")
        + "000000000001,new,core,,2026-01,\n"
    )
    [month] = ask(three, propose(tmp_path / "p", accounts_csv=text), APRIL).periods
    assert month.changes == (
        "accounts.csv: new: 000000000001",
        "accounts.csv: changed: 012345678901",
    )
