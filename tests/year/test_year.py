"""The verb: both views of a year, tied to each other, to every invoice, and to what the page says."""

from __future__ import annotations

import csv
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chargeback.books.tables import read_postings
from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS
from chargeback.review.year import run
from chargeback.review.year.files import CHARGES, INVOICES
from chargeback.review.year.gather import LeftOpen, gather, one_currency
from chargeback.review.year.page import PAGE, page
from tests.focus.conftest import MONTHS as SAMPLE_MONTHS
from tests.made_once import made_once
from tests.notebooks.workplace import close_sample
from tests.restatement.months import Estate
from tests.year.conftest import DECEMBER, FEBRUARY, JANUARY, MARCH, MEMO, invoice_of

ZERO = Decimal("0.00")


class Figures(HTMLParser):
    """The figures of a page: what stands in elements that say which figure they are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[tuple[str, str], Decimal] = {}
        self.about: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if "data-section" in named:
            self.about = (named["data-section"] or "", named["data-key"] or "")

    def handle_data(self, data: str) -> None:
        if self.about and data.strip():
            text = data.strip().replace(",", "").replace("\u2212", "-").lstrip("+")
            assert self.about not in self.found, f"{self.about} stands twice"
            self.found[self.about] = Decimal(text)
            self.about = None


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def sums(rows: Sequence[dict[str, str]], *names: str) -> dict[tuple[str, ...], Decimal]:
    """Amounts by some columns."""
    found: defaultdict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        found[tuple(row[name] for name in names)] += Decimal(row["amount"])
    return dict(found)


def write(estate: Estate, years: str, to: Path) -> int:
    """The verb."""
    books, params = str(estate.books.root), str(estate.params)
    return main(["year", years, "--books", books, "--params", params, "--to", str(to)])


@pytest.fixture(scope="module")
def written(two_years: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 2027."""
    folder = tmp_path_factory.mktemp("year") / "2027"
    assert write(two_years, "2027", folder) == 0
    return folder


def test_both_views_are_those_of_the_ledger(two_years: Estate, written: Path) -> None:
    rows = rows_of(written / CHARGES)
    assert sums(rows, "billing_period", "about_period") == {
        (JANUARY, JANUARY): Decimal(130), (JANUARY, DECEMBER): Decimal(6),
        (FEBRUARY, FEBRUARY): Decimal(130), (MARCH, MARCH): Decimal("130.02"),
        (MARCH, DECEMBER): Decimal(-9), (MARCH, JANUARY): Decimal(20),
    }  # fmt: skip
    ledger: defaultdict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
    for period in (JANUARY, FEBRUARY, MARCH):
        for row in two_years.postings(period).to_pylist():
            if row["cost_center_id"]:
                ledger[period, row["business_unit_id"], row["kind"]] += row["amount"]
    assert sums(rows, "billing_period", "business_unit_id", "kind") == dict(ledger)


def test_every_invoice_is_tied(written: Path) -> None:
    names = (
        "billing_period",
        "invoice_id",
        "invoiced",
        "charged_at_close",
        "corrected_since",
        "rounding",
    )
    found = [tuple(row[name] for name in names) for row in rows_of(written / INVOICES)]
    assert found == [
        (JANUARY, invoice_of(JANUARY), "150.00", "130.00", "20.00", "0.00"),
        (FEBRUARY, invoice_of(FEBRUARY), "130.00", "130.00", "0.00", "0.00"),
        (MARCH, invoice_of(MARCH), "130.02", "130.02", "0.00", "0.02"),
    ]
    assert {row["difference"] for row in rows_of(written / INVOICES)} == {"0.00"}


@pytest.mark.parametrize("years", ["2026", "2027", "2026..2027"])
def test_the_figures_of_the_page_are_those_of_the_files(
    two_years: Estate, tmp_path: Path, years: str
) -> None:
    assert write(two_years, years, tmp_path / "y") == 0
    found = Figures((tmp_path / "y" / PAGE).read_text(encoding="utf-8")).found
    rows, invoices = rows_of(tmp_path / "y" / CHARGES), rows_of(tmp_path / "y" / INVOICES)
    for year in years.split(".."):
        charged = [one for one in rows if one["billing_period"][:4] == year]
        about = [one for one in rows if one["about_period"][:4] == year]
        invoiced = sum(
            (Decimal(one["invoiced"]) for one in invoices if one["billing_period"][:4] == year),
            ZERO,
        )
        assert found["charged", year] == sums(charged)[()]
        assert found["about", year] == found["invoiced", year] == invoiced == sums(about)[()]
        assert found["difference", year] == 0
        others = sum(
            (one for key, one in found.items() if key[0] == "about-others" and key[1][:4] == year),
            ZERO,
        )
        elsewhere = sum(
            (
                one
                for key, one in found.items()
                if key[0] == "charged-elsewhere" and key[1][:4] == year
            ),
            ZERO,
        )
        assert found["charged", year] + others + elsewhere == found["about", year]
        for section, own, month in (
            ("as-charged", charged, "billing_period"), ("as-corrected", about, "about_period"),
        ):  # fmt: skip
            expected = sums(own, "business_unit_id", month)
            shown = {
                tuple(key.split()): amount
                for (part, key), amount in found.items()
                if part == section and key[-7:-3] == year
            }
            assert {key: one for key, one in shown.items() if one} == expected
            assert found[f"{section}-total", f"all {year}"] == sums(own)[()]
        parts = {
            key: one
            for (part, key), one in found.items()
            if part == "service" and key.startswith(f"{year} all ")
        }
        assert parts.pop(f"{year} all together") == sum(parts.values()) == sums(charged)[()]
    for row in invoices:
        key = f"{row['billing_period']} {row['invoice_id']}"
        assert found["invoice-charged", key] == Decimal(row["charged"])
    assert found["invoice-difference", "all"] == 0


