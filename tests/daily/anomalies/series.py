"""Daily series made by hand: days up to the middle of May 2026, dollars by group."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from chargeback.daily.anomalies.series import Cell, Floats, History, history

LAST = date(2026, 5, 20)
DAYS = 140
WEB = Cell("shop", "CC-1", "AmazonEC2")
DATABASE = Cell("shop", "CC-1", "AmazonRDS")
OTHER = Cell("core", "CC-9", "AmazonEC2")


def days(number: int = DAYS) -> list[date]:
    """So many days up to the last one."""
    return [LAST - timedelta(number - 1 - at) for at in range(number)]


def steady(level: float = 1000.0, seed: int = 1, number: int = DAYS) -> Floats:
    """Working days with less on weekends, three percent of noise, a tenth more in a quarter."""
    draw = np.random.default_rng(seed)
    weekend = np.array([0.6 if day.weekday() >= 5 else 1.0 for day in days(number)])
    return level * weekend * draw.normal(1, 0.03, number) * np.linspace(1, 1.15, number)


def made(**cells: Floats) -> History:
    """A history of cells by name: web, database, other."""
    named = {"web": WEB, "database": DATABASE, "other": OTHER}
    number = len(next(iter(cells.values())))
    return history(
        {
            day: {named[name]: Decimal(f"{costs[at]:.10f}") for name, costs in cells.items()}
            for at, day in enumerate(days(number))
        },
        LAST,
    )
