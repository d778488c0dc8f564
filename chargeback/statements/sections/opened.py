"""What a statement's notebook shows: the file beside it in a close, else a unit of a closed period by hand."""

from __future__ import annotations

from pathlib import Path

from chargeback.books.checked import checked_bytes, checked_manifest
from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import bad_params
from chargeback.statements.model import Statement
from chargeback.statements.project import STATEMENT_PAGE

#: A statement's data among the files of a manifest.
DATA = f"evidence/statements/{STATEMENT_PAGE}.json"


def open_statement(
    unit: str = "", period: str = "", books: str = "", unit_file: str = ""
) -> Statement:
    """The statement of a unit, as its period was closed.

    Args:
        unit: the id of a business unit.
        period: a closed period, such as "2026-05".
        books: blank is the books of the lab, else the repository's.
        unit_file: the unit's data beside the notebook, which a close gives in place of the others.

    Raises:
        Refusal: (exit 2) there is no such statement; says which there are; (exit 4) the file is not what was
            closed.
    """
    if unit_file:
        return Statement.from_json(Path(unit_file).read_text(encoding="utf-8"))
    found = named_books(books)
    closed = found.closed_periods()
    if period not in closed:
        raise not_there(
            "period", period, closed, [str(found.root)],
            "make draft PERIOD= makes the statements of an open period",
        )  # fmt: skip
    units = units_kept(found, period)
    if unit not in units:
        raise not_there(
            "unit", unit, units, [str(found.evidence(period) / "statements")],
            "a period that an earlier version closed keeps no data of its statements; they stand in "
            + str(found.statements(period)),
        )  # fmt: skip
    content = checked_bytes(found, period, DATA.format(unit))
    return Statement.from_json(content.decode("utf-8"))


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
        [f"quarto render reports/statement.ipynb -P unit=claims -P period=2026-05; {what} is missing or "
         "another one", todo],
    )  # fmt: skip
