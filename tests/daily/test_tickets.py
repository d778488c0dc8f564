"""Tickets: so many new ones a day and the dearest first, by account or team; none is left behind or too much.

Whatever happens on the way: days run again, the process killed between two tickets, a policy that changes,
teams with names that no key or file can have.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.daily import run
from chargeback.daily.cases import Case
from chargeback.daily.messages import correlation_id
from chargeback.daily.state import DYNAMODB
from chargeback.daily.tickets import accounts_of
from chargeback.daily.today import Today
from tests.daily.killed import is_killed
from tests.daily.many import (
    COUNT,
    SHARED,
    account,
    accounts_csv,
    change_policy,
    write_many,
)
from tests.daily.month import look, run_day
from tests.servicenow.stand_in import PASSWORD, USER, StandIn, servicenow


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """The month, its params and empty books; no ServiceNow."""
    return write_many(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A ServiceNow that the environment names."""
    with servicenow() as one:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", one.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", PASSWORD)
        yield one


def open_tickets(today: Today) -> dict[str, Case]:
    """The open tickets by subject."""
    return {one.subject: one for one in today.cases.values() if one.status == "open"}


def assert_each_account_once(today: Today) -> None:
    """Every account past the threshold stands in one open ticket, or waits in one."""
    stands = [each for one in open_tickets(today).values() for each in accounts_of(one)]
    waits = [each for one in today.waiting for each in accounts_of(one)]
    assert sorted([*stands, *waits]) == [one.account_id for one in today.drift.accounts]


def ids(*numbers: int) -> list[str]:
    return [account(one) for one in numbers]


def test_so_many_a_day_and_the_dearest_first(places, server, tmp_path):
    opened = []
    for number, expected in ((3, (8, 7, 6)), (4, (5, 4, 3)), (5, (2, 1)), (6, ())):
        today = run_day(places, number, tmp_path / "day")
        again = run_day(places, number, tmp_path / "day")
        new = [one.subject for one in today.changed() if one.action == "opened"]
        assert sorted(new) == sorted(ids(*expected))
        assert again.changed() == []
        opened += new
        assert sorted(ticket["correlation_id"] for ticket in server.records) == sorted(
            f"chargeback:untagged:{one}" for one in opened
        )
        assert len(today.waiting) == COUNT - len(opened)
        assert [one.amount for one in today.waiting] == sorted(
            (one.amount for one in today.waiting), reverse=True
        )
        assert_each_account_once(today)


def test_none_a_day_opens_none_and_what_is_open_goes_on(places, tmp_path):
    run_day(places, 3, tmp_path / "day")
    change_policy(places, 0)
    today = run_day(places, 4, tmp_path / "day")
    assert sorted(open_tickets(today)) == ids(6, 7, 8)
    assert len(today.waiting) == COUNT - 3
    assert all(one.updated_on == today.day for one in open_tickets(today).values())


def test_a_ticket_that_resolves_makes_no_room_and_one_that_comes_back_takes_none(tmp_path):
    places = write_many(tmp_path, tags_from=4)
    for number in (3, 4, 5):
        today = run_day(places, number, tmp_path / "day")
    assert len(open_tickets(today)) == COUNT
    today = run_day(places, 6, tmp_path / "day")
    assert today.cases["untagged", account(8)].status == "resolved"
    assert today.cases["untagged", account(8)].recovered_amount == Decimal("480.00")
    shutil.rmtree(Path(places["report"]))
    places["report"] = write_many(tmp_path / "other")["report"]
    change_policy(places, 0)
    today = run_day(places, 7, tmp_path / "day")
    assert today.cases["untagged", account(8)].action == "reopened"
    assert_each_account_once(today)


def test_a_newer_delivery_of_the_same_day_opens_no_more_than_that(places, tmp_path):
    run_day(places, 3, tmp_path / "day")
    places["report"] = write_many(tmp_path / "other", tags_from=1)["report"]
    today = run_day(places, 3, tmp_path / "day")
    assert sorted(open_tickets(today)) == ids(6, 7)
    assert len(today.waiting) == COUNT - 3


