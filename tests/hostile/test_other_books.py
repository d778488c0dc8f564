"""A verb on books that it did not make: one block, and every file that was there is there as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chargeback.cli import main
from tests.close.months import MAY, Month, digests, write_month

pytestmark = pytest.mark.slow

DEEP = "[" * 100_000


def manifest_of(text: str) -> Callable[[Path], None]:
    """Books whose only period has this manifest, and postings that are none."""

    def make(books: Path) -> None:
        ledger = books / "ledger" / f"billing_period={MAY}"
        ledger.mkdir(parents=True)
        (ledger / "manifest.json").write_text(text)
        (ledger / "postings.parquet").write_bytes(b"x")

    return make


def no_manifest(books: Path) -> None:
    (books / "ledger" / f"billing_period={MAY}").mkdir(parents=True)


def a_file_as_period(books: Path) -> None:
    (books / "ledger").mkdir(parents=True)
    (books / "ledger" / f"billing_period={MAY}").write_text("a file")


def somebody_elses(books: Path) -> None:
    """A folder of pictures, tables and a thesis, some of them where books have their rooms."""
    for name in (
        "photos/a.jpg",
        "ledger/2026.xlsx",
        "work/thesis.txt",
        "statements/bank.pdf",
        "index.html",
    ):
        (books / name).parent.mkdir(parents=True, exist_ok=True)
        (books / name).write_text(f"mine: {name}")
    (books / "evidence").write_text("a file of mine")


def nothing(books: Path) -> None:
    books.mkdir()


BOOKS: dict[str, Callable[[Path], None]] = {
    "nothing": nothing,
    "somebody else's folder": somebody_elses,
    "a period without manifest": no_manifest,
    "a file as a period": a_file_as_period,
    "a manifest of a later version": manifest_of('{"version": 99, "parts": []}'),
    "a manifest of the first version": manifest_of('{"derived": {}, "postings": {"sha256": ""}}'),
    "a manifest nested in thousands": manifest_of(DEEP),
    "a manifest of nothing": manifest_of(""),
    "a manifest that is a list": manifest_of("[]"),
    "a manifest of other types": manifest_of(
        '{"derived": 1, "run": [], "postings": null, "sources": "x", "previous": 7, "billing_period": {}}'
    ),
    "a manifest that names files elsewhere": manifest_of(
        '{"derived": {"evidence/../../../outside": "0"}, "run": {"files": {"../x": "0"}}, "sources": {}, '
        '"postings": {"sha256": "0", "rows": 0, "charged": "0"}, "billing_period": "2026-05"}'
    ),
}  # fmt: skip

VERBS: dict[str, Callable[[Month], list[str]]] = {
    "verify": lambda month: [],
    "journal": lambda month: [],
    "restatements": lambda month: month.options[:2],
    "audit": lambda month: [MAY, *month.options[:2]],
    "trace": lambda month: [MAY, "--line", "shop/untagged", *month.options[:2]],
    "what-if": lambda month: [MAY, *month.options[:2]],
    "daily": lambda month: ["--date", "2026-07-15", *month.options[:2]],
    "freshness": lambda month: ["--date", "2026-07-15", *month.options[:2]],
    "monthly-close": lambda month: [MAY, *month.options[:2]],
}


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Month:
    return write_month(tmp_path_factory.mktemp("month"))


@pytest.mark.parametrize("verb", [one for one in VERBS if one != "monthly-close"])
@pytest.mark.parametrize("kind", BOOKS)
def test_a_verb_on_other_books(kind, verb, month, tmp_path, capsys):
    books = tmp_path / "books"
    BOOKS[kind](books)
    before = digests(books)
    code = main(
        [verb, *arguments(verb, month), "--params", str(month.params), "--books", str(books)]
    )
    said = capsys.readouterr().err
    assert code in (0, 2, 4, 6)
    if code:
        assert said.startswith("STOPPED  ")
        assert all(line.startswith("  ") for line in said.splitlines()[1:]), said
    assert "a defect of this program" not in said, said
    after = digests(books)
    assert {name: after.get(name) for name in before} == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["books"]


@pytest.mark.parametrize(
    "kind", [one for one in BOOKS if one not in ("nothing", "somebody else's folder")]
)
def test_a_close_on_books_that_are_not_whole_changes_nothing(kind, month, tmp_path, capsys):
    books = tmp_path / "books"
    BOOKS[kind](books)
    before = digests(books)
    code = main(["monthly-close", MAY, *month.options[:4], "--books", str(books)])
    said = capsys.readouterr().err
    assert code in (4, 6), said
    assert said.startswith("STOPPED  ")
    assert "a defect of this program" not in said, said
    after = digests(books)
    assert {name: after.get(name) for name in before} == before


def arguments(verb: str, month: Month) -> list[str]:
    """What a verb is told beside params and books: what the table of verbs asks without a name goes first."""
    return [one for one in VERBS[verb](month) if one not in ("--line", "--date")]
