"""A month walked day by day: tickets open, are updated, resolve and open again as the data says; never two.

Whatever happens on the way: days run twice, days left out, an older day, the process killed at any step.
"""

from __future__ import annotations

import copy
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.daily import run
from chargeback.daily.messages import revision_words
from chargeback.daily.settings import Settings
from chargeback.daily.state import DYNAMODB
from chargeback.daily.today import Today
from tests.daily.killed import is_killed
from tests.daily.month import (
    DRIFTING,
    OPENED_ON,
    REOPENED_ON,
    RESOLVED_AGAIN_ON,
    RESOLVED_ON,
    SILENT,
    day,
    look,
    run_day,
    write_month,
)
from tests.servicenow.stand_in import PASSWORD, USER, StandIn, servicenow

pytestmark = pytest.mark.slow

KEY = ("untagged", DRIFTING)
DAYS = range(1, 32)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """The month, its params and empty books; no ServiceNow."""
    return write_month(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A ServiceNow that the environment names."""
    with servicenow() as one:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", one.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", PASSWORD)
        yield one


def expected_action(number: int) -> str | None:
    """What a day does to the ticket of the drifting account, if anything."""
    special = {
        OPENED_ON: "opened", RESOLVED_ON: "resolved", REOPENED_ON: "reopened",
        RESOLVED_AGAIN_ON: "resolved",
    }  # fmt: skip
    is_open = OPENED_ON < number < RESOLVED_ON or REOPENED_ON < number < RESOLVED_AGAIN_ON
    return special.get(number) or ("updated" if is_open else None)


def test_thirty_one_runs(places, server, tmp_path):
    for number in DAYS:
        today = run_day(places, number, tmp_path / "day")
        assert today.unsent is None
        actions = [(one.subject, one.action) for one in today.changed()]
        action = expected_action(number)
        assert actions == ([(DRIFTING, action)] if action else []), number
        if number >= OPENED_ON:
            [ticket] = server.records
            assert ticket["correlation_display"] == revision_words(today.cases[KEY].revision)
    assert ticket["state"] == "6"
    assert ticket["assignment_group"] == "shop-team"
    assert "Recovered on 2026-05-27: 150.00 of 150.00" in ticket["close_notes"]
    assert ticket["due_date"] == "2026-06-03 23:59:59"
    first = server.writes[0]
    assert "50.00 USD of 350.00 USD that could carry tags" in first["description"]
    assert "i-untagged" in first["description"]
    assert today.cases[KEY].times_opened == 2
    assert today.hygiene.silent_accounts == ("012345678901", SILENT)


def test_without_servicenow_the_same_messages_are_files(places, server, monkeypatch, tmp_path):
    days = (OPENED_ON, OPENED_ON + 1, RESOLVED_ON)
    for number in days:
        run_day(places, number, tmp_path / "day")
    monkeypatch.delenv("CHARGEBACK_SERVICENOW")
    places["books"] = str(tmp_path / "other")
    for number in days:
        run_day(places, number, tmp_path / "day")
        run_day(places, number, tmp_path / "day")
    files = sorted((tmp_path / "other" / "daily" / "outbox").iterdir())
    assert [json.loads(one.read_text("utf-8")) for one in files] == server.writes
    names = [one.name for one in files]
    assert names[0] == f"chargeback-untagged-{DRIFTING}-0001-opened.json"
    assert names[-1] == f"chargeback-untagged-{DRIFTING}-0003-resolved.json"


def test_a_day_again_changes_nothing(places, server, tmp_path):
    for number in (OPENED_ON, OPENED_ON + 1, RESOLVED_ON):
        first = run_day(places, number, tmp_path / "day")
        writes, calls = copy.deepcopy(server.writes), len(server.calls)
        again = run_day(places, number, tmp_path / "day")
        assert again.changed() == []
        assert again.cases == first.cases
        assert (server.writes, len(server.calls)) == (writes, calls)


def test_an_older_day_leaves_newer_ones_alone(places, server, tmp_path):
    for number in (OPENED_ON, OPENED_ON + 2, RESOLVED_ON):
        run_day(places, number, tmp_path / "day")
    newest = look(places, RESOLVED_ON)
    writes = copy.deepcopy(server.writes)
    older = run_day(places, OPENED_ON + 2, tmp_path / "day")
    assert older.is_older
    assert older.changed() == []
    assert server.writes == writes
    again = look(places, RESOLVED_ON)
    assert (again.before, again.cases) == (newest.before, newest.cases)
    assert run_day(places, RESOLVED_ON + 1, tmp_path / "day").changed() == []


def test_days_left_out_are_caught_up(places, server, tmp_path):
    for number in (2, OPENED_ON + 3, REOPENED_ON - 1, 31):
        run_day(places, number, tmp_path / "day")
    [ticket] = server.records
    assert ticket["state"] == "6"
    assert len(server.writes) == 2


def test_the_window_reaches_into_the_month_before_as_it_was_seen(places, tmp_path):
    run_day(places, 24, tmp_path / "day")
    state = look(places, 24).settings.open_state()
    seen = state.account_days(day(1), day(31))
    state.close()
    assert {one.usage_date for one in seen} == {day(22), day(23), day(24)}


def assert_one_ticket(server: StandIn, today: Today) -> None:
    """What the state says and one ticket, which says the same."""
    [ticket] = server.records
    assert ticket["correlation_display"] == revision_words(today.cases[KEY].revision)
    assert (ticket["state"] == "6") == (today.cases[KEY].status == "resolved")


@pytest.mark.parametrize("number", [OPENED_ON, RESOLVED_ON, REOPENED_ON])
def test_killed_at_any_step(number, places, server, tmp_path):
    books, kept = Path(places["books"]), tmp_path / "kept"
    books.mkdir()
    for before in range(1, number):
        if expected_action(before) in ("opened", "resolved"):
            run_day(places, before, tmp_path / "day")
    shutil.copytree(books, kept)
    records = copy.deepcopy(server.records)
    looked = look(places, number)
    steps = 0
    while True:
        steps += 1
        killed = is_killed(lambda: run.carry_out(looked, str(tmp_path / "day")), steps)
        (tmp_path / "day").mkdir(exist_ok=True)
        let_claims_run_out(looked.settings)
        again = carry_out_again(looked, tmp_path / "day")
        assert again.unsent is None
        assert_one_ticket(server, again)
        assert again.cases[KEY].action == expected_action(number)
        if not killed:
            break
        shutil.rmtree(books)
        shutil.copytree(kept, books)
        server.records[:] = copy.deepcopy(records)
    assert steps > 20


def carry_out_again(looked: Today, folder: Path) -> Today:
    """The same run again, which finds in the state what the killed one left there."""
    state = looked.settings.open_state()
    latest = state.latest()
    state.close()
    return run.carry_out(run.followed(looked, latest), str(folder))


def let_claims_run_out(settings: Settings) -> None:
    """Ten minutes later, as far as claims are concerned."""
    state = settings.open_state()
    before = state.sent_messages(KEY)
    if before.claimed_by:
        state.replace_sent_messages(before, replace(before, claimed_at=before.claimed_at - 600))
    state.close()


def test_in_dynamodb(places, server, dynamodb_table, tmp_path):
    (Path(places["params"]) / "sources.toml").write_text(f'state = "{DYNAMODB}{dynamodb_table}"\n')
    for number in (OPENED_ON, RESOLVED_ON, REOPENED_ON):
        today = run_day(places, number, tmp_path / "day")
    assert run_day(places, number, tmp_path / "day").changed() == []
    assert_one_ticket(server, today)
    assert not (Path(places["books"]) / "daily" / "state.sqlite").exists()


def test_a_state_that_cannot_be_reached_stops_before_anything_is_sent(places, server, tmp_path):
    (Path(places["books"]) / "daily").mkdir(parents=True)
    (Path(places["books"]) / "daily" / "state.sqlite").write_text(
        "no database, for a long time now"
    )
    with pytest.raises(Refusal) as raised:
        run_day(places, OPENED_ON, tmp_path / "day")
    assert raised.value.exit_code == UNREACHABLE
    assert not server.calls
    assert not list((tmp_path / "day").iterdir())


def test_a_state_that_is_locked_stops_before_anything_is_sent(
    places, server, tmp_path, monkeypatch
):
    run_day(places, 2, tmp_path / "day")
    monkeypatch.setattr("chargeback.daily.sqlite_state.WAIT_SECONDS", 0.1)
    monkeypatch.setattr("chargeback.daily.sqlite_state.SQLiteState.__init__.__defaults__", (0.1,))
    looked = look(places, OPENED_ON)
    other = sqlite3.connect(looked.settings.state_file, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Refusal, match="the state of the daily runs cannot be"):
        run.carry_out(looked, str(tmp_path / "day"))
    other.execute("rollback")
    other.close()
    assert not server.calls


def test_looking_makes_nothing(places, server):
    look(places, OPENED_ON)
    assert not Path(places["books"]).exists()
    assert not server.calls
