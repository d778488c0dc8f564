"""What a unit's finished files may consist of: every piece that its own statement gives, in each medium.

Comes in: the unit's `model.Statement`, which holds nothing of others (`independence`). Goes out: the keys
of the pieces (`pieces`) that its sections and its lines make. The sections are asked again here, so a file
that was made from another unit's data, or in which a row, a picture or a page of another unit stands, has
pieces that are not among them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from chargeback.core.paths import REPORTS
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.parts import (
    GROUP,
    Chart,
    Digests,
    Masthead,
    Paragraph,
    Part,
    Section,
    Steps,
    Table,
)
from chargeback.pages.svg import texts_of
from chargeback.pages.terms import Terms
from chargeback.statements import sections
from chargeback.statements import wording as words
from chargeback.statements.extract import Charges
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.lines import write_lines
from chargeback.statements.model import Statement
from chargeback.statements.pieces import (
    FRAME,
    HEADING,
    PAGE,
    PICTURE,
    TEXT,
    Key,
    Piece,
    canonical,
    csv_pieces,
    html_pieces,
    piece,
    row,
)
from chargeback.statements.sections.first_page import (
    file_title,
    has_development_key,
    page_title,
    status_mark,
)

#: The sections in the order in which reports/statement.ipynb shows them, with the headings above them.
SECTIONS = (
    ("", sections.head),
    ("", sections.made_of),
    ("", sections.readers_help),
    (words.WHY_IT_CHANGED, sections.changes),
    (words.BY_COST_CENTER, sections.cost_centers),
    (words.AGAINST_BUDGET, sections.budget),
    (words.UNIT_COST, sections.unit_cost),
    (words.BY_SERVICE, sections.services),
    (words.BY_ACCOUNT, sections.accounts),
    (words.SHARED_COST, sections.shared),
    (words.OTHER_LINES, sections.other_lines),
    (words.CORRECTIONS, sections.corrections),
    (words.UNTAGGED, sections.untagged),
    (words.TREND, sections.trend),
    (words.TIES, sections.invoices),
    (words.VERIFY, sections.verify),
)


class OwnPieces:
    """One unit's pieces by medium, as `pieces.pieces_of` names them."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        given = ((heading, section(statement)) for heading, section in SECTIONS)
        self.sections = [(heading, found) for heading, found in given if found is not None]

    def html(self) -> set[Key]:
        """Of the HTML file: what the sections give, and the frame around them."""
        found = set(_frame())
        for heading, section in self.sections:
            found |= {one.key for one in html_pieces("\n".join(p.html() for p in section.parts))}
            found |= {piece(HEADING, heading).key}
        return found | {_set(HEADING, file_title(self.statement)).key}

    def pdf(self, pages: int, found_pieces: Iterable[Piece] = ()) -> set[Key]:
        """Of a PDF of so many pages: what the sections give, its title, and what each page repeats.

        Args:
            found_pieces: of the file; of what a page may repeat, only what it does repeat is returned where
                they tell it, since pages times heads of tables would be too many.
        """
        found = {_set(HEADING, file_title(self.statement)).key}
        for heading, section in self.sections:
            found |= {_set(HEADING, heading).key}
            found |= {one.key for one in _set_pieces(section)}
        shown = [one.key for one in found_pieces if one.place == PAGE]
        return found | set(self._repeated(pages, shown if len(shown) == pages else [()] * pages))

    def _repeated(self, pages: int, shown: Sequence[Key]) -> Iterator[Key]:
        """What stands at the top and the foot of each page: what reports/typst-template.typ says, and the head
        of a table that goes on there.

        Args:
            shown: what each page repeats; nothing where that is not known.
        """
        statement = self.statement
        period = period_title(statement.billing_period)
        head = statement.unit.name + status_mark(statement) + period
        foot = f"{page_title(statement)} · {period} · {statement.unit.business_unit_id}"
        if has_development_key(statement):
            foot += f" · {words.SIGNED_BY_DEVELOPMENT_KEY}"
        heads = {
            labels
            for _, section in self.sections
            for part in section.parts
            if isinstance(part, Table)
            for labels in _repeated_heads(part)
        }
        by_letters = {canonical(plain(labels)): labels for labels in ("", *heads)}
        for number, key in enumerate(shown, start=1):
            page = foot + words.PAGE.format(number=number, count=pages)
            top = head if number > 1 else ""
            text = key[-1] if key else ""
            first, last = canonical(plain(top)), canonical(plain(page))
            between = text.removeprefix(first).removesuffix(last) if number > 1 else ""
            labels = by_letters.get(between, "")
            if (here := _set(PAGE, top + labels + page).key) == key:
                yield here
                continue
            # Nothing that is known exactly: scripts that a PDF tells in another order, or another unit's page.
            yield from (
                _set(PAGE, top + one + page).key for one in ({"", *heads} if number > 1 else [""])
            )


