"""The verb: pages are published whole, the same pages once; it follows a close, and undoes nothing."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import ACKNOWLEDGED, APPROVED, record
from chargeback.books.delivery_room import FolderRoom, delivery_room
from chargeback.cli import main, pages_after
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, Refusal
from chargeback.core.progress import say_nothing
from chargeback.dashboards import ahead, run
from chargeback.dashboards.editions import DATA, FOLDER, PAGE, file_of, newest_edition, read_page
from chargeback.dashboards.scope import Scope
from tests.close.conftest import without_notebooks
from tests.close.months import JULY, JUNE, MAY, Ended, Month, state
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    WEB,
    close_months,
    closed_months,
    no_report,
    write_months,
)
from tests.reports import line_item

__all__ = ["without_notebooks"]

#: Two days of July.
DAYS = [
    line_item(
        8.0,
        "CC-1",
        bill_invoice_id="",
        line_item_usage_start_date=datetime(2026, 7, day),
        line_item_usage_amount=1.0,
    )
    for day in (8, 9)
]

NAMES = {file_of(scope, name) for scope in (EVERYBODY, CORE, SHOP, WEB) for name in (PAGE, DATA)}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages that are made in no time, for tests of what happens around them; test_proof.py has real ones."""

    def render(dashboards, folder: Path, renderer: str) -> dict[Scope, Path]:
        made = {}
        for number, scope in enumerate(dashboards):
            made[scope] = folder / f"{number}.html"
            made[scope].write_text("<html></html>")
        return made

    monkeypatch.setattr(run, "render_dashboards", render)
    monkeypatch.setattr(run, "require_true_pages", lambda *_: None)
    yield


def room(month: Month) -> FolderRoom:
    return FolderRoom(month.books.root / FOLDER)


def verb(capfd: pytest.CaptureFixture[str], name: str, *arguments: str) -> Ended:
    capfd.readouterr()
    exit_code = main([name, *arguments])
    said = capfd.readouterr()
    return Ended(exit_code, said.out, said.err)


@pytest.mark.slow
def test_the_verb_publishes_a_page_and_data_for_everybody_once(tmp_path, capfd, monkeypatch):
    """Everything that was closed stays as it is, and the second run finds nothing new."""
    month = closed_months(tmp_path)
    before = state(month.books)
    ended = verb(capfd, "dashboards", *month.options, "--renderer", "embedded")
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert ended.said.splitlines() == [
        "Dashboards of 4 pages, 2 closed months up to 2026-06, and 2026-07 to 2026-07-10 (PROVISIONAL)",
        f"  published   {month.books.root}/dashboards/000001",
    ]
    edition = newest_edition(room(month))
    assert edition is not None and set(edition.files) == NAMES
    assert {one: edition.said[one] for one in ("last_closed", "open", "status", "as_of")} == {
        "last_closed": "2026-06", "open": "2026-07", "status": "PROVISIONAL", "as_of": "2026-07-10",
    }  # fmt: skip
    assert b"80.00" in (read_page(room(month), edition, SHOP) or b"")
    monkeypatch.setattr(run, "rendered", None)  # nothing is rendered again
    again = verb(capfd, "dashboards", *month.options, "--renderer", "embedded")
    assert again.said.splitlines()[-1] == f"  unchanged   {month.books.root}/dashboards/000001"
    after = state(month.books)
    assert {name: one for name, one in after.items() if not name.startswith(FOLDER)} == before


def test_without_a_closed_period_nothing_is_made(tmp_path, capfd):
    month = write_months(tmp_path)
    ended = verb(capfd, "dashboards", *month.options)
    assert ended.exit_code == BAD_USAGE
    assert "there is no closed period to make dashboards of" in ended.refused
    assert not (month.books.root / FOLDER).exists()


