"""The pages of a period beside those that are rendered again: byte for byte, else by what they say.

Comes in: the published files, the files as they are rendered before they are signed, and who rendered each
(`render.Renderer.record`). Goes out: what was compared and how, and every difference.

- Files that are the same before they were signed need nothing else.
- The same renderer and the same pages give the same bytes: anything else is a difference.
- Another renderer, or another version of it, lays the same pages out in other bytes. What a reader sees is then
  read back from both and compared, row by row and text by text.
- Pages of another version of the program may say things in other words. Then each figure of the ledger is read
  back from both and compared, and the controls on statements are run on the pages that were rendered again.
  What a total changed by is an explanation, which versions may take apart in other ways: its parts must sum to
  the change, which is compared.

Lines of a CSV file are compared byte for byte, and those of another version of the program by the columns that
it had.

Known drawback: who can sign can name a renderer that nobody has, and so have words compared instead of bytes.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.checked import checked_postings
from chargeback.books.manifest import file_path, recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.files import sha256_of
from chargeback.core.money import shown
from chargeback.core.text import from_spreadsheet_text
from chargeback.ledger.splits import splits_of
from chargeback.statements.pieces import HEADING, PICTURE, ROW, TEXT, Piece, canonical, pieces_of
from chargeback.statements.readback import html_figures, pdf_figures
from chargeback.statements.render import renderer_text

ROOM = "statements/"

#: How pages that are not the same bytes are compared.
BYTES, TEXTS, FIGURES = "bytes", "texts", "figures"

#: What a reader sees of a page whoever rendered it: not what a renderer puts around it, nor where pages end.
SEEN = (ROW, HEADING, PICTURE)

NOTHING = "nothing"

#: The figures of why a total changed, and the one that they sum to.
CHANGE, CHANGE_TOTAL = "change", ("change", "total")
ZERO = Decimal("0.00")


@dataclass
class Compared:
    """What came of it.

    Args:
        files: that were compared.
        other_bytes: names of those that are not the same.
        how: one of the ways above, for those.
        remark: why they were not compared by bytes; empty where they were.
        differences: file, place in it, expected and found, each.
    """

    files: int = 0
    other_bytes: list[str] = field(default_factory=list)
    how: str = BYTES
    remark: str = ""
    differences: list[tuple[str, str, str, str]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Pages:
    """The pages of a closed period, and a folder with the same ones rendered again.

    Args:
        ids: what rows of a PDF can be about (`readback.known_ids`).
    """

    books: Books
    period: str
    manifest: Mapping[str, Any]
    rendered: Path
    ids: Mapping[str, Set[str]]

    def names(self) -> list[str]:
        """The files that were handed out or are made again, by their names among the statements."""
        made = {
            one.relative_to(self.rendered).as_posix()
            for one in self.rendered.rglob("*")
            if one.is_file()
        }
        recorded = recorded_files(dict(self.manifest), "statements")
        return sorted(made | {one.removeprefix(ROOM) for one in recorded})

    def closed(self, name: str) -> Path:
        """A file that was handed out."""
        return file_path(self.books, self.period, ROOM + name)

    def digests(self, name: str) -> tuple[str, str]:
        """The sha256 of a file rendered again, and of the one handed out as it was before it was signed."""
        path, unsigned = self.closed(name), self.manifest["unsigned_pdfs"].get(ROOM + name)
        content = path.read_bytes() if path.is_file() else b""
        before_signing = content[: unsigned["bytes"]] if unsigned else content
        found = hashlib.sha256(before_signing).hexdigest() if content else ""
        return sha256_of(self.rendered / name), found


def compare_pages(pages: Pages, now: Mapping[str, str]) -> Compared:
    """Compare every page.

    Args:
        now: the record of who rendered again.
    """
    found = Compared()
    for name in pages.names():
        found.files += 1
        expected, was = pages.digests(name)
        if expected != was:
            found.other_bytes.append(name)
    then: Mapping[str, str] = pages.manifest["run"].get("renderer", {})
    found.how = how_to_compare(then, now) if found.other_bytes else BYTES
    if found.how == TEXTS and not any(map(is_page, found.other_bytes)):
        found.how = BYTES
    found.remark = remark(found.how, then, now)
    for name in found.other_bytes:
        expected, was = pages.digests(name)
        by_bytes = found.how == BYTES or (found.how == TEXTS and not is_page(name))
        if by_bytes or not (expected and was):
            place = "before it was signed" if name.endswith(".pdf") else ""
            found.differences.append((name, place, digest_text(expected), digest_text(was)))
        elif found.how == TEXTS:
            found.differences += differing_texts(name, pages)
        elif not is_page(name):
            found.differences += differing_lines(name, pages)
        else:
            found.differences += differing_figures(name, pages)
    return found


def is_page(name: str) -> bool:
    """Whether a renderer lays the file out."""
    return name.endswith((".html", ".pdf"))


def digest_text(digest: str) -> str:
    """A digest for a reader; empty for a file that is missing."""
    return f"sha256 {digest}" if digest else ""


def how_to_compare(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """In which of the ways pages of two renderers are compared."""
    if dict(then) == dict(now):
        return BYTES
    return TEXTS if then.get("pages") == now["pages"] else FIGURES


def remark(how: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Why the bytes may differ, in one line."""
    if how == BYTES:
        return ""
    who = f"rendered by {renderer_text(then)} at the close and by {renderer_text(now)} here"
    if how == TEXTS:
        return f"{who}: rows, headings, pictures and texts were read back from both and compared, not bytes"
    return (
        f"{who}, with pages of another version of the program: every figure was read back from both and "
        "compared, the parts of a change by their sum, not the words"
    )


