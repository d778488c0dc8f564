"""The sample estate: a health insurer's cost and usage reports, generated, with every ugly case in
them that honest people make.

40 AWS accounts, 8 business units, 24 cost centers, about $3.1M a month and growing 9 % a quarter;
six final periods and one that is still open. `params/` describes the same organization, so that a
close of the sample needs no configuration. Reports are deterministic: the same arguments give the
same bytes, each period by itself, at 5,000 line items as at tens of millions.

Amounts are made up but add up: invoices are planned in cents (plan.py), line items are spread to
meet them exactly (spread.py), and Savings Plans and reservations hold in every column
(commitments.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.sample.months import FIRST_PERIOD, LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS
from chargeback.sample.writer import CUR_2, EXPORTS, write_period

__all__ = [
    "FIRST_PERIOD",
    "FORMS",
    "LAST_FINAL_PERIOD",
    "OPEN_PERIOD",
    "PERIODS",
    "SEED",
    "write_estate",
]

SEED = 20260531
FORMS = tuple(EXPORTS)


def write_estate(
    folder: Path,
    periods: Sequence[str] = PERIODS,
    line_items: int = 250_000,
    seed: int = SEED,
    progress: Callable[[str], None] | None = None,
    form: str = CUR_2,
) -> None:
    """Write the reports of some periods into a folder, as Data Exports lays them out.

    A period that the same generator wrote with the same arguments is left alone.

    Args:
        line_items: line items of each period; below 50,000 the report is daily instead of hourly.
            The total money is the same whatever their number.
        progress: called with one line for each period written.
        form: as what AWS would write them, one of FORMS.

    Raises:
        Refusal: (exit 2) the estate does not have a period, or there are too few line items for it.
    """
    unknown = [period for period in periods if period not in PERIODS]
    if unknown:
        raise bad_params(
            "the sample estate does not have this period", f"{FIRST_PERIOD} to {OPEN_PERIOD}",
            ", ".join(unknown),
            todo=["name your own report with CUR= and your params with PARAMS="],
        )  # fmt: skip
    for period in periods:
        if write_period(folder, period, line_items, seed, form) and progress:
            progress(f"sample report of {period} written: {line_items:,} line items")
