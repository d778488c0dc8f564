"""How tall a table's rows are is told from their letters where that is sure; what is told is what setting them
shows.
"""

from __future__ import annotations

import json
import random

import pytest
import typst

from chargeback.core.paths import REPORTS
from chargeback.pages.parts import Cell, Column, Row, Table
from chargeback.statements.render import font_folder

#: Page widths and heights of what is asked, in points: a letter's own, and a narrow column.
WIDTHS = (504, 300)
SHORT = ("Claims", "Amazon S3", "Tax", "−31,464.95")
NAMES = (
    *SHORT,
    "WWW MMM @@@ %%%", "Amazon Elastic Compute Cloud - Compute", "i" * 60, "W" * 34,
    "a name that is as long as some are and goes on", "Größe", "\u200bzero", "x" * 90, "",
)  # fmt: skip

#: What stands in place of the decision in the template: what is told, and what is measured.
ASKS = """
#let asked(columns, rows) = {
  set text(size: 9pt, number-width: "tabular")
  set par(leading: 0.48em)
  layout(size => {
  let limit = tallest-piece * 662pt
  let table-of(rows) = table(
    columns: (..columns.map(one => if one.share == 0 { auto } else { one.share * 1fr }), 0pt),
    stroke: none,
    inset: (
      ..range(columns.len()).map(x => (
        left: if x == 0 { 0pt } else { 5pt }, right: if x + 1 == columns.len() { 0pt } else { 5pt }, top: 3.6pt,
        bottom: 3.6pt,
      )),
      (left: 0pt, right: 0pt, top: 3.6pt, bottom: 3.6pt),
    ),
    ..table-rows(columns, (rows,), ""),
  )
  let shown = measure(width: size.width, table-of(rows)).height > limit
  [#metadata((is-surely-tall(columns, rows, size.width, limit), shown)) <answer>]
  })
}
"""


def some_table(chance: random.Random) -> Table:
    """A table of names, some with something below them, and figures."""
    figures = chance.randint(1, 5)
    names, subs = chance.choice(((NAMES, ("", "CC-1002", "y" * 70)), (SHORT, ("", "", "CC-1002"))))
    rows = []
    for _ in range(chance.randint(4, 14)):
        name = Cell(chance.choice(names), sub=chance.choice(subs))
        amounts = (f"{chance.randint(-(10**8), 10**8) / 100:,.2f}" for _ in range(figures))
        rows.append(Row([name, *(Cell(one, aside=chance.choice(("", "*"))) for one in amounts)]))
    return Table([Column("Name", 1), *(Column("Amount") for _ in range(figures))], rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_told_of_rows_is_what_setting_them_shows(width: int) -> None:
    chance = random.Random(width)
    tables = "\n".join(some_table(chance).typst() for _ in range(60))
    calls = tables.replace("#statement-table(", "#asked(").replace('  caption: "",\n', "")
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    page = f"#set page(width: {width}pt, height: auto, margin: 0pt)\n#set text(font: faces, hyphenate: false)\n"
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())])
    source = f"{template}{ASKS}{page}{calls}".encode()
    found = json.loads(typst.Compiler(source, font_paths=fonts).query("<answer>"))
    answers = [tuple(one["value"]) for one in found]
    assert len(answers) == 60
    assert all(told in (None, shown) for told, shown in answers)
    assert {(True, True), (False, False)} <= {*answers}  # it does tell, both ways