def test_an_account_that_a_pool_takes_whatever_its_tags_say(places, tmp_path):
    change_policy(places, 99)
    today = run_day(places, 3, tmp_path / "day")
    assert sorted(open_tickets(today)) == ids(*range(1, COUNT + 1))
    found = today.hygiene.accounts[SHARED].amortized
    assert (found.taggable, found.untagged, found.overridden) == (0, 0, Decimal(3 * 570))
    assert [one.tag_value for one in today.hygiene.unusable_values] == []
    whole = sum(today.costs.table["amortized_cost"].to_pylist(), Decimal(0))
    total = today.hygiene.total.amortized
    assert total.taggable + total.overridden + total.untaggable == whole


def test_a_ticket_from_before_a_pool_took_the_account_ends_and_says_why(places, server, tmp_path):
    allocation = Path(places["params"]) / "allocation.toml"
    pools = allocation.read_text("utf-8")
    allocation.write_text(pools.replace("overrides_tags = true", ""), encoding="utf-8")
    change_policy(places, 1)
    today = run_day(places, 3, tmp_path / "day")
    assert list(open_tickets(today)) == [SHARED]
    allocation.write_text(pools, encoding="utf-8")
    today = run_day(places, 4, tmp_path / "day")
    case = today.cases["untagged", SHARED]
    assert (case.status, case.recovered_amount) == ("resolved", 0)
    [ticket] = [one for one in server.records if one["correlation_id"].endswith(SHARED)]
    assert ticket["state"] == "6"
    assert ticket["close_notes"].startswith(
        "Closed on 2026-05-04: its cost is split by shared pools"
    )


def test_one_ticket_a_team_lists_its_accounts(places, server, tmp_path):
    change_policy(places, 3, "team")
    today = run_day(places, 3, tmp_path / "day")
    assert sorted(open_tickets(today)) == ["team: bees", "team: cats", "team: dogs"]
    case = today.cases["untagged", "team: dogs"]
    assert list(accounts_of(case)) == ids(8, 7)
    assert (case.team, case.amount) == ("dogs", Decimal("900.00"))
    assert case.title == "Untagged AWS cost in 2 accounts of dogs: 900.00 USD, 75.0 %"
    [ticket] = [one for one in server.records if one["assignment_group"] == "dogs"]
    for text in ("480.00 USD    80.0 %  account-8 (000000000008)", "420.00 USD", "i-7"):
        assert text in ticket["description"]
    assert [one.subject for one in today.waiting] == ["team: ants"]
    assert_each_account_once(today)
    rows = (tmp_path / "day" / "cases.csv").read_text("utf-8").splitlines()
    assert rows[0].endswith(",ticket,accounts")
    assert any(row.endswith(f",{account(8)} {account(7)}") for row in rows)
    assert any(row.startswith("untagged,team: ants,ants,waiting,,,,180.00,") for row in rows)


def test_an_account_without_a_team_has_its_own_ticket(places, tmp_path):
    (Path(places["params"]) / "accounts.csv").write_text(accounts_csv({8: ""}), encoding="utf-8")
    change_policy(places, 9, "team")
    today = run_day(places, 3, tmp_path / "day")
    assert sorted(open_tickets(today)) == [
        account(8), "team: ants", "team: bees", "team: cats", "team: dogs",
    ]  # fmt: skip


@pytest.mark.parametrize(("was", "becomes"), [("account", "team"), ("team", "account")])
def test_a_change_of_policy_leaves_no_ticket_behind(places, server, tmp_path, was, becomes):
    change_policy(places, 99, was)
    first = run_day(places, 3, tmp_path / "day")
    before = set(open_tickets(first))
    change_policy(places, 2, becomes)
    number = 4
    while True:
        today = run_day(places, number, tmp_path / "day")
        assert run_day(places, number, tmp_path / "day").changed() == []
        assert_each_account_once(today)
        assert not today.waiting, "what stands in an old ticket does not wait"
        assert sum(one.action == "opened" for one in today.changed()) <= 2
        if not before & set(open_tickets(today)):
            break
        number += 1
        assert number < 10
    wanted = {f"team: {one}" for one in ("ants", "bees", "cats", "dogs")}
    assert set(open_tickets(today)) == (wanted if becomes == "team" else set(ids(*range(1, 9))))
    for subject in before:
        case = today.cases["untagged", subject]
        assert (case.status, case.recovered_amount) == ("resolved", 0)
        [ticket] = [
            one for one in server.records if one["correlation_id"] == correlation_id(case.key)
        ]
        assert ticket["state"] == "6"
        assert "it goes on in the ticket" in ticket["close_notes"]
        assert "Recovered" not in ticket["close_notes"]
    # And back again: the old tickets come back, no more of them a day than new ones.
    change_policy(places, 2, was)
    today = run_day(places, number + 1, tmp_path / "day")
    assert sum(one.action in ("opened", "reopened") for one in today.changed()) == 2
    assert_each_account_once(today)


