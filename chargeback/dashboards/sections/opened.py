"""A page's data, as its notebook opens it: the file beside the notebook and nothing else.

In: `dashboard.json` of one scope. Out: what the sections ask of it: names, months, and exact sums of the
charges, which pandas adds as decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pandas as pd

from chargeback.core.errors import bad_params
from chargeback.core.period import month_before, period_title
from chargeback.dashboards.model import TO_DATE, ChargeRow, Dashboard, Month
from chargeback.dashboards.scope import ALL, UNIT
from chargeback.pages.vocabulary import KINDS, service_name
from chargeback.statements.exact_json import from_json

ZERO = Decimal("0.00")

#: What a reader filters by and sees tables of, in this order: a column of `ChargeRow` -> what it is called.
DIMENSIONS = {
    "business_unit_id": "Business unit",
    "cost_center_id": "Cost center",
    "account_id": "Account",
    "product_code": "Service",
    "kind": "Kind",
}
#: Column of `ChargeRow` -> what `model.Name.of` calls it.
NAMED = {
    "business_unit_id": "business_unit", "cost_center_id": "cost_center", "account_id": "account",
    "product_code": "service", "pool_id": "pool",
}  # fmt: skip
#: What stands for a charge that has no account or service of its own.
NONE_OF_IT = {
    "account_id": "No account of its own", "product_code": "No service of its own",
    "business_unit_id": "No business unit", "cost_center_id": "No cost center",
}  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """The data of a page, and what is asked of it."""

    dashboard: Dashboard

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The charges, a row each; amounts are decimals, which pandas adds exactly."""
        names = [one.name for one in fields(ChargeRow)]
        rows = [tuple(getattr(one, name) for name in names) for one in self.dashboard.rows]
        return pd.DataFrame(rows, columns=names, dtype=object)

    @cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        return {(one.of, one.id): one.name for one in self.dashboard.names}

    def label(self, column: str, found: str) -> str:
        """What a reader calls the value of a column of the charges."""
        if column == "kind":
            return KINDS.get(found, found)
        if not found:
            return NONE_OF_IT.get(column, "None")
        name = self._names.get((NAMED[column], found), "")
        if column == "product_code":
            return name or service_name(found)
        return name or found

    def sub(self, column: str, found: str) -> str:
        """The id below a name; blank where the name says it all."""
        label = self.label(column, found)
        return "" if column in ("kind", "product_code") or label == found else found

    @property
    def dimensions(self) -> list[str]:
        """What this page has tables and filters of: what can differ within its scope."""
        left_out = {ALL: (), UNIT: ("business_unit_id",)}.get(
            self.dashboard.scope_kind, ("business_unit_id", "cost_center_id")
        )
        return [one for one in DIMENSIONS if one not in left_out]

    @property
    def months(self) -> tuple[Month, ...]:
        """Closed ones in order, then the open one where something is known of it."""
        return self.dashboard.months

    @cached_property
    def detailed(self) -> list[str]:
        """The months whose charges the page has row by row; of earlier ones it has the amount."""
        known = set(self.frame["billing_period"]) if len(self.frame) else set()
        return [one.billing_period for one in self.months if one.billing_period in known]

    @property
    def last(self) -> str:
        """The last closed month; blank before there is one."""
        return self.dashboard.last_closed

    @property
    def open_month(self) -> Month | None:
        """The month that is not closed, where something is known of it."""
        return next((one for one in reversed(self.months) if one.status != "closed"), None)

    def month(self, period: str) -> Month | None:
        """A month that the page knows."""
        return next((one for one in self.months if one.billing_period == period), None)

    def before(self, period: str) -> str:
        """The closed month right before one; blank where the page has none."""
        wanted = month_before(period) if period else ""
        found = self.month(wanted) if wanted else None
        return wanted if found and found.status == "closed" else ""

    def title(self, period: str) -> str:
        """A month for a reader, with its mark where it is open."""
        found = self.month(period)
        if found is None or found.status == "closed":
            return period_title(period)
        return f"{period_title(period)} ({found.status})"

    def sums(self, columns: Sequence[str], period: str = "") -> dict[tuple[str, ...], Decimal]:
        """Exact sums of the charges by columns, of one month or of all."""
        frame = self.frame
        if period:
            frame = frame[frame["billing_period"] == period]
        if frame.empty:
            return {}
        found = frame.groupby(list(columns), sort=True)["amount"].sum()
        keys = [one if isinstance(one, tuple) else (one,) for one in found.index]
        return dict(zip(keys, found, strict=True))

    @cached_property
    def by_kind(self) -> Mapping[str, Mapping[str, Decimal]]:
        """Of each month, what each kind sums to."""
        found: dict[str, dict[str, Decimal]] = {one.billing_period: {} for one in self.months}
        for (period, kind), amount in self.sums(["billing_period", "kind"]).items():
            found.setdefault(period, {})[kind] = amount
        return found

    @cached_property
    def places(self) -> int:
        """How many decimals the charges have: two, or as many as a month to date needs."""
        exponents = [int(one.amount.as_tuple().exponent) for one in self.dashboard.rows]
        return max([2, *(-one for one in exponents)])

    @property
    def is_partial(self) -> bool:
        """Whether the open month has direct cost only, because shared cost is not spread yet."""
        return self.open_month is not None and self.open_month.status == TO_DATE


def open_dashboard(file: str = "dashboard.json") -> Opened:
    """The data of a page.

    Args:
        file: in the folder that the notebook works in.

    Raises:
        Refusal: (exit 2) there is none, or it is not what a run wrote.
    """
    try:
        return Opened(from_json(Dashboard, Path(file).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise bad_params(
            "there is no data of a dashboard there", "dashboard.json of a page, as make dashboards wrote it",
            str(error).splitlines()[0], [str(Path(file).absolute())],
            ["for example: quarto render reports/dashboard.ipynb --execute -P data_file=FILE"],
        ) from None  # fmt: skip
