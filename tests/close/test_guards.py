"""What guards a closed period beside the lock: nothing that is closed is replaced, whoever writes."""

from __future__ import annotations

import errno
import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from chargeback.books.manifest import period_folders
from chargeback.books.verify import verify_period
from chargeback.books.work_folder import WorkFolder
from chargeback.close import hold, monthly, resume, stages
from chargeback.core.books_folders import Books
from chargeback.core.errors import (
    CONTROL_FAILED,
    UNREACHABLE,
    WOULD_CHANGE_CLOSED,
    Refusal,
    unreachable,
)
from chargeback.delivery import moving
from chargeback.delivery.publish import publish
from chargeback.signing import DEVELOPMENT
from tests.close.months import JUNE, MAY, Month, digests, in_work, manifest, write_month
from tests.stage_runs import run_stage
from tests.verify.books import close_small

pytestmark = pytest.mark.slow


@pytest.fixture
def month(tmp_path) -> Month:
    """Nothing closed."""
    return write_month(tmp_path)


def work_of(month: Month, period: str = MAY) -> WorkFolder:
    """A work folder as the verb has it, signed."""
    folder = month.books.work(period)
    return WorkFolder(period, month.report, month.params, month.books, folder, signer=DEVELOPMENT)


def derived(month: Month, monkeypatch) -> WorkFolder:
    """May, derived and not published."""
    with monkeypatch.context() as patch:
        patch.setattr(monthly, "publish", lambda work: stop())
        with pytest.raises(Refusal, match="enough"):
            close_small(month, MAY)
    return work_of(month)


def stop() -> None:
    raise unreachable("enough")


def books_state(books: Books) -> dict[str, str]:
    """Every file of what is published."""
    return {
        f"{room}/{name}": sha
        for room in ("ledger", "statements", "evidence")
        for name, sha in digests(books.root / room).items()
    }


def test_publishing_refuses_a_period_that_is_closed(month, monkeypatch, tmp_path):
    """Whoever calls it, lock or no lock; nothing of the closed period is touched."""
    work = derived(month, monkeypatch)
    shutil.copytree(work.folder, tmp_path / "kept")
    close_small(month, MAY)
    before = books_state(month.books)
    shutil.copytree(tmp_path / "kept", work.folder, dirs_exist_ok=True)
    with pytest.raises(Refusal, match=f"{MAY} was closed by another run meanwhile") as refused:
        publish(work)
    assert refused.value.exit_code == WOULD_CHANGE_CLOSED
    assert books_state(month.books) == before and verify_period(month.books, MAY) == []


@pytest.mark.parametrize("step", ["statements", "evidence", "ledger"])
def test_of_two_runs_without_a_lock_the_first_to_commit_counts(step, month, monkeypatch, tmp_path):
    """The other run closes the period while this one moves its folders, before or after each of them."""
    work = derived(month, monkeypatch)
    other = replace(month, books=Books(tmp_path / "other"))
    shutil.copytree(month.books.root / "keys", other.books.root / "keys")
    close_small(other, MAY)
    theirs = books_state(other.books)
    check, calls = moving.check_open, {"statements": 2, "evidence": 3, "ledger": 4}
    asked = []

    def meanwhile(books, period):
        asked.append(period)
        if len(asked) == calls[step]:
            for room, folder in period_folders(books, period).items():
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(period_folders(other.books, period)[room], folder)
        return check(books, period) if step == "statements" else None

    monkeypatch.setattr(moving, "check_open", meanwhile)
    monkeypatch.setattr("chargeback.delivery.publish.check_open", meanwhile)
    with pytest.raises(Refusal, match=f"{MAY} was closed by another run meanwhile"):
        publish(work)
    assert books_state(month.books) == theirs


