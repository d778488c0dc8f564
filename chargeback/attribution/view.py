"""What the attribution notebook shows: who owns each dollar, and which rule decided."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from chargeback.books.tables import sum_where
from chargeback.engine.control_view import control_lines
from chargeback.engine.controls import Outcome
from chargeback.pages.figures import Chart, bar, grouped


def facts(owned: pa.Table, outcomes: list[Outcome]) -> str:
    """Direct and pooled cost, exact, and the verdicts."""
    return (
        f"direct {sum_where(owned, 'charged_cost', 'cost_center_id')}\n"
        f"pooled {sum_where(owned, 'charged_cost', 'pool_id')}\n"
        f"commitments {sum_where(owned, 'commitment_cost', 'rule')}\n" + control_lines(outcomes)
    )


def rules_table(owned: pa.Table) -> pd.DataFrame:
    """Charged cost by the rule that decided."""
    return grouped(owned, ["rule"], "charged_cost")


def unusable_tags_table(owned: pa.Table) -> pd.DataFrame:
    """Tag values that name no cost center, worst first."""
    sums = grouped(owned, ["unusable_tag_value"], "charged_cost")
    return sums[sums["unusable_tag_value"].notna()].reset_index(drop=True)


def figure(owned: pa.Table, currency: str = "") -> Chart:
    """Charged cost by the rule that decided, as a chart."""
    sums = rules_table(owned)
    return bar(
        sums["rule"].tolist(), sums["charged_cost"].tolist(), "Charged cost by rule", currency
    )
