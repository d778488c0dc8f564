"""What notebooks show of controls."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from chargeback.engine import read_sql
from chargeback.engine.controls import Outcome


def control_lines(outcomes: Iterable[Outcome]) -> str:
    """The verdict of the controls, one line each."""
    return "\n".join(
        f"control {outcome.name}: {'holds' if outcome.holds else 'BROKEN'}" for outcome in outcomes
    )


def controls_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Controls with the number of rows that break them."""
    return pd.DataFrame([outcome.record() for outcome in outcomes])


def control_sql(outcomes: Iterable[Outcome]) -> list[str]:
    """The SQL of controls, which has no parameters and runs as it stands in sql/controls/."""
    return [read_sql("controls", outcome.name) for outcome in outcomes]