def test_statements_that_this_run_moved_away_are_put_back(month, monkeypatch, tmp_path):
    """The other run had put its statements in place first, and committed while this run had them aside."""
    work = derived(month, monkeypatch)
    other = replace(month, books=Books(tmp_path / "other"))
    shutil.copytree(month.books.root / "keys", other.books.root / "keys")
    close_small(other, MAY)
    for room in ("statements", "evidence"):
        folder = period_folders(other.books, MAY)[room]
        shutil.copytree(folder, period_folders(month.books, MAY)[room])
    synced = moving.sync

    def meanwhile(path):
        if path.name == "evidence":
            shutil.copytree(other.books.ledger(MAY), month.books.ledger(MAY))
        return synced(path)

    monkeypatch.setattr(moving, "sync", meanwhile)
    with pytest.raises(Refusal, match=f"{MAY} was closed by another run meanwhile"):
        publish(work)
    assert books_state(month.books) == books_state(other.books)
    assert verify_period(month.books, MAY) == []


def test_what_another_run_has_put_there_since_stays(month, monkeypatch, tmp_path):
    """This run moved aside what a killed one had left; the other one has closed meanwhile."""
    work = derived(month, monkeypatch)
    other = replace(month, books=Books(tmp_path / "other"))
    shutil.copytree(month.books.root / "keys", other.books.root / "keys")
    close_small(other, MAY)
    for room in ("statements", "evidence"):
        left = period_folders(month.books, MAY)[room]
        left.mkdir(parents=True)
        (left / "left.txt").write_text("of a run that was killed")
    synced = moving.sync

    def meanwhile(path):
        if path.name == "evidence":
            for room, folder in period_folders(month.books, MAY).items():
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(period_folders(other.books, MAY)[room], folder)
        return synced(path)

    monkeypatch.setattr(moving, "sync", meanwhile)
    with pytest.raises(Refusal, match=f"{MAY} was closed by another run meanwhile"):
        publish(work)
    assert books_state(month.books) == books_state(other.books)
    assert verify_period(month.books, MAY) == []


@pytest.mark.parametrize("what", ["removed", "another run's"])
def test_a_lock_file_that_was_taken_away_publishes_nothing(what, month, monkeypatch):
    def taken_away(work, stage):
        run_stage(work, stage)
        lock = work.folder.parent / ".lock"
        lock.unlink(missing_ok=True)
        if what != "removed":
            lock.write_text("process 1 on 2026-06, run 00000000\n")

    work = work_of(month)
    monkeypatch.setattr(stages, "run_stage_notebook", taken_away)
    monkeypatch.setattr(monthly, "run_stages", lambda *_: taken_away(work, "sources"))
    with pytest.raises(Refusal) as refused:
        monthly.monthly_close(work, lambda _: None)
    assert refused.value.exit_code == UNREACHABLE
    assert refused.value.what == "the lock of these books was taken away while this run worked"
    assert refused.value.found in ("no lock file", "process 1 on 2026-06, run 00000000")
    assert month.books.closed_periods() == [] and in_work(month.books)