def _repeated_heads(table: Table) -> Iterator[str]:
    """What stands above the rest of a table on the next page: its labels, and the group that goes on."""
    labels = "".join(column.label for column in table.columns)
    yield labels
    for one in table.rows:
        if one.role == GROUP:
            [cell] = one.cells
            yield labels + cell.text + words.CONTINUED + cell.aside + cell.sub


def _set(place: str, *texts: str) -> Piece:
    """A piece as it is set: without what could hide other letters, as everywhere."""
    return piece(place, *map(plain, texts))


def _set_pieces(section: Section) -> Iterator[Piece]:
    """The pieces of a section. Typst takes texts without anything between them for one."""
    before = list[str]()  # what the texts right before a part come to, from each of them on
    for part in section.parts:
        found = list(_pieces_of_part(part))
        first = found[0].texts[0] if found and found[0].place == TEXT else ""
        joined = [text + first for text in before if first]
        yield from (piece(TEXT, text) for text in joined)
        last = found[-1].texts[0] if found and found[-1].place == TEXT else ""
        before = ([*joined, last] if len(found) == 1 else [last]) if last else []
        yield from found


def _pieces_of_part(part: Part) -> Iterator[Piece]:
    """A part as the PDF has it, by reports/typst-template.typ."""
    if isinstance(part, Masthead):
        yield _set(HEADING, part.unit)
        texts = [part.title.upper(), part.provisional, part.total_label, part.change]
        texts += [text for fact in part.facts for text in fact]
        yield from (_set(TEXT, text) for text in [*texts, part.total.text + part.currency])
        if part.picture:
            yield _drawn(part.picture)
    elif isinstance(part, Table):
        yield from ([_set(TEXT, part.caption)] if part.caption else [])
        yield row([plain(column.label) for column in part.columns])
        for one in part.rows:
            yield row([plain(cell.text + cell.aside + cell.sub) for cell in one.cells])
    elif isinstance(part, (Paragraph, Terms)):
        yield _set(TEXT, part.text)
    elif isinstance(part, Steps):
        for number, item in enumerate(part.items, start=1):
            yield _set(TEXT, f"{number}.")
            yield _set(TEXT, item)
    elif isinstance(part, Chart):
        yield from ([_set(TEXT, part.caption)] if part.caption else [])
        yield _drawn(part)
    elif isinstance(part, Digests):
        yield from (_set(TEXT, text) for line in part.rows for text in line)


def _drawn(chart: Chart) -> Piece:
    """A picture with the words in it, as `pieces` reads it of a PDF."""
    return _set(PICTURE, chart.says, *filter(None, ["".join(texts_of(chart.svg))]))


def own_lines(inputs: StatementInputs, charges: Charges, unit_id: str) -> list[Piece]:
    """The lines of the unit's CSV file, the header first."""
    with tempfile.TemporaryDirectory(prefix="lines-") as folder:
        path = Path(folder) / "statement.csv"
        write_lines(inputs, charges, unit_id, path)
        return list(csv_pieces(path))


@cache
def _frame() -> frozenset[Key]:
    """What the embedded renderer puts around the sections, the same on every page: the page and its style."""
    page = (REPORTS / "embedded.html").read_text(encoding="utf-8").replace("$lang$", "en")
    style = (REPORTS / "statement.css").read_text(encoding="utf-8")
    found = {one.key for one in html_pieces(page)} | {piece(FRAME, style).key}
    return frozenset(found | {piece(FRAME, anchor).key for anchor in words.ANCHORS})
