"""The close as the cloud runs it: the state machine is executed, and each of its tasks is the real program."""

from __future__ import annotations

import shutil

import pytest

from tests.close.months import JULY, MAY, write_month
from tests.flow.machines import cloud, make_flow, program_runs
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow

CLOSE = [
    {"name": "monthly-close", "command": ["monthly-close", "--handout", "no"]},
    {"name": "handout", "command": ["handout"]},
    {"name": "verify", "command": ["verify"]},
]


@pytest.fixture
def month(tmp_path):
    return write_month(tmp_path)


@pytest.fixture
def flow(month):
    """The close flow on a month's report, params and books, and the tasks that it ran."""
    variables = {"CHARGEBACK_PARAMS": str(month.params), "CHARGEBACK_BOOKS": str(month.books.root)}
    with cloud(), program_runs(variables) as tasks:
        made = make_flow("close", "period", CLOSE, month.report)
        made.tasks = tasks
        yield made


def test_a_month_is_closed_handed_out_and_verified(flow, month):
    ended = flow.run(date="2026-05-31T23:59:00Z", scheduled="yes")
    assert ended["status"] == "SUCCEEDED", flow.causes(ended["executionArn"])
    assert month.books.closed_periods() == [MAY]
    steps = flow.steps()
    assert {key: (one["status"], one["exit_code"]) for key, one in steps.items()} == {
        (f"close {MAY}", name): ("done", "0") for name in ("monthly-close", "handout", "verify")
    }
    assert flow.told("decisions") == flow.told("operations") == []