def test_a_file_system_without_locks_is_said_to_be_one(month, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(Refusal) as refused:
        close_small(month, MAY)
    assert refused.value.what == "the file system of the books cannot lock a file"
    assert "No locks available" in refused.value.found and month.books.closed_periods() == []


def test_a_lock_that_is_held_is_still_another_run(month, monkeypatch):
    work = work_of(month)
    month.books.root.mkdir()
    with hold.one_at_a_time(work), pytest.raises(Refusal, match="another run works on these books"):
        close_small(month, JUNE)


def lose(name: str) -> Callable[[WorkFolder], None]:
    """Take something out of what evidence is made from."""

    def change(work: WorkFolder) -> None:
        path = work.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


@pytest.mark.parametrize("name, said", [
    ("notebooks/03-attribution.ipynb", "evidence/notebooks/03-attribution.ipynb"),
    ("statement-project/statement-shop.ipynb", "evidence/statements/statement-shop.ipynb"),
    ("statement-project/statement-shop.json", "evidence/statements/statement-shop.json"),
])  # fmt: skip
def test_evidence_that_is_not_complete_is_not_published(name, said, month, monkeypatch):
    work = derived(month, monkeypatch)
    lose(name)(work)
    with pytest.raises(Refusal) as refused:
        publish(work)
    assert refused.value.exit_code == CONTROL_FAILED
    assert refused.value.what == f"the evidence of {MAY} is not complete"
    assert refused.value.where == [said]
    assert books_state(month.books) == {}


@pytest.mark.parametrize("name", ["bound-sql/rollup/rollup_costs.sql", "charges.parquet"])
def test_what_changed_after_its_stage_is_not_published(name, month, monkeypatch):
    work = derived(month, monkeypatch)
    work.path(name).write_bytes(work.path(name).read_bytes() + b" ")
    with pytest.raises(Refusal) as refused:
        publish(work)
    assert refused.value.exit_code == UNREACHABLE
    assert refused.value.what == f"what the stages made of {MAY} changed while it was being closed"
    assert books_state(month.books) == {}


def test_the_list_of_evidence_is_what_a_close_keeps(month):
    """Nothing on the list is missing, and nothing is kept that the list does not know."""
    from chargeback.books.evidence import evidence_list, missing_evidence

    close_small(month, MAY)
    found = manifest(month.books)
    assert found["evidence"] == 2 and missing_evidence(found) == []
    listed = list(evidence_list(found))
    kept = digests(month.books.evidence(MAY))
    assert [one for one in kept if one not in listed and not one.startswith(
        tuple(each for each in listed if each.endswith("/")))] == []  # fmt: skip
    for name in listed:
        others = {
            part: {one: sha for one, sha in files.items() if not one.startswith(f"evidence/{name}")}
            for part, files in (("derived", found["derived"]), ("files", found["run"]["files"]))
        }
        now = {**found, "derived": others["derived"], "run": {"files": others["files"]}}
        assert missing_evidence(now) == [f"evidence/{name}"]


class Killed(BaseException):
    """A kill, as far as files can tell."""


@pytest.mark.parametrize("kill_before", ["notebook", "fingerprint"])
def test_a_stage_that_is_killed_after_its_record_is_made_again(kill_before, month, monkeypatch):
    """It was done before with the same inputs, whose fingerprint was still there: its notebook was lost."""
    work = derived(month, monkeypatch)
    before = {one: manifest_of_stage(work, one) for one in ("rollup", "attribution")}
    lose("rollup.stage.json")(work)  # a reason to make the stages again from rollup on
    ran = []

    def killed(closing, stage):
        ran.append(stage)
        if stage == "attribution":
            run_stage(closing, stage)
            if kill_before == "notebook":
                lose("notebooks/03-attribution.ipynb")(closing)
            raise Killed
        run_stage(closing, stage)

    with monkeypatch.context() as patch:
        patch.setattr("tests.verify.books.run_stage", killed)
        with pytest.raises(Killed):
            close_small(month, MAY)
    assert ran == ["rollup", "attribution"]
    kept = resume.kept_fingerprints(work)
    assert "rollup" in kept and "attribution" not in kept
    close_small(month, MAY)
    assert (month.books.evidence(MAY) / "notebooks/03-attribution.ipynb").is_file()
    assert verify_period(month.books, MAY) == []
    assert (
        before["attribution"]["files"]["owned_costs.parquet"]
        == (manifest(month.books)["derived"]["evidence/owned_costs.parquet"])
    )


def manifest_of_stage(work: WorkFolder, stage: str) -> dict:
    """What a stage left about itself."""
    return json.loads(work.path(f"{stage}.stage.json").read_text())


def test_tables_of_other_inputs_are_not_taken_for_those_of_before(month, monkeypatch):
    """Done with some params; made again with others and killed; the params are as they were: made once more."""
    work = derived(month, monkeypatch)
    adjustments = month.params / "adjustments.csv"
    first = adjustments.read_text()

    def killed(closing, stage):
        run_stage(closing, stage)
        if stage == "ledger":
            raise Killed

    with monkeypatch.context() as patch:
        adjustments.write_text(first.replace("2.00", "7.00"))
        patch.setattr("tests.verify.books.run_stage", killed)
        with pytest.raises(Killed):
            close_small(month, MAY)
    adjustments.write_text(first)
    close_small(month, MAY)
    whole = replace(month, books=Books(month.books.root.with_name("whole")))
    close_small(whole, MAY)
    assert manifest(month.books)["postings"] == manifest(whole.books)["postings"]
    assert work.folder.exists() is False
