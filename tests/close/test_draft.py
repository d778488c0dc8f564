"""Drafts: PROVISIONAL statements that post nothing; and one run at a time on a set of books."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest

from chargeback.core.errors import DONE, NOT_FINAL, UNREACHABLE
from tests.close.months import (
    JULY,
    JUNE,
    MAY,
    assert_refused,
    in_work,
    state,
    write_month,
)
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow
SECONDS_TO_START = 60


def texts(folder: Path) -> dict[str, str]:
    """A statement in its three formats, as text."""
    document = pypdfium2.PdfDocument(folder / "statement.pdf")
    pdf = " ".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    page = (folder / "statement.html").read_text()
    return {
        "html": re.sub("<style.*?</style>", "", page, flags=re.DOTALL),
        "pdf": pdf,
        "csv": (folder / "statement.csv").read_text(),
    }


def wait_until(holds, process: subprocess.Popen) -> None:
    """Wait for something that a process is about to do."""
    until = time.monotonic() + SECONDS_TO_START
    while not holds():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)


def test_a_draft_of_an_open_month_keeps_others_waiting_and_posts_nothing(month, run):
    books, before = month.books, state(month.books)
    drafting = subprocess.Popen(
        [sys.executable, "-m", "chargeback", "draft", JULY, *month.options],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_until(lambda: any(one.startswith("billing") for one in in_work(books)), drafting)
    for verb, period in (("monthly-close", MAY), ("monthly-close", JUNE), ("draft", JULY)):
        ended = run(verb, period, *month.options)
        assert_refused(
            ended, UNREACHABLE, "another run works on these books", str(books.root),
            f"process {drafting.pid} on {JULY}", "wait for it to end",
        )  # fmt: skip
        assert state(books) == before
    said, refused = drafting.communicate()
    assert (drafting.returncode, refused) == (DONE, "")
    assert said.startswith("Drafting July 2026") and "not invoiced yet" in said
    assert f"PROVISIONAL: {JULY} is a draft; nothing was posted" in said
    after = state(books)
    drafted = {path for path in after if path.split("/")[0] == "drafts"}
    assert {path: one for path, one in after.items() if path not in drafted} == before
    assert in_work(books) == []
    folder = books.draft(JULY)
    assert sorted(one.name for one in folder.iterdir()) == [
        "draft.json", "evidence", "project", "statements",
    ]  # fmt: skip
    assert json.loads((folder / "draft.json").read_text()) == {
        "billing_period": JULY, "status": "PROVISIONAL", "posted": False, "as_of": "",
    }  # fmt: skip
    assert (books.closed_periods(), books.drafted_periods()) == ([MAY], [JULY])
    for unit in ("shop", "core"):
        for kind, text in texts(folder / "statements" / unit).items():
            assert "PROVISIONAL" in text.upper(), (unit, kind)
    notebooks = sorted(one.name for one in (folder / "project").glob("*.ipynb"))
    assert notebooks == ["index.ipynb", "statement-core.ipynb", "statement-shop.ipynb"]
    index = (folder / "statements" / "index.html").read_text()
    assert (
        "PROVISIONAL" in index and "shop/statement.html" in index and "core/statement.pdf" in index
    )
    assert f"  index       {folder / 'statements' / 'index.html'}" in said


def test_an_open_month_is_not_closed(month, run):
    before = state(month.books)
    ended = run("monthly-close", JULY, *month.options)
    assert_refused(
        ended, NOT_FINAL, f"{JULY} is not final at AWS yet", "2 line items without one, 12.00 USD",
        f"make draft PERIOD={JULY}",
    )  # fmt: skip
    assert state(month.books) == before


def test_a_draft_of_a_closed_month_has_its_figures_and_leaves_it_as_it_is(
    month, run, without_notebooks
):
    """The draft before is replaced, whole."""
    books = month.books
    before = {path: one for path, one in state(books).items() if "=" in path}
    (books.draft(MAY) / "statements" / "gone").mkdir(parents=True)
    ended = run("draft", MAY, *month.options)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert f"PROVISIONAL: {MAY} is a draft; nothing was posted" in ended.said
    assert "100.01 USD, not invoiced yet" in ended.said
    after = state(books)
    assert {path: after[path] for path in before} == before
    assert sorted(one.name for one in (books.draft(MAY) / "statements").iterdir()) == [
        "core", "index.html", "shop",
    ]  # fmt: skip
    closed = texts(books.statements(MAY) / "shop")
    drafted = texts(books.draft(MAY) / "statements" / "shop")
    assert closed["csv"].replace("closed,", "PROVISIONAL,") == drafted["csv"]
    assert all("PROVISIONAL" not in text.upper() for text in closed.values())
    assert all("80.00" in drafted[kind] for kind in ("html", "pdf"))
    assert run("monthly-close", MAY, *month.options).exit_code == DONE
    assert {path: state(books)[path] for path in before} == before


AUGUST, SEPTEMBER = "2026-08", "2026-09"


def dated(period: str, days: int, cost: float, owner: str) -> list[dict]:
    """A cost on each of the first days of a month that is not invoiced yet."""
    year, month = map(int, period.split("-"))
    return [
        line_item(cost, owner, bill_invoice_id="",
                  line_item_usage_start_date=datetime(year, month, day))
        for day in range(1, days + 1)
    ]  # fmt: skip


def test_a_draft_leads_with_its_days_and_estimates_the_month(tmp_path, run, without_notebooks):
    """September to its 10th, 10.00 a day for CC-1 and 5.00 for CC-9; August had 8.00 a day for CC-1."""
    month = write_month(tmp_path)
    write_report(month.report, dated(AUGUST, 31, 8.0, "CC-1"), period=AUGUST)
    september = dated(SEPTEMBER, 10, 10.0, "CC-1") + dated(SEPTEMBER, 10, 5.0, "CC-9")
    write_report(month.report, september, period=SEPTEMBER)
    ended = run("draft", SEPTEMBER, *month.options)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert "Data through 2026-09-10: 10 of 30 days" in ended.said
    lines = [" ".join(line.split()) for line in ended.said.splitlines()]
    assert "Shop 100.00 80.00 +25.0% 300.00 300.00 … 300.00" in lines
    assert "together 150.00 80.00 +87.5% 450.00 450.00 … 450.00" in lines
    folder = month.books.draft(SEPTEMBER)
    with (folder / "accrual.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["cost_center_id"]: row for row in csv.DictReader(stream)}
    assert [rows["CC-1"][name] for name in ("charged_to_date", "estimated", "accrual")] == [
        "100.00", "300.00", "200.00",
    ]  # fmt: skip
    assert (
        rows["CC-1"]["same_days_before"] == "80.00" and rows["CC-9"]["same_days_before"] == "0.00"
    )
    assert sum(Decimal(row["estimated"]) for row in rows.values()) == Decimal("450.00")
    found = texts(folder / "statements" / "shop")
    index = (folder / "statements" / "index.html").read_text()
    for page in (found["html"], " ".join(found["pdf"].split())):
        assert "Data through 10 September 2026, 10 of 30 days" in page
        assert "(+25.0%) more than the 80.00 of 1 to 10 August 2026" in page
        assert "September 2026, estimated" in page and "300.00" in page
        assert "150.00" not in page and "450.00" not in page
    assert "(+87.5%) more than the 80.00 of 1 to 10 August 2026" in index
    assert "450.00" in index and "10 September 2026" in index


def test_a_draft_without_the_month_before_says_so(tmp_path, run, without_notebooks):
    """August is not at hand to compare September with, and no whole month stands in for it."""
    month = write_month(tmp_path)
    write_report(month.report, dated(SEPTEMBER, 3, 8.0, "CC-1"), period=SEPTEMBER)
    ended = run("draft", SEPTEMBER, *month.options)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    said = "The report of August 2026 is not at hand to compare the same days with."
    assert said in ended.said and "%" not in ended.said
    page = texts(month.books.draft(SEPTEMBER) / "statements" / "shop")["html"]
    head = page[: page.index("Why the total changed")]
    assert said in head and not re.search(r"[+\u2212][0-9.]+%", head)
