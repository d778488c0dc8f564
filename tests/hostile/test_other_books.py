"""A verb on books that it did not make: one block, and every file that was there is there as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import signing_key
from tests.close import months
from tests.close.months import JULY, MAY, Month, digests, month_in
from tests.params_folder import write_params
from tests.reports import line_item, write_report
from tests.verify.books import bare_manifest

pytestmark = pytest.mark.slow

DEEP = "[" * 100_000


def manifest_of(text: str) -> Callable[[Path], None]:
    """Books whose only period has this manifest, and postings that are none.

    Somebody signed it, so that it is read for what it says: signatures come before contents.
    """

    def make(books: Path) -> None:
        not_signed(books)
        manifest = Books(books).ledger(MAY) / "manifest.json"
        manifest.write_text(text)
        signature = sign_detached(manifest.read_bytes(), signing_key(Books(books)))
        manifest.with_name("manifest.json.p7s").write_bytes(signature)

    return make


def not_signed(books: Path) -> None:
    ledger = Books(books).ledger(MAY)
    ledger.mkdir(parents=True)
    (ledger / "manifest.json").write_text("{}")
    (ledger / "postings.parquet").write_bytes(b"x")


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
    "a manifest that nobody signed": not_signed,
    "a manifest of a later version": manifest_of('{"version": 99, "parts": []}'),
    "a manifest of the first version": manifest_of('{"derived": {}, "postings": {"sha256": ""}}'),
    "a manifest nested in thousands": manifest_of(DEEP),
    "a manifest of nothing": manifest_of(""),
    "a manifest that is a list": manifest_of("[]"),
    "a manifest of other types": manifest_of(
        '{"derived": 1, "run": [], "postings": null, "sources": "x", "previous": 7, "billing_period": {}}'
    ),
    "a manifest that names files elsewhere": manifest_of(
        json.dumps(bare_manifest(MAY, {"evidence/../../../outside": "0" * 64}, {"../x": "0" * 64}))
    ),
}  # fmt: skip

VERBS: dict[str, Callable[[Month], list[str]]] = {
    "verify": lambda month: [],
    "journal": lambda month: [],
    "restatements": lambda month: month.options[:2],
    "audit": lambda month: [MAY, *month.options[:2]],
    "trace": lambda month: [MAY, "--line", "shop/untagged", *month.options[:2]],
    "what-if": lambda month: [MAY, *month.options[:2]],
    "daily": lambda month: ["--date", "2026-07-14", *month.options[:2]],
    "freshness": lambda month: ["--date", "2026-07-14", *month.options[:2]],
    "monthly-close": lambda month: [MAY, *month.options[:2]],
}


#: Books in which no ledger folder is that of a period.
NO_PERIOD = ("nothing", "somebody else's folder", "a file as a period")

#: How each verb ends where no period is closed, and where one is that was never closed like this. A close is
#: late in all of these books, so that freshness ends with 4.
ENDS = {
    "verify": (BAD_USAGE, CONTROL_FAILED), "journal": (BAD_USAGE, CONTROL_FAILED),
    "restatements": (DONE, CONTROL_FAILED), "audit": (BAD_USAGE, CONTROL_FAILED),
    "trace": (BAD_USAGE, CONTROL_FAILED), "what-if": (BAD_USAGE, CONTROL_FAILED),
    "daily": (DONE, CONTROL_FAILED), "freshness": (CONTROL_FAILED, CONTROL_FAILED),
}  # fmt: skip

#: What replays closed periods stops at stray files among ledger and evidence, also where no period is closed.
STRAY = {("what-if", "somebody else's folder"), ("what-if", "a file as a period")}


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Month:
    """May, and a day of July with its hour, so that what is daily comes as far as the books."""
    month = month_in(tmp_path_factory.mktemp("month"))
    write_params(month.params, **months.FILES)
    write_report(month.report, *months.MAY_FILES)
    used = {"bill_invoice_id": "", "line_item_usage_start_date": datetime(2026, 7, 14, 10)}
    write_report(month.report, [line_item(8.0, "CC-1", **used)], period=JULY)
    return month


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
    no_period = kind in NO_PERIOD and (verb, kind) not in STRAY
    assert code == ENDS[verb][0 if no_period else 1], said
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
    assert code == CONTROL_FAILED, said
    what = "a control failed: closed_periods_are_unchanged"
    if kind == "a manifest that names files elsewhere":
        what = "a manifest names a file outside of its period"
    assert said.startswith(f"STOPPED  {what}"), said
    assert "a defect of this program" not in said, said
    after = digests(books)
    assert {name: after.get(name) for name in before} == before


def arguments(verb: str, month: Month) -> list[str]:
    """What a verb is told beside params and books: what the table of verbs asks without a name goes first."""
    return [one for one in VERBS[verb](month) if one not in ("--line", "--date")]
