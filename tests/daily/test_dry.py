"""A dry run says what it would open, update, close and tell, and whom; nothing is sent or remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE
from chargeback.daily import run, view
from chargeback.daily.state import DYNAMODB
from chargeback.daily.today import Today
from tests.daily.many import account, change_policy, write_many
from tests.daily.month import day, run_day
from tests.servicenow.stand_in import PASSWORD, USER, StandIn, servicenow


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """The month, its params and empty books."""
    return write_many(tmp_path, tags_from=4)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A ServiceNow that the environment names."""
    with servicenow() as one:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", one.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", PASSWORD)
        yield one


def try_day(places: dict[str, str], number: int, folder: Path) -> Today:
    """A dry run without its notebook; its files are in `folder`."""
    folder.mkdir(exist_ok=True)
    looked = run.look(
        str(day(number)), places["report"], places["params"], places["books"], str(folder), "yes"
    )
    return run.carry_out(looked, str(folder))


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = (one for one in sorted(folder.rglob("*")) if one.is_file())
    return {str(one.relative_to(folder)): one.read_bytes() for one in found}


def said(today: Today) -> list[tuple[str, str]]:
    """What would happen to whom: the words before the channel, and the account at the end of the title."""
    lines = view.told_facts(today).splitlines()
    return [
        (line.partition("ticket")[0].strip(), line[line.rindex("(") + 1 :][:12]) for line in lines
    ]


def test_it_says_what_a_run_then_does(places, server, tmp_path):
    assert said(try_day(places, 3, tmp_path / "dry")) == [
        *(("would be opened", account(one)) for one in (8, 7, 6)),
        *(("waiting", account(one)) for one in (5, 4, 3, 2, 1)),
    ]
    assert not Path(places["books"]).exists()
    assert not server.calls
    for number in (3, 4, 5):
        run_day(places, number, tmp_path / "day")
    books, writes = files_of(Path(places["books"])), len(server.writes)
    tried = try_day(places, 6, tmp_path / "dry")
    assert files_of(Path(places["books"])) == books
    assert len(server.writes) == writes
    actions = {subject: words.removeprefix("would be ") for words, subject in said(tried)}
    done = run_day(places, 6, tmp_path / "day")
    assert actions == {one.subject: one.action for one in done.changed()}
    assert set(actions.values()) == {"resolved", "updated"}
    assert try_day(places, 6, tmp_path / "dry").to_send() == []


def test_what_did_not_arrive_before_would_be_sent(places, monkeypatch, tmp_path):
    with servicenow() as server:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", server.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", "wrong")
        assert run_day(places, 3, tmp_path / "day").unsent is not None
    tried = try_day(places, 3, tmp_path / "dry")
    assert tried.changed() == []
    assert [one.action for one in tried.to_send()] == ["opened"] * 3


def test_its_files_say_that_it_is_one_and_measure_nothing(places, tmp_path):
    try_day(places, 3, tmp_path / "dry")
    names = {one.name for one in (tmp_path / "dry").iterdir()}
    assert names == {"dashboard.html", "cases.csv", "untagged.csv", "month_to_date.csv"}
    assert "DRY RUN" in (tmp_path / "dry" / "dashboard.html").read_text("utf-8")
    run_day(places, 3, tmp_path / "day")
    assert "DRY RUN" not in (tmp_path / "day" / "dashboard.html").read_text("utf-8")


def test_in_dynamodb_it_only_reads(places, dynamodb_table, tmp_path):
    (Path(places["params"]) / "sources.toml").write_text(f'state = "{DYNAMODB}{dynamodb_table}"\n')
    run_day(places, 3, tmp_path / "day")
    change_policy(places, 99, "team")
    assert len(try_day(places, 4, tmp_path / "dry").to_send()) == 7
    change_policy(places, 3)
    assert run_day(places, 3, tmp_path / "day").changed() == []


@pytest.mark.slow
def test_the_verb_publishes_it_under_a_name_of_its_own(places, capfd):
    at = ["--cur", places["report"], "--params", places["params"], "--books", places["books"]]
    assert main(["daily", str(day(3)), *at, "--dry", "yes"]) == 0
    printed = capfd.readouterr().out
    assert "Daily 2026-05-03, a dry run: nothing is sent, and nothing is remembered" in printed
    assert "would be opened" in printed
    found = {one.split("/", 2)[1] for one in files_of(Path(places["books"]))}
    assert found == {"DRY-2026-05-03"}
    assert {one.parts[0] for one in map(Path, files_of(Path(places["books"])))} == {"daily"}


def test_it_is_yes_or_no(places, capfd):
    assert main(["daily", str(day(3)), "--dry", "perhaps"]) == BAD_USAGE
    assert "DRY= or the option --dry" in capfd.readouterr().err
