"""Tickets in ServiceNow: one for each case, whatever goes wrong with any call, and every message in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.daily.cases import TICKET, Case, CaseKey, Finding, follow
from chargeback.daily.messages import correlation_id, message, revision_words
from chargeback.daily.sending import send_pending
from chargeback.daily.servicenow import ServiceNow
from chargeback.daily.state import State
from chargeback.daily.stores import open_state
from chargeback.servicenow.connection import Instance, Patience
from tests.servicenow.stand_in import CLIENT, PASSWORD, SECRET, USER, StandIn, servicenow

FIRST = date(2026, 5, 1)
PATIENCE = Patience(attempts=3, first_wait=0.0, longest_wait=0.0, timeout=5.0)
KEY: CaseKey = ("untagged", "012345678901")

#: What happens on each day: subjects that are found, with their amounts.
STORY: list[dict[str, int]] = [{"a": 5}, {"a": 7, "b": 3}, {"b": 4}, {"a": 9}, {}]

#: Opened, updated, resolved: each kind of call, quick enough to be told for each fault at each of them.
SHORT_STORY: list[dict[str, int]] = [{"a": 5}, {"a": 7}, {}]

FAULTS = ("401", "429", "500", "503", "502", "504", "lost", "late 504", "refused", "garbage")


@pytest.fixture
def server() -> Iterator[StandIn]:
    with servicenow() as one:
        yield one


def client(server: StandIn, patience: Patience = PATIENCE, **credentials: str) -> ServiceNow:
    """A client with basic authentication unless credentials are given."""
    given = credentials or {"user": USER, "password": PASSWORD}
    return ServiceNow(Instance(server.address, **given), patience)


def case(amount: int = 5, subject: str = KEY[1], cases: dict[CaseKey, Case] | None = None) -> Case:
    """The case of one finding, in its first or a later revision."""
    found = Finding("untagged", subject, TICKET, "team", "title", Decimal(amount), ("text",))
    day = FIRST + timedelta(len(cases or {}))
    return follow(cases or {}, [found], ["untagged"], {}, day, 14)[found.key]


def write_day(state: State, number: int, story: list[dict[str, int]]) -> None:
    """Write a day of a story to the state."""
    before = state.latest()
    findings = [
        Finding("untagged", subject, TICKET, "team", f"{amount}", Decimal(amount))
        for subject, amount in story[number].items()
    ]
    day = FIRST + timedelta(number)
    if before.day is None or before.day < day:
        cases = follow(before.cases, findings, ["untagged"], {}, day, 14)
        assert state.write_run(day, [], cases.values(), before)


def send_if_possible(server: StandIn, state: State) -> None:
    """Send what is pending; a refusal leaves it for the next run."""
    try:
        send_pending(state, lambda one: client(server))
    except Refusal as refusal:
        assert refusal.exit_code == UNREACHABLE


def pass_time(state: State) -> None:
    """Let the time pass in which nobody creates after a call without an answer."""
    for key in state.latest().cases:
        before = state.sent_messages(key)
        if before.claimed_by:
            earlier = replace(before, claimed_at=before.claimed_at - PATIENCE.quiet)
            assert state.replace_sent_messages(before, earlier)


def assert_never_two(server: StandIn) -> None:
    """No subject has two tickets."""
    assert all(len(found) == 1 for found in server.by_subject().values()), server.calls


def assert_all_arrived(server: StandIn, state: State) -> None:
    """Each case has one ticket, which says what the case says last."""
    assert_never_two(server)
    by_subject = server.by_subject()
    cases = state.latest().cases.values()
    assert {correlation_id(one.key) for one in cases} >= set(by_subject)
    for one in cases:
        if one.status == "resolved" and not state.sent_messages(one.key).ticket_id:
            assert correlation_id(one.key) not in by_subject, "resolved before it was told"
            continue
        [ticket] = by_subject[correlation_id(one.key)]
        assert ticket["correlation_display"] == revision_words(one.revision)
        assert (ticket["state"] == "6") == (one.status == "resolved"), one


def walk(server: StandIn, state: State, story: list[dict[str, int]]) -> None:
    """A run on each day of a story, then two more after the quiet time."""
    for number in range(len(story)):
        write_day(state, number, story)
        send_if_possible(server, state)
        assert_never_two(server)
    for _ in range(2):
        server.tell_slow_ones()
        pass_time(state)
        send_if_possible(server, state)
        assert_never_two(server)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    store = open_state("", tmp_path / "state.sqlite")
    yield store
    store.close()


def calls_without_faults(tmp_path: Path) -> int:
    """How many calls the story takes when nothing goes wrong."""
    with servicenow() as server:
        store = open_state("", tmp_path / "undisturbed.sqlite")
        walk(server, store, SHORT_STORY)
        assert_all_arrived(server, store)
        store.close()
        return len(server.calls)


def test_tickets_follow_their_cases(server, state):
    walk(server, state, STORY)
    assert_all_arrived(server, state)
    assert [one.get("state") for one in server.writes] == ["1", None, "1", "6", None, "2", "6", "6"]
    reopened = next(one for one in server.writes if one.get("state") == "2")
    assert "Back on 2026-05-04" in reopened["work_notes"]
    resolved = [one for one in server.writes if one.get("state") == "6"]
    assert "Recovered on 2026-05-03: 7.00 of 7.00" in resolved[0]["close_notes"]
    sent = state.sent_messages(("untagged", "a"))
    assert sent.number == "INC0000001"
    assert sent.link.startswith(f"{server.address}/nav_to.do?uri=incident.do?sys_id=")


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_every_call(fault, tmp_path):
    calls = calls_without_faults(tmp_path)
    assert calls > 6
    for number in range(1, calls + 1):
        with servicenow() as server:
            server.faults = {number: fault}
            store = open_state("", tmp_path / f"{number}.sqlite")
            walk(server, store, SHORT_STORY)
            assert not server.faults, "the fault happened"
            assert_all_arrived(server, store)
            store.close()


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize("fault", ["lost", "503", "429"])
def test_faults_again_and_again(fault, every, server, state):
    server.one_fault_a_call = lambda number: fault if number % every == 0 else ""
    walk(server, state, STORY)
    server.one_fault_a_call = None
    pass_time(state)
    send_if_possible(server, state)
    assert_all_arrived(server, state)


def test_a_ticket_that_is_made_after_everybody_stopped_waiting(server, state):
    # It is told to make the ticket, is too slow to answer, and makes it when the run is over.
    slow = replace(PATIENCE, timeout=0.1)
    server.slowness = 0.3
    server.faults = {3: "slow"}
    write_day(state, 0, STORY)
    for _ in range(2):
        with pytest.raises(Refusal, match="nothing said whether a ticket was made"):
            send_pending(state, lambda one: client(server, slow))
    assert server.calls.count("POST") == 1, "nobody makes it again"
    assert not server.records
    server.tell_slow_ones()
    send_pending(state, lambda one: client(server, slow))
    assert_all_arrived(server, state)


def test_where_the_id_is_unique_nobody_waits_for_an_answer_that_never_came(server, state):
    """The ticket is asked for again at once, and the database refuses the first one when it comes late."""
    server.database.kinds["incident"].unique.add("correlation_id")
    slow = replace(PATIENCE, timeout=0.1)
    server.slowness = 0.3
    server.faults = {3: "slow"}
    write_day(state, 0, STORY)
    send_pending(state, lambda one: client(server, slow))
    assert server.calls.count("POST") == 2
    server.tell_slow_ones()
    assert_all_arrived(server, state)


@pytest.mark.parametrize("fault", ["lost", "refused", "503"])
def test_one_fault_at_every_call_where_the_id_is_unique(fault, tmp_path):
    """Each day's run ends with its tickets made: there is no quiet time to wait for."""
    for number in range(1, 8):
        with servicenow() as server:
            server.database.kinds["incident"].unique.add("correlation_id")
            server.faults = {number: fault}
            store = open_state("", tmp_path / f"{number}.sqlite")
            for day in range(len(SHORT_STORY)):
                write_day(store, day, SHORT_STORY)
                send_pending(store, lambda one, at=server: client(at))
                assert_all_arrived(server, store)
            store.close()


