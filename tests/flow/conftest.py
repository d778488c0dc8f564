"""The flows on a small month, each in a cloud of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.close.months import Month, write_month
from tests.flow.machines import Flow, cloud, make_flow, program_runs
from tests.flow.steps import CLOSE, DAILY

Start = Callable[..., Flow]


@pytest.fixture
def month(tmp_path: Path) -> Month:
    """May and June, final, and July, open; nothing closed."""
    return write_month(tmp_path)


@pytest.fixture
def make() -> Iterator[Start]:
    """Makes a flow on params, books and a report, whose tasks are the real program."""
    with ExitStack() as until_the_end:

        def flow(
            named_by: str,
            steps: list[dict[str, Any]],
            cur: Path,
            params: Path,
            books: Path,
            **values: str,
        ) -> Flow:
            until_the_end.enter_context(cloud())
            variables = {"CHARGEBACK_PARAMS": str(params), "CHARGEBACK_BOOKS": str(books)}
            tasks = until_the_end.enter_context(program_runs(variables))
            name = {"period": "close", "date": "daily"}[named_by]
            made = make_flow(name, named_by, steps, cur, **values)
            made.tasks = tasks
            return made

        yield flow


@pytest.fixture
def close(month: Month, make: Start) -> Start:
    """Makes the close flow on the month; `cur` is another report than its own."""

    def flow(cur: Path | None = None, **values: str) -> Flow:
        return make("period", CLOSE, cur or month.report, month.params, month.books.root, **values)

    return flow


@pytest.fixture
def daily(make: Start) -> Start:
    """Makes the daily flow on the places of a daily run."""

    def flow(places: dict[str, str], **values: str) -> Flow:
        report, params, books = (Path(places[name]) for name in ("report", "params", "books"))
        return make("date", DAILY, report, params, books, **values)

    return flow
