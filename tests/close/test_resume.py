"""A close that stopped: nothing is published, and the next run goes on from there to the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from chargeback.books.verify import verify_period
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, UNREACHABLE, unreachable
from tests.close.months import (
    INVOICES,
    MAY,
    MAY_FILES,
    Month,
    assert_refused,
    digests,
    in_work,
    manifest,
    state,
)
from tests.reports import write_report

pytestmark = pytest.mark.slow
WORK = [f"billing_period={MAY}"]


def enter(month, total: str) -> None:
    """Enter the total of May's invoice."""
    (month.params / "invoices.csv").write_text(INVOICES.replace("100.01", total))


def stages_done_before(said: str) -> list[str]:
    """The stages that a run left out because they were done before."""
    return [line.split()[1] for line in said.splitlines() if line.endswith("(done before)")]


def assert_same_as_uninterrupted(month, closed) -> None:
    """Whatever can be derived is, byte for byte, as in a close that nothing stopped."""
    whole = closed[0].books
    ours, theirs = manifest(month.books), manifest(whole)
    assert ours.pop("run")["files"].keys() == theirs.pop("run")["files"].keys()
    for one in (ours, theirs):  # which books they are, and where in their history
        assert one.pop("books") and one.pop("history")["closes"] == []
    assert ours == theirs
    assert verify_period(month.books, MAY) == []
    assert sorted(digests(month.books.evidence(MAY))) == sorted(digests(whole.evidence(MAY)))
    assert in_work(month.books) == []


def test_an_invoice_without_a_total_stops_at_the_ledger_and_publishes_nothing(stopped):
    month, ended = stopped
    assert_refused(
        ended, CONTROL_FAILED, "sources_tie_to_invoices", "invoice_id 900000001",
        "enter the invoice's total in invoices.csv",
    )  # fmt: skip
    done = [line.split()[1] for line in ended.said.splitlines() if "/6 " in line]
    assert done == ["sources", "rollup", "attribution", "allocation"]
    assert state(month.books) == {}
    assert in_work(month.books) == WORK


def test_the_next_run_goes_on_from_the_stage_that_stopped(resumable, closed, run):
    enter(resumable, "101.01")  # another mistake, above the limit of 1.00
    ended = run("monthly-close", MAY, *resumable.options)
    assert_refused(
        ended, CONTROL_FAILED, "sources_tie_to_invoices",
        "1.014 more on the invoice than in the report",
    )  # fmt: skip
    assert stages_done_before(ended.said) == ["sources", "rollup", "attribution", "allocation"]
    assert (state(resumable.books), in_work(resumable.books)) == ({}, WORK)
    enter(resumable, "100.01")
    ended = run("monthly-close", MAY, *resumable.options)
    assert ended.exit_code == DONE, ended.refused
    assert stages_done_before(ended.said) == ["sources", "rollup", "attribution", "allocation"]
    assert_same_as_uninterrupted(resumable, closed)


def spoil_the_rollup(month, _) -> Month:
    path = month.books.work(MAY) / "rollup.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    return month


def deliver_again(month, folder) -> Month:
    return replace(month, report=write_report(folder / "later", *MAY_FILES))


def move_the_alias(month, _) -> Month:
    path = month.params / "tag_values.csv"
    path.write_text(path.read_text().replace("web,CC-1", "web,CC-9"))
    return month


def leave_it(month, _) -> Month:
    return month


@pytest.mark.parametrize(
    "change, expected",
    [
        (spoil_the_rollup, "rollup"),
        (deliver_again, "sources"),
        (move_the_alias, "attribution"),
        (leave_it, "ledger"),
    ],
)
def test_work_that_does_not_fit_any_more_is_done_again(
    change, expected, resumable, run, tmp_path, monkeypatch
):
    resumable = change(resumable, tmp_path)
    begun = []

    def begin(_, stage):
        begun.append(stage)
        raise unreachable("this is enough")

    monkeypatch.setattr(stages, "run_stage_notebook", begin)
    assert run("monthly-close", MAY, *resumable.options).exit_code == UNREACHABLE
    assert begun == [expected]


KILLED = """
import os, signal, sys
from chargeback.cli import main
from chargeback.delivery import moving
sync_folder = moving.sync
def killed(folder):
    sync_folder(folder)
    if folder.name == "evidence":
        os.kill(os.getpid(), signal.SIGKILL)
moving.sync = killed
main(sys.argv[1:])
"""


def test_a_run_that_is_killed_before_the_ledger_appears_leaves_the_period_open(
    resumable, closed, run
):
    enter(resumable, "100.01")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "monthly-close", MAY, *resumable.options],
        capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    books = resumable.books
    assert books.statements(MAY).is_dir() and books.evidence(MAY).is_dir()
    assert not books.ledger(MAY).exists() and books.closed_periods() == []
    ended = run("monthly-close", MAY, *resumable.options)
    assert ended.exit_code == DONE, ended.refused
    assert stages_done_before(ended.said) == [
        "sources",
        "rollup",
        "attribution",
        "allocation",
        "ledger",
    ]
    assert_same_as_uninterrupted(resumable, closed)


def test_params_that_change_during_the_close_are_noticed(resumable, run, monkeypatch):
    run_stage = stages.run_stage_notebook

    def edited_meanwhile(work, stage):
        run_stage(work, stage)
        if stage == "statements":
            enter(resumable, "100.02")

    monkeypatch.setattr(stages, "run_stage_notebook", edited_meanwhile)
    enter(resumable, "100.01")
    ended = run("monthly-close", MAY, *resumable.options)
    assert_refused(
        ended, BAD_USAGE, f"the params changed while {MAY} was being closed", "invoices.csv"
    )
    # The key that signed the statements stays; nothing of the period does.
    assert [one for one in state(resumable.books) if one.split("/")[0] != "keys"] == []
    assert in_work(resumable.books) == WORK


def test_an_interrupt_is_said_in_a_sentence(resumable, run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(close, "run_stages", interrupted)
    ended = run("monthly-close", MAY, *resumable.options)
    assert ended.exit_code == UNREACHABLE
    assert ended.refused.startswith("STOPPED  interrupted; nothing was published")
    assert (state(resumable.books), in_work(resumable.books)) == ({}, WORK)
