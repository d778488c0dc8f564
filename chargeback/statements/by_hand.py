"""What the notebooks of reports/ show when somebody runs them by hand: a closed statement or month."""

from __future__ import annotations

from chargeback.books.checked import checked_bytes, checked_manifest
from chargeback.books.evidence import PROJECT
from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import bad_params
from chargeback.statements.model import Statement
from chargeback.statements.month import MonthIndex
from chargeback.statements.project import STATEMENT_PAGE

#: The data of a statement and of the index among the files of a manifest.
DATA = f"evidence/{PROJECT}/{STATEMENT_PAGE}.json"
INDEX_DATA = f"evidence/{PROJECT}/index.json"


def closed_statement(unit: str, period: str, books: str) -> Statement:
    """The statement of a unit, as its period was closed; as `sections.open_statement`."""
    found = closed_books(books, period)
    units = units_kept(found, period)
    if unit not in units:
        raise not_there(
            "unit", unit, units, [str(found.evidence(period) / PROJECT)],
            earlier_version(found, period),
        )  # fmt: skip
    content = checked_bytes(found, period, DATA.format(unit))
    return Statement.from_json(content.decode("utf-8"))


def closed_month(period: str, books: str) -> MonthIndex:
    """The index of a month, as its period was closed; as `sections.open_month`."""
    found = closed_books(books, period)
    if INDEX_DATA not in recorded_files(checked_manifest(found, period)):
        raise not_there(
            "month", period, [], [str(found.evidence(period) / PROJECT)],
            earlier_version(found, period),
        )  # fmt: skip
    return MonthIndex.from_json(checked_bytes(found, period, INDEX_DATA).decode("utf-8"))


def closed_books(books: str, period: str) -> Books:
    """The books that are named, in which the period must be closed."""
    found = named_books(books)
    closed = found.closed_periods()
    if period not in closed:
        raise not_there(
            "period", period, closed, [str(found.root)],
            "make draft PERIOD= makes the statements of an open period",
        )  # fmt: skip
    return found


def earlier_version(books: Books, period: str) -> str:
    """What a reader can do about a period whose evidence has no such data."""
    return (
        "a period that an earlier version closed keeps no data of its statements; they stand in "
        f"{books.statements(period)}"
    )


def units_kept(books: Books, period: str) -> list[str]:
    """The units whose statements' data a closed period keeps."""
    before, after = DATA.split("{}")
    return sorted(
        name.removeprefix(before).removesuffix(after)
        for name in recorded_files(checked_manifest(books, period))
        if name.startswith(before) and name.endswith(after)
    )


def not_there(what: str, given: str, known: list[str], where: list[str], todo: str) -> Exception:
    """That there is no statement of that unit or period."""
    return bad_params(
        f"there is no statement of that {what}", "one of: " + (", ".join(known) or "none is kept"),
        repr(given) if given else "nothing", where,
        ["for example: quarto render reports/statement.ipynb --execute -P unit=claims -P period=2026-05",
         "for all units: quarto render reports/index.ipynb --execute -P period=2026-05", todo],
    )  # fmt: skip
