"""The CFO's page: its figures, how many pages it is, and that the control finds what is not the ledger's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.summary import (
    Accepted,
    Approval,
    CorrectedPeriod,
    Line,
    OpenDispute,
    Reason,
    Summary,
    UnitAgainstBudget,
    UnitCostOf,
)
from chargeback.delivery.summary_budgets import budget_differences, budgets
from chargeback.delivery.summary_check import (
    differences_of,
    figures_of,
    require_true_summary,
)
from chargeback.delivery.summary_data import make_summary
from chargeback.delivery.summary_page import REST, WHOLE, page_of, why
from chargeback.delivery.summary_render import RenderedSummary, render_summary
from chargeback.delivery.summary_unit_costs import company_line, unit_cost_differences, unit_costs
from chargeback.pages.parts import Paragraph, Table
from chargeback.statements.model import ZERO, BudgetAmount, LeftInvoice, PeriodAmount
from chargeback.statements.render import EmbeddedRenderer, QuartoRenderer, find_renderer
from chargeback.statements.tagged_pdf import HEADING as PDF_HEADING
from chargeback.statements.tagged_pdf import PICTURE, read_pdf, texts_of_pdf
from chargeback.statements.unit_cost_model import UnitCost, UnitCostMonth
from tests.close.months import JUNE, MAY, Month
from tests.delivery.pack.months import of
from tests.quarto.on_path import calls, quarto_on_path
from tests.restatement.months import APRIL, Estate, usual

pytestmark = pytest.mark.slow

#: Points of letters that can be read in print; a PDF has them in halves of thousandths.
LEGIBLE = 7.99

HOSTILE = '<script>alert("1")</script> #eval(`x`) $a$ {{< env HOME >}} **b** [l](http://x) \\ _'


def write(rendered: RenderedSummary, folder: Path) -> tuple[Path, Path]:
    """The page in a folder."""
    html, pdf = folder / "s.html", folder / "s.pdf"
    html.write_bytes(rendered.html)
    pdf.write_bytes(rendered.pdf)
    return html, pdf


@pytest.fixture
def pages(june: Summary, tmp_path: Path) -> tuple[Path, Path]:
    """June's page as it is handed out."""
    return write(render_summary(june, EmbeddedRenderer()), tmp_path)


def test_the_figures_are_those_of_the_worked_months(june, may):
    assert (june.total, june.previous_total) == (Decimal("50.00"), Decimal("100.01"))
    assert [(one.key, one.amount, one.previous) for one in june.units] == [
        ("shop", Decimal("30.00"), Decimal("80.00")), ("core", Decimal("20.00"), Decimal("20.01")),
    ]  # fmt: skip
    assert [(one.key, one.amount) for one in may.cost_centers] == [
        ("CC-1", Decimal("73.00")), ("CC-9", Decimal("20.01")), ("CC-2", Decimal("7.00")),
    ]  # fmt: skip
    assert {one.code: one.amount for one in june.reasons or ()} == {
        "fees": Decimal("-35.00"), "pools": Decimal("-15.00"), "rounding": Decimal("-0.01"),
    }  # fmt: skip
    assert [(one.key, one.amount) for one in may.pools] == [("untagged", Decimal("15.00"))]
    assert (may.untagged, june.untagged, june.previous_untagged) == (
        Decimal("15.00"), Decimal("0.00"), Decimal("15.00"),
    )  # fmt: skip
    assert may.reasons is None and may.previous_untagged is None


def test_the_first_sentence_says_why(june, may):
    assert why(june) == (
        "Why: Fees, credits and one-offs −35.00 (above all Amazon EC2 in work); "
        "Pools that grew or shrank −15.00 (above all untagged); Rounding −0.01."
    )
    assert why(may).startswith("It is the first period on record")


def test_a_summary_is_written_and_read_again_as_it_was(june):
    assert Summary.from_json(june.to_json()) == june


def test_the_page_is_one_file_that_works_offline_and_one_page_with_tags(june, pages):
    html, pdf = pages
    text = html.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text and "<script" not in text and "src=" not in text
    found = read_pdf(pdf)
    assert len(found.pages) == 1 and found.title == "Summary of AWS charges, June 2026"
    said = " ".join(texts_of_pdf(pdf))
    assert "50.00" in said and "36 controls ran, and all of them held" in said
    assert b"/MarkInfo" in pdf.read_bytes() and b"pdfuaid" in pdf.read_bytes()


