"""The flows on a small month, each in a cloud of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.close.months import Month, write_month
from tests.flow.machines import Flow, cloud, make_flow, program_runs
from tests.flow.steps import CLOSE, DAILY, DRILL
from tests.posture import deployed
from tests.posture.conftest import made  # noqa: F401

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
            environment: Mapping[str, str] | None = None,
            **values: str,
        ) -> Flow:
            until_the_end.enter_context(cloud())
            variables = {
                "CHARGEBACK_PARAMS": str(params),
                "CHARGEBACK_BOOKS": str(books),
                **(environment or {}),
            }
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


#: Whom the account lets in, as `terraform output posture` has it.
EXPECTED = f"""
[posture]
report_readers = ["{deployed.FINOPS}"]

[posture.statement_readers]
claims = ["{deployed.CLAIMS}"]
"""

#: What tasks are told of the account (infra/live/flow.tf).
TOLD = {
    "CHARGEBACK_ATHENA_DATABASE": deployed.DATABASE, "CHARGEBACK_ATHENA_TABLE": deployed.TABLE,
    "CHARGEBACK_ATHENA_WORKGROUP": deployed.WORKGROUP, "CHARGEBACK_ATHENA_REGION": "us-east-1",
    "CHARGEBACK_SIGNING_KEY": f"kms:{deployed.SIGNING}",
}  # fmt: skip


@pytest.fixture
def daily(make: Start, made: deployed.Made) -> Start:  # noqa: F811
    """Makes the daily flow on the places of a daily run; what is looked at is an account of its own."""

    def flow(places: dict[str, str], **values: str) -> Flow:
        report, params, books = (Path(places[name]) for name in ("report", "params", "books"))
        (params / "sources.toml").write_text(EXPECTED)
        steps = [
            {**one, **({"cur": "athena"} if one["name"] == "posture" else {})} for one in DAILY
        ]
        account = {**made.account.environment(), **TOLD}
        return make("date", steps, report, params, books, account, **values)

    return flow


@pytest.fixture
def drill(month: Month, make: Start) -> Start:
    """Makes the flow of drills on the month."""

    def flow(**values: str) -> Flow:
        return make("date", DRILL, month.report, month.params, month.books.root, **values)

    return flow
