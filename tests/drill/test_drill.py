"""What a drill does with books: it leaves the originals alone, and says what of them does not come back.

The month is that of tests/close/months.py: shop is charged 80.00 and core 20.01.
"""

from __future__ import annotations

import os
import re

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.review.drill.closing import environment
from chargeback.review.drill.loss import ALL_LOST, LEDGER_LOST, counted, lose, remove, take_books
from tests.close.months import MAY, MAY_FILES, assert_refused, digests
from tests.reports import line_item, write_report


def all_of(month) -> dict[str, tuple[int, int, str]]:
    """Every file of report, params and books: its time, its rights, its bytes."""
    found = {}
    for root in (month.report, month.params, month.books.root):
        for name, sha256 in digests(root).items():
            state = (root / name).stat()
            found[str(root / name)] = (state.st_mtime_ns, state.st_mode, sha256)
    return found


def drill(run, month, *arguments: str):
    """A drill on a month's books, with what it left behind in the folder for temporary ones."""
    return run("drill", *month.options, *arguments)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder for temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.mark.slow
def test_deleted_books_come_back_and_the_originals_are_never_touched(run, month, place):
    before = all_of(month)
    ended = drill(run, month)
    assert ended.exit_code == 0, ended
    assert (
        len(
            re.findall(
                "2026-05: [0-9]+ postings, 100.01 charged, [0-9]+ files: came back\n", ended.said
            )
        )
        == 2
    )
    assert "ledger and statements               all of it" in ended.said
    assert "everything but report and params    all of it" in ended.said
    assert (
        "signatures of statements: 0 of 2; with those that the evidence kept, 2 PDFs" in ended.said
    )
    assert "signatures of statements and their times: 2 of 2" in ended.said
    assert (
        "close of 2026-05, report to a day that is not known: the report has no column"
        in ended.said
    )
    assert all_of(month) == before
    assert not list(place.iterdir())


@pytest.mark.slow
def test_a_report_of_which_a_cent_changed_is_said_by_owner(run, month, place):
    """70.00 of CC-1 become 70.01, and 15.00 of nobody 14.99: the invoice stays, the owners change."""
    changed = ([line_item(60.01, "CC-1"), MAY_FILES[0][1]], [line_item(14.99), MAY_FILES[1][1]])
    other = write_report(place.parent / "other", *changed)
    ended = run(
        "drill",
        "--cur",
        str(other),
        "--params",
        str(month.params),
        "--books",
        str(month.books.root),
    )
    assert_refused(ended, 4, "not everything that was deleted came back as it was")
    assert "cost-center:CC-1 direct: 70.00 before, 70.01 again, difference 0.01" in ended.said
    assert "ledger/postings.parquet" in ended.refused
    assert "not all" in ended.said


@pytest.mark.slow
def test_params_that_changed_are_said_by_amount_and_evidence_still_has_the_old_ones(
    run, month, place
):
    """The adjustment is 3.00 in place of 2.00, so CC-1 has 1.00 less; the evidence keeps 2.00."""
    path = month.params / "adjustments.csv"
    path.write_text(path.read_text().replace(",2.00,", ",3.00,"))
    ended = drill(run, month)
    assert_refused(ended, 4, "everything but report and params: 2026-05: ledger/postings.parquet")
    assert "cost-center:CC-1 adjustment: −2.00 before, −3.00 again, difference −1.00" in ended.said
    assert "ledger and statements               all of it" in ended.said
    assert "everything but report and params    not all" in ended.said


@pytest.mark.slow
def test_a_period_that_cannot_be_closed_again_says_why(run, month, place):
    path = month.params / "invoices.csv"
    path.write_text(path.read_text().replace("100.01", "150.01"))
    ended = drill(run, month)
    assert_refused(ended, 4, "2026-05 could not be closed again: ")


def test_books_that_are_not_what_was_closed_stop_a_drill_before_anything_is_deleted(
    run, month, place
):
    (month.books.evidence(MAY) / "rollup.parquet").write_bytes(b"other")
    before = all_of(month)
    ended = drill(run, month)
    assert_refused(ended, 4, "the books are not what was closed, so a drill would prove nothing")
    assert all_of(month) == before


def test_books_without_a_closed_period_are_refused(run, month, place, tmp_path):
    ended = run("drill", "--cur", str(month.report), "--books", str(tmp_path / "none"))
    assert_refused(ended, 2, "there is no closed period to rehearse the loss of")
    assert not (tmp_path / "none").exists()