def test_another_runs_claim_keeps_nobody_from_creating_where_the_id_is_unique(server, state):
    write_day(state, 0, STORY)
    before = state.sent_messages(("untagged", "a"))
    held = replace(before, claimed_at=time.time(), claimed_by="a run that was killed")
    assert state.replace_sent_messages(before, held)
    with pytest.raises(Refusal, match="nothing said whether a ticket was made"):
        send_pending(state, lambda one: client(server))
    assert not server.records
    server.database.kinds["incident"].unique.add("correlation_id")
    send_pending(state, lambda one: client(server))
    assert_all_arrived(server, state)


def test_parallel_runs_make_one_ticket(server, tmp_path):
    place = tmp_path / "state.sqlite"
    store = open_state("", place)
    write_day(store, 1, STORY)
    server.one_fault_a_call = lambda number: "503" if number % 7 == 0 else ""

    def run(number: int) -> None:
        mine = open_state("", place)
        send_if_possible(server, mine)
        mine.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(run, range(6)))
    assert_never_two(server)
    server.one_fault_a_call = None
    pass_time(store)
    send_if_possible(server, store)
    assert_all_arrived(server, store)
    store.close()


def test_a_ticket_that_was_closed_by_hand_is_opened_again_while_the_cost_goes_on(server, state):
    walk(server, state, STORY[:1])
    server.records[0]["state"] = "7"
    walk(server, state, [{"a": 5}, {"a": 8}])
    assert server.records[0]["state"] == "2"


