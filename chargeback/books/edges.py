"""Edges: what came into a step and what went out of it, in rows and in money, which must be the same.

Each stage of a close is checked at both edges, so that nothing gets lost or doubled between two tables; a
notebook shows the same figures. The money is exact: there is no tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.core.errors import CONTROL_FAILED, Refusal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Edge:
    """One side of a step.

    Args:
        name: what stands there, such as "rollup".
        rows: how many of what is counted on this side.
        counted: what is counted, such as "line items".
    """

    name: str
    rows: int
    counted: str
    amount: Decimal


@dataclass(frozen=True)
class Edges:
    """Both sides of a stage. Rows are compared where both sides count the same thing."""

    stage: str
    came_in: Edge
    went_out: Edge

    @property
    def difference(self) -> Decimal:
        """Money that went out less money that came in."""
        return self.went_out.amount - self.came_in.amount

    @property
    def more_rows(self) -> int | None:
        """Rows that went out less rows that came in; None where the two sides count different things."""
        if self.went_out.counted != self.came_in.counted:
            return None
        return self.went_out.rows - self.came_in.rows

    def require(self) -> None:
        """Stop when the two sides are not the same (exit 4)."""
        if not self.difference and not self.more_rows:
            return
        raise Refusal(
            CONTROL_FAILED, "what went out of a stage is not what came in", said(self.came_in),
            said(self.went_out), f"{self.difference:f} in money, {self.more_rows or 0:,} in rows",
            [f"the stage {self.stage}"],
            ["do not close: this is a defect of the program; report it with this block"],
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Both sides and the difference, to be looked at."""
        import pandas as pd  # for notebooks, where it is there already

        sides = {"came in": self.came_in, "went out": self.went_out}
        rows = [
            (side, one.name, f"{one.rows:,} {one.counted}", one.amount)
            for side, one in sides.items()
        ]
        more = "" if self.more_rows is None else f"{self.more_rows:,} {self.came_in.counted}"
        rows.append(("difference", "", more, self.difference))
        return pd.DataFrame(rows, columns=["", "what", "rows", "amount"]).set_index("")

    def lines(self) -> str:
        """The same as plain text, for facts."""
        more = "" if self.more_rows is None else f"{self.more_rows:,} {self.came_in.counted} and "
        return (
            f"came in:    {said(self.came_in)}\nwent out:   {said(self.went_out)}\n"
            f"difference: {more}{self.difference:,.10f}"
        )


def said(edge: Edge) -> str:
    """A side in one line."""
    return f"{edge.name}, {edge.rows:,} {edge.counted}, {edge.amount:,f}"
