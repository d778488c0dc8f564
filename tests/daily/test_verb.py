"""`chargeback daily` as people run it: the published day, exit codes, and nothing half-written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.core.paths import PARAMS
from chargeback.daily.state import DYNAMODB
from chargeback.sample import LAST_FINAL_PERIOD, write_estate
from tests.daily.month import (
    DRIFTING,
    OPENED_ON,
    POLICY,
    day,
    look,
    owned,
    run_day,
    write_month,
)
from tests.reports import data_files, manifest_path, write_report
from tests.servicenow.stand_in import USER, servicenow

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """The month in which one account drifts, its first days."""
    return write_month(tmp_path, days=6)


@pytest.fixture
def daily(places: Mapping[str, str], capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the verb for a day; returns its exit code and what it said."""

    def run(text: str, **other: str) -> tuple[int, str]:
        at = {**places, **other}
        code = main([
            "daily", text, "--cur", at["report"], "--params", at["params"], "--books", at["books"],
        ])  # fmt: skip
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.mark.slow
def test_a_day_is_published_and_a_stop_changes_nothing(daily, places, monkeypatch):
    books = Path(places["books"])
    code, said = daily(str(day(OPENED_ON)))
    assert code == 0, said
    assert "1 open cases, 50.00 USD: 1 opened, 0 updated, 0 resolved, 0 reopened" in said
    assert "accounts without line items: 012345678901, 044444444444" in said
    published = books / "daily" / str(day(OPENED_ON))
    names = {one.name for one in published.iterdir()}
    assert names >= {"daily.ipynb", "cases.csv", "untagged.csv"}
    assert f"untagged,{DRIFTING},shop-team,open" in (published / "cases.csv").read_text("utf-8")
    notebook = json.loads((published / "daily.ipynb").read_text())
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    kept = state_of(books)

    code, said = daily(str(day(9)))
    assert (code, state_of(books)) == (BAD_USAGE, kept)
    assert "the report of 2026-05 does not reach this day" in said
    assert "Traceback" not in said

    with servicenow() as server:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", server.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", "wrong")
        code, said = daily(str(day(OPENED_ON + 1)))
        assert code == UNREACHABLE
        assert "ServiceNow refuses the credentials" in said
        assert "wrong" not in said
    assert (books / "daily" / str(day(OPENED_ON + 1)) / "unsent.json").is_file()
    assert sorted(one.name for one in (books / "daily").iterdir() if one.name[0] == ".") == []


def state_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; metrics, which say that a run was stopped too, left aside."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file() and one.relative_to(folder).parts[0] != "metrics"
    }


@pytest.mark.parametrize("text", ["", "2026-05", "2026-13-01", "2026-02-30", "20260501", "today"])
def test_what_is_not_a_day(daily, places, text):
    code, said = daily(text)
    assert code == BAD_USAGE
    assert ("this is not a day" if text else "daily needs DATE=") in said
    assert "DATE= or the argument date" in said
    assert not Path(places["books"]).exists()


def test_a_month_that_the_sample_does_not_have(capfd, tmp_path):
    assert main(["daily", "2031-01-01", "--books", str(tmp_path / "books")]) == BAD_USAGE
    assert "the sample estate does not have this period" in capfd.readouterr().err


def spoil(
    places: dict[str, str], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make something wrong with what a run reads."""
    params, report = Path(places["params"]), Path(places["report"])
    if how == "unknown policy key":
        (params / "policy.toml").write_text(POLICY.replace("_due_", "_dew_"))
    elif how == "unknown state":
        (params / "sources.toml").write_text('state = "redis://localhost"\n')
    elif how == "no such table":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        (params / "sources.toml").write_text(f'state = "{DYNAMODB}absent"\n')
    elif how == "no credentials":
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", "https://example.service-now.com")
    elif how == "not https":
        (params / "sources.toml").write_text('servicenow = "http://example.service-now.com"\n')
    elif how == "empty delivery":
        places["report"] = str(write_report(tmp_path / "empty", []))
    elif how == "no delivery":
        manifest_path(report).unlink()
    elif how == "cut short":
        [path] = data_files(report)
        path.write_bytes(path.read_bytes()[:500])
    elif how == "two currencies":
        spoilt = [owned(1, 1.0, line_item_currency_code="EUR"), owned(6, 1.0)]
        places["report"] = str(write_report(tmp_path / "mixed", spoilt))


@pytest.mark.parametrize(
    ("how", "exit_code", "words"),
    [
        ("unknown policy key", BAD_USAGE, "unknown key 'ticket_dew_days'"),
        ("unknown state", BAD_USAGE, "unknown kind of state"),
        ("no such table", UNREACHABLE, "the state of the daily runs cannot be read or written"),
        ("no credentials", BAD_USAGE, "there are no credentials for ServiceNow"),
        ("not https", BAD_USAGE, "the address of ServiceNow is not https"),
        ("empty delivery", UNREACHABLE, "the delivery of 2026-05 is empty"),
        ("no delivery", UNREACHABLE, "the report has no manifest for 2026-05"),
        ("cut short", UNREACHABLE, "a data file cannot be read as Parquet"),
        ("two currencies", CONTROL_FAILED, "one_currency_is_billed"),
    ],
)
def test_bad_input_leaves_nothing(places, tmp_path, monkeypatch, how, exit_code, words):
    run_day(places, OPENED_ON, tmp_path / "day")
    books = Path(places["books"])
    kept = state_of(books)
    spoil(places, how, tmp_path, monkeypatch)
    folder = tmp_path / "next"
    folder.mkdir()
    with pytest.raises(Refusal) as raised:
        look(places, OPENED_ON + 1, str(folder))
    assert raised.value.exit_code == exit_code
    assert words in raised.value.block()
    assert state_of(books) == kept
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_the_sample_month_walked_day_by_day(tmp_path, monkeypatch):
    report = tmp_path / "cur"
    write_estate(report, [LAST_FINAL_PERIOD], 20_000)
    places = {"report": str(report), "params": str(PARAMS), "books": str(tmp_path / "books")}
    with servicenow() as server:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", server.address)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", "right")
        actions: dict[tuple[str, str], list[str]] = {}
        for number in range(1, 31):
            today = run_day(places, number, tmp_path / "day")
            assert today.unsent is None
            for one in today.changed():
                actions.setdefault(one.key, []).append(one.action)
            assert all(len(found) == 1 for found in server.by_subject().values())
    tickets = {key: said for key, said in actions.items() if key[0] == "untagged"}
    assert len(tickets) == len(server.records) > 20
    for said in tickets.values():
        turns = [one for one in said if one != "updated"]
        assert turns == ["opened", *["resolved", "reopened"] * 30][: len(turns)]
    assert any("resolved" in said for said in tickets.values())
