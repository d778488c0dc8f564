"""Pages beside those that are rendered again: by bytes, by texts, or by figures, as who rendered them says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.files import sha256_of
from chargeback.pages.parts import signed
from chargeback.review.audit.pages import BYTES, FIGURES, TEXTS, Compared, Pages, compare_pages
from chargeback.statements.readback import known_ids
from tests.statements.rendered import Rendered

PERIOD = "2026-05"
NOW = {"name": "embedded", "pandoc": "3.9", "typst": "0.15.2", "pages": "1" * 64}
QUARTO = {"name": "quarto", "version": "1.10.18", "typst": "0.15.1", "pages": NOW["pages"]}
OLDER = {**NOW, "pages": "2" * 64}

Compare = Callable[..., Compared]


@pytest.fixture
def compare(rendered: Rendered, tmp_path: Path) -> Compare:
    """Compares the closed month with itself, where claims was handed out with other texts in a file."""

    def compared(then: dict[str, str], medium: str = "", *changes: tuple[str, str]) -> Compared:
        books = Books(tmp_path)
        shutil.rmtree(books.statements(PERIOD), ignore_errors=True)
        made = rendered.copy(books.statements(PERIOD))
        if medium == "pdf":
            made.set_pdf("claims", *changes)
        elif medium:
            made.edit("claims", medium, *changes)
        files = {
            f"statements/{one.relative_to(made.folder).as_posix()}": one
            for one in sorted(made.folder.rglob("*.*"))
        }
        manifest = {
            "billing_period": PERIOD,
            "derived": {name: sha256_of(one) for name, one in files.items()},
            "unsigned_pdfs": {
                name: {"bytes": one.stat().st_size, "sha256": sha256_of(one)}
                for name, one in files.items() if one.suffix == ".pdf"
            },
            "run": {"files": {}, "renderer": then} if then else {"files": {}},
        }  # fmt: skip
        ids = known_ids(rendered.inputs)
        return compare_pages(Pages(books, PERIOD, manifest, rendered.folder, ids), NOW)

    return compared


def shown_total(rendered: Rendered) -> str:
    """The total on the page of claims."""
    page = rendered.file("claims", "html").read_text(encoding="utf-8")
    return page.partition('data-section="total"')[2].partition(">")[2].partition("<")[0]


@pytest.mark.parametrize("then", [NOW, QUARTO, OLDER, {}])
def test_the_same_files_need_nothing_else(then, compare):
    found = compare(then)
    assert (found.how, found.remark, found.differences) == (BYTES, "", [])
    assert found.files == 4 * 3 + 1, "four units, and the index"


def test_of_the_same_renderer_any_other_byte_is_a_difference(compare):
    found = compare(NOW, "html", ("</body>", "<!-- --></body>"))
    assert found.how == BYTES
    [(name, _, expected, was)] = found.differences
    assert name == "claims/statement.html"
    assert expected.startswith("sha256 ") and was.startswith("sha256 ") and expected != was


def test_what_another_renderer_puts_around_a_page_is_none(compare):
    found = compare(QUARTO, "html", ("</body>", '<div class="x"><!-- --></div></body>'))
    assert (found.how, found.differences) == (TEXTS, [])
    assert found.other_bytes == ["claims/statement.html"]
    assert "quarto 1.10.18 (typst 0.15.1) at the close" in found.remark
    assert "embedded (pandoc 3.9, typst 0.15.2) here" in found.remark


@pytest.mark.parametrize(
    ("medium", "old", "new", "row"),
    [
        ("html", "By cost center", "By center of cost", "heading By center of cost"),
        ("html", "How to verify", "How to check", "heading How to check this statement"),
        ("pdf", "Claims", "Clams", "heading Clams Operations"),
    ],
)
def test_another_word_of_another_renderer_is_a_difference(medium, old, new, row, compare):
    """None of them has a figure of the ledger."""
    found = compare(QUARTO, medium, (old, new))
    assert found.how == TEXTS
    assert row in {one[1] for one in found.differences}, found.differences


@pytest.mark.parametrize("then", [QUARTO, OLDER, {}])
@pytest.mark.parametrize("medium", ["html", "pdf"])
def test_another_total_is_a_difference_whoever_rendered(medium, then, compare, rendered):
    total = shown_total(rendered)
    found = compare(then, medium, (total, "1.23"))
    assert found.how == (TEXTS if then == QUARTO else FIGURES)
    assert found.differences
    assert {name for name, *_ in found.differences} == {f"claims/statement.{medium}"}
    assert any("1.23" in " ".join(one) for one in found.differences)


def test_other_words_of_another_version_of_the_program_are_none(compare):
    found = compare(OLDER, "html", ("How to verify this statement", "Verifying this statement"))
    assert (found.how, found.differences) == (FIGURES, [])
    assert "pages of another version of the program" in found.remark


@pytest.mark.parametrize(("moved", "holds"), [(Decimal("0.00"), True), (Decimal("0.01"), False)])
def test_another_version_may_take_a_change_apart_otherwise_into_the_same_sum(
    compare, rendered, moved, holds
):
    """Two parts, of which one has what the other lacks; a cent too much is a difference."""
    bridge = rendered.inputs.bridges["claims"]
    first, second = (one for one in bridge.parts if one.code in ("direct", "pools"))
    cells = [
        (f'data-key="{one.code}">{signed(one.amount)}<', f'data-key="{one.code}">{signed(shown)}<')
        for one, shown in ((first, first.amount + 7), (second, second.amount - 7 + moved))
    ]
    found = compare(OLDER, "html", *cells)
    places = [place for _, place, _, _ in found.differences]
    assert found.how == FIGURES and places == ([] if holds else ["change, sum of its parts"])


def test_who_rendered_may_not_be_on_record(compare):
    found = compare({}, "html", ("</body>", "<!-- --></body>"))
    assert (found.how, found.differences) == (FIGURES, [])
    assert "a renderer that was not recorded at the close" in found.remark


def test_lines_of_a_csv_are_compared_by_bytes_whoever_rendered(compare):
    found = compare(QUARTO, "csv", ("business_unit", "businessunit"))
    assert found.how == BYTES
    assert [name for name, *_ in found.differences] == ["claims/statement.csv"]


def test_lines_of_another_version_are_compared_by_the_columns_that_it_had(compare):
    """Another column may be there, or be called otherwise; a cell of a column that both have may not differ."""
    found = compare(OLDER, "csv", (",product_name,", ",service,"))
    assert found.how == FIGURES
    assert {row.partition(", ")[2] for _, row, *_ in found.differences} <= {"service"}
    found = compare(OLDER, "csv", ("2026-05", "2026-04"))
    [first, *_] = found.differences
    assert (first[0], first[1].split(",")[0], first[3]) == (
        "claims/statement.csv",
        "line 2",
        "2026-04",
    )


def test_a_file_that_is_missing_is_a_difference(rendered, tmp_path):
    books = Books(tmp_path)
    made = rendered.copy(books.statements(PERIOD))
    made.file("claims", "html").unlink()
    manifest = {
        "billing_period": PERIOD, "derived": {}, "unsigned_pdfs": {},
        "run": {"files": {}, "renderer": QUARTO},
    }  # fmt: skip
    pages = Pages(books, PERIOD, manifest, rendered.folder, known_ids(rendered.inputs))
    found = compare_pages(pages, NOW)
    assert ("claims/statement.html", "") in {(one[0], one[3]) for one in found.differences}
