"""One unit's rows of this period and the last closed one, how they are summed, named and shortened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.ledger.references import References
from chargeback.params import Params
from chargeback.statements.extract.charges import Charges, History, Row
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO, Listed, Rest, RowType, total_of


@dataclass(frozen=True)
class UnitRows:
    """One unit's charges, and those of the last closed period, where there is one.

    Args:
        previous: rows of `charges.History`, empty where there is no earlier period.
        references: of the lines that all rows of the unit make.
    """

    unit_id: str
    rows: list[Row]
    previous: list[Row]
    previous_period: str | None
    references: References

    @classmethod
    def of(cls, inputs: StatementInputs, charges: Charges, past: History, unit_id: str) -> UnitRows:
        """A unit's rows among those of all units."""
        before = inputs.previous_period
        old = past.get(unit_id, {}).get(before, []) if before else []
        rows = charges.of_unit(unit_id)
        references = References.of(inputs.billing_period, unit_id, rows)
        return cls(unit_id, rows, old, before, references)

    def of_kind(self, kind: str) -> UnitRows:
        """The rows of one kind of posting, in both periods."""
        return UnitRows(
            self.unit_id,
            rows_of_kind(self.rows, kind),
            rows_of_kind(self.previous, kind),
            self.previous_period,
            self.references,
        )

    def compared(self, column: str) -> list[tuple[str, Decimal, Decimal | None]]:
        """Sums by a column beside those of the last closed period, the largest first."""
        now, then = sums_by(self.rows, column), sums_by(self.previous, column)
        return [
            (key, now.get(key, ZERO), then.get(key, ZERO) if self.previous_period else None)
            for key in sorted(now.keys() | then.keys(), key=lambda key: (-now.get(key, ZERO), key))
        ]


def rows_of_kind(rows: Iterable[Row], kind: str) -> list[Row]:
    """The rows of one kind of posting."""
    return [row for row in rows if row["kind"] == kind]


def rows_by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """The rows by a column, in their order; what the column says nothing of is under a blank."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column] or "", []).append(row)
    return found


def sum_of(rows: Iterable[Row]) -> Decimal:
    """What ledger rows sum to."""
    return sum((row["amount"] for row in rows), ZERO)


def sums_by(rows: Iterable[Row], column: str) -> dict[str, Decimal]:
    """Amounts by a column, the largest first."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        found[row[column] or ""] += row["amount"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def listed(rows: Sequence[RowType], limit: int) -> Listed[RowType]:
    """At most `limit` lines: the largest rows by absolute amount, in the order given, and the rest."""
    if len(rows) <= limit:
        return Listed(tuple(rows))
    by_size = sorted(range(len(rows)), key=lambda place: -abs(rows[place].amount))
    kept = set(by_size[: limit - 1])
    rest = [row for place, row in enumerate(rows) if place not in kept]
    before: list[Decimal | None] = [getattr(row, "previous", None) for row in rest]
    known = [one for one in before if one is not None]
    return Listed(
        tuple(row for place, row in enumerate(rows) if place in kept),
        Rest(len(rest), total_of(rest), sum(known, ZERO) if len(known) == len(rest) else None),
    )


def cost_center_name(params: Params, cost_center_id: str) -> str:
    """A cost center's name; its id where the params do not know it any more."""
    center = params.cost_centers.get(cost_center_id)
    return center.name if center else cost_center_id


def account_name(params: Params, account_id: str) -> str:
    """An account's name; its id where the params do not know it."""
    account = params.accounts.get(account_id)
    return account.name if account else account_id or "(no account)"


def pool_names(params: Params) -> dict[str, str]:
    """The names of the pools of the params."""
    return {pool.pool_id: pool.name for pool in params.pools}
