"""What statements are made from, grouped by business unit once: no statement goes through the rows of others.

In: a period's inputs. Out: `Grouped`. What always holds: a unit's group is what going through everything and
keeping the unit's own would give, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chargeback.books.counted import Counted
from chargeback.ledger.budgets import MonthBudget, month_budgets
from chargeback.params.budgets import PlannedYear
from chargeback.statements.accounts import accounts_of_units
from chargeback.statements.extract.charges import History, Row, history
from chargeback.statements.extract.untagged import untagged_of, without_usable_tag
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Untagged


@dataclass(frozen=True)
class Grouped:
    """The inputs of a period by what they are grouped by; what has nothing has no entry.

    Args:
        past: earlier charges by unit and period.
        accounts: the accounts of each unit.
        untagged: what no usable tag owns, by account.
        centers: the cost centers of each unit by the params, by id.
        budgets: the budgets of each unit, by cost center and month.
        planned: what is entered of the year for each cost center, with its place among all that is entered.
        metrics: the quantities of each unit and its cost centers.
    """

    past: History
    accounts: Mapping[str, set[str]]
    untagged: Mapping[str, list[Row]]
    centers: Mapping[str, list[str]]
    budgets: Mapping[str, list[MonthBudget]]
    planned: Mapping[str, list[tuple[int, PlannedYear]]]
    metrics: Mapping[str, list[Counted]]

    @classmethod
    def of(cls, inputs: StatementInputs) -> Grouped:
        """Everything that several units have a part in, by its owner."""
        params = inputs.params
        untagged: dict[str, list[Row]] = {}
        for row in without_usable_tag(inputs):
            untagged.setdefault(row["account_id"], []).append(row)
        centers: dict[str, list[str]] = {}
        for key, center in sorted(params.cost_centers.items()):
            centers.setdefault(center.business_unit_id, []).append(key)
        budgets: dict[str, list[MonthBudget]] = {}
        for budget in month_budgets(params.budgets):
            budgets.setdefault(budget.business_unit_id, []).append(budget)
        planned: dict[str, list[tuple[int, PlannedYear]]] = {}
        for place, year in enumerate(params.budgets):
            planned.setdefault(year.cost_center_id, []).append((place, year))
        accounts = accounts_of_units(params, inputs.owned_costs)
        metrics: dict[str, list[Counted]] = {}
        for one in inputs.metrics:
            metrics.setdefault(one.count.business_unit_id, []).append(one)
        return cls(history(inputs), accounts, untagged, centers, budgets, planned, metrics)

    def untagged_of(self, inputs: StatementInputs, unit_id: str) -> Untagged:
        """What has no usable tag in a unit's accounts."""
        accounts = self.accounts.get(unit_id, set())
        rows = [row for one in sorted(accounts) for row in self.untagged.get(one, ())]
        return untagged_of(inputs, accounts, self.centers.get(unit_id, ()), rows)
