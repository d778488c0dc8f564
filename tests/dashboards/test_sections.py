"""What a page says, on a dashboard by hand whose figures are worked out beside it (made.py)."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import REPORTS
from chargeback.dashboards import sections
from chargeback.dashboards.read_back import number, read_dashboard
from chargeback.dashboards.sections.opened import Opened, open_dashboard
from chargeback.statements.exact_json import to_json
from tests.dashboards.made import A1, A2, MADE, ROWS, UNIT, charge, for_all, for_center
from tests.dashboards.shown_page import HOSTILE_TEXTS, SECTIONS, hostile, html_of, seen


def test_the_month_its_change_and_the_open_month():
    found = seen(MADE)
    assert found.value("month", "2026-05") == Decimal("1300.00")
    assert found.value("month", "2026-05", "change") == Decimal("250.00"), "1,300.00 less 1,050.00"
    assert found.value("month", "2026-06") == Decimal("400.00")
    assert found.value("forecast", "2026-06") == Decimal("857.14")
    assert found.value("kind", "2026-05", "direct") == Decimal("1200.05"), "1,000.10 and 199.95"
    assert found.value("kind", "2026-05", "adjustment") == Decimal("-20.05")
    assert "+23.8%" in found.texts, "250.00 of 1,050.00"
    assert "up to 2026-06-14, direct cost only" in found.texts


def test_the_trend_has_every_month_and_marks_the_open_one():
    table = seen(MADE).table("Months")
    assert table is not None
    assert table.rows == (
        ("June 2026 (to date)", "400.00", "0.00", "0.00", "400.00"),
        ("May 2026", "1,200.05", "120.00", "−20.05", "1,300.00"),
        ("April 2026", "1,000.00", "50.00", "0.00", "1,050.00"),
        ("March 2026", "", "", "", "800.00"),
    ), "the charges of March are not shown row by row any more"


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("By cost center", (
            ("Claims intakeCC-1", "1,120.10", "86.2%", "950.00", "+170.10"),
            ("Fraud detectionCC-2", "179.90", "13.8%", "100.00", "+79.90"),
            ("Total", "1,300.00", "", "1,050.00", "+250.00"),
        )),
        ("By account", (
            (f"claims-prod{A1}", "1,000.10", "76.9%", "900.00", "+100.10"),
            (f"claims-data{A2}", "199.95", "15.4%", "100.00", "+99.95"),
            ("No account of its own", "99.95", "7.7%", "50.00", "+49.95"),
            ("Total", "1,300.00", "", "1,050.00", "+250.00"),
        )),
        ("By kind of cost", (
            ("Direct cost", "1,200.05", "92.3%", "1,000.00", "+200.05"),
            ("Shared cost", "120.00", "9.2%", "50.00", "+70.00"),
            ("Adjustments", "−20.05", "−1.5%", "0.00", "−20.05"),
            ("Total", "1,300.00", "", "1,050.00", "+250.00"),
        )),
        ("Shared cost", (
            ("AWS Supportsupport", "Direct cost", "120.00", "25.00%"), ("Total", "", "120.00", ""),
        )),
        ("Budgets", (
            ("Claims intakeJune 2026", "900.00", "333.33", "1,000.00", "−100.00"),
            ("Claims intake2026", "12,000.00", "2,403.43", "", "9,596.57"),
        )),
        ("Top resources", (
            ("i-0abcclaims-prod · Amazon EC2", "Claims intake", "800.00", "+50.00"),
            ("claims-bucketclaims-data · Amazon S3", "Fraud detection", "150.00", ""),
        )),
    ],
)  # fmt: skip
def test_tables_say_what_was_worked_out(table, rows):
    found = seen(MADE).table(table)
    assert found is not None
    bare = tuple(tuple(cell.replace(" ", "") for cell in row) for row in found.rows)
    assert bare == tuple(tuple(cell.replace(" ", "") for cell in row) for row in rows)


def test_a_page_over_all_units_begins_with_them_and_a_cost_centers_has_what_applies():
    over_all, center = seen(for_all()), seen(for_center())
    names = [one.name for one in over_all.tables]
    assert names.index("By business unit") < names.index("By cost center")
    assert over_all.value("business_unit_id", "pharmacy") == Decimal("700.00")
    assert over_all.value("business_unit_id", "", "total") == Decimal("2000.00")
    assert center.table("By business unit") is None and center.table("By cost center") is None
    assert center.value("account_id", A1) == Decimal("1000.10")
    assert center.table("Statements") is None


def test_unit_cost_says_where_it_is_circular():
    found = seen(MADE)
    assert found.value("unit-cost", "claims_processed", "2026-04", "one") == Decimal("1.0500")
    [said] = [one for one in found.texts if "split by the same quantity" in one]
    assert said.startswith("Claims processed:")
    straight = tuple(replace(one, is_circular=False) for one in MADE.unit_costs)
    assert not any(
        "split by the same" in one for one in seen(replace(MADE, unit_costs=straight)).texts
    )


def test_the_charges_of_a_page_come_back_as_they_were():
    assert seen(MADE).rows == ROWS
    fine = charge("2026-06", "CC-1", "direct", "0.1234567890", A1)
    assert seen(replace(MADE, rows=(*ROWS, fine))).rows[-1] == fine, "to ten decimals"
    assert seen(hostile()).rows == hostile().rows


def test_a_page_of_nothing_says_so():
    empty = replace(
        MADE, last_closed="", months=(), rows=(), names=(), resources=(), tags=(), shares=(), untagged=(),
        budgets=(), forecast=None, unit_costs=(), notices=(), answers=(), downloads=(), remarks=(),
    )  # fmt: skip
    found = seen(empty)
    assert found.rows == () and found.remarks == () and found.figures == ()
    assert "No month is closed yet." in found.texts and "Nothing is open." in found.texts


def test_hostile_texts_are_words_on_the_page_and_nothing_else():
    html = html_of(hostile())
    for bad in (
        "<script>alert",
        "<img",
        "onerror=alert(1)>",
        "</script><script>",
        "{{<",
        'href="javascript',
    ):
        assert bad not in html, bad
    assert html.count("</script>") == 1, "of the charges alone"
    found = seen(hostile())
    assert len(found.remarks) == len(HOSTILE_TEXTS)
    assert HOSTILE_TEXTS[1] in found.remarks
    assert "\u202e" not in html and "\\u202e" not in html.partition('id="rows"')[0]


def test_only_what_is_written_as_a_figure_is_one():
    assert [number(one) for one in ("1,234.50", "−0.05", "+7.00", "25.00%")] == [
        Decimal("1234.50"), Decimal("-0.05"), Decimal("7.00"), Decimal("25.00"),
    ]  # fmt: skip
    for text in ("", "1.2K", "about 7", "-5", "1,23.00"):
        with pytest.raises(ValueError, match="shown as a figure"):
            number(text)


def test_a_figure_that_is_altered_is_read_as_it_stands():
    html = html_of(MADE)
    assert html.count(">1,300.00<") > 1, "the month's total stands in several places"
    altered = read_dashboard(html.replace(">1,300.00<", ">1,300.01<", 1).encode())
    assert Decimal("1300.01") in altered.values("month", "2026-05")
    with pytest.raises(ValueError, match=r"month|2026-05 is shown as .*1300.00.*1300.01"):
        altered.value("month", "2026-05")
    with pytest.raises(ValueError, match="is shown as nothing"):
        altered.value("month", "2027-01")


def test_a_page_without_its_charges_is_none_of_ours():
    with pytest.raises(ValueError, match="0 elements with charges"):
        read_dashboard(b"<main><p>1.00</p></main>")


def test_the_notebook_calls_every_section_in_this_order_and_nothing_else():
    notebook = json.loads((REPORTS / "dashboard.ipynb").read_text(encoding="utf-8"))
    calls = ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]
    assert calls[3:] == [f"sections.{name}(opened)" for name in SECTIONS]
    assert set(SECTIONS) | {"open_dashboard"} == set(sections.__all__)
    assert all(not one.get("outputs") for one in notebook["cells"])


def test_jupyterlab_gets_plotly_figures_of_the_same_figures_and_renderers_markdown():
    for name, amounts in (
        ("trend", [800.0, 1050.0, 1300.0, 400.0]), ("cost_centers", [1120.1, 179.9]),
        ("budgets", [1000.0, 2403.43]),
    ):  # fmt: skip
        shown = getattr(sections, name)(Opened(MADE))._repr_mimebundle_()
        assert set(shown) == {"text/markdown", "text/plain", "application/vnd.plotly.v1+json"}, (
            "no HTML, no script"
        )
        [first, *_] = shown["application/vnd.plotly.v1+json"]["data"]
        assert list(first["x" if name != "trend" else "y"]) == amounts
        assert shown["text/markdown"].startswith("```{=html}\n<section")


def test_a_file_that_is_no_data_is_refused(tmp_path):
    path = tmp_path / "dashboard.json"
    for text in (None, "{}", to_json(MADE).replace("1300.00", "1300.0f")):
        if text is not None:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(Refusal, match="there is no data of a dashboard there") as refused:
            open_dashboard(str(path))
        assert refused.value.exit_code == BAD_USAGE
    path.write_text(to_json(MADE), encoding="utf-8")
    assert open_dashboard(str(path)) == Opened(MADE)
    assert MADE.scope_id == UNIT
