"""The company of numbers and equal totals in other scripts, some of which no font has: all controls hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
import typst

from chargeback.pages.charts import bars_chart
from chargeback.pages.escaping import typst_string
from chargeback.pages.svg import texts_of
from chargeback.statements.pieces import are_drawn, canonical
from chargeback.statements.render import font_folder
from chargeback.statements.tagged_pdf import PICTURE, read_pdf
from tests.statements import test_same_by_chance as chance
from tests.statements.rendered import ALL_HOLD, OWN, Rendered, rendered_once
from tests.statements.test_same_by_chance import POOLS, UNITS, made_by_chance

NAMES = [
    "保険金請求",
    "تسوية المطالبات 4711",
    "ประกันสุขภาพ",
    "보험 청구 🚑",
    "Обработка требований",
    "दावा निपटान",
]


@pytest.fixture(scope="module")
def translated(tmp_path_factory) -> Rendered:
    """Every unit, cost center and pool under a name that is not in Latin letters."""
    units = {
        unit_id: (
            NAMES[number],
            {key: (f"{NAMES[number - 1]} {key}", amount) for key, (_, amount) in own.items()},
        )
        for number, (unit_id, (_, own)) in enumerate(UNITS.items())
    }
    pools = tuple(
        (pool_id, f"{NAMES[number]} 1,234.56", part)
        for number, (pool_id, _, part) in enumerate(POOLS)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chance, "UNITS", units)
        patch.setattr(chance, "POOLS", pools)
        return rendered_once(tmp_path_factory, "translated", made_by_chance)


def test_statements_in_any_script_are_made_and_read_back(translated):
    assert translated.broken() == ALL_HOLD


def test_a_name_of_another_unit_is_found_in_any_script(translated):
    """In the page, whole; in the PDF the first sign without a shape is lost."""
    path = translated.file("storage", "html")
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("</main>", f"<p>{NAMES[0]}</p></main>"), encoding="utf-8")
    try:
        rows = translated.broken()[OWN]
    finally:
        path.write_text(before, encoding="utf-8")
    assert [row["leaked_what"] for row in rows] == ["name of total"]


@pytest.mark.parametrize(
    "name", [*NAMES, "مطالبات 日本語 🚑👩‍⚕️ é́́ Z͑ͫ̓", "é́́", "a|b\\<br>d&lt;", "\u202eevil\0x"]
)
def test_what_a_pdf_tells_of_the_words_in_a_chart_is_enough_to_know_them_and_to_miss_others(
    name, tmp_path
):
    """Set by Typst and read back: the words are known again, and another amount or another label is not."""
    svg = bars_chart([(name, Decimal(33), None), ("AWS Glue", Decimal(2), None)]).wide
    source, pdf = tmp_path / "chart.typ", tmp_path / "chart.pdf"
    picture = f'#image(bytes({typst_string(svg)}), format: "svg", alt: "A chart")'
    source.write_text(f'#set document(title: "Chart")\n{picture}', encoding="utf-8")
    typst.compile(
        str(source), output=str(pdf), font_paths=[str(font_folder())], ignore_system_fonts=True
    )
    [found] = [one for page in read_pdf(pdf).pages for one in page.elements if one.role == PICTURE]
    words, own = canonical(found.content.text), canonical("".join(texts_of(svg)))
    assert are_drawn(words, own)
    assert not are_drawn(words, own.replace("33", "44"))
    assert not are_drawn(words + "Pharmacy benefits of others", own)