def test_the_same_summary_gives_the_same_bytes(june):
    assert render_summary(june, EmbeddedRenderer()) == render_summary(june, EmbeddedRenderer())


def test_what_is_handed_out_passes_the_control(june, month, pages):
    require_true_summary(of(month), june, *pages)


def test_the_first_period_passes_the_control(may, month, tmp_path):
    paths = write(render_summary(may, EmbeddedRenderer()), tmp_path)
    require_true_summary(of(month, MAY), may, *paths)


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        (">30.00<", ">31.00<", "html"),
        (">−50.01<", ">−50.02<", "html"),
        ("<bdi>Shop</bdi>", "<bdi>Core</bdi>", "html"),
        ("36 controls ran", "35 controls ran", "html"),
        ("By cost center", "By nobody", "html"),
    ],
)
def test_an_altered_page_is_stopped(june, month, pages, old, new, row):
    html, pdf = pages
    text = html.read_text("utf-8")
    assert old in text
    html.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Refusal) as stopped:
        require_true_summary(of(month), june, html, pdf)
    assert stopped.value.exit_code == CONTROL_FAILED
    assert "the_summary_ties_to_the_ledger" in stopped.value.what
    assert all(line.startswith((f"medium {row}", "and ")) for line in stopped.value.where)


def test_a_pdf_of_other_figures_is_stopped(june, month, pages, tmp_path):
    """The HTML is right; in the PDF a cost center has another's cent, and both still sum to the total."""
    stock, platform, web = june.cost_centers
    other = replace(
        june,
        cost_centers=(
            replace(stock, amount=stock.amount - Decimal("0.01")),
            replace(platform, amount=platform.amount + Decimal("0.01")), web,
        ),
    )  # fmt: skip
    pages[1].write_bytes(render_summary(other, EmbeddedRenderer()).pdf)
    with pytest.raises(Refusal) as stopped:
        require_true_summary(of(month), june, *pages)
    block = stopped.value.block()
    assert (
        "medium pdf, section cost_center, key CC-2, ledger_amount 30.00, shown_amount 29.99"
        in block
    )


def test_figures_that_the_ledger_does_not_have_are_stopped_though_both_files_say_them(
    june, month, tmp_path
):
    """The summary itself is wrong: pages and summary agree, and the ledger says otherwise."""
    wrong = replace(june, untagged=Decimal("5.00"))
    paths = write(render_summary(wrong, EmbeddedRenderer()), tmp_path)
    with pytest.raises(Refusal) as stopped:
        require_true_summary(of(month), wrong, *paths)
    assert [line.split(", ")[0] for line in stopped.value.where] == ["medium html", "medium pdf"]
    assert "shown_amount 5.00" in stopped.value.where[0]


def test_a_part_that_is_left_out_is_stopped(june, month, tmp_path):
    less = replace(june, units=june.units[:1])
    paths = write(render_summary(less, EmbeddedRenderer()), tmp_path)
    with pytest.raises(Refusal) as stopped:
        require_true_summary(of(month), less, *paths)
    assert (
        "section unit, key all rows, ledger_amount 50.00, shown_amount 30.00"
        in stopped.value.block()
    )


def lines(count: int, name: str = "") -> tuple[Line, ...]:
    """So many lines of 1.00 each, with a name for each."""
    return tuple(
        Line(f"u-{number}", name or f"Unit {number}", "Headcount", Decimal("1.00"), Decimal("2.00"))
        for number in range(count)
    )


def crowded(june: Summary, count: int = 40, name: str = "") -> Summary:
    """A month with everything that a page can have, and much of it."""
    text = name or "Rhubarb"
    return replace(
        june,
        units=lines(count, name), cost_centers=lines(3 * count, name), pools=lines(25, name),
        reasons=tuple(
            Reason(code, Decimal(number + 1), (text, text))
            for number, code in enumerate(
                ("usage", "price", "new", "ended", "fees", "tags", "owners", "rules", "pools", "weight")
            )
        ),
        ended=Decimal("3.00"),
        accepted=tuple(Accepted("one_control", text, text, text) for _ in range(5)),
        approval=Approval(text, "2026-07-03T09:00:00Z"),
        disputes=tuple(OpenDispute(f"D-{one}", "shop", Decimal("2.50"), "2026-07-20") for one in range(9)),
        corrections=tuple(CorrectedPeriod(f"2025-{one:02}", Decimal("1.25")) for one in range(1, 9)),
        deferred=tuple(LeftInvoice(f"9{one}", "2026-07", Decimal("7.00")) for one in range(4)),
        unit_budgets=budget_lines(count, name),
    )  # fmt: skip


