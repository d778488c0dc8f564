"""What notebooks show: tables and SQL for a reader, figures whose labels are whole."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from chargeback.pages.figures import bar, grid, over_time
from chargeback.pages.sql_view import show_sql
from chargeback.pages.table_view import MOST_ROWS, table_html

HOSTILE = "<script>alert(1)</script>\u202e"
LONG = "arn:aws:rds:us-east-1:210984736615:db:adjudication-"


def test_a_table_shows_amounts_exactly_and_texts_as_texts():
    frame = pd.DataFrame(
        {"name": [HOSTILE, None], "amount": [Decimal("1234.5000000000"), Decimal("-0.1")], "rows": [1500, 2],
         "is_open": [True, False]}
    )  # fmt: skip
    html = table_html(frame)
    assert "<script" not in html and "\u202e" not in html and "&lt;script&gt;" in html
    assert ">1,234.5000000000<" in html and ">-0.1<" in html and ">1,500<" in html
    assert ">yes<" in html and ">no<" in html and "None" not in html and "NaN" not in html
    assert html.count("text-align:right") == 3 * 2, "amounts and counts, with their heads"


def test_a_long_text_is_whole_and_a_long_table_says_how_much_is_not_shown():
    html = table_html(pd.DataFrame({"id": [f"{LONG}{number}" for number in range(MOST_ROWS + 7)]}))
    assert f"{LONG}0" in html and f"{LONG}{MOST_ROWS - 1}" in html
    assert f"{LONG}{MOST_ROWS}<" not in html and "and 7 more rows" in html
    assert "no rows" in table_html(pd.DataFrame({"id": []}))


def test_an_index_that_says_something_is_shown_and_numbers_of_rows_are_not():
    by_unit = pd.DataFrame({"amount": [Decimal("1.00")]}, index=pd.Index(["Claims"], name="unit"))
    assert ">unit<" in table_html(by_unit) and ">Claims<" in table_html(by_unit)
    assert "<th" not in table_html(by_unit.reset_index()).split("</thead>")[1]


def test_sql_is_highlighted_and_nothing_in_it_is_markup():
    text = "-- Answers: what?\n\nselect '<b>' as a\nfrom line_items\n"
    shown = show_sql([text])._repr_mimebundle_()
    assert shown["text/plain"] == text
    assert "<b>" not in shown["text/html"] and "&lt;b&gt;" in shown["text/html"]
    assert "Answers: what?" in shown["text/html"] and "<details open" in shown["text/html"]
    assert "<details open" not in show_sql([text] * 4).html()
    assert show_sql([]).plain() == "no SQL ran here"


def test_labels_are_whole_apart_and_never_markup():
    labels = [f"{LONG}163701", f"{LONG}163702", HOSTILE]
    [drawn] = bar(labels, [Decimal(3), Decimal(2), Decimal(-1)], "Resources", "USD").figure.data
    whole = [one.replace("<br>", "") for one in drawn.y]
    assert whole[:2] == labels[:2]
    assert "<script" not in whole[2] and "\u202e" not in whole[2]


def test_two_that_are_called_the_same_stay_two():
    [drawn] = bar(["web", "web"], [Decimal(1), Decimal(2)], "Accounts").figure.data
    assert len(set(drawn.y)) == 2


def test_the_same_figure_is_the_same_svg_and_ids_differ_between_figures():
    one, same = (bar(["a"], [Decimal(1)], "One", "USD").svg for _ in range(2))
    assert one == same
    others = [
        bar(["a"], [Decimal(1)], "Two").svg,
        over_time(["2026-04", "2026-05"], [("a", [1, 2])], "Three").svg,
        grid(["a"], ["b"], [[Decimal(1)]], "Four").svg,
    ]
    assert len({text.split(' id="')[1].split('"')[0] for text in [one, *others]}) == 4