def carried_out_again(looked: Today, folder: Path) -> Today:
    """The same run again, which finds in the state what the killed one left there."""
    folder.mkdir(exist_ok=True)
    state = looked.settings.open_state()
    latest = state.latest()
    for key in latest.cases:  # ten minutes later, as far as claims are concerned
        before = state.sent_messages(key)
        if before.claimed_by:
            state.replace_sent_messages(before, replace(before, claimed_at=before.claimed_at - 600))
    state.close()
    return run.carry_out(run.followed(looked, latest), str(folder))


@pytest.mark.slow
def test_killed_between_any_two_steps_it_opens_no_more_than_that(places, server, tmp_path):
    change_policy(places, 2)
    books = Path(places["books"])
    looked = look(places, 3)
    steps, seen = 0, set()
    while True:
        steps += 1
        killed = is_killed(lambda: run.carry_out(looked, str(tmp_path / "day")), steps)
        seen.add(len(server.records))
        assert len(server.records) <= 2
        again = carried_out_again(looked, tmp_path / "day")
        assert again.unsent is None
        assert sorted(one["correlation_id"][-12:] for one in server.records) == ids(7, 8)
        assert len(again.waiting) == COUNT - 2
        if not killed:
            break
        shutil.rmtree(books)
        server.records.clear()
    assert seen == {0, 1, 2}


def test_in_dynamodb_two_runs_at_once_open_no_more_than_that(
    places, server, dynamodb_table, tmp_path
):
    (Path(places["params"]) / "sources.toml").write_text(f'state = "{DYNAMODB}{dynamodb_table}"\n')
    change_policy(places, 2, "team")
    first, second = look(places, 3), look(places, 3)
    (tmp_path / "day").mkdir()
    for one in (first, second):
        today = run.carry_out(one, str(tmp_path / "day"))
    assert sorted(open_tickets(today)) == ["team: cats", "team: dogs"]
    assert len(server.records) == 2
    assert len(today.waiting) == 2


NAMES = (
    "数据平台" * 64,
    "数据服务" * 64,
    "a/b ^ c",
    "a-b ^ c",
    "=cmd|' /C calc'!A0",
    "<b>x</b>" * 30,
)


def test_names_that_no_key_and_no_file_can_have(places, dynamodb_table, tmp_path):
    (Path(places["params"]) / "sources.toml").write_text(f'state = "{DYNAMODB}{dynamodb_table}"\n')
    names = dict(zip(range(1, 9), (*NAMES, "plain", "plain"), strict=True))
    quoted = {number: '"' + name.replace('"', '""') + '"' for number, name in names.items()}
    (Path(places["params"]) / "accounts.csv").write_text(accounts_csv(quoted), encoding="utf-8")
    change_policy(places, 99, "team")
    today = run_day(places, 3, tmp_path / "day")
    assert len(open_tickets(today)) == len(NAMES) + 1
    known_as = {correlation_id(key) for key in today.cases}
    assert len(known_as) == len(today.cases)
    assert all(len(one) <= 100 and "^" not in one for one in known_as)
    outbox = Path(places["books"]) / "daily" / "outbox"
    written = [json.loads(one.read_text("utf-8")) for one in outbox.iterdir()]
    assert {one["correlation_id"] for one in written} == known_as
    assert all(len(one.name.encode()) < 200 for one in outbox.iterdir())
    assert run_day(places, 3, tmp_path / "day").changed() == []
    page = (tmp_path / "day" / "dashboard.html").read_text("utf-8")
    assert "<b>x</b>" not in page


def test_a_state_from_before_there_was_a_cap_is_read(places, tmp_path):
    today = run_day(places, 3, tmp_path / "day")
    [case, *_] = open_tickets(today).values()
    cells = json.loads(case.to_json())
    del cells["counted_on"]
    old = Case.from_json(json.dumps(cells))
    assert old == replace(case, counted_on=None)
    assert old.is_new_of(today.day)
    assert not replace(old, times_opened=2).is_new_of(today.day)