def test_a_control_that_fails_publishes_nothing(tmp_path, monkeypatch, quick):
    month = close_months(write_months(tmp_path), MAY)

    def fail(*_: object) -> None:
        raise Refusal(CONTROL_FAILED, "a control failed")

    monkeypatch.setattr(run, "require_true_pages", fail)
    with pytest.raises(Refusal):
        run.make_dashboards(month.books, month.params, no_report, "", say_nothing)
    assert newest_edition(room(month)) is None


def test_two_runs_at_once_leave_whole_editions(tmp_path, quick):
    month = close_months(write_months(tmp_path), MAY)
    refused = []

    def make() -> None:
        try:
            run.make_dashboards(month.books, month.params, lambda _: month.report, "", say_nothing)
        except Exception as error:
            refused.append(error)

    runs = [threading.Thread(target=make) for _ in range(3)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert refused == []
    edition = newest_edition(room(month))
    assert edition is not None
    for scope in (EVERYBODY, CORE, SHOP, WEB):
        assert read_page(room(month), edition, scope, DATA)


@pytest.mark.parametrize("name", ["index.json", f"business-unit/shop/{PAGE}"])
def test_pages_that_are_not_as_they_were_made_are_made_again(tmp_path, quick, name):
    month = close_months(write_months(tmp_path), MAY)
    made = run.make_dashboards(month.books, month.params, no_report, "embedded", say_nothing)
    (month.books.root / FOLDER / "000001" / name).write_text("{")
    again = run.make_dashboards(month.books, month.params, no_report, "embedded", say_nothing)
    assert (made.number, again.number, again.files) == (1, 2, made.files)
    assert read_page(room(month), again, SHOP) == b"<html></html>"


#: June and what follows it are prepared by their close, and wait for Rita.
APPROVERS = (
    f'[[approver]]\napprover_id = "rita"\nname = "Rita"\ncertificate_sha256 = "{"a" * 64}"\n'
    + ('valid_from = "2026-06"\n')
)


def test_only_pages_whose_data_changed_are_rendered(tmp_path, quick, monkeypatch):
    """An acknowledgement of shop is on its page and on everybody's."""
    month = close_months(write_months(tmp_path), MAY)
    made: list[str] = []
    plain = run.rendered

    def render(dashboards, folder, renderer):
        made.extend(scope.id for scope in dashboards)
        return plain(dashboards, folder, renderer)

    monkeypatch.setattr(run, "rendered", render)
    run.make_dashboards(month.books, month.params, no_report, "embedded", say_nothing)
    assert made == ["", "core", "shop", "CC-1"]
    made.clear()
    books_id = str(checked_manifest(month.books, MAY)["books"])
    row = {"acknowledged_on": "2026-06-05"}
    record(
        delivery_room(month.books),
        books_id,
        ACKNOWLEDGED,
        MAY,
        "shop",
        "dana",
        details={"row": row},
    )
    run.make_dashboards(month.books, month.params, no_report, "embedded", say_nothing)
    assert made == ["", "shop"]
    monkeypatch.setattr(run, "look_of", lambda _: "another look")
    run.make_dashboards(month.books, month.params, no_report, "embedded", say_nothing)
    assert made == ["", "shop", "", "core", "shop", "CC-1"]


def test_a_month_that_waits_for_its_approval_is_on_no_page_before(tmp_path, quick):
    """May is released, June prepared: pages end with May and say so, until June is released."""
    month = close_months(write_months(tmp_path, delivery_toml=APPROVERS), MAY, JUNE)
    said: list[str] = []
    run.make_dashboards(month.books, month.params, no_report, "", said.append)
    assert said[0] == "Dashboards of 4 pages, 2026-05, which is closed"
    assert (
        "  note        2026-06 is closed and waits for its approval; it is shown when it is released."
        in said
    )
    books_id = str(checked_manifest(month.books, JUNE)["books"])
    record(delivery_room(month.books), books_id, APPROVED, JUNE, by="rita")
    run.make_dashboards(month.books, month.params, no_report, "", said.append)
    assert "Dashboards of 4 pages, 2 closed months up to 2026-06" in said


def test_where_nothing_is_released_there_is_nothing_to_show(tmp_path, quick):
    approvers = APPROVERS.replace("2026-06", "2026-05")
    month = close_months(write_months(tmp_path, delivery_toml=approvers), MAY)
    with pytest.raises(Refusal) as refused:
        run.make_dashboards(month.books, month.params, no_report, "", say_nothing)
    assert refused.value.todo == ["release it: make approve PERIOD=2026-05 BY="]
    assert pages_after(Namespace(), str(month.report), month.params, month.books, "") == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_close_ends_with_pages_where_viewers_are_named(tmp_path, capfd):
    month = write_months(tmp_path)
    ended = verb(capfd, "monthly-close", MAY, *month.options, "--renderer", "embedded")
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert ended.said.splitlines()[-1].endswith("dashboards/000001")
    edition = newest_edition(room(month))
    assert edition is not None and set(edition.files) == NAMES


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_pages_that_fail_leave_the_close_as_it_is(tmp_path, capfd):
    """viewers.toml is malformed: May is closed, and the verb ends with the pages' own exit code."""
    month = write_months(tmp_path, viewers_toml='[[viewer]]\ngroup = "x"\n')
    ended = verb(capfd, "monthly-close", MAY, *month.options, "--renderer", "embedded")
    assert ended.exit_code == BAD_USAGE
    assert month.books.closed_periods() == [MAY]
    assert "no dashboards" in ended.said
    assert f"{MAY} is closed, and that stays as it is" in ended.refused
    assert "make dashboards" in ended.refused


def test_no_pages_follow_where_nobody_may_see_any(tmp_path, quick):
    month = close_months(write_months(tmp_path), MAY)
    (month.params / "viewers.toml").unlink()
    assert pages_after(Namespace(), str(month.report), month.params, month.books, "") == []
    assert newest_edition(room(month)) is None


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_close_that_hands_nothing_out_makes_no_pages(tmp_path, capfd):
    month = write_months(tmp_path)
    ended = verb(
        capfd, "monthly-close", MAY, *month.options, "--handout", "no", "--renderer", "embedded"
    )
    assert (ended.exit_code, newest_edition(room(month))) == (DONE, None)


@pytest.mark.slow
def test_a_daily_run_ends_with_pages(tmp_path, capfd):
    """July up to the ninth, without a draft."""
    month = close_months(write_months(tmp_path, months={JULY: [DAYS]}), MAY)
    ended = verb(capfd, "daily", "2026-07-09", *month.options)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    edition = newest_edition(room(month))
    assert edition is not None
    assert (edition.said["status"], edition.said["as_of"]) == ("to date", "2026-07-09")


def test_no_figure_is_drawn_for_a_page_and_one_is_for_jupyterlab(monkeypatch):
    from chargeback.dashboards import sections
    from chargeback.dashboards.on_pages import OF_PAGES
    from chargeback.dashboards.sections.opened import Opened
    from chargeback.dashboards.sections.shown import PLOTLY

    drawn = []
    chart = sections.trend(Opened(ahead.rehearsed())).chart
    monkeypatch.setattr(type(chart), "plotly", property(lambda self: drawn.append(self) or {}))
    for_page = sections.trend(Opened(ahead.rehearsed()))._repr_mimebundle_(OF_PAGES)
    assert PLOTLY not in for_page and not drawn
    for_lab = sections.trend(Opened(ahead.rehearsed()))._repr_mimebundle_()
    assert for_lab[PLOTLY] == {} and len(drawn) == 1
    assert for_lab["text/markdown"] == for_page["text/markdown"]


def test_kernels_rehearse_a_page_with_every_section():
    """A section that cannot show a page of one charge would keep all kernels from starting."""
    ahead.rehearse()
    assert ahead.rehearsed().rows[0].amount == ahead.rehearsed().months[0].amount
