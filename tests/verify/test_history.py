"""The history of closes: what is taken out, replaced or put in is found by later closes, and by heads that were
kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chargeback.books.history import Close, head_after, order_of_signing, read_history
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE
from chargeback.close import monthly
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, Refusal
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import signing_key
from tests.close.months import (
    FILES,
    INVOICES,
    JUNE,
    MAY,
    Ended,
    Month,
    assert_refused,
    manifest,
    month_in,
    sha256,
)
from tests.made_once import made_once
from tests.params_folder import write_params
from tests.reports import line_item, write_report
from tests.verify.books import close_small, copy_books, sign_again

pytestmark = pytest.mark.slow

APRIL, JULY = "2026-04", "2026-07"
#: The order in which `four_closes` closes: May late, between closed ones.
CLOSED = (APRIL, JUNE, MAY, JULY)


def four_closes(folder: Path) -> Month:
    """Four months with an invoice each, closed in another order than theirs."""
    write_four_months(folder)
    month = month_in(folder)
    close_small(month, *CLOSED)
    return month


def write_four_months(folder: Path) -> None:
    """Report and params of the four months."""
    rows = "".join(
        f"90000001{at},{one},AWS,USD,50.00,finance,PDF\n" for at, one in enumerate(CLOSED)
    )
    for at, one in enumerate(CLOSED):
        items = [line_item(50.0, "CC-1", bill_invoice_id=f"90000001{at}")]
        write_report(folder / "report", items, period=one)
    invoices = INVOICES.splitlines(True)[0] + rows
    write_params(folder / "params", **{**FILES, "invoices_csv": invoices})


@pytest.fixture(scope="session")
def four(tmp_path_factory) -> Month:
    """Four closes; not to be changed."""
    return month_in(made_once(tmp_path_factory, "four-closes", four_closes))


@pytest.fixture
def month(four, tmp_path) -> Month:
    """Four closes, to do with as a test likes."""
    shutil.copytree(four.params, tmp_path / "params")
    return replace(four, params=tmp_path / "params", books=copy_books(four, tmp_path))


def take_out(books: Books, period: str) -> None:
    """Remove a period with all its folders."""
    for folder in (books.ledger, books.statements, books.evidence):
        shutil.rmtree(folder(period))


def close_otherwise(month: Month, period: str) -> None:
    """Close a period with other charges than before."""
    params = month.params / "adjustments.csv"
    params.write_text(
        params.read_text() + f"{period},CC-1,CC-2,9.00,moved,REF-9,Ann,Bob,2026-01-20\n"
    )
    close_small(month, period)


def heads_printed(ended: Ended) -> list[str]:
    """The heads in what a verb said."""
    return [line.split()[-1] for line in ended.said.splitlines() if " head " in line]


def test_every_manifest_carries_on_the_closes_before_it(four):
    """Number, period and manifest of each, in the order of closing, and a head that sha256sum gives too."""
    books_id = manifest(four.books, APRIL)["books"]
    head = shell_sha256(f"chargeback books {books_id}")
    closes: list[dict[str, object]] = []
    for period in CLOSED:
        found = manifest(four.books, period)
        assert (found["books"], found["history"]) == (books_id, {"closes": closes, "head": head})
        assert not {"books", "history"} & found["derived"].keys()
        sha = sha256(four.books.ledger(period) / MANIFEST)
        closes = [
            *closes, {"number": len(closes) + 1, "billing_period": period, "manifest_sha256": sha},
        ]  # fmt: skip
        head = shell_sha256(f"{head} {period} {sha}")
    assert read_history(four.books).head == head


def shell_sha256(line: str) -> str:
    """sha256 of a line as a shell has it."""
    done = subprocess.run(
        ["sh", "-c", "printf '%s\\n' \"$1\" | sha256sum", "sh", line],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split()[0] == hashlib.sha256(f"{line}\n".encode()).hexdigest()
    return done.stdout.split()[0]


def test_close_and_verify_print_the_same_head_and_any_that_was_kept_is_known(tmp_path, verify):
    write_four_months(tmp_path)
    month = month_in(tmp_path)
    kept = []
    for period in CLOSED:
        said = close_small(month, period)
        (line,) = [one for one in said if " head " in one]
        kept.append(line.split()[-1])
        assert heads_printed(verify(month.books)) == kept[-1:]
    assert len(set(kept)) == 4 and all(len(one) == 32 for one in kept)
    said = close_small(month, JUNE)  # again: compares only, and says the head of now
    assert [line.split()[-1] for line in said if " head " in line] == kept[-1:]
    for number, (period, head) in enumerate(zip(CLOSED, kept, strict=True), start=1):
        for text in (
            head,
            head.upper(),
            f"{head[:16]} {head[16:]}",
            full_head(month.books, number),
        ):
            ended = verify(month.books, "--head", text)
            assert ended.exit_code == DONE, ended.refused
            assert f"that after close {number} ({period}) of 4" in ended.said


def full_head(books: Books, number: int) -> str:
    """The whole head after a close."""
    history = read_history(books)
    return head_after(history.books_id, history.closes[:number])


@pytest.mark.parametrize("text", ["a" * 31, "a" * 65, "x" * 32, "the head"])
def test_what_is_no_head_is_refused(text, month, verify):
    ended = verify(month.books, "--head", text)
    assert_refused(ended, BAD_USAGE, "this is not the head of a history of closes", "HEAD=")


def test_a_period_closed_late_cannot_be_replaced(month, verify, monkeypatch):
    """The next close stops; where that is left out, verify names the manifest, and so does the next one."""
    take_out(month.books, MAY)
    name = f"ledger/billing_period={MAY}/manifest.json"
    assert_refused(verify(month.books), CONTROL_FAILED, f"{name} is missing")
    with pytest.raises(Refusal) as refused:
        close_otherwise(month, MAY)
    assert refused.value.exit_code == CONTROL_FAILED
    assert "closed_periods_are_unchanged" in refused.value.block() and name in refused.value.block()
    assert not month.books.ledger(MAY).exists()
    with monkeypatch.context() as patch:
        patch.setattr(monthly, "check_closed_periods", lambda *_: None)
        close_small(month, MAY)
    assert_refused(verify(month.books), CONTROL_FAILED, f"{name} is not what was closed")
    with pytest.raises(Refusal, match="closed_periods_are_unchanged"):
        close_small(month, MAY)


def test_the_newest_closes_are_missed_by_whoever_kept_a_head(month, verify):
    """In the books nothing tells of them; a head does, of the close itself and of any after it."""
    kept = [full_head(month.books, number) for number in range(1, 5)]
    for period in (JULY, MAY):
        take_out(month.books, period)
    assert verify(month.books).exit_code == DONE
    close_otherwise(month, MAY)
    close_small(month, JULY)
    ended = verify(month.books)
    assert ended.exit_code == DONE, "books that are consistent in themselves"
    for number, head in enumerate(kept, start=1):
        ended = verify(month.books, "--head", head[:32])
        if number <= 2:
            assert ended.exit_code == DONE, ended.refused
        else:
            assert_refused(
                ended, CONTROL_FAILED, "the head that you kept is not in the history of these books",
                f"close 3  {MAY}  manifest {sha256(month.books.ledger(MAY) / MANIFEST)}",
            )  # fmt: skip


def test_closes_in_another_order_have_other_heads(month, verify):
    """The same two closes the other way round are another history."""
    kept = full_head(month.books, 4)
    for period in (JULY, MAY):
        take_out(month.books, period)
    close_small(month, JULY, MAY)
    assert verify(month.books).exit_code == DONE
    assert verify(month.books, "--head", kept).exit_code == CONTROL_FAILED


def test_a_rehearsal_does_not_pass_for_the_real_books(four, month, verify, monkeypatch):
    """The same report, params and key; the folders of a period of the one are copied into the other."""
    rehearsal = replace(four, books=Books(month.books.root.parent / "rehearsal"))
    (rehearsal.books.root / "keys").mkdir(parents=True)
    shutil.copytree(month.books.root / "keys", rehearsal.books.root / "keys", dirs_exist_ok=True)
    close_small(rehearsal, *CLOSED)
    assert verify(rehearsal.books, "--head", full_head(month.books, 4)).exit_code == CONTROL_FAILED
    real, other = (manifest(one)["books"] for one in (month.books, rehearsal.books))
    for period in (JULY, APRIL):
        now = copy_books(month, month.books.root.parent / period)
        take_out(now, period)
        for folder in ("ledger", "statements", "evidence"):
            name = f"{folder}/billing_period={period}"
            shutil.copytree(rehearsal.books.root / name, now.root / name)
        assert_refused(
            verify(now), CONTROL_FAILED,
            f"ledger/billing_period={period}/manifest.json: of the books {other}, instead of {real}",
        )  # fmt: skip
        with pytest.raises(Refusal, match=f"of the books {other}"):
            close_small(replace(month, books=now), JUNE)


def test_a_rehearsal_on_a_copy_of_the_books_is_told_by_its_place_and_by_a_head(month, verify):
    """It has their id, and its newest period in the place of theirs is consistent: only a head stops it."""
    take_out(month.books, JULY)
    rehearsal = replace(month, books=copy_books(month, month.books.root.parent / "rehearsal"))
    close_small(month, JULY)
    kept = full_head(month.books, 4)
    close_otherwise(rehearsal, JULY)
    take_out(month.books, JULY)
    for folder in ("ledger", "statements", "evidence"):
        name = f"{folder}/billing_period={JULY}"
        shutil.copytree(rehearsal.books.root / name, month.books.root / name)
    ended = verify(month.books)
    assert ended.exit_code == DONE, ended.refused
    assert f"NOTE  these books were last closed at {rehearsal.books.place}" in ended.said
    assert_refused(verify(month.books, "--head", kept), CONTROL_FAILED, "is not in the history")


def test_a_close_on_a_copy_of_the_books_says_so(month, verify):
    """Which is how a test has them here. What is closed there next was closed there: nothing is to be said."""
    said = "NOTE  these books were last closed at "
    take_out(month.books, JULY)
    [note] = [line for line in close_small(month, JULY) if line.startswith(said)]
    assert note.endswith(
        f"four-closes/books, and lie here at {month.books.place}: a copy, or moved"
    )
    assert said not in verify(month.books).said


TAMPERED: dict[str, tuple[Callable[[dict], object], str]] = {
    "a close left out": (
        lambda one: one["history"]["closes"].pop(), "a head that is not of its closes",
    ),
    "a close of another manifest": (
        lambda one: one["history"]["closes"][0].update(manifest_sha256="0" * 64),
        "a head that is not of its closes",
    ),
    "numbers with a gap": (
        lambda one: one["history"]["closes"][1].update(number=3), "not numbered from 1 on",
    ),
    "a period that is none": (
        lambda one: one["history"]["closes"][1].update(billing_period="../../etc"),
        "a close of no billing period",
    ),
    "itself among the closes before it": (
        lambda one: one["history"]["closes"][1].update(billing_period=JULY),
        "a period that is closed twice",
    ),
    "no list": (lambda one: one.update(history="none"), "no list of closes"),
    "no id": (lambda one: one.update(books=7), "no id of books"),
    "no delivery log": (lambda one: one["history"].update(delivery="none"), "a log of 0 entries"),
    "a delivery log that is not there": (
        lambda one: one["history"].update(delivery={"entries": 2, "head": "0" * 64}),
        f"a log of 0 entries, instead of 2 entries with the head {'0' * 64}",
    ),
    "an id and no history": (lambda one: one.pop("history"), "no list of closes"),
    "evidence without a notebook": (
        lambda one: one["run"]["files"].pop("evidence/notebooks/04-allocation.ipynb"),
        "04-allocation.ipynb: not in the manifest, instead of evidence that every close keeps",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_a_history_that_was_signed_and_cannot_be_is_named(name, month, verify):
    change, words = TAMPERED[name]
    sign_again(month.books, JULY, signing_key(month.books), change)
    assert_refused(verify(month.books), CONTROL_FAILED, words)


def test_a_log_that_was_written_anew_is_not_that_of_the_newest_close(month, verify):
    """Somebody with the key makes a manifest whose own log is whole, and other than the one of July."""
    first = Close(APRIL, "0" * 64)

    def other_history(content) -> None:
        head = head_after(content["books"], (first,))
        content["history"]["closes"][0]["manifest_sha256"] = first.manifest_sha256
        content["history"]["head"] = head

    sign_again(month.books, JUNE, signing_key(month.books), other_history)
    ended = verify(month.books)
    assert_refused(
        ended, CONTROL_FAILED,
        f"ledger/billing_period={JUNE}/manifest.json: close 1 of {APRIL} with the manifest 000",
    )  # fmt: skip


def without_history(content) -> None:
    """A manifest as an earlier version wrote it."""
    for part in ("books", "history", "evidence"):
        content.pop(part, None)
    content["run"].pop("place", None)


def as_an_earlier_version_closed(month: Month, *periods: str) -> None:
    """Take the history out of the manifests of periods, in the order of their closes, and link them."""
    key = signing_key(month.books)
    closed: list[str] = []
    for hour, period in enumerate(periods):
        before = [one for one in sorted(closed) if one < period]
        link = before and {
            "billing_period": before[-1],
            "manifest_sha256": sha256(month.books.ledger(before[-1]) / MANIFEST),
        }
        sign_again(month.books, period, key, without_history)
        sign_again(
            month.books, period, key, lambda one, link=link: one.update(previous=link or None)
        )
        sign_at(month.books, period, datetime.now(UTC) - timedelta(hours=9 - hour))
        closed.append(period)


def sign_at(books: Books, period: str, moment: datetime) -> None:
    """Sign a manifest as it is, by a clock that says something else."""
    path = books.ledger(period) / MANIFEST
    signature = sign_detached(path.read_bytes(), signing_key(books), moment)
    path.with_name(MANIFEST_SIGNATURE).write_bytes(signature)


def test_books_of_an_earlier_version_hold_and_the_next_close_takes_them_in(month, verify):
    take_out(month.books, JULY)
    as_an_earlier_version_closed(month, APRIL, JUNE, MAY)
    ended = verify(month.books)
    assert ended.exit_code == DONE, ended.refused
    assert "no history of closes yet" in ended.said and ", head " not in ended.said
    assert close_small(month, APRIL)[0] == "no history of closes yet: the next close begins it"
    assert_refused(
        verify(month.books, "--head", "a" * 32), CONTROL_FAILED, "a version closed these books"
    )
    close_small(month, JULY)
    found = manifest(month.books, JULY)["history"]["closes"]
    assert [one["billing_period"] for one in found] == [APRIL, JUNE, MAY]
    ended = verify(month.books)
    assert ended.exit_code == DONE, ended.refused
    assert (
        f"the history is kept from close 4 ({JULY}) on" in ended.said and "4 closes" in ended.said
    )
    take_out(month.books, MAY)
    assert verify(month.books).exit_code == CONTROL_FAILED


def test_a_close_of_an_earlier_version_after_one_of_this_is_said_and_taken_in(month, verify):
    """And so is a newest manifest out of which somebody with the key took its history."""
    sign_again(month.books, JULY, signing_key(month.books), without_history)
    ended = verify(month.books)
    assert ended.exit_code == DONE, ended.refused
    assert f"NOTE  {JULY} was closed by a version that keeps no history, after one" in ended.said
    assert [one.billing_period for one in read_history(month.books).closes] == list(CLOSED)


DAY = datetime(2026, 9, 1, tzinfo=UTC)


def linked(period: str | None) -> dict[str, object]:
    """A manifest as far as its link."""
    return {"previous": period and {"billing_period": period}}


@pytest.mark.parametrize("hours, expected", [
    # Closed April, June, May; each row has other clocks. April is linked by both; May lies between April and
    # June, so June was closed before it.
    ((0, 1, 2), [APRIL, JUNE, MAY]), ((0, 2, 1), [APRIL, JUNE, MAY]), ((9, 1, 0), [APRIL, JUNE, MAY]),
])  # fmt: skip
def test_links_tell_the_order_of_closes_whatever_the_clocks_said(hours, expected):
    manifests = {APRIL: linked(None), MAY: linked(APRIL), JUNE: linked(APRIL)}
    times = dict(
        zip((APRIL, JUNE, MAY), (DAY + timedelta(hours=one) for one in hours), strict=True)
    )
    assert order_of_signing(manifests, times) == expected


def test_without_links_that_tell_the_order_the_times_of_signing_do():
    """April and May, closed downwards or upwards: only upwards has a link."""
    times = {APRIL: DAY, MAY: DAY - timedelta(hours=1)}
    assert order_of_signing({APRIL: linked(None), MAY: linked(APRIL)}, times) == [APRIL, MAY]
    assert order_of_signing({APRIL: linked(None), MAY: linked(None)}, times) == [MAY, APRIL]


def test_a_clock_that_stood_earlier_is_said_and_moves_nothing(month, verify):
    """The last close was signed by a clock two hours ahead; the next one says so and goes on."""
    take_out(month.books, JULY)
    sign_at(month.books, MAY, datetime.now(UTC) + timedelta(hours=2))
    said = close_small(month, JULY)
    assert any("NOTE  This machine's clock says" in line and MAY in line for line in said), said
    assert read_history(month.books).closed_before(MAY) == (APRIL, MAY, JUNE)
    ended = verify(month.books)
    assert ended.exit_code == DONE, ended.refused
    assert f"NOTE  {JULY} was signed at " in ended.said and "a clock was wrong" in ended.said


def test_two_machines_that_closed_at_the_same_time_are_both_taken_in(four, tmp_path, verify):
    """Books in S3 have no lock: each machine closed a period that the other did not know of."""
    one = replace(four, books=copy_books(four, tmp_path / "one"))
    for period in (JULY, MAY):
        take_out(one.books, period)
    two = replace(four, books=copy_books(one, tmp_path / "two"))
    close_small(one, MAY)
    close_small(two, JULY)
    kept = [full_head(each.books, 3) for each in (one, two)]
    for folder in ("ledger", "statements", "evidence"):
        name = f"{folder}/billing_period={JULY}"
        shutil.copytree(two.books.root / name, one.books.root / name)
    ended = verify(one.books)
    assert ended.exit_code == DONE, ended.refused
    assert "was closed by a run that did not know that" in ended.said and "4 closes" in ended.said
    for head in kept:
        assert verify(one.books, "--head", head).exit_code == DONE
    assert [each.billing_period for each in read_history(one.books).closes[:2]] == [APRIL, JUNE]


def test_history_is_read_of_what_is_there(tmp_path):
    assert read_history(Books(tmp_path)).closes == ()
    folder = Books(tmp_path).ledger(MAY)
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps([1]))
    assert [one.billing_period for one in read_history(Books(tmp_path)).closes] == [MAY]
