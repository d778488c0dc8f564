"""The estate with quantities: what each unit counts, and how a month of it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal

from chargeback.books.counted import Counted
from chargeback.params.metrics import COMPANY, Metric, MetricName
from chargeback.statements.inputs import StatementInputs
from tests.statements.estate import PERIOD, PERIODS, UNITS, business, estate

CLAIM = MetricName("Claims adjudicated", "claim", "claims")
FILL = MetricName("Prescriptions", "prescription", "prescriptions", 1000)
CALL = MetricName("Calls", "call", "calls")

#: The cost centers of the pharmacy that count prescriptions; the third one counts none.
FORMULARY, MAIL = "CC-1050", "CC-1070"


def counted(
    period: str, metric: str, unit: str, quantity: str, name: MetricName, center: str = "", **more
) -> Counted:
    """A quantity that holds."""
    count = Metric(
        period, metric, unit, center, Decimal(quantity), "core systems", f"{period}-28", True
    )
    return Counted(count, name, **more)


def some_metrics() -> Iterable[Counted]:
    """Claims of a unit, circular; prescriptions by cost center, one recounted; calls: none in May."""
    for number, period in enumerate((*PERIODS, PERIOD)):
        circular = ("Transit gateways and network",) if period == PERIOD else ()
        yield counted(
            period, "claims", "claims", str(120_000 + 1_111 * number), CLAIM, circular=circular
        )
        yield counted(period, "claims", COMPANY, str(400_000 + number), CLAIM)
        closed = counted(period, "fills", "pharmacy", "1", FILL, FORMULARY).count
        is_recounted = period == PERIODS[-1]
        yield counted(
            period, "fills", "pharmacy", f"{77_000 + 7 * number}.5", FILL, FORMULARY,
            closed=closed if is_recounted else None,
        )  # fmt: skip
        if number > 1:
            yield counted(period, "fills", "pharmacy", str(9_100 - number), FILL, MAIL)
        if period != PERIODS[-2]:
            quantity = "0" if period == PERIOD else "4400"
            is_late = period == PERIODS[-1]
            yield counted(period, "calls", "corporate", quantity, CALL, is_late=is_late)


def counted_estate() -> StatementInputs:
    """A closed month of four business units, three of which count something."""
    units = {name: UNITS[name] for name in ("claims", "pharmacy", "corporate")}
    units |= {"innovation": ("Innovation Lab", [])}
    return dataclasses.replace(estate(business(units)), metrics=tuple(some_metrics()))
