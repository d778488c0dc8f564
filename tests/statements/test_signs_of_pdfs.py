"""What pdfium tells of letters that were set one upon the other, or that no font has a shape for.

Such names are in tags of other people; they must not stop a close, nor let another name pass for the unit's.
"""

from __future__ import annotations

import pytest
import typst

from chargeback.core.text import plain
from chargeback.pages.escaping import typst_string
from chargeback.statements.pieces import are_same, canonical, is_same
from chargeback.statements.tagged_pdf import read_pdf

NAMES = [
    "Claims 🚑 intake", "🚀 b 🚑 c", "👨\u200d👩\u200d👧 family", "🇩🇪 Germany", "👍🏽 done", "𠮷野家",
    "𓀀 scribe",
    "e\u0301\u0301\u0301 x", "Z\u0351\u036b\u0343ZZ\u0351\u036b\u0343", "q\u0323\u0301", "Vie\u0302\u0323t",
    "مُحَمَّد 1,234", "محمّد", "שָּׁלוֹם", "ผู้ใหญ่", "हिन्दी र्कि कों कों", "བསྒྲུབས", "店\u0301\u0301",
    "x\x1b[2J\x1b]0;owned\x07\x1b]52;c", "a\u202eb\u202cc",
]  # fmt: skip


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> list[str]:
    """Each name as it is read in a PDF that Typst makes, as narrow as a column, with the breaks of a table."""
    folder = tmp_path_factory.mktemp("signs")
    text = "".join(f"#par({typst_string(name, breaks=True)})\n" for name in NAMES)
    (folder / "signs.typ").write_text(f"#set page(width: 200pt)\n{text}", encoding="utf-8")
    typst.compile(str(folder / "signs.typ"), output=str(folder / "signs.pdf"))
    pages = read_pdf(folder / "signs.pdf").pages
    found = [element.content.text for page in pages for element in page.elements]
    assert len(found) == len(NAMES)
    return found


@pytest.mark.parametrize("number", range(len(NAMES)), ids=ascii)
def test_a_name_is_found_and_no_other_is(number, read):
    found = canonical(read[number])
    assert [name for name in NAMES if is_same(found, canonical(plain(name)))] == [NAMES[number]]


def test_a_figure_beside_such_a_name_is_told_from_another(read):
    found = canonical(read[NAMES.index("مُحَمَّد 1,234")])
    assert not is_same(found, canonical("مُحَمَّد 1,235"))
    assert not is_same(found, canonical("مُحَمَّد 11,234"))


def test_letters_are_not_lost():
    """Only signs beyond the first plane are, and marks of what was replaced; not what a close must find."""
    assert not is_same("laims", "Claims") and not is_same("", "Claims")
    assert not is_same(canonical("e\u0301 CC-1"), canonical("e\u0301 CC-11"))
    assert not is_same(
        canonical("e\u0301\u0301 e\u0301\u0301 CC-1 CC-1"), canonical("e\u0301\u0301 CC-1")
    )


def test_a_cell_of_signs_without_a_shape_is_lost_whole():
    assert are_same(("table row", "1.00"), ("table row", "🚀", "1.00"))
    assert not are_same(("table row", "1.00"), ("table row", "Claims", "1.00"))
