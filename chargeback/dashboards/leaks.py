"""Does a finished page show anything of somebody who is not its own? What the second control reads.

In: the bytes of all pages and of their data, and whose texts are whose (`belonging`). Out: `dashboard_leaks`,
a row for each thing found. Names and ids are looked for as whole words in the same case, as in statements
(`statements.foreign`), in everything that a browser gets, whether it shows it or not.

When is a match nothing?

- What is also the scope's own is not foreign.
- A match inside a longer phrase that is its own, such as "Support" in the pool "AWS Support".
- A plain word in code or a sentence that all pages have in the same way: "platform" in a script. Ids with
  digits in them, and names of several words, count there as well; a number may stand in code by chance.

- A plain word that pages say of their own accord, such as "Shared", where a cost center is called that.

Known drawback: a name that is such a word, or a plain word that was put into every page, is not found.
"""

from __future__ import annotations

import ast
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from string import digits

import pyarrow as pa

from chargeback.core.paths import ROOT
from chargeback.dashboards.belonging import Belongings
from chargeback.dashboards.scope import ALL, Scope
from chargeback.engine import kept
from chargeback.statements.foreign import Named, Scan

LEAKS = pa.schema(
    [
        ("scope_kind", pa.string()),
        ("scope_id", pa.string()),
        ("medium", pa.string()),  # html; or data, what the page is made from
        ("leaked_what", pa.string()),  # "account id", "resource", …
        ("leaked_text", pa.string()),
    ]
)

HTML, DATA = "html", "data"

#: Where the words of pages stand.
PACKAGE, WORDS = ROOT / "chargeback", "pages/vocabulary.py"

#: By medium, the bytes of each page.
Files = Mapping[str, Mapping[Scope, bytes]]

#: What pieces of a file end at.
_PIECES = re.compile(r'[\n<>"]')

#: Markup, whole or cut off at either end of a text in code; its words are on no page that anybody reads.
_MARKUP = re.compile(r"^[^<>]*>|<[^<>]*>?")

#: What may stand in code by chance.
_NUMBER = re.compile(r"[0-9.,]+")


def find_leaks(files: Files, belongings: Belongings) -> pa.Table:
    """All leaks of all pages; empty when each shows its own alone."""
    rows = []
    for medium, by_scope in files.items():
        pieces = {scope: pieces_of(content) for scope, content in by_scope.items()}
        common = set.intersection(*pieces.values()) if len(pieces) > 1 else set()
        for scope, found in pieces.items():
            if scope.kind == ALL:
                continue
            leaks = set(leaks_in(found, common, scope, belongings))
            rows += [
                dict(zip(LEAKS.names, (scope.kind, scope.id, medium, *one), strict=True))
                for one in sorted(leaks)
            ]
    return pa.Table.from_pylist(rows, schema=LEAKS)


def pieces_of(content: bytes) -> set[str]:
    """The texts of a file between tags, quotes and ends of lines, each once, as a reader sees them."""
    text = content.decode("utf-8", "replace")
    found = {html.unescape(one) for one in set(_PIECES.split(text)) if one and not one.isspace()}
    return found | set(unescaped(found))


def unescaped(pieces: set[str]) -> Iterator[str]:
    """Pieces whose signs are written as in JSON or JavaScript, as they are read."""
    for one in pieces:
        if "\\u" in one:
            yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), one)


def leaks_in(
    pieces: set[str], common: set[str], scope: Scope, belongings: Belongings
) -> Iterator[tuple[str, str]]:
    """What is foreign in the pieces of one page: what it is, and the text."""
    whole = "\n".join(pieces)
    # Looking for a text anywhere is quick; only what is there is looked at as words.
    foreign = {
        text: what
        for text, what in belongings.foreign(scope).items()
        if text in whole and (is_telling(text) or text not in own_words())
    }
    if not foreign:
        return
    scan = Scan(Named(foreign, belongings.own(scope) | belongings.shared))
    for piece in pieces:
        if not any(text in piece for text in foreign):
            continue
        for what, text in scan.found_in(piece):
            if piece not in common or is_telling(text):
                yield what, text


@cache
def own_words() -> frozenset[str]:
    """The words that pages say of their own accord: those of the texts in the code that makes them.

    They are gathered once on a machine for the very bytes of that code, which this module is part of.
    """
    code = {path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in word_files()}
    hashed = hashlib.sha256()
    for name, content in code.items():
        hashed.update(f"{name} {len(content)}\n".encode() + content)
    return frozenset(
        kept(
            ("words of pages", hashed.hexdigest()), lambda: "\n".join(words_in(code.values()))
        ).split("\n")
    )


def word_files() -> list[Path]:
    """The code that pages have their words from, in order."""
    folders = (PACKAGE / "dashboards", PACKAGE / "daily")
    return [*(path for one in folders for path in sorted(one.rglob("*.py"))), PACKAGE / WORDS]


def words_in(code: Iterable[bytes]) -> list[str]:
    """The words of the texts in some code, each once."""
    found = set[str]()
    for content in code:
        for text in texts_of(ast.parse(content)):
            found |= set(re.findall(r"\w+", _MARKUP.sub(" ", text)))
    return sorted(found)


def texts_of(tree: ast.AST) -> Iterator[str]:
    """The texts in code, but for those that say what code does, which are on no page."""
    waiting: list[object] = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, ast.Constant):
            if isinstance(one.value, str):
                yield one.value
        elif isinstance(one, ast.AST) and not (
            isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
        ):
            waiting += [getattr(one, name, None) for name in one._fields]


def is_telling(text: str) -> bool:
    """Whether a text is in no code or sentence by chance: several words, or an id with digits."""
    if _NUMBER.fullmatch(text):
        return False
    return " " in text or any(one in digits for one in text)