def test_a_state_that_was_lost_takes_its_tickets_up_again(server, state, tmp_path):
    walk(server, state, STORY)
    other = open_state("", tmp_path / "new.sqlite")
    walk(server, other, [{"a": 50}])
    [ticket] = server.by_subject()["chargeback:untagged:a"]
    assert ticket["short_description"] == "50"
    assert ticket["state"] != "6"
    other.close()


def test_what_is_resolved_before_it_was_told_makes_no_ticket(server, state):
    server.one_fault_a_call = lambda number: "503"
    write_day(state, 0, [{"a": 5}, {}])
    send_if_possible(server, state)
    write_day(state, 1, [{"a": 5}, {}])
    server.one_fault_a_call = None
    send_if_possible(server, state)
    assert not server.records
    assert state.sent_messages(("untagged", "a")).revision == 2


def test_oauth_and_a_token_that_ran_out(server, state):
    ours = client(server, client_id=CLIENT, client_secret=SECRET)
    write_day(state, 0, STORY)
    send_pending(state, lambda one: ours)
    server.tokens.clear()
    write_day(state, 1, STORY)
    send_pending(state, lambda one: ours)
    assert_all_arrived(server, state)


@pytest.mark.parametrize(
    "wrong", [{"user": USER, "password": "wrong"}, {"client_id": CLIENT, "client_secret": "wrong"}]
)
def test_wrong_credentials(server, state, wrong):
    write_day(state, 0, STORY)
    with pytest.raises(Refusal) as raised:
        send_pending(state, lambda one: client(server, **wrong))
    assert raised.value.exit_code == UNREACHABLE
    assert "ServiceNow refuses the credentials" in raised.value.block()
    assert "wrong" not in raised.value.block()
    send_pending(state, lambda one: client(server))
    assert_all_arrived(server, state)


def test_nobody_listens(server, state):
    write_day(state, 0, STORY)
    server.shutdown()
    server.server_close()
    with pytest.raises(Refusal) as raised:
        send_pending(state, lambda one: client(server))
    assert raised.value.exit_code == UNREACHABLE
    assert "ServiceNow did not answer as expected" in raised.value.block()


def test_retry_after_is_waited_for(server, state, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    server.one_fault_a_call = lambda number: "429" if number == 1 else "503" if number < 4 else ""
    patience = Patience(attempts=5, first_wait=2.0, longest_wait=30.0)
    write_day(state, 0, STORY)
    send_pending(state, lambda one: client(server, patience))
    assert waits == [0.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        (Instance("http://example.service-now.com", user="u", password="p"), "is not https"),
        (Instance("http://127.0.0.1.example.com", user="u", password="p"), "is not https"),
        (Instance("https://example.service-now.com", user="u"), "there are no credentials"),
    ],
)
def test_settings_that_cannot_be_used(instance, words):
    with pytest.raises(Refusal, match=words) as raised:
        ServiceNow(instance, PATIENCE)
    assert raised.value.exit_code == BAD_USAGE


def test_messages_fit_their_fields():
    long = replace(case(), subject="x" * 300, title="t" * 300, text=("y" * 5000,))
    fields = message(long)
    assert len(fields["correlation_id"]) <= 100
    assert len(fields["short_description"]) == 160
    assert len(fields["description"]) == 4000
    other = replace(long, subject="x" * 299)
    assert correlation_id(other.key) != correlation_id(long.key)
    assert correlation_id(("untagged", "a^ORDERBYb")).count("^") == 0