def test_corrections_stand_in_the_month_that_charged_and_beside_the_one_that_they_are_about(
    two_years: Estate, written: Path
) -> None:
    text = (written / PAGE).read_text(encoding="utf-8")
    found = Figures(text).found
    assert {key: one for (part, key), one in found.items() if part == "correction-total"} == {
        f"2027 {JANUARY} {DECEMBER}": Decimal(6), f"2027 {MARCH} {DECEMBER}": Decimal(-9),
        f"2027 {MARCH} {JANUARY}": Decimal(20), "2027": Decimal(17),
    }  # fmt: skip
    assert "About December 2026, charged in March 2027" in text
    assert found["about-others", "2027 2026"] == 3
    assert found["as-charged", f"core {MARCH}"] == Decimal("80.02")  # CC-2 is core's by then
    assert found["as-corrected", f"core {MARCH}"] == Decimal("60.02")
    assert found["as-corrected", f"core {JANUARY}"] == Decimal(40)


def test_units_are_named_as_in_the_last_closed_month_and_open_months_have_no_figure(
    two_years: Estate, written: Path, tmp_path: Path
) -> None:
    text = (written / PAGE).read_text(encoding="utf-8")
    assert (
        "Stores &amp; &lt;b&gt;web&lt;/b&gt;" in text
        and "<b>web" not in text
        and ">Shop<" not in text
    )
    assert "Open, without figures" in text and "April to December 2027" in text
    assert not [key for _, key in Figures(text).found if "2027-04" in key]
    assert write(two_years, "2026", tmp_path / "y") == 0
    assert ">Shop<" in (tmp_path / "y" / PAGE).read_text(encoding="utf-8")


def test_budgets_are_those_of_the_last_closed_month(written: Path) -> None:
    """CC-1: 100.00 a month. CC-2: 30.00 in January, the rest in 11 months, one cent of it in February."""
    found = Figures((written / PAGE).read_text(encoding="utf-8")).found
    assert {key[1][5:]: one for key, one in found.items() if key[0] == "budget-year"} == {
        "shop": Decimal("1270.91"), "core": Decimal("409.10"), "all": Decimal("1680.01")
    }  # fmt: skip
    charged = {key[1][5:]: one for key, one in found.items() if key[0] == "budget-charged"}
    # shop: CC-1 in three months with its corrections, and CC-2 in two; core: CC-2 in March, corrected.
    assert charged == {"shop": Decimal("285.00"), "core": Decimal(60), "all": Decimal("345.00")}
    assert found["budget-none", "2027"] + charged["all"] == found["charged", "2027"]
    assert found["budget-left", "2027 shop"] == Decimal("1270.91") - charged["shop"]
    assert (
        found["budget-difference", "2027 shop"]
        == found["budget-to-date", "2027 shop"] - charged["shop"]
    )


def test_a_second_run_gives_the_same_bytes_and_replaces_nothing_else(
    two_years: Estate, written: Path, tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "year"
    assert write(two_years, "2027", folder) == 0 and write(two_years, "2027", folder) == 0
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        one.name: one.read_bytes() for one in written.iterdir()
    }
    (folder / "letter.txt").write_text("dear all", encoding="utf-8")
    capsys.readouterr()
    assert write(two_years, "2027", folder) == 2
    assert "something else lies where the year would go" in capsys.readouterr().err
    assert (folder / "letter.txt").read_text(encoding="utf-8") == "dear all"


