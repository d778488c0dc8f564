"""Does a finished statement show anything of another business unit? What the second control reads.

Comes in: the finished files and the period's inputs. Goes out: `statement_leaks`, one row per thing found.
It is exact about what it looks for, in three steps:

1. A unit's statement, from which all its files are made, depends on nothing that belongs to others alone
   (`independence`).
2. Every piece of a finished file is one that this statement gives: each row of a table as a whole, each
   heading, each picture with what is said of it, each text, each attribute, each line of the CSV (`pieces`,
   `own_pieces`). So a name, an id or an amount that another unit has too is no leak where it is the unit's
   own, and a page, a picture, a row or a line of another unit is one, whatever it looks like.
3. What is no such piece is looked at for names, ids and totals of others (`foreign`). Where places are
   marked, as rows, headings, pictures and lines are, it is returned even when nothing of others is found in
   it. Else a renderer may add something; what it adds to every unit's file in the same way is looked at for
   what cannot be in it by chance.

Known drawback: in the PDF a picture is told by what a screen reader says in its place and by the words in
it, not by its shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from chargeback.statements.extract import Charges, extract_units, read_charges
from chargeback.statements.foreign import Everyone, Scan, kept_totals
from chargeback.statements.independence import Dependence, dependences
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.own_pieces import OwnPieces, own_lines
from chargeback.statements.pieces import LINE, MARKED, PAGE, TEXT, Key, Piece, are_same, pieces_of
from chargeback.statements.readback import MEDIA, statement_file
from chargeback.statements.tagged_pdf import read_pdf

LEAKS = pa.schema(
    [
        ("business_unit_id", pa.string()),
        ("medium", pa.string()),  # html, pdf, csv; or data, what all of them are made from
        ("leaked_what", pa.string()),  # "name of claims", "cost center id of claims", …
        ("leaked_text", pa.string()),
    ]
)
DATA = "data"

#: What the leaks of one unit in one medium are: what, and which text.
Leaks = set[tuple[str, str]]

#: By medium, the pieces of one unit's file that are not its own.
Strange = dict[str, list[Piece]]


def find_leaks(folder: Path, inputs: StatementInputs) -> pa.Table:
    """All leaks of all units in all media; empty when every statement shows its own unit only."""
    charges = read_charges(inputs)
    statements = extract_units(inputs, charges)
    strange = {
        unit_id: strange_in_files(folder, inputs, charges, statement)
        for unit_id, statement in statements.items()
    }
    depending = dependences(inputs, charges.published, statements)
    return leaks_table(inputs, charges, statements, depending, strange)


def strange_in_files(
    folder: Path, inputs: StatementInputs, charges: Charges, statement: Statement
) -> Strange:
    """The pieces of a unit's finished files that are not its own, by medium."""
    unit_id = statement.unit.business_unit_id
    own, found = OwnPieces(statement), Strange()
    for medium in MEDIA:
        pieces = pieces_of(path := statement_file(folder, unit_id, medium), medium)
        if medium == "csv":
            found[medium] = strange_lines(pieces, own_lines(inputs, charges, unit_id))
            continue
        is_pdf = medium == "pdf"
        known = own.pdf(len(read_pdf(path).pages), pieces) if is_pdf else own.html()
        found[medium] = strange_pieces(pieces, known, is_pdf)
    return found


def leaks_table(
    inputs: StatementInputs,
    charges: Charges,
    statements: Mapping[str, Statement],
    depending: Iterable[Dependence],
    strange: Mapping[str, Strange],
) -> pa.Table:
    """The leaks of all units, sorted.

    Args:
        depending: what in a statement others have a part in (`independence`).
        strange: by unit, what is not its own in its files.
    """
    totals = {
        unit_id: sum((row["amount"] for row in charges.of_unit(unit_id)), Decimal("0.00"))
        for unit_id in inputs.params.business_units
    }
    found: dict[tuple[str, str], Leaks] = {}
    for one in depending:
        leak = (f"{one.place} depends on another unit, or on what finance keeps", one.shown)
        found.setdefault((one.business_unit_id, DATA), set()).add(leak)
    everyone = Everyone(inputs, charges, totals | kept_totals(charges))
    common = {medium: _in_every_file(strange, medium) for medium in MEDIA}
    for unit_id, statement in statements.items():
        scan = everyone.scan(statement)
        for medium, pieces in strange[unit_id].items():
            leaks = set(_leaks(pieces, common[medium], scan))
            found.setdefault((unit_id, medium), set()).update(leaks)
    rows = [
        dict(zip(LEAKS.names, (*where, *leak), strict=True))
        for where in sorted(found)
        for leak in sorted(found[where])
    ]
    return pa.Table.from_pylist(rows, schema=LEAKS)


def strange_pieces(pieces: list[Piece], own: set[Key], is_pdf: bool) -> list[Piece]:
    """The pieces of a file that no part of the unit's own statement gives.

    A text that goes on on the next page of a PDF is a piece on each of them. A PDF does not tell all signs.
    """
    unsure = [one for one in own if is_pdf and not all(text.isascii() for text in one)]
    strange = [
        number
        for number, piece in enumerate(pieces)
        if piece.key not in own and not any(are_same(piece.key, one) for one in unsure)
    ]
    halves = set[int]()
    for first, second in _over_the_page(pieces, strange):
        if (TEXT, pieces[first].key[1] + pieces[second].key[1]) in own:
            halves |= {first, second}
    return [pieces[number] for number in strange if number not in halves]


def _over_the_page(pieces: list[Piece], strange: list[int]) -> Iterator[tuple[int, int]]:
    """The last text of a page and the first one of the next, where both are strange."""
    for number in strange:
        texts = [pieces[at].place for at in range(number, min(number + 3, len(pieces)))]
        if texts == [TEXT, PAGE, TEXT]:
            yield number, number + 2


def strange_lines(pieces: list[Piece], own: list[Piece]) -> list[Piece]:
    """The lines of a CSV file that are none of the unit's, with those of their cells that no line of it
    has.

    Where all cells are the unit's, and only not in one line, they are all returned; of a file with other
    columns, every cell is a text.
    """
    if not pieces or pieces[0].key != own[0].key:
        return [Piece(TEXT, (TEXT, text), (text,)) for piece in pieces for text in piece.texts]
    known = {piece.key for piece in own}
    width = len(own[0].texts)
    columns = [{piece.texts[column] for piece in own} for column in range(width)]
    found = []
    for piece in pieces:
        if piece.key not in known:
            strange = tuple(
                text
                for column, text in enumerate(piece.texts)
                if column >= width or text not in columns[column]
            )
            found.append(Piece(LINE, piece.key, strange or piece.texts))
    return found


def _in_every_file(strange: Mapping[str, Strange], medium: str) -> set[Key]:
    """What the files of all units have in the same way, where there are several."""
    keys = [{piece.key for piece in of_unit[medium]} for of_unit in strange.values()]
    return set.intersection(*keys) if len(keys) > 1 else set()


def _leaks(pieces: Iterable[Piece], common: set[Key], scan: Scan) -> Iterator[tuple[str, str]]:
    """What is foreign in pieces that are not the unit's own."""
    for piece in pieces:
        is_common = piece.key in common
        find = scan.found_in_common if is_common else scan.found_in
        found = {leak for text in piece.texts for leak in find(text)}
        yield from found
        if not found and not is_common and piece.place in MARKED:
            yield f"{piece.place} that this statement does not have", " | ".join(piece.texts)
