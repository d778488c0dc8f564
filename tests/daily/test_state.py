"""What a store of the daily state must hold: runs in one step, old days apart, 13 months; both alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.daily.cases import TICKET, Case, Finding, follow
from chargeback.daily.settings import read_settings
from chargeback.daily.state import AccountDay, Latest, SentMessages, first_day_kept
from chargeback.daily.stores import open_state
from tests.daily.conftest import OpenStore

DAY = date(2026, 5, 10)
ACCOUNT = "012345678901"
KEY = ("untagged", ACCOUNT)


def figures(day: date, cost: int, account: str = ACCOUNT) -> AccountDay:
    """A day of an account."""
    return AccountDay(account, day, {"untagged_cost": Decimal(cost), "line_items": Decimal(3)})


def case(subject: str = ACCOUNT, amount: int = 7, day: date = DAY) -> Case:
    """An open case."""
    finding = Finding(
        "untagged",
        subject,
        TICKET,
        "team",
        "title",
        Decimal(amount),
        ("é", "—"),
        {"worst": ["i-1"]},
    )
    return follow({}, [finding], ["untagged"], {}, day, 14)[finding.key]


def write(store, day: date, cost: int, cases=(), before: Latest | None = None) -> bool:
    """Write a run with one figure for its day and the day before."""
    rows = [figures(day - timedelta(1), cost), figures(day, cost)]
    return store.write_run(day, rows, cases, before or store.latest())


def test_a_new_store_is_empty(open_store: OpenStore):
    assert open_store().latest() == Latest()
    assert open_store().account_days(DAY, DAY) == []
    assert open_store().sent_messages(KEY) == SentMessages(*KEY)


def test_what_a_run_wrote_the_next_one_reads(open_store: OpenStore):
    cases = [case(), case("b#c"), replace(case("d"), rule="anomaly", resolved_on=DAY)]
    assert write(open_store(), DAY, 5, cases)
    found = open_store().latest()
    assert (found.day, found.cases) == (DAY, {one.key: one for one in cases})
    rows = open_store().account_days(DAY - timedelta(30), DAY)
    assert rows == [figures(DAY - timedelta(1), 5), figures(DAY, 5)]
    assert open_store().account_days(DAY, DAY) == [figures(DAY, 5)]


def test_a_run_replaces_all_of_the_run_before_it(open_store: OpenStore):
    write(open_store(), DAY, 5, [case(), case("gone")])
    write(open_store(), DAY, 6, [case(amount=8)])
    assert open_store().latest().cases == {KEY: case(amount=8)}
    assert open_store().account_days(DAY, DAY) == [figures(DAY, 6)]


def test_a_later_run_s_figures_of_a_day_are_shown_whatever_is_written_after_it(open_store):
    store = open_store()
    write(store, DAY, 5, [case()])
    write(store, DAY + timedelta(1), 6, [case()])
    assert store.account_days(DAY, DAY) == [figures(DAY, 6)]
    before = store.latest()
    assert write(store, DAY, 7, None)
    assert store.account_days(DAY - timedelta(1), DAY + timedelta(1)) == [
        figures(DAY - timedelta(1), 7), figures(DAY, 6), figures(DAY + timedelta(1), 6),
    ]  # fmt: skip
    assert store.latest() == before


def test_of_two_runs_at_once_one_looks_again(open_store: OpenStore):
    first, second = open_store(), open_store()
    before = first.latest()
    assert write(first, DAY, 5, [case()], before)
    assert not write(second, DAY, 6, [case(amount=9)], before)
    assert second.latest().cases == {KEY: case()}
    assert second.account_days(DAY, DAY) == [figures(DAY, 5)]
    assert write(second, DAY, 6, [case(amount=9)])


def test_what_was_sent_is_replaced_by_one_of_many(place: str):
    def claim(number: int) -> bool:
        store = open_state(place, Path("unused"))
        before = SentMessages(*KEY)
        won = store.replace_sent_messages(before, replace(before, claimed_by=str(number)))
        store.close()
        return won

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(claim, range(8)))
    assert won.count(True) == 1
    store = open_state(place, Path("unused"))
    found = store.sent_messages(KEY)
    assert (found.version, found.claimed_by) == (1, str(won.index(True)))
    assert store.replace_sent_messages(found, replace(found, revision=2, claimed_at=1.5))
    assert not store.replace_sent_messages(found, replace(found, revision=3))
    assert store.sent_messages(KEY).revision == 2
    store.close()


def test_what_was_sent_outlives_runs(open_store: OpenStore):
    store = open_store()
    store.replace_sent_messages(
        SentMessages(*KEY), SentMessages(*KEY, ticket_id="t", link="https://x/1")
    )
    write(store, DAY, 5, [])
    assert open_store().sent_messages(KEY).link == "https://x/1"


def test_thirteen_months_are_kept(open_store: OpenStore):
    store = open_store()
    kept = first_day_kept(DAY)
    assert kept == date(2025, 4, 1)
    for day in (kept - timedelta(1), kept, DAY):
        store.write_run(day, [figures(day, 5)], [], store.latest())
    assert [one.usage_date for one in store.account_days(date(2020, 1, 1), DAY)] == [kept, DAY]


def test_many_cases_are_one_step(open_store: OpenStore):
    many = [case(f"{number:03d}") for number in range(130)]
    rows = [figures(DAY, 1, one.subject) for one in many]
    assert open_store().write_run(DAY, rows, many, Latest())
    assert len(open_store().latest().cases) == 130
    assert len(open_store().account_days(DAY, DAY)) == 130


def refused(place: str) -> Refusal:
    """The refusal that opening a store ends with."""
    with pytest.raises(Refusal) as raised:
        open_state(place, Path("unused"))
    return raised.value


def test_a_file_that_is_no_store(tmp_path):
    (tmp_path / "state.sqlite").write_text("this is no database, and long enough to be read as one")
    found = refused(str(tmp_path / "state.sqlite"))
    assert found.exit_code == UNREACHABLE
    assert "the state of the daily runs cannot be read or written" in found.block()


def test_a_table_that_is_not_there(dynamodb_table):
    found = refused("dynamodb:another")
    assert found.exit_code == UNREACHABLE
    assert "the DynamoDB table another" in found.block()


def test_an_aws_that_does_not_answer(dynamodb_table, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert refused(f"dynamodb:{dynamodb_table}").exit_code == UNREACHABLE


def test_a_kind_of_store_that_is_not_known():
    found = refused("redis://localhost")
    assert found.exit_code == BAD_USAGE
    assert "unknown kind of state" in found.block()


def test_the_environment_names_the_state_before_sources_toml_does(tmp_path, monkeypatch):
    (tmp_path / "sources.toml").write_text('state = "dynamodb:written"\n')
    books = Books(tmp_path / "books")
    assert read_settings(tmp_path, books).state == "dynamodb:written"
    monkeypatch.setenv("CHARGEBACK_STATE", "dynamodb:given")
    assert read_settings(tmp_path, books).state == "dynamodb:given"