def test_periods_and_books_are_refused_together(run, month):
    ended = drill(run, month, "--periods", MAY)
    assert_refused(ended, 2, "a drill on books or on a report of yours takes them whole")


def test_a_report_needs_periods(run, month):
    ended = run("drill", "--cur", str(month.report), "--params", str(month.params))
    assert_refused(ended, 2, "a drill on a report needs periods to close first")


def test_nothing_outside_of_the_scratch_folder_can_be_removed(month, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "link").symlink_to(month.books.root, target_is_directory=True)
    before = digests(month.books.root)
    for folder in (month.books.root, scratch, scratch / "link", scratch / ".." / "books"):
        with pytest.raises(Refusal, match="a drill deletes in its own scratch folder alone"):
            remove(folder, scratch)
    for loss in (LEDGER_LOST, ALL_LOST):
        with pytest.raises(Refusal, match="a drill deletes in its own scratch folder alone"):
            lose(loss, month.books, month.params, scratch, [MAY])
    assert digests(month.books.root) == before


def test_links_in_books_are_copied_and_never_followed_to_be_deleted(month, tmp_path):
    scratch, elsewhere = tmp_path / "scratch", tmp_path / "elsewhere"
    scratch.mkdir()
    month.books.statements(MAY).rename(elsewhere)
    month.books.statements(MAY).symlink_to(elsewhere, target_is_directory=True)
    before = digests(elsewhere)
    copy = take_books(month.books, scratch / "books")
    lose(ALL_LOST, copy, month.params, scratch, [MAY])
    assert not list(copy.root.iterdir())
    assert before and digests(elsewhere) == before


def test_what_no_report_gives_again_is_counted_where_it_is(month, tmp_path):
    """Two statements and one manifest are signed; two things were written down, and one page was opened."""
    for name in ("delivery/log/000001.json", "delivery/log/000002.json", "portal/log/000001.json"):
        path = month.books.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    before = digests(month.books.root)
    copy = take_books(month.books, tmp_path / "copy")
    assert counted(copy, month.books) == {
        "signatures of manifests": 1, "signatures of statements": 2,
        "files of the delivery log": 2, "files of the access log": 1,
    }  # fmt: skip
    assert digests(month.books.root) == before


@pytest.mark.parametrize(
    ("loss", "evidence"), [(LEDGER_LOST, True), (ALL_LOST, False)], ids=["ledger", "all"]
)
def test_what_is_left_is_put_beside(month, tmp_path, loss, evidence):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    copy = take_books(month.books, scratch / "books")
    left = lose(loss, copy, month.params, scratch, [MAY])
    assert not list(left.books.root.iterdir())
    beside = Books(scratch / "left")
    assert (beside.evidence(MAY) / "rollup.parquet").is_file() is evidence
    assert not beside.ledger(MAY).exists()
    assert not beside.statements(MAY).exists()
    assert left.params[MAY] == (beside.evidence(MAY) / "params" if evidence else month.params)


def test_a_close_of_a_drill_gets_no_secret_no_key_and_no_place():
    given = {
        "PATH": "/bin", "HOME": "/home/x", "CHARGEBACK_THREADS": "1", "CHARGEBACK_SIGNING_KEY": "kms:alias/k",
        "CHARGEBACK_BOOKS": "s3://real/books", "CHARGEBACK_SERVICENOW": "https://x.service-now.com",
        "CHARGEBACK_TIME_STAMP_AUTHORITY": "http://tsa", "CHARGEBACK_SECRETS": "vault", "VAULT_TOKEN": "t",
        "AWS_PROFILE": "finance", "AWS_ACCESS_KEY_ID": "A", "AWS_SESSION_TOKEN": "B",
    }  # fmt: skip
    assert environment(given) == {
        "PATH": "/bin", "HOME": "/home/x", "CHARGEBACK_THREADS": "1", "TZ": "UTC",
    }  # fmt: skip
    assert "PATH" in environment(os.environ)


@pytest.mark.slow
def test_a_drill_needs_nothing_but_the_sample(run, place):
    ended = run("drill", "--periods", MAY, "--line-items", "5000")
    assert ended.exit_code == 0, ended
    assert ended.said.count("close of 2026-05, report to 2026-05-31") == 2
    assert (
        "signatures of statements: 0 of 8; with those that the evidence kept, 8 PDFs" in ended.said
    )
    assert not list(place.iterdir())