def budget_lines(count: int, name: str = "") -> tuple[UnitAgainstBudget, ...]:
    """So many units against their budgets, a cent over that of the month and 2.00 under that of the year."""
    month, year = (
        BudgetAmount(Decimal("7654321.00"), Decimal("7654321.01")),
        BudgetAmount(Decimal("91851852.00"), Decimal("91851850.00")),
    )
    return tuple(
        UnitAgainstBudget(f"u{number}", name or f"Unit {number}", month, month, year, 6)
        for number in range(count)
    )


def test_units_stand_against_their_budgets_and_the_rest_in_a_row(june):
    """What the last row says is what all rows above it come to, in each column."""
    assert budgets(june) == []
    table = next(
        part
        for part in budgets(replace(june, unit_budgets=budget_lines(12)))
        if isinstance(part, Table)
    )
    first, rest, whole = table.rows[0], table.rows[-2], table.rows[-1]
    assert len(table.rows) == 10 and rest.cells[0].text == "and 4 more"
    assert [row.cells[3].text for row in (first, rest, whole)] == ["−0.01", "−0.04", "−0.12"]
    assert [row.cells[-1].text for row in (first, rest, whole)] == ["+2.00", "+8.00", "+24.00"]
    without_year = tuple(replace(one, year=None, known=2) for one in budget_lines(2))
    said = " ".join(texts_in(budgets(replace(june, unit_budgets=without_year))))
    assert "2 of 6 months" in said and "no forecast" in said


def test_a_budget_that_the_params_of_the_period_do_not_have_is_stopped(june, month, tmp_path):
    """The months were closed without budgets."""
    period = of(month)
    assert list(budget_differences(period, june)) == []
    wrong = replace(june, unit_budgets=budget_lines(1))
    found = [what for what, _ in budget_differences(period, wrong)]
    assert [one.partition(":")[0] for one in found] == [
        f"budget of u0, {span}" for span in ("month", "to_date", "year")
    ]
    html, pdf = write(render_summary(wrong, EmbeddedRenderer()), tmp_path)
    with pytest.raises(Refusal) as stopped:
        require_true_summary(period, wrong, html, pdf)
    assert "the_summary_ties_to_the_ledger" in stopped.value.what


@pytest.mark.parametrize("count", [2, 9, 10, 40])
def test_it_is_two_pages_that_can_be_read_whatever_is_in_it(june, tmp_path, count):
    summary = crowded(june, count)
    html, pdf = write(render_summary(summary, EmbeddedRenderer()), tmp_path)
    assert len(read_pdf(pdf).pages) == 2
    assert smallest_letters(pdf) >= LEGIBLE
    assert differences_of(summary, html, pdf).to_pylist() == []
    shown = {
        (row["section"], row["key"]): row["amount"]
        for row in figures_of(summary, html, pdf).to_pylist()
        if row["medium"] == "pdf"
    }
    assert shown["unit", WHOLE] == count
    rest = shown.get(("unit", REST), Decimal(0))
    assert rest == (0 if count <= 9 else count - 8)
    assert shown["correction", REST] == Decimal("7.50")


def smallest_letters(pdf: Path) -> float:
    """The points of the smallest letters of a page, pictures left out."""
    return min(
        chunk.size
        for page in read_pdf(pdf).pages
        for element in page.elements
        if element.role != PICTURE
        for cell in element.cells
        for chunk in cell.chunks
    )


def headings(pdf: Path) -> list[set[str]]:
    """The headings of each page."""
    return [
        {element.content.text for element in page.elements if element.role == PDF_HEADING}
        for page in read_pdf(pdf).pages
    ]


def test_budgets_take_a_second_page_where_one_would_be_too_small(june, tmp_path):
    """What was on the first page before is there still, in letters that can be read."""
    summary = replace(june, units=lines(9), cost_centers=lines(9), unit_budgets=budget_lines(9))
    summary = replace(summary, pools=lines(8), reasons=crowded(june, 9).reasons)
    html, pdf = write(render_summary(summary, EmbeddedRenderer()), tmp_path)
    first, second = headings(pdf)
    assert {"By cost center", "Tied out and tagged"} < first and second == {"Against the budget"}
    assert smallest_letters(pdf) >= LEGIBLE
    assert differences_of(summary, html, pdf).to_pylist() == []


