"""Everything that the controls ask of a unit's finished files, read at once; many units in several processes.

In: the folder of finished statements and what they were made from. Out: `UnitRead` for each unit, and what in
statements depends on other units. Each file is taken apart once for all controls. Reading the files of one unit
needs nothing of how those of another read, so that many units are read by several processes (`core.workers`);
few are read in this one, where starting others would take longer.

What always holds: the same comes out either way, in the order of the units' ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path

from chargeback.books.tables import statement_total
from chargeback.core.errors import Refusal, unreachable
from chargeback.core.workers import can_share, share_work
from chargeback.statements.budget_readback import Shown as ShownBudget
from chargeback.statements.budget_readback import budget_ids, unit_budget_figures
from chargeback.statements.extract import Charges
from chargeback.statements.independence import Dependence, dependences_of, foreign_details, rounds
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.leaks import Strange, strange_in_files
from chargeback.statements.model import Statement
from chargeback.statements.readback import known_ids, unit_figures
from chargeback.statements.seen_totals import totals_shown
from chargeback.statements.unit_cost_readback import FileFigure, unit_cost_figures

#: Up to so many units are read in this process: others would take longer to start than they spare.
FEW_UNITS = 24

#: Units that a worker reads in one go.
TOGETHER = 4


@dataclass(frozen=True)
class Files:
    """The finished files of all units, and what they were made from."""

    folder: Path
    inputs: StatementInputs
    charges: Charges
    statements: Mapping[str, Statement]

    @cached_property
    def ids(self) -> dict[str, frozenset[str]]:
        """What rows of a PDF can be about."""
        return known_ids(self.inputs)

    @cached_property
    def budget_ids(self) -> frozenset[str]:
        """What rows of budgets can be about."""
        return budget_ids(self.inputs)

    @cached_property
    def charged(self) -> Decimal:
        """What all units together are charged."""
        return statement_total(self.inputs.postings)


@dataclass(frozen=True)
class UnitRead:
    """What one unit's files show, for each control."""

    figures: list[tuple[str, str, str, Decimal | None]]
    budget: list[ShownBudget]
    unit_costs: list[FileFigure]
    totals: set[str]
    strange: Strange


@dataclass(frozen=True)
class AllRead:
    """What the files of all units show, by unit; and what in statements others have a part in."""

    units: Mapping[str, UnitRead]
    depending: Sequence[Dependence]


#: Some units that are read; or the units of a round of the proof that statements depend on nobody else.
Task = tuple[str, tuple[str, ...]]
READ, PROVE = "read", "prove"


def read_unit(files: Files, unit_id: str) -> UnitRead:
    """Read a unit's files.

    Raises:
        Refusal: (exit 6) a file is absent, or a PDF is none.
    """
    folder, inputs, statement = files.folder, files.inputs, files.statements[unit_id]
    return UnitRead(
        unit_figures(folder, unit_id, files.ids),
        unit_budget_figures(folder, unit_id, files.budget_ids),
        unit_cost_figures(folder, statement) if inputs.metrics else [],
        totals_shown(folder, inputs, unit_id, files.charged),
        strange_in_files(folder, inputs, files.charges, statement),
    )


def do_task(files: Files, task: Task) -> list[UnitRead] | list[Dependence]:
    """What a worker does."""
    what, units = task
    if what == READ:
        return [read_unit(files, one) for one in units]
    published = files.charges.published
    return list(dependences_of(files.inputs, published, files.statements, frozenset(units)))


def not_read(task: Task, found: str) -> Refusal:
    """That a worker ended, or met what nobody expected."""
    _, units = task
    names = ", ".join(units[:TOGETHER]) + (" and others" if len(units) > TOGETHER else "")
    return unreachable(
        f"the statements of {names} could not be read back", "what their files show", found, [],
        ["run the same command again; where a process ended, check free memory first"],
    )  # fmt: skip


def read_all(files: Files) -> AllRead:
    """Read the files of all units.

    Raises:
        Refusal: (exit 6) a file is absent, a PDF is none, or a process that read them ended; the first by the
            units' ids.
    """
    ids = sorted(files.statements)
    tasks: list[Task] = [(READ, some) for some in in_groups(ids)]
    tasks += [(PROVE, tuple(sorted(kept))) for kept in rounds(ids)]
    done = (
        share_work(f"{__name__}:{do_task.__name__}", files, tasks, not_read)
        if len(ids) > FEW_UNITS and can_share()
        else [do_task(files, one) for one in tasks]
    )
    units, depending = dict[str, UnitRead](), dict[Dependence, None]()
    for (what, some), found in zip(tasks, done, strict=True):
        if what == READ:
            units |= zip(some, found, strict=True)
        else:
            depending |= dict.fromkeys(found)
    depending |= dict.fromkeys(foreign_details(files.inputs))
    return AllRead(units, list(depending))


def in_groups(ids: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Units as they are read together."""
    left = iter(ids)
    while some := tuple(islice(left, TOGETHER)):
        yield some
