"""Viewers: who sees what, as a table for people and as files for the systems that filter rows by it.

In: viewers.toml as it holds in a month, and the books. Out, in a folder: the rules of QuickSight as CSV and
Parquet (chargeback/books/viewer_rules.py), a data cells filter of Lake Formation for each group
(chargeback/books/lake_filters.py), and the SQL that makes the tables and views of Athena. Whatever an earlier
policy wrote there and this one does not is removed, so that no withdrawn filter stays to be used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from chargeback.books.lake_filters import FILE as SOURCES
from chargeback.books.lake_filters import SECTION, lake_filters, read_lake_table
from chargeback.books.ledger_table import athena_statements, charges_view
from chargeback.books.shelf import S3Shelf
from chargeback.books.viewer_rules import Owners, Rule, owners_of, viewer_rules, write_rules
from chargeback.core.books_folders import Books
from chargeback.core.period import period_title
from chargeback.core.progress import Progress, show_path
from chargeback.core.text import plain
from chargeback.params.policy import read_policy
from chargeback.params.published_totals import hides_weights
from chargeback.params.viewers import FILE, Grant, Viewers, read_viewers

HEADINGS = ("group", "role", "sees", "approved", "until")
ATHENA, FILTERS = "athena.sql", "lake_formation"


def run_viewers(
    params_folder: Path, find_books: Callable[[], Books], period: str, to: Path | None, say: Progress
) -> None:  # fmt: skip
    """Show who sees what in a month, and write what other systems need.

    Args:
        find_books: gives the books, which only writing needs.

    Raises:
        Refusal: (exit 2) the policy is malformed, or cannot be said in the words of another system; (exit 4) a
            closed period is not as it was closed.
    """
    viewers = read_viewers(params_folder, period)
    for line in policy_lines(viewers, period):
        say(line)
    if to is None:
        return
    books = find_books()
    owners = owners_of(params_folder, books)
    rules = viewer_rules(viewers, owners)
    lake = read_lake_table(params_folder)
    filters = lake_filters(lake, viewers, hidden_columns(params_folder, period)) if lake else {}
    to.mkdir(parents=True, exist_ok=True)
    write_rules(to, rules)
    write_filters(to / FILTERS, filters)
    (to / ATHENA).write_text(athena_sql(books), encoding="utf-8")
    say("")
    for line in written_lines(to, owners, rules, len(filters), bool(lake)):
        say(line)


def hidden_columns(params_folder: Path, period: str) -> tuple[str, ...]:
    """The columns of the ledger that a unit's readers are not given: weights, where policy has shares only."""
    policy = read_policy(params_folder, period)
    return ("weight",) if hides_weights(policy.published_totals) else ()


def policy_lines(viewers: Viewers, period: str) -> list[str]:
    """Who sees what, a line a grant, sorted by group."""
    if not viewers.grants:
        return [f"Nobody sees anything in {period_title(period)}: {FILE} grants nothing"]
    rows = [row_of(one) for one in sorted(viewers.grants, key=lambda one: (one.group, one.role))]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (HEADINGS, *rows)
    ]
    return [f"Who sees what in {period_title(period)}", *(f"  {line}" for line in lines)]


def row_of(grant: Grant) -> tuple[str, ...]:
    """A grant as its line has it."""
    parts = [("unit", one) for one in grant.business_units]
    parts += [("cost center", one) for one in grant.cost_centers]
    sees = "all" if grant.all else ", ".join(f"{what} {name}" for what, name in parts)
    return tuple(
        map(plain, (grant.group, grant.role, sees, grant.approved, grant.valid_to or "open"))
    )


def write_filters(folder: Path, filters: dict[str, dict[str, object]]) -> None:
    """A file for each filter, and none besides."""
    for path in folder.glob("*.json") if folder.is_dir() else ():
        if path.stem not in filters:
            path.unlink()
    if filters:
        folder.mkdir(exist_ok=True)
    for name, content in filters.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def athena_sql(books: Books) -> str:
    """What Athena runs once, statement by statement; for books in S3 the ledger and rules beside it."""
    if not isinstance(books.shelf, S3Shelf):
        return (
            "-- The books are in a folder, which Athena does not read: with BOOKS=s3://bucket/prefix\n"
            f"-- the tables of ledger and rules stand here too.\n\n{charges_view()}"
        )
    statements = athena_statements(books.shelf.bucket.place)
    return ";\n\n".join(one.rstrip("\n") for one in statements) + ";\n"


def written_lines(
    folder: Path, owners: Owners, rules: Sequence[Rule], filters: int, has_lake: bool
) -> list[str]:
    """What was written, for people."""
    groups = len({one.group for one in rules})
    lake = (
        f"{filters} filters of Lake Formation, one a group: {FILTERS}/"
        if has_lake
        else f"no filters of Lake Formation: {SOURCES} names no table in [{SECTION}]"
    )
    return [
        f"Wrote {show_path(folder)}",
        f"  {len(rules):,} rules for {groups} groups over {len(owners.pairs):,} pairs of unit and cost center: "
        "viewer_rules.csv, viewer_rules.parquet",
        f"  {lake}",
        f"  tables and views of Athena: {ATHENA}",
    ]
