"""Viewer rules: the policy of viewers.toml as a table that other programs filter rows of the ledger by.

    GroupName, business_unit_id, cost_center_id        one rule a row; several ids of a cell have commas between

The form is that of QuickSight's row-level security, which reads it like this: the rows of a group are or-ed,
the cells of a row and-ed, a comma separates values, an empty cell grants everything, and who has no rule sees
nothing. So what always holds: no cell is empty, and every rule has both ids, whose pairs are exactly the rows
that `Grant.covers` lets be seen among those that somebody is charged. A unit's rule lists the cost centers that
it ever had, in the registers or in the ledger; a cost center's rule the units that it was ever in; `all` is
everything.

What nobody is charged (what AWS is owed, pools passing through) has no ids and is in no rule: the dataset that
the rules filter holds charged rows only (chargeback/books/ledger_table.py).

Limits of QuickSight: 999 rules a person over all of their groups, and 2,047 characters a cell, above which it
cuts without a word. A longer list is split among several rules.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.checked import checked_postings
from chargeback.books.visible import CENTER, UNIT
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import write_csv
from chargeback.core.errors import BAD_USAGE, Refusal, bad_params
from chargeback.params.registers import read_register
from chargeback.params.viewers import FILE, Viewers

GROUP = "GroupName"
COLUMNS = (GROUP, UNIT, CENTER)
MOST_RULES, MOST_CHARACTERS = 999, 2047
SEPARATOR = ","

#: What a cell of rules cannot hold as it is: the separator, quotes, blanks, and characters that nobody sees.
_UNUSABLE = re.compile(r"[,\"']|\s|[\x00-\x1f\x7f-\x9f]")
_UNUSABLE_GROUP = re.compile(r"[,\"]|[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, order=True)
class Rule:
    """What a group sees: the rows of one of these units and one of these cost centers."""

    group: str
    business_units: tuple[str, ...]
    cost_centers: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, str, str]:
        """Its row of the table."""
        return self.group, SEPARATOR.join(self.business_units), SEPARATOR.join(self.cost_centers)


@dataclass(frozen=True)
class Owners:
    """Which cost center was ever in which business unit.

    Args:
        pairs: a unit and a cost center each.
    """

    pairs: frozenset[tuple[str, str]]

    def centers_of(self, units: Iterable[str]) -> list[str]:
        """The cost centers that some units ever had, sorted."""
        wanted = set(units)
        return sorted({center for unit, center in self.pairs if unit in wanted})

    def units_of(self, center_id: str) -> list[str]:
        """The units that a cost center was ever in, sorted."""
        return sorted({unit for unit, center in self.pairs if center == center_id})

    @property
    def units(self) -> list[str]:
        """All units that ever had a cost center, sorted."""
        return sorted({unit for unit, _ in self.pairs})


def owners_of(params_folder: Path, books: Books) -> Owners:
    """Which cost center was ever in which unit, by any row of the registers and of the closed periods.

    Raises:
        Refusal: (exit 2) a register is malformed; (exit 4) a closed period is not as it was closed.
    """
    registered = {
        (row["business_unit_id"], row["cost_center_id"])
        for row in read_register(params_folder, "cost_centers.csv")
    }
    posted = (pairs_of(checked_postings(books, one)) for one in books.closed_periods())
    return Owners(frozenset(registered.union(*posted)))


def pairs_of(postings: pa.Table) -> set[tuple[str, str]]:
    """The units and cost centers that are charged in a table."""
    pairs = set(zip(postings[UNIT].to_pylist(), postings[CENTER].to_pylist(), strict=True))
    return {(unit, center) for unit, center in pairs if unit is not None and center is not None}


def viewer_rules(viewers: Viewers, owners: Owners) -> list[Rule]:
    """The rules of a policy, sorted by group, each once.

    Raises:
        Refusal: (exit 2) an id or group cannot stand in a rule; a group has more rules than are read.
    """
    check_ids(owners)
    found: dict[Rule, None] = {}
    for grant in sorted(viewers.grants, key=lambda one: one.group):
        check_group(grant.group, grant.where)
        if grant.all:
            blocks = [(owners.units, owners.centers_of(owners.units))]
        else:
            blocks = [([one], owners.centers_of([one])) for one in grant.business_units]
            blocks += [(owners.units_of(one), [one]) for one in grant.cost_centers]
        for units, centers in blocks:
            found |= dict.fromkeys(split_rules(grant.group, units, centers))
    for group, rules in itertools.groupby(found, key=lambda one: one.group):
        number = len(list(rules))
        if number > MOST_RULES:
            raise bad_params(
                "a group has more rules than QuickSight reads", f"at most {MOST_RULES} rules a person",
                f"{number:,} of {group}", [FILE],
                ["let the group see business units instead of their cost centers, or all = true"],
            )  # fmt: skip
    return list(found)


def split_rules(group: str, units: Sequence[str], centers: Sequence[str]) -> Iterator[Rule]:
    """Rules for all pairs of some units and cost centers, none of whose cells is too long.

    Nothing comes of a unit without a cost center: it has no rows.
    """
    for some_units, some_centers in itertools.product(cells_of(units), cells_of(centers)):
        yield Rule(group, some_units, some_centers)


def cells_of(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Ids in as many cells as hold them; none of them is empty."""
    cell: list[str] = []
    for one in ids:
        if cell and len(SEPARATOR.join([*cell, one])) > MOST_CHARACTERS:
            yield tuple(cell)
            cell = []
        cell.append(one)
    if cell:
        yield tuple(cell)


def check_ids(owners: Owners) -> None:
    """Stop at an id that a rule would say something else with (exit 2)."""
    for one in sorted({name for pair in owners.pairs for name in pair}):
        if not one or _UNUSABLE.search(one):
            raise Refusal(
                BAD_USAGE, "an id cannot stand in a rule of QuickSight",
                "no comma, which separates ids there, no quotes and no blanks; an empty one grants everything",
                repr(one), "", ["a business unit or cost center of the registers or the ledger"],
                ["give it another id from a month on: a closed period keeps the old one"],
            )  # fmt: skip


def check_group(group: str, where: str) -> None:
    """Stop at a group that a rule would say something else with (exit 2)."""
    if _UNUSABLE_GROUP.search(group):
        raise bad_params(
            "a group cannot stand in a rule of QuickSight", "no comma and no quotes", repr(group), [where],
            ["use the group's object id, or a group whose name has none of them"],
        )  # fmt: skip


def rules_table(rules: Iterable[Rule]) -> pa.Table:
    """The rules as a table of texts."""
    cells = [one.cells for one in rules]
    return pa.table(
        {
            name: pa.array([row[at] for row in cells], pa.string())
            for at, name in enumerate(COLUMNS)
        },
        schema=pa.schema([pa.field(name, pa.string(), nullable=False) for name in COLUMNS]),
    )


def table_bytes(table: pa.Table) -> bytes:
    """A table as Parquet, the same bytes for the same rows."""
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, compression="zstd")
    return bytes(stream.getvalue())


def write_rules(folder: Path, rules: Sequence[Rule]) -> list[Path]:
    """Write the rules as CSV and as Parquet."""
    table_path, csv_path = folder / "viewer_rules.parquet", folder / "viewer_rules.csv"
    table_path.write_bytes(table_bytes(rules_table(rules)))
    write_csv(csv_path, COLUMNS, [one.cells for one in rules])
    return [csv_path, table_path]
