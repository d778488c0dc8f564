"""What lies between and in the place of closed periods: closes that were interrupted, files, links."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chargeback.books.history import head_after, read_history
from chargeback.books.verify import stray_files
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, DONE
from chargeback.delivery import moving
from tests.close.months import JUNE, MAY, Month, assert_refused, in_work, write_month
from tests.verify.books import close_small

pytestmark = pytest.mark.slow

ROOMS = ("ledger", "statements", "evidence")
JULY = "2026-07"


class Killed(BaseException):
    """A kill, as far as files can tell."""


def killed_after(month: Month, period: str, room: str) -> None:
    """Close a period in a run that ends right after it has moved a room into place."""
    synced = moving.sync

    def kill(path: Path) -> None:
        synced(path)
        if path.name == room:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving, "sync", kill)
        with pytest.raises(Killed):
            close_small(month, period)


@pytest.mark.parametrize("room", ["statements", "evidence"])
def test_a_close_that_was_interrupted_while_it_published_is_said_to_be_one(room, tmp_path, verify):
    month = write_month(tmp_path)
    close_small(month, MAY)
    killed_after(month, JUNE, room)
    assert month.books.statements(JUNE).is_dir() and not month.books.ledger(JUNE).exists()
    ended = verify(month.books)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    (note,) = [line for line in ended.said.splitlines() if line.startswith("NOTE")]
    assert note.startswith(f"NOTE  the close of {JUNE} was interrupted while it published")
    assert f"make monthly-close PERIOD={JUNE}" in note
    assert ended.said.splitlines()[-1].startswith("1 closed period, ")
    close_small(month, JUNE)
    ended = verify(month.books)
    assert ended.exit_code == DONE and "NOTE" not in ended.said and in_work(month.books) == []


def test_a_first_close_that_was_interrupted_is_no_books_without_a_period(tmp_path, verify):
    month = write_month(tmp_path)
    killed_after(month, MAY, "statements")
    ended = verify(month.books)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert f"the close of {MAY} was interrupted" in ended.said and "closed period" not in ended.said


def test_a_ledger_that_was_hidden_looks_like_an_interruption_to_all_but_who_kept_a_head(
    tmp_path, verify
):
    month = write_month(tmp_path)
    close_small(month, MAY, JUNE)
    history = read_history(month.books)
    head = head_after(history.books_id, history.closes)
    assert verify(month.books, "--head", head).exit_code == DONE
    work = month.books.work(JUNE)
    work.mkdir(parents=True)
    month.books.ledger(JUNE).rename(work / "ledger")
    ended = verify(month.books)
    assert ended.exit_code == DONE and f"the close of {JUNE} was interrupted" in ended.said
    assert_refused(
        verify(month.books, "--head", head), CONTROL_FAILED,
        "the head that you kept is not in the history of these books",
    )  # fmt: skip


def test_folders_without_work_to_go_on_from_are_still_of_a_period_that_is_not_closed(
    tmp_path, verify
):
    month = write_month(tmp_path)
    close_small(month, MAY)
    killed_after(month, JUNE, "evidence")
    shutil.rmtree(month.books.work(JUNE))
    assert_refused(
        verify(month.books), CONTROL_FAILED,
        f"statements/billing_period={JUNE}: of a period that is not closed",
        f"evidence/billing_period={JUNE}: of a period that is not closed",
    )  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize(
    "name", [f"billing_period={JULY}", "billing_period=2026-13", "billing_period="]
)
def test_a_file_that_is_named_like_a_period_is_named(name, room, books, verify):
    (books.root / room / name).write_text("paid")
    assert_refused(verify(books), CONTROL_FAILED, f"{room}/{name}: of no period")
    assert books.closed_periods() == [MAY, JUNE]


@pytest.mark.parametrize("name", ["billing_period=2026-13", "billing_period=x", "2026-05"])
def test_a_folder_of_no_period_is_named_and_is_no_closed_one(name, books, verify):
    (books.root / "ledger" / name).mkdir()
    assert_refused(verify(books), CONTROL_FAILED, f"ledger/{name}: of no period")
    assert books.closed_periods() == [MAY, JUNE]


def led_elsewhere(books: Books, name: str) -> Path:
    """Move a folder of the books away and leave a link to it."""
    path = books.root / name
    target = books.root.parent / "elsewhere"
    path.rename(target)
    path.symlink_to(target)
    return target


@pytest.mark.parametrize("name", [
    f"statements/billing_period={MAY}", f"statements/billing_period={MAY}/core",
    f"evidence/billing_period={MAY}", f"evidence/billing_period={MAY}/params",
    f"ledger/billing_period={MAY}", f"ledger/billing_period={MAY}/postings.parquet",
    f"ledger/billing_period={MAY}/manifest.json", f"evidence/billing_period={MAY}/run.json",
])  # fmt: skip
def test_a_link_in_the_place_of_a_folder_or_file_is_named(name, books, verify):
    """What is behind it may be more than what the manifest names, and change without the books."""
    target = led_elsewhere(books, name)
    if target.is_dir():
        (target / "more.txt").write_text("more")
    assert_refused(verify(books), CONTROL_FAILED, f"{name} is a link to somewhere else")


@pytest.mark.parametrize("room", ["statements", "evidence"])
def test_a_link_among_the_files_of_a_period_is_named(room, books, verify):
    (books.root / room / f"billing_period={MAY}" / "more").symlink_to(books.root)
    assert_refused(verify(books), CONTROL_FAILED, f"{room}/billing_period={MAY}/more is not in")


def test_a_room_may_be_kept_elsewhere(books, verify):
    """Statements on a share, say: the whole room is looked at there, as it is here."""
    target = led_elsewhere(books, "statements")
    assert verify(books).exit_code == DONE
    (target / "note.txt").write_text("paid")
    assert [one.path for one in stray_files(books)] == ["statements/note.txt"]
