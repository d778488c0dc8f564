"""The close as the cloud runs it: the state machine is executed, and each of its tasks is the real program."""

from __future__ import annotations

import pytest

from tests.close.months import FILES, INVOICES, JULY, MAY, run_process
from tests.params_folder import added, write_params
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow

MAY_ENDS, JULY_ENDS = "2026-05-31T23:59:00Z", "2026-07-31T23:59:00Z"
FINAL_JULY = [line_item(12.0, "CC-1", bill_invoice_id="900000003")]


def test_a_month_is_closed_handed_out_and_verified(close, month):
    flow = close()
    ended = flow.run(date=MAY_ENDS, scheduled="yes")
    assert ended["status"] == "SUCCEEDED", [one.said for one in flow.tasks]
    assert month.books.closed_periods() == [MAY]
    assert {key: (one["status"], one["exit_code"]) for key, one in flow.steps().items()} == {
        (f"close {MAY}", name): ("done", "0") for name in ("monthly-close", "handout", "verify")
    }
    assert [one.command[0] for one in flow.tasks] == ["monthly-close", "handout", "verify"]
    assert flow.told("decisions") == flow.told("operations") == []


def test_a_month_that_is_not_final_is_asked_for_again_until_it_is(close, month, tmp_path):
    asked_for = tmp_path / "delivered"
    asked_for.symlink_to(month.report)
    flow = close(cur=asked_for)
    execution = flow.start(date=JULY_ENDS, scheduled="yes")
    flow.until(f"close {JULY}", "monthly-close", "waiting")
    assert flow.steps()[f"close {JULY}", "monthly-close"]["exit_code"] == "3"
    assert month.books.closed_periods() == []
    (month.params / "invoices.csv").write_text(
        INVOICES + f"900000003,{JULY},AWS,USD,12.00,finance,PDF\n"
    )
    final = write_report(tmp_path / "final", FINAL_JULY, period=JULY)
    (tmp_path / "new").symlink_to(final)
    (tmp_path / "new").replace(asked_for)
    ended = flow.ended(execution)
    assert ended["status"] == "SUCCEEDED", flow.causes(execution)
    assert month.books.closed_periods() == [JULY]
    codes = [one.exit_code for one in flow.tasks if one.command[0] == "monthly-close"]
    assert codes[-1] == 0 and set(codes[:-1]) == {3}
    assert flow.steps()[f"close {JULY}", "monthly-close"]["asked"] == str(len(codes) - 1)
    assert flow.told("decisions") == flow.told("operations") == []


def test_a_month_that_stays_open_is_told_after_it_was_asked_for_as_often_as_agreed(close):
    flow = close(ask_times="1")
    assert outcome(flow.run(date=JULY_ENDS)) == "not_final"
    assert [one.exit_code for one in flow.tasks] == [3, 3]
    assert_told(flow, "decisions", f"close {JULY}", "monthly-close", "3", "not_final")


def test_a_control_that_fails_is_told_to_who_decides_and_nothing_follows(close, month):
    (month.params / "invoices.csv").write_text(INVOICES.replace("100.01", "200.01"))
    flow = close()
    assert outcome(flow.run(date=MAY_ENDS)) == "control_failed"
    assert [(one.command[0], one.exit_code) for one in flow.tasks] == [("monthly-close", 4)]
    assert "200.01" in flow.tasks[0].said
    assert month.books.closed_periods() == []
    assert_told(flow, "decisions", f"close {MAY}", "monthly-close", "4", "control_failed")


def test_what_cannot_be_reached_is_tried_again_and_then_told_to_operations(close, tmp_path):
    flow = close(cur=tmp_path / "nothing", retry_times="1")
    assert outcome(flow.run(date=MAY_ENDS)) == "unreachable"
    assert [one.exit_code for one in flow.tasks] == [6, 6]
    assert flow.steps()[f"close {MAY}", "monthly-close"]["failed"] == "1"
    assert_told(flow, "operations", f"close {MAY}", "monthly-close", "6", "unreachable")


def test_what_can_be_reached_again_is_closed(close, month, tmp_path):
    late = tmp_path / "late"
    flow = close(cur=late, retry_times="60")
    execution = flow.start(date=MAY_ENDS)
    flow.until(f"close {MAY}", "monthly-close", "retrying")
    late.symlink_to(month.report)
    assert flow.ended(execution)["status"] == "SUCCEEDED", flow.causes(execution)
    codes = [one.exit_code for one in flow.tasks if one.command[0] == "monthly-close"]
    assert codes[-1] == 0 and set(codes[:-1]) == {6}
    assert flow.told("operations") == []


def test_params_that_are_wrong_are_not_tried_again(close, month):
    (month.params / "policy.toml").write_text("colour = 'red'\n")
    flow = close()
    assert outcome(flow.run(date=MAY_ENDS)) == "bad_params"
    assert [one.exit_code for one in flow.tasks] == [2]
    assert_told(flow, "decisions", f"close {MAY}", "monthly-close", "2", "bad_params")


def test_a_closed_period_that_would_change_is_told(close, month):
    assert run_process("monthly-close", MAY, *month.options).exit_code == 0
    moved = added("adjustments.csv", f"{MAY},CC-1,CC-2,3.00,licences,REF-2,Ann,Bob,2026-01-20")
    write_params(month.params, **{**FILES, "adjustments_csv": moved})
    flow = close()
    assert outcome(flow.run(date=MAY_ENDS)) == "would_change"
    assert [one.exit_code for one in flow.tasks] == [5]
    assert_told(flow, "decisions", f"close {MAY}", "monthly-close", "5", "would_change")


def test_a_task_that_cannot_start_is_tried_again_and_told(close):
    flow = close(cluster="which-is-not-there")
    assert outcome(flow.run(date=MAY_ENDS)) == "unreachable"
    assert flow.tasks == []
    assert_told(flow, "operations", f"close {MAY}", "monthly-close", "none", "unreachable")


def outcome(ended):
    """The error that a failed execution ended with."""
    assert ended["status"] == "FAILED"
    return ended["error"]


def assert_told(flow, topic, run, step, exit_code, name):
    """One message came to the topic and none to the other, and the step's state says the same."""
    other = {"decisions": "operations", "operations": "decisions"}[topic]
    [message], others = flow.told(topic), flow.told(other)
    assert others == []
    assert message["Subject"] == f"Chargeback {run}: {step} stopped, {name}"
    assert f"ended with exit code {exit_code}: " in message["Message"]
    assert message["MessageAttributes"]["outcome"]["Value"] == name
    found = flow.steps()[run, step]
    assert (found["status"], found["exit_code"]) == (name, exit_code)
    assert list(flow.steps()) == [(run, step)]