def test_the_terminal_says_what_it_comes_to(two_years: Estate, tmp_path: Path, capsys) -> None:
    assert write(two_years, "2026..2027", tmp_path / "y") == 0
    said = capsys.readouterr().out
    assert "2027  charged 407.02 USD" in said and "3 of 12 months: January to March 2027" in said
    assert "as corrected 410.02, invoiced 410.02" in said and "as corrected 127.00" in said
    assert "5 invoices tied, difference 0.00" in said and PAGE in said
    assert MEMO in (tmp_path / "y" / INVOICES).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("26", "this is not a year"), ("2027-03", "this is not a year"), ("٢٠٢٦", "this is not a year"),
        ("2027..", "this is not a year"), ("2027..2026", "the range of years runs backwards"),
        ("2029", "no period of this year is closed"), ("0001..9999", "no period of this year is closed"),
    ],
)  # fmt: skip
def test_what_is_no_year_of_these_books_is_one_block(
    two_years: Estate, tmp_path: Path, capsys, text: str, words: str
) -> None:
    assert write(two_years, text, tmp_path / "new") == 2
    said = capsys.readouterr().err
    assert (
        said.startswith(f"STOPPED  {words}")
        and said.count("STOPPED") == 1
        and "Traceback" not in said
    )
    assert not (tmp_path / "new").exists()


def test_books_without_a_closed_period_are_refused(tmp_path: Path, capsys) -> None:
    estate = Estate(tmp_path, {}, {})
    estate.write()
    assert write(estate, "2027", tmp_path / "new") == 2
    assert "no period of this year is closed" in capsys.readouterr().err


@pytest.mark.parametrize("lost", ["a row", "a cent"])
def test_a_file_that_does_not_tie_out_is_not_published(
    two_years: Estate, written: Path, tmp_path: Path, capsys, monkeypatch, lost: str
) -> None:
    """The planted fault: what is written is not what was charged."""
    folder = tmp_path / "year"
    shutil.copytree(written, folder)
    real = run.write_charges

    def with_a_fault(gathered, path: Path) -> None:
        real(gathered, path)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines[-1] = "" if lost == "a row" else re.sub(r",20\.00,", ",20.01,", lines[-1])
        path.write_text("".join(lines), encoding="utf-8")

    monkeypatch.setattr(run, "write_charges", with_a_fault)
    capsys.readouterr()
    assert write(two_years, "2027", folder) == 4
    said = capsys.readouterr().err
    assert said.startswith("STOPPED  2027 would not tie out to ledger and invoices")
    assert (
        f"month {MARCH}: " in said
        and f"invoice {invoice_of(JANUARY)} of {JANUARY}: 150.00 invoiced" in said
    )
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == {
        one.name: one.read_bytes() for one in written.iterdir()
    }
    assert [one.name for one in tmp_path.iterdir()] == ["year"]


def test_a_ledger_that_is_not_what_was_closed_is_refused(
    two_years: Estate, tmp_path: Path, capsys
) -> None:
    shutil.copytree(two_years.folder, tmp_path / "estate")
    estate = Estate(tmp_path / "estate", {}, {})
    path = estate.books.ledger(FEBRUARY) / "postings.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"0")
    assert write(estate, "2027", tmp_path / "new") == 4
    assert (
        f"a file of the ledger of {FEBRUARY} has changed since the close" in capsys.readouterr().err
    )
    assert not (tmp_path / "new").exists()


def test_an_invoice_that_is_left_to_a_later_month_is_named(two_years: Estate) -> None:
    gathered = gather(two_years.books, ["2027"])
    assert "Not charged yet" not in page(gathered)
    left = replace(gathered, left_open=(LeftOpen(FEBRUARY, "900000077", "2027-05"),))
    assert "900000077 of February 2027 (left to May 2027)" in page(left)


def test_months_in_several_currencies_have_no_sum() -> None:
    assert one_currency({JANUARY: "USD", FEBRUARY: "USD"}) == "USD"
    with pytest.raises(Refusal, match="the closed months are not in one currency"):
        one_currency({JANUARY: "USD", FEBRUARY: "EUR"})


@pytest.mark.slow
def test_the_sample_s_year_is_its_ledgers(tmp_path_factory: pytest.TempPathFactory) -> None:
    estate = made_once(
        tmp_path_factory,
        "explored-estate",
        lambda folder: close_sample(folder, SAMPLE_MONTHS, 5_000),
    )
    books, to = Books(estate / "books"), tmp_path_factory.mktemp("sample") / "year"
    assert (
        main(["year", "2026", "--books", str(books.root), "--params", str(PARAMS), "--to", str(to)])
        == 0
    )
    rows = rows_of(to / CHARGES)
    for period in books.closed_periods():
        posted: defaultdict[tuple[str, ...], Decimal] = defaultdict(lambda: ZERO)
        for row in read_postings(books.ledger(period) / "postings.parquet").to_pylist():
            if row["cost_center_id"]:
                posted[row["cost_center_id"], row["pool_id"] or "", row["kind"]] += row["amount"]
        own = [one for one in rows if one["billing_period"] == period]
        assert sums(own, "cost_center_id", "pool_id", "kind") == dict(posted)
    assert {row["difference"] for row in rows_of(to / INVOICES)} == {"0.00"}