def differing_texts(name: str, pages: Pages) -> Iterator[tuple[str, str, str, str]]:
    """What a reader sees in one of two files and not in the other."""
    medium = name.rpartition(".")[2]
    now, then = (pieces_of(path, medium) for path in (pages.rendered / name, pages.closed(name)))
    expected, found = seen(now), seen(then)
    for key in sorted(expected.keys() | found.keys()):
        if len(expected.get(key, ())) != len(found.get(key, ())):
            said = " | ".join((expected.get(key) or found[key])[0].texts)
            here = "there" if key in expected else NOTHING
            yield name, f"{key[0]} {said}", here, NOTHING if here == "there" else "there"
    running, was_running = (
        sorted(canonical("".join(one.texts)) for one in pieces if one.place == TEXT)
        for pieces in (now, then)
    )
    if canonical("".join(running)) != canonical("".join(was_running)):
        other = sorted((Counter(was_running) - Counter(running)).keys()) or ["a text is not there"]
        yield name, "texts", "the texts rendered again", "; ".join(other[:3])


def seen(pieces: list[Piece]) -> dict[tuple[str, ...], list[Piece]]:
    """Pieces that a reader sees whoever rendered them, by what they are."""
    found: dict[tuple[str, ...], list[Piece]] = {}
    for one in pieces:
        if one.place in SEEN:
            found.setdefault(one.key, []).append(one)
    return found


def differing_figures(name: str, pages: Pages) -> Iterator[tuple[str, str, str, str]]:
    """The figures of the ledger that are not the same in two files."""
    expected, found = (
        figures_of(path, pages.ids) for path in (pages.rendered / name, pages.closed(name))
    )
    parts = {key for key in expected.keys() | found.keys() if key[0] == CHANGE} - {CHANGE_TOTAL}
    if any(expected.get(key) != found.get(key) for key in parts):
        total = sum((one or ZERO for key in parts for one in found.get(key, ())), ZERO)
        if found.get(CHANGE_TOTAL) != [total]:
            yield name, "change, sum of its parts", amounts(found.get(CHANGE_TOTAL)), shown(total)
    for key in sorted((expected.keys() | found.keys()) - parts):
        if expected.get(key) != found.get(key):
            yield name, " ".join(key), amounts(expected.get(key)), amounts(found.get(key))


def differing_lines(name: str, pages: Pages) -> Iterator[tuple[str, str, str, str]]:
    """What lines of a CSV file say in the columns of the one that was handed out, where it is not the same."""
    (_, now), (columns, then) = (
        lines_of(path) for path in (pages.rendered / name, pages.closed(name))
    )
    if "pool_total" not in columns:
        now = with_earlier_weights(pages, now, then)
    if len(now) != len(then):
        yield name, "lines", f"{len(now):,}", f"{len(then):,}"
    for number, (expected, found) in enumerate(zip(now, then, strict=False), start=2):
        for column in columns:
            if expected.get(column) != found[column]:
                yield (
                    name,
                    f"line {number}, {column}",
                    expected.get(column) or NOTHING,
                    found[column],
                )


def with_earlier_weights(
    pages: Pages, now: list[dict[str, str]], then: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Lines with total weights as an earlier version had them, which counted cost centers alone."""
    splits = splits_of(checked_postings(pages.books, pages.period).to_pylist())
    found = []
    for expected, old in zip(now, then, strict=False):
        split = splits.get(from_spreadsheet_text(expected["pool_id"]))
        weight = f"{split.weight_of_centers:f}" if split and old.get("total_weight") else ""
        found.append(expected | {"total_weight": weight})
    return found + now[len(found) :]


def lines_of(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and the lines of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lines = list(reader)
        return list(reader.fieldnames or ()), lines


def figures_of(
    path: Path, ids: Mapping[str, Set[str]]
) -> dict[tuple[str, str], list[Decimal | None]]:
    """The figures that a page shows, by what they are of."""
    read = html_figures(path) if path.suffix == ".html" else pdf_figures(path, ids)
    found: dict[tuple[str, str], list[Decimal | None]] = {}
    for section, key, amount in read:
        kept = found.setdefault((section, key), [])
        if amount not in kept:
            kept.append(amount)
    return found


def amounts(figures: list[Decimal | None] | None) -> str:
    """Figures for a reader."""
    return ", ".join("no amount" if one is None else shown(one) for one in figures or ())
