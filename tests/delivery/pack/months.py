"""Two small months to hand out, closed with real statements; worked out in tests/close/months.py.

                     May 2026          June 2026
shop                 80.00             30.00 (CC-2, tagged)
core                 20.01             20.00 (CC-9, tagged)
all                 100.01             50.00
untagged pool        15.00, even           -
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.delivery.released import ClosedForDelivery, closed_for_delivery
from tests.close.months import JUNE, MAY, Month, month_in, write_month
from tests.stage_runs import run_stage


def close_months(month: Month, *periods: str) -> None:
    """Close periods in this process, with statements as they are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "run_stage_notebook", run_stage)
        for period in periods:
            work = month.books.work(period)
            closing = WorkFolder(
                period, month.report, month.params, month.books, work, renderer="embedded"
            )
            close.monthly_close(closing, lambda _: None)


def make_months(folder: Path) -> None:
    """May and June, closed."""
    close_months(write_month(folder), MAY, JUNE)


def copy_month(source: Path, folder: Path) -> Month:
    """The months in another folder, to be handed out."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return month_in(folder)


def of(month: Month, period: str = JUNE, by: str = "finance") -> ClosedForDelivery:
    """A closed period of the months, for delivery."""
    return closed_for_delivery(month.books, period, month.params, by)


def deliver(month: Month, *targets: object, period: str = JUNE) -> list[str]:
    """What targets say when they serve a period."""
    said: list[str] = []
    for target in targets:
        target.deliver(of(month, period), said.append)  # type: ignore[attr-defined]
    return said


def write_delivery(month: Month, text: str) -> None:
    """The text of delivery.toml."""
    (month.params / "delivery.toml").write_text(text, encoding="utf-8")


def names_in(month: Month, under: Sequence[str] = ()) -> list[str]:
    """The names of all files of the delivery room."""
    return of(month).room.names("/".join(under))
