"""Expense instance: the expense lines that an instance of ServiceNow holds of a period, and how it knows them.

A line is known by its entry where the instance has a field for it that is long enough; else by its source id,
which every expense line has a field for. A line that a person loaded without the one is found by the other.
Whether the database refuses a second line is what its dictionary says, not what somebody set. What cannot be
read there is taken not to be so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chargeback.core.errors import bad_params
from chargeback.delivery.expense_lines import SOURCE_ID, ExpenseLine, source_prefix
from chargeback.params.servicenow_policy import ServiceNowPolicy
from chargeback.servicenow.connection import Connection
from chargeback.servicenow.table import Column, Record, Table

COST_CENTERS = "cmn_cost_center"
MOST_SHOWN = 8


@dataclass(frozen=True)
class ExpenseInstance:
    """The expense lines of one instance."""

    connection: Connection
    policy: ServiceNowPolicy

    @cached_property
    def table(self) -> Table:
        """The table of expense lines."""
        return Table(
            self.connection, self.policy.expense_table,
            ("number", self.policy.entry_field, SOURCE_ID, "date", "state", "amount", "cost_center",
             "sys_created_on"),
        )  # fmt: skip

    def choose_key(self, lines: Sequence[ExpenseLine]) -> tuple[str, bool]:
        """The field by which lines are known, and whether it is unique."""
        column = self.table.column(self.policy.entry_field)
        longest = max((len(one.known_as(self.policy.entry_field)) for one in lines), default=0)
        if column is None or column.max_length < longest:
            return SOURCE_ID, is_unique(self.table.column(SOURCE_ID))
        return self.policy.entry_field, column.unique

    def read(
        self, key: str, of_period: str, lines: Sequence[ExpenseLine]
    ) -> list[tuple[str, Record]]:
        """All lines of a period that are there, each with its entry, or with what it is known by if none."""
        begins = {key: f"{of_period}:", SOURCE_ID: source_prefix(of_period)}
        query = "^OR".join(f"{field}STARTSWITH{text}" for field, text in begins.items())
        found = self.table.every(
            query,
            lambda one: any(one.get(field, "").startswith(text) for field, text in begins.items()),
        )
        entries = {one.known_as(field): one.entry for one in lines for field in begins}
        return [
            (entries.get(one.get(key, "")) or entries.get(one.get(SOURCE_ID, ""))
             or one.get(key) or one.get(SOURCE_ID, ""), one)
            for one in found
        ]  # fmt: skip

    def cost_centers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The sys_id of each cost center.

        Raises:
            Refusal: (exit 2) ServiceNow does not have one, or has it twice; nothing was posted then.
        """
        field = self.policy.cost_center_field
        found: dict[str, list[str]] = {one: [] for one in ids}
        for record in Table(self.connection, COST_CENTERS, (field,)).among(field, ids):
            found[record[field]].append(record["sys_id"])
        wrong = [one for one, records in found.items() if len(records) != 1]
        if wrong:
            raise bad_params(
                "cost centers are not in ServiceNow, or are there twice",
                f"one record of {COST_CENTERS} with each cost_center_id as its {field}",
                f"{len(wrong)} of {len(ids)} otherwise",
                [f"{one}: {len(found[one])} records" for one in wrong[:MOST_SHOWN]],
                ["enter them in ServiceNow, or name the field that holds our ids: cost_center_field in "
                 "[servicenow] of delivery.toml", "nothing was posted"],
            )  # fmt: skip
        return {one: records[0] for one, records in found.items()}


def is_unique(column: Column | None) -> bool:
    """Whether the database refuses a second record of a value."""
    return column is not None and column.unique
