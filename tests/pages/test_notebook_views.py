"""What notebooks show: tables and SQL for a reader, figures whose labels are whole."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pandas as pd
import pypandoc
import pytest
from nbconvert.filters import markdown2html_mistune

from chargeback.pages.figures import bar, bars, grid, over_time, waterfall
from chargeback.pages.sql_view import show_sql
from chargeback.pages.table_view import MOST_ROWS, table_markdown

HOSTILE = "<script>alert(1)</script>\u202e"
LONG = "arn:aws:rds:us-east-1:210984736615:db:adjudication-"


def as_html(markdown: str) -> str:
    """What nbconvert makes of Markdown, which is what JupyterLab makes of it."""
    return str(markdown2html_mistune(markdown))


def by_pandoc(markdown: str) -> str:
    """What pandoc makes of it, which Quarto asks."""
    return str(
        pypandoc.convert_text(markdown, "html", format="markdown", extra_args=["--wrap=preserve"])
    )


RENDERERS = pytest.mark.parametrize("render", [as_html, by_pandoc], ids=["nbconvert", "pandoc"])


def cells_of(page: str) -> list[str]:
    """The texts of a table's cells, as a reader sees them."""
    found = re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", page, re.S)
    found = [re.sub('^<span style="white-space: nowrap">(.*)</span>$', r"\1", one) for one in found]
    assert not [one for one in found if "<" in one], "no markup in a cell"
    return [html.unescape(" ".join(one.split())) for one in found]


@RENDERERS
def test_a_table_shows_amounts_exactly_and_texts_as_texts(render):
    frame = pd.DataFrame(
        {"name": [HOSTILE, None], "amount": [Decimal("1234.5000000000"), Decimal("-0.1")], "rows": [1500, 2],
         "is_open": [True, False]}
    )  # fmt: skip
    page = render(table_markdown(frame))
    assert "<script" not in page and "\u202e" not in page
    assert cells_of(page) == [
        "name", "amount", "rows", "is_open",
        HOSTILE.replace("\u202e", "\ufffd"), "1,234.5000000000", "1,500", "yes",
        "", "-0.1", "2", "no",
    ]  # fmt: skip
    assert len(re.findall("text-align:? ?right", page)) == 3 * 2, "amounts and counts, with heads"


MARKUP = (
    "a_b_c", "**bold**", "`code`", "[link](http://example.com)", "![](http://example.com/a.png)", "a|b",
    "$x^2$", "{{< env HOME >}}", "{=html}", "@cite", "#1 ~~gone~~", "&lt;b&gt;", "\\a", "<b>bold</b>",
    "http://example.com/x", "www.example.com", "me@example.com", "-- ... ---", "'quoted' \"too\"", "a:b::c",
    "1) one", "=1+1", "^note^", "H~2~O", "[^1]", "--flag", "![x]", "&amp;copy;", ":smile:",
)  # fmt: skip


@RENDERERS
def test_no_text_of_a_cell_is_markup(render):
    """Tag values are anybody's: nothing in them opens a link, a picture, a formula or a shortcode."""
    page = render(table_markdown(pd.DataFrame({"value": MARKUP})))
    assert cells_of(page) == ["value", *MARKUP]
    assert "<a" not in page and "<img" not in page


@RENDERERS
def test_a_long_text_is_whole_and_a_long_table_says_how_much_is_not_shown(render):
    rows = [f"{LONG}{number}" for number in range(MOST_ROWS + 7)]
    page = render(table_markdown(pd.DataFrame({"id": rows})))
    assert cells_of(page) == ["id", *rows[:MOST_ROWS]]
    assert "and 7 more rows" in page
    assert "no rows of: id, amount" in render(
        table_markdown(pd.DataFrame({"id": [], "amount": []}))
    )


def test_an_index_that_says_something_is_shown_and_numbers_of_rows_are_not():
    by_unit = pd.DataFrame({"amount": [Decimal("1.00")]}, index=pd.Index(["Claims"], name="unit"))
    assert cells_of(as_html(table_markdown(by_unit))) == ["unit", "amount", "Claims", "1.00"]
    assert cells_of(as_html(table_markdown(by_unit.reset_index(drop=True)))) == ["amount", "1.00"]


@RENDERERS
def test_sql_is_highlighted_and_nothing_in_it_is_markup(render):
    text = "-- Answers: what *is* it?\n\nselect '<b>' as a, '{{< env HOME >}}' as b\n\n\nfrom line_items\n"
    shown = show_sql([text])._repr_mimebundle_()
    assert shown["text/plain"] == text
    assert set(shown) == {"text/plain", "text/markdown"}
    page = render(shown["text/markdown"])
    assert "{{<" not in shown["text/markdown"] and "<b>" not in page and "<em>" not in page
    [block] = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)
    assert html.unescape(re.sub("<[^>]*>", "", block)).strip() == text.strip()
    assert "<span style=" in block
    [summary] = re.findall(r"<summary[^>]*>(.*?)</summary>", page, re.S)
    assert html.unescape(summary).strip() == "Answers: what *is* it? <i>(6 lines)</i>"
    assert "<details open" in page
    assert "<details open" not in render(show_sql([text] * 4).markdown())
    assert show_sql([]).plain() == "no SQL ran here"


def test_labels_are_whole_apart_and_never_markup():
    labels = [f"{LONG}163701", f"{LONG}163702", HOSTILE]
    [drawn] = bar(labels, [Decimal(3), Decimal(2), Decimal(-1)], "Resources", "USD").figure.data
    whole = [one.replace("<br>", "") for one in drawn.y]
    assert whole[:2] == labels[:2]
    assert "<script" not in whole[2] and "\u202e" not in whole[2]


@pytest.mark.parametrize("chart", [
    bar(["web", "db"], [Decimal(3), Decimal("-1.5")], "Resources", "USD"),
    bars(["web"], [("one", [Decimal(3)]), ("<two>", [Decimal(1)])], HOSTILE),
    waterfall([("more", Decimal(3)), ("less", Decimal(-1))], "Steps"),
    over_time(["2026-04", "2026-05"], [("", [Decimal(3), Decimal(1)]), ("b", [0.5, 1])], "Time"),
    grid(["web"], ["a", "b"], [[Decimal(3), Decimal(1)]], "Grid"),
], ids=["bar", "bars", "waterfall", "over time", "grid"])  # fmt: skip
def test_a_figure_is_what_plotly_makes_of_it_and_takes_no_plotly(chart):
    import plotly.graph_objects as go

    drawn = chart.draw_figure()
    figure = go.Figure(drawn["data"], layout=drawn["layout"])
    figure.update_layout(template="simple_white")
    assert figure.to_plotly_json() == chart.plotly
    assert chart.figure == figure


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
