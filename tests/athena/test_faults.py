"""What the network and AWS do wrong at any call of a close: it is mended by repeating, or said.

The walk goes over every call of a small close in turn. A fault that passes is mended; one that stays is exit 6
with one whole block, and nothing is published. Afterwards the same close succeeds, with the tables that it has
without any fault.
"""

from __future__ import annotations

import shutil

import pytest

from chargeback.books.manifest import POSTINGS
from chargeback.books.work_folder import WorkFolder
from chargeback.close import stages
from chargeback.close.monthly import monthly_close
from chargeback.close.stages import derive
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.rollup import stage as rollup_stage
from chargeback.sources import stage as sources
from chargeback.sources.stage import RUNNING
from tests.athena.cloud import PATIENCE, TIMEOUT, Account, Fault
from tests.close.months import sha256
from tests.restatement.months import make_no_statements

PASSING = ("500", "503", "reset", "timeout", "half")
STAYING = {
    "500": "AWS did not answer a request",
    "503": "AWS did not answer a request",
    "reset": "AWS did not answer a request",
    "timeout": "AWS did not answer a request",
    "expired": "the AWS credentials have expired",
    "denied": "AWS denied a request",
}
FOREVER = 10_000


def read_report(closing: WorkFolder) -> None:
    """The two stages that read the report."""
    sources.run(closing)
    rollup_stage.run(closing)


def rollup(closing: WorkFolder) -> str:
    """What the stages that read the report made."""
    return sha256(closing.path("rollup.parquet"))


def call_count(account: Account, closing: WorkFolder) -> int:
    """The calls of the stages that read the report, which make all calls of a close."""
    account.cloud.door.fault = None
    account.cloud.door.calls.clear()
    read_report(closing)
    return len(account.cloud.door.calls)


def wait_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait shortly where an answer hangs, else as long as a busy machine needs."""
    seconds = TIMEOUT if kind == "timeout" else PATIENCE
    monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", str(seconds))


def plant(account: Account, at: int, kind: str, times: int = 1) -> None:
    """The next run meets a fault at a call."""
    account.cloud.door.calls.clear()
    account.cloud.door.fault = Fault(at, kind, times)


def close_with(
    account: Account, closing: WorkFolder, at: int, kind: str, times: int
) -> Refusal | None:
    """These stages with a fault; how it was refused, if it was, with nothing left behind."""
    plant(account, at, kind, times)
    try:
        read_report(closing)
    except Refusal as refusal:
        assert refusal.exit_code == UNREACHABLE and refusal.where and refusal.todo
        assert "Traceback" not in refusal.block()
        assert not closing.path(RUNNING).exists()
        assert not closing.path("rollup.stage.json").exists(), "a stage that stopped is not done"
        return refusal
    finally:
        account.cloud.door.fault = None
    return None


@pytest.mark.parametrize("kind, service", [("500", "athena"), ("half", "s3")])
def test_a_fault_that_passes_is_mended(kind, service, account, closing):
    """A server's error at any call; an answer that is cut short where S3's bytes are fetched again."""
    made = closing("a")
    call_count(account, made)
    of_service = [
        at for at, one in enumerate(account.cloud.door.calls, 1) if one.service == service
    ]
    expected = rollup(made)
    again = closing("b")
    assert close_with(account, again, of_service[len(of_service) // 2], kind, 1) is None
    assert rollup(again) == expected


@pytest.mark.parametrize("kind", ["busy"])
def test_throttling_is_waited_out(kind, account, closing):
    """Both layers repeat: botocore twice here, PyAthena eight times."""
    made = closing("a")
    call_count(account, made)
    start = next(
        number for number, call in enumerate(account.cloud.door.calls, start=1)
        if call.action == "StartQueryExecution"
    )  # fmt: skip
    again = closing("b")
    assert close_with(account, again, start, kind, 5) is None
    assert rollup(again) == rollup(made)


@pytest.mark.parametrize("kind", STAYING)
def test_a_fault_that_stays_is_said(kind, account, closing, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    made = closing("a")
    wait_for(kind, monkeypatch)
    refusal = close_with(account, made, 1, kind, FOREVER)
    assert refusal is not None and refusal.what == STAYING[kind]
    assert refusal.where == [f"athena:GetWorkGroup on {account.settings.workgroup}"]
    wait_for("", monkeypatch)
    read_report(made)


def test_without_credentials(account, closing, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Refusal, match="AWS does not know these credentials") as raised:
        read_report(closing("a"))
    assert raised.value.exit_code == UNREACHABLE


def test_a_start_whose_answer_was_lost_does_not_run_twice(account, closing):
    """botocore sends it again under the same token."""
    made = closing("a")
    call_count(account, made)
    start = [str(call) for call in account.cloud.door.calls].index("athena:StartQueryExecution") + 1
    before = len(account.cloud.athena.executions)
    assert close_with(account, closing("b"), start, "lost", 1) is None
    assert len(account.cloud.athena.executions) == before + 2


@pytest.mark.slow
def test_every_call_meets_a_fault_that_passes(account, closing, monkeypatch):
    made = closing("a")
    calls, expected = call_count(account, made), rollup(made)
    for at in range(1, calls + 1):
        again = closing(f"at-{at}")
        kind = PASSING[at % len(PASSING)]
        wait_for(kind, monkeypatch)
        refusal = close_with(account, again, at, kind, 1)
        if kind == "half" and at <= len(account.cloud.door.calls):
            call = account.cloud.door.calls[at - 1]
            assert refusal is None or call.service != "s3", "S3's bytes are fetched again"
        else:
            assert refusal is None, (at, kind)
        assert refusal is not None or rollup(again) == expected


@pytest.mark.slow
@pytest.mark.parametrize("kind", STAYING)
def test_every_call_meets_a_fault_that_stays(kind, account, closing, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    made = closing("a")
    calls, expected = call_count(account, made), rollup(made)
    wait_for(kind, monkeypatch)
    for at in range(1, calls + 1):
        again = closing(f"at-{at}")
        refusal = close_with(account, again, at, kind, FOREVER)
        if len(account.cloud.door.calls) < at:
            continue  # a query ended so soon that it was asked about less often
        assert refusal is not None, (at, kind)
        assert refusal.what in (STAYING[kind], "Athena could not answer a query"), refusal.block()
    read_report(again)
    assert rollup(again) == expected


@pytest.mark.slow
def test_a_close_that_stopped_published_nothing_and_the_next_one_succeeds(
    account, closing, without_notebooks, monkeypatch
):
    """The calls after the first stage are there too: the delivery is looked at again before publishing."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setitem(stages.STAGE_FUNCTIONS, "statements", make_no_statements)
    made = closing("a")
    derive(made)
    books = made.books
    work = WorkFolder(made.period, made.report, made.params_folder, books, books.work(made.period))
    stage = call_count(account, made)
    for at, kind in [
        (1, "denied"),
        (stage // 2, "reset"),
        (stage + 1, "503"),
        (stage + 3, "expired"),
    ]:
        plant(account, at, kind, FOREVER)
        with pytest.raises(Refusal) as raised:
            monthly_close(work, lambda _: None)
        assert raised.value.what == STAYING[kind] and len(account.cloud.door.calls) >= at
        assert not books.closed_periods() and not books.statements(made.period).exists()
        shutil.rmtree(work.folder, ignore_errors=True)
    account.cloud.door.fault = None
    monthly_close(work, lambda _: None)
    posted = books.ledger(made.period) / POSTINGS
    assert sha256(posted) == sha256(made.path("postings.parquet"))
