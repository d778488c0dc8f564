"""Scope: whose rows a dashboard is made of, and who may open it.

A page is for a business unit, for a cost center that viewers.toml grants by itself, or for all units. What
always holds: whoever may open a page sees every row that it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chargeback.params.viewers import ROLES, VIEWER, Grant, Sight, Viewers

UNIT, COST_CENTER, ALL = "business-unit", "cost-center", "all"


@dataclass(frozen=True, order=True)
class Scope:
    """Whose rows.

    Args:
        kind: UNIT, COST_CENTER or ALL.
        id: of the unit or cost center; blank for all.
    """

    kind: str
    id: str = ""

    @property
    def grant(self) -> Grant:
        """Exactly the rows of the scope, as a policy would grant them."""
        if self.kind == ALL:
            return Grant("", VIEWER, all=True)
        if self.kind == UNIT:
            return Grant("", VIEWER, business_units=(self.id,))
        return Grant("", VIEWER, cost_centers=(self.id,))

    @property
    def sight(self) -> Sight:
        """Its rows, for `visible_rows`."""
        return Sight((self.grant,))

    def is_seen_by(self, sight: Sight) -> bool:
        """Whether somebody may open the page."""
        if sight.everything:
            return True
        if self.kind == ALL:
            return False
        if self.kind == UNIT:
            return sight.unit_role(self.id, ROLES)
        return any(self.id in one.cost_centers for one in sight.grants)


def scopes(unit_ids: Iterable[str], viewers: Viewers) -> list[Scope]:
    """The pages that are made: all, every unit, and every cost center that somebody sees by itself."""
    granted = {center for one in viewers.grants for center in one.cost_centers}
    return [
        Scope(ALL),
        *(Scope(UNIT, one) for one in sorted(set(unit_ids))),
        *(Scope(COST_CENTER, one) for one in sorted(granted)),
    ]