def test_a_third_page_is_found(june, tmp_path):
    """Three pages of the same, which no renderer of ours makes."""
    html, pdf = write(render_summary(june, EmbeddedRenderer()), tmp_path)
    assert differences_of(june, html, pdf).to_pylist() == []
    page = pypdfium2.PdfDocument(pdf)
    several = pypdfium2.PdfDocument.new()
    for _ in range(3):
        several.import_pages(page)
    several.save(pdf)
    found = differences_of(june, html, pdf).to_pylist()
    assert {"medium": "pdf", "difference_of": "number of pages", "shown": "3"} in found


def test_a_quiet_month_with_budgets_is_one_page(june, tmp_path):
    summary = replace(june, unit_budgets=budget_lines(3))
    html, pdf = write(render_summary(summary, EmbeddedRenderer()), tmp_path)
    assert len(read_pdf(pdf).pages) == 1 and smallest_letters(pdf) >= LEGIBLE
    assert differences_of(summary, html, pdf).to_pylist() == []


NAMES = [
    HOSTILE, "M" * 300, "研究開発部 " * 12, "حسابات " * 20,
    "e\u0301\u0351 Zo\u0308e", "🚑 Ambulance", "\u202eevil",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_and_never_take_a_third_page(june, tmp_path, name):
    summary = crowded(june, 12, name)
    html, pdf = write(render_summary(summary, EmbeddedRenderer()), tmp_path)
    assert len(read_pdf(pdf).pages) == 2
    assert "<script" not in html.read_text("utf-8") and "href" not in html.read_text("utf-8")
    assert differences_of(summary, html, pdf).to_pylist() == []
    by_medium: dict[str, set[object]] = {"html": set(), "pdf": set()}
    for row in figures_of(summary, html, pdf).to_pylist():
        by_medium[row["medium"]].add((row["section"], row["key"], row["amount"]))
    assert by_medium["html"] == by_medium["pdf"] and len(by_medium["pdf"]) > 30


def test_quarto_makes_the_same_page(june, month, tmp_path, monkeypatch):
    """By the stand-in; one call, and nothing is executed."""
    log = quarto_on_path(tmp_path / "bin", monkeypatch)
    renderer = find_renderer("quarto")
    assert isinstance(renderer, QuartoRenderer)
    paths = write(render_summary(june, renderer), tmp_path)
    require_true_summary(of(month), june, *paths)
    assert [one[0] for one in calls(log)].count("render") == 1


def test_budgets_are_compared_where_there_are_some(month, june):
    assert june.budgets == ()
    (month.params / "budgets.csv").write_text(
        "period,cost_center_id,amount,approved_by\n"
        "2026-06,CC-2,25.00,CFO\n2026,CC-2,500.00,CFO\n2026,CC-9,100.00,CFO\n2025,CC-9,1.00,CFO\n"
    )
    of_month, of_year = make_summary(of(month)).budgets
    assert (of_month.over, of_month.budget, of_month.actual) == (
        JUNE, Decimal("25.00"), Decimal("30.00"),
    )  # fmt: skip
    # May and June: CC-2 7.00 and 30.00, CC-9 20.01 and 20.00; January to April are not in the books.
    assert (of_year.over, of_year.budget, of_year.actual, of_year.missing) == (
        "2026", Decimal("600.00"), Decimal("77.01"), 4,
    )  # fmt: skip
    said = " ".join(texts_in(page_of(make_summary(of(month))).parts))
    assert "5.00 over budget" in said and "4 earlier months of the year" in said


def texts_in(parts: Sequence[object]) -> list[str]:
    """Everything that tables and paragraphs of a page say."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, Table):
            found += [cell.text + cell.aside for row in part.rows for cell in row.cells]
        elif isinstance(part, Paragraph):
            found.append(part.text)
        else:
            inside = [getattr(part, name, ()) for name in ("parts", "left", "right")]
            found += texts_in([one for several in inside for one in several])
    return found


@given(
    amounts=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12),
    ended=st.integers(0, 999),
)
def test_the_sentence_sums_to_the_change(june, amounts, ended):
    """Whatever the parts are, what the first sentence says comes to the whole of it."""
    codes = (
        "usage", "price", "new", "ended", "fees", "tags", "owners", "rules", "pools", "weight",
        "commitment", "adjustment",
    )  # fmt: skip
    reasons = tuple(
        Reason(code, Decimal(amount).scaleb(-2), ())
        for code, amount in zip(codes, amounts, strict=False)
        if amount
    )
    said = why(replace(june, reasons=reasons, ended=Decimal(ended).scaleb(-2)))
    found = [
        Decimal(one.replace(",", "").replace("−", "-"))
        for one in re.findall(r"[+−]?[\d,]+\.\d\d", said)
    ]
    assert sum(found, Decimal(0)) == (sum(amounts) - ended) * Decimal("0.01")


def test_what_corrects_an_earlier_month_is_apart_and_ties(tmp_path):
    """AWS bills CC-1 5.00 more for April after that was closed; May posts it."""
    estate = Estate(tmp_path, {}, {})
    for period in (APRIL, MAY):
        estate.deliver(period, usual(period))
        estate.enter(period, "130.00")
    estate.close(APRIL, statements=True)
    first, *others = usual(APRIL)
    more = {**first, "line_item_unblended_cost": 65.0}
    estate.deliver(APRIL, [more, *others], execution="e-2")
    estate.enter(APRIL, "135.00")
    estate.close(MAY, statements=True)
    period = closed_for_delivery(estate.books, MAY, estate.params)
    summary = make_summary(period)
    assert summary.corrections == (CorrectedPeriod(APRIL, Decimal("5.00")),)
    assert {one.code: one.amount for one in summary.reasons or ()} == {
        "correction": Decimal("5.00")
    }
    assert (summary.total, summary.untagged) == (Decimal("135.00"), Decimal("30.00"))
    paths = write(render_summary(summary, EmbeddedRenderer()), tmp_path)
    require_true_summary(period, summary, *paths)


def test_the_books_of_the_month_are_what_a_summary_reads(month: Month):
    """A statement whose data was altered after the close is refused."""
    path = month.books.evidence(JUNE) / "statements" / "statement-shop.json"
    path.write_text(path.read_text("utf-8").replace("30.00", "31.00"), encoding="utf-8")
    with pytest.raises(Refusal) as stopped:
        make_summary(of(month))
    assert stopped.value.exit_code == CONTROL_FAILED


def test_unit_costs_of_the_page_are_worked_out_again(june, month):
    """The months were closed without metrics: a line that they do not give is named."""
    period = of(month)
    assert june.unit_costs == () and unit_costs(june) == []
    now = UnitCostMonth(
        june.billing_period, Decimal(4), Decimal("1.00"), Decimal("2.00"), Decimal("0.2500"),
        Decimal("0.5000"), "2026-07-01", True, None, False,
    )  # fmt: skip
    line = UnitCost(
        "orders", "", "Orders", "order", "orders", 1, (now,), (), "", (), Decimal(0), "shop"
    )
    wrong = replace(june, unit_costs=(UnitCostOf("shop", "Shop", line),))
    assert "0.5000" in " ".join(texts_in(unit_costs(wrong)))
    found = [what for what, _ in unit_cost_differences(period, wrong)]
    assert any(one.startswith("unit cost of shop, orders in 2026-06: expected") for one in found)


def test_the_company_is_sums_by_sums_of_the_units_that_count(june):
    """1.00 for 4 and 9.00 for 12 are 10.00 for 16, 0.6250 each, and no average of 0.25 and 0.75."""
    trend = (PeriodAmount("2026-06", Decimal("12.00"), ZERO, ZERO, Decimal("12.00")),)
    lines = [
        UnitCost(
            "orders", "", "Orders", "order", "orders", 1,
            (UnitCostMonth("2026-06", Decimal(count), Decimal(cost), Decimal(cost), Decimal(1), Decimal(1),
                           "2026-07-01", True, None, False),),
            (), "", (), Decimal(0), "shop",
        )
        for count, cost in (("4", "1.00"), ("12", "9.00"))
    ]  # fmt: skip
    company = company_line("orders", lines, (), trend)
    assert company is not None and company.now.loaded_of_one == Decimal("0.6250")
    assert company.without == Decimal("2.00"), "of those who count none"
    assert company_line("orders", lines[:1], (), trend) is None
