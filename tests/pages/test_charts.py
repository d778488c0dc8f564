"""Charts of statements: words in the face of the page, nothing over anything, one colour for what is less."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.money import MINUS
from chargeback.pages.charts import (
    NARROW_UNITS,
    OTHER,
    RED,
    SMALL_UNITS,
    WIDE_UNITS,
    bars_chart,
    totals_chart,
    trend_chart,
    waterfall_chart,
)
from chargeback.pages.svg import FACE, OTHER_FACE, ROOM, lines_of, text_width, texts_of
from chargeback.pages.vocabulary import CHANGES
from chargeback.statements.execute import REPORTS

RECT = re.compile(r'<rect x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)" fill="(.+?)"/>')
TEXT = re.compile(
    r'<text x="(.+?)" y="(.+?)" font-size="(.+?)" fill="(.+?)" text-anchor="(.+?)"[^>]*>([^<]*)<'
)
PHONE_PIXELS = 390 - 2 * 16  # what the stylesheet leaves of a phone
LETTERS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=90)
AMOUNTS = st.decimals(Decimal(-(10**10)), Decimal(10**10), places=2)
LABELS = st.one_of(st.sampled_from([label for label, _ in CHANGES.values()]), LETTERS)


@dataclass(frozen=True)
class Period:
    """A period of a trend."""

    billing_period: str
    direct: Decimal
    allocated: Decimal
    other: Decimal

    @property
    def amount(self) -> Decimal:
        return self.direct + self.allocated + self.other


TRENDS = st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=2, max_size=15).map(
    lambda rows: [Period(f"2026-{at % 12 + 1:02d}", *row) for at, row in enumerate(rows)]
)


@dataclass(frozen=True)
class Box:
    """What a part of a drawing takes of it."""

    left: float
    top: float
    right: float
    bottom: float
    colour: str
    says: str = ""

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right - 0.02
            and other.left < self.right - 0.02
            and self.top < other.bottom - 0.02
            and other.top < self.bottom - 0.02
        )


def bars_of(svg: str) -> list[Box]:
    """Its rectangles."""
    found = []
    for *numbers, colour in RECT.findall(svg):
        x, y, width, height = map(float, numbers)
        found.append(Box(x, y, x + width, y + height, colour))
    return found


def words_of(svg: str) -> list[Box]:
    """Its texts, as wide as the widest face would set them; from the tops of small letters to the baseline."""
    found = []
    for x, y, size, colour, anchor, text in TEXT.findall(svg):
        says = unescape(text)
        width = text_width(says, float(size)) * ROOM
        left = float(x) - width * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        found.append(Box(left, float(y) - 0.66 * float(size), left + width, float(y), colour, says))
    return found


def assert_nothing_meets(svg: str, width: float) -> None:
    """No text lies on a bar, a line or another text, and none is cut off."""
    texts, bars = words_of(svg), bars_of(svg)
    height = float(re.search(r' height="(.+?)"', svg)[1])  # type: ignore[index]
    for one, other in itertools.combinations(texts, 2):
        assert not one.meets(other), (one, other)
    for text in texts:
        assert text.left >= -0.1 and text.right <= width + 0.1, text
        assert text.top >= 0 and text.bottom <= height, text
        for bar in bars:
            assert not text.meets(bar), (text, bar)


@given(st.lists(st.tuples(LABELS, AMOUNTS), min_size=2, max_size=16))
def test_no_word_of_a_waterfall_lies_on_anything(steps):
    """Many steps, small ones beside large ones, totals below nothing, names of any length."""
    drawn = waterfall_chart(steps)
    assert_nothing_meets(drawn.wide, WIDE_UNITS)
    assert_nothing_meets(drawn.narrow, NARROW_UNITS)


@given(st.lists(st.tuples(LABELS, AMOUNTS, st.none() | AMOUNTS), min_size=2, max_size=10))
def test_no_word_of_the_bars_lies_on_anything(rows):
    drawn = bars_chart(rows)
    assert_nothing_meets(drawn.wide, WIDE_UNITS)
    assert_nothing_meets(drawn.narrow, NARROW_UNITS)


@given(TRENDS)
def test_no_word_of_the_trend_lies_on_anything(periods):
    drawn = trend_chart(periods)
    assert_nothing_meets(drawn.wide, WIDE_UNITS)
    assert_nothing_meets(drawn.narrow, NARROW_UNITS)
    assert_nothing_meets(totals_chart(periods), SMALL_UNITS)


def test_what_is_negative_is_red_in_charts_as_it_is_in_tables():
    """Usage +300.00 and rules −120.00 come to +180.00; then less is given back than there was."""
    for rule in ("--red: #a3282f", ".negative { color: var(--red); }"):
        assert rule in (REPORTS / "statement.css").read_text(encoding="utf-8")
    typst_rules = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    assert '#let red = rgb("#a3282f")' in typst_rules and RED == "#a3282f"
    drawn = waterfall_chart([("Usage", Decimal(300)), ("Rule changes", Decimal(-120))])
    for svg in (drawn.wide, drawn.narrow):
        said = {one.says: one.colour for one in words_of(svg)}
        assert [text for text, colour in said.items() if colour == RED] == [f"{MINUS}120"]
        assert {"Usage", "Rule changes", "Change", "+300", "+180"} < set(said)
        assert sum(bar.colour == RED for bar in bars_of(svg)) == 1
    drawn = waterfall_chart([("Usage", Decimal(100)), ("Rule changes", Decimal(-120))])
    assert sum(bar.colour == RED for bar in bars_of(drawn.wide)) == 2, "the step and the whole"
    back = Period("2026-05", Decimal(-5), Decimal(1), Decimal(0))
    for svg in (trend_chart([back, back]).wide, totals_chart([back, back])):
        assert {one.says for one in words_of(svg) if one.colour == RED} == {f"{MINUS}4"}


def test_what_is_not_nothing_can_be_seen():
    drawn = waterfall_chart([("Usage", Decimal(10**7)), ("Unit price", Decimal("0.50"))])
    for svg in (drawn.wide, drawn.narrow):
        assert min(bar.right - bar.left for bar in bars_of(svg) if bar.bottom - bar.top >= 9) >= 0.5


def test_a_mark_stands_where_the_amount_was_before():
    """100 of 200 is the middle of what the bar of 200 takes."""
    svg = bars_chart([("A", Decimal(200), Decimal(100)), ("B", Decimal(1), None)]).wide
    [mark] = [bar for bar in bars_of(svg) if bar.colour == OTHER]
    long = max(bars_of(svg), key=lambda bar: bar.right - bar.left)
    assert (mark.left + mark.right) / 2 == pytest.approx((long.left + long.right) / 2, abs=0.02)


def test_words_stay_words_and_are_no_markup():
    drawn = bars_chart([("<b>{x} & “y”", Decimal(1), None), ("AWS Glue", Decimal(2), None)])
    for svg in (drawn.wide, drawn.narrow):
        assert texts_of(svg) == ["<b>{x} & “y”", "1", "AWS Glue", "2"]
        assert "<b>" not in svg and "{" not in svg and "<path" not in svg


def test_a_phone_shows_charts_as_large_as_its_tables():
    """12 pixels is what the quietest words of a page have there."""
    scale = PHONE_PIXELS / NARROW_UNITS
    drawn = [
        waterfall_chart([("Usage", Decimal(1)), ("Rule changes", Decimal(2))]),
        bars_chart([("AWS Glue", Decimal(1), None)] * 2),
        trend_chart([Period("2026-05", Decimal(1), Decimal(1), Decimal(1))] * 13),
    ]
    for one in drawn:
        assert all(float(size) * scale >= 12 for _, _, size, *_ in TEXT.findall(one.narrow))


def test_the_faces_are_those_of_the_page():
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    assert f'#let faces = ("{FACE}", "{OTHER_FACE}", ' in template
    style = (REPORTS / "statement.css").read_text(encoding="utf-8")
    assert f'--serif: "{FACE}"' in style and "svg text { font-family: var(--serif); }" in style


def test_widths_are_those_that_typst_measures(tmp_path):
    """Each letter by itself: the face pulls some pairs together, which only makes a text narrower."""
    letters = [chr(code) for code in range(33, 127)] + [MINUS, "…"]
    quoted = ", ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in letters)
    source = tmp_path / "measured.typ"
    source.write_text(
        f'#set text(font: "{FACE}", size: 100pt, kerning: false)\n#context [#metadata('
        f"({quoted}).map(one => measure(text(one)).width.pt())) <widths>]",
        encoding="utf-8",
    )
    fonts = Path(str(find_spec("matplotlib").origin)).parent / "mpl-data/fonts/ttf"  # type: ignore[union-attr]
    found = typst.query(
        str(source), "<widths>", field="value", one=True, font_paths=[str(fonts)],
        ignore_system_fonts=True,
    )  # fmt: skip
    measured = [float(one) for one in found.strip("[]").split(",")]
    assert measured == pytest.approx([text_width(one, 100) for one in letters], abs=0.06)


def test_a_long_label_goes_on_below_and_is_cut_at_the_end_only():
    [first, second] = lines_of("Bramble Coding Validator for Claims and more of it", 9, 100, 2)
    assert (first, second) == ("Bramble Coding Validator", "for Claims and more of it")
    [first, second] = lines_of("x" * 90, 9, 100, 2)
    assert set(first) == {"x"} and second == "x" * (len(second) - 1) + "…"
    assert max(text_width(first, 9), text_width(second, 9)) <= 100
    assert lines_of("", 9, 100, 2) == [""]
