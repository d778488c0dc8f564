"""Rules that a change ratifies: what the close asks, what it keeps, and what it stops at."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, UNREACHABLE
from chargeback.params import read_params
from chargeback.params.ratification import rules_digest
from tests.close.months import MAY, Month, assert_refused, manifest, write_month
from tests.servicenow.stand_in import StandIn

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_notebooks")]
HEADER = "rules_digest,valid_from,reference,approved_by,approved_on\n"
NUMBER = "CHG0031502"


@pytest.fixture
def month(tmp_path) -> Month:
    """A month whose rules a change ratifies."""
    found = write_month(tmp_path)
    ratify(found, f"servicenow:{NUMBER}")
    return found


@pytest.fixture
def quick(monkeypatch) -> None:
    """Nothing waits between two tries."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def digest(month: Month) -> str:
    return rules_digest(read_params(month.params, MAY))


def ratify(month: Month, reference: str) -> None:
    """Write the ratification of a month's rules."""
    row = f"{digest(month)},{MAY},{reference},council,2026-05-02\n"
    (month.params / "ratifications.csv").write_text(HEADER + row)


def add_change(server: StandIn, **cells: str) -> dict[str, str]:
    """A change as a person left it."""
    record = server.database.insert("change_request", {"correlation_id": cells["correlation_id"]})
    record |= {"number": NUMBER, "approval": "approved", **cells}
    return record


def test_the_close_keeps_what_it_read_and_asks_once(run, month, server):
    change = add_change(server, correlation_id=digest(month))
    server.rows("sysapproval_approver").append(
        {"sys_id": "1", "sysapproval": change["sys_id"], "state": "approved", "approver.name": "Rita Ng",
         "sys_updated_on": "2026-05-01 09:30:00"}
    )  # fmt: skip
    ended = run("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE, ended.refused
    kept = json.loads((month.books.evidence(MAY) / "rules-change.json").read_bytes())
    assert kept.pop("read_at").endswith("Z")
    assert kept == {
        "number": NUMBER, "sys_id": change["sys_id"], "approval": "approved",
        "correlation_id": digest(month), "changed_at": change["sys_updated_on"],
        "approvals": [{"by": "Rita Ng", "at": "2026-05-01 09:30:00"}], "instance": server.address,
    }  # fmt: skip
    files = manifest(month.books)["run"]["files"]
    assert "evidence/rules-change.json" in files
    assert run("verify", *month.options[2:]).exit_code == DONE

    calls = len(server.calls)
    change["approval"] = "rejected"
    again = run("monthly-close", MAY, *month.options)
    assert again.exit_code == DONE and "identical" in again.said
    assert len(server.calls) == calls, "nobody is asked about a closed period"


Spoil = Callable[[dict[str, str]], object]
SPOILT: dict[str, Spoil] = {
    "is not approved": lambda change: change.update(approval="requested"),
    "is of other rules": lambda change: change.update(correlation_id="0" * 64),
    "is not in ServiceNow": lambda change: change.update(number="CHG0031503"),
}


@pytest.mark.parametrize("words", SPOILT)
def test_what_is_not_approved_for_these_rules_stops_the_close(words, run, month, server):
    change = add_change(server, correlation_id=digest(month))
    SPOILT[words](change)
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(
        ended, CONTROL_FAILED, f"{NUMBER}, which ratifies the rules, {words}", server.address
    )
    assert not month.books.closed_periods()


def test_rules_that_were_changed_after_the_approval_stop_before_anybody_is_asked(
    run, month, server
):
    add_change(server, correlation_id=digest(month))
    rules = month.params / "allocation.toml"
    rules.write_text(rules.read_text().replace('"even"', '"direct_spend"'))
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(ended, CONTROL_FAILED, f"the rules for {MAY} are not ratified")
    assert not server.calls


def test_nobody_answers(run, month, server, quick):
    server.one_fault_a_call = lambda number: "503"
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(ended, UNREACHABLE, "ServiceNow did not answer as expected")
    assert not month.books.closed_periods()


def test_no_instance_is_configured(run, month, monkeypatch):
    monkeypatch.delenv("CHARGEBACK_SERVICENOW", raising=False)
    ended = run("monthly-close", MAY, *month.options)
    assert_refused(
        ended, BAD_USAGE, f"no instance of ServiceNow is configured to read {NUMBER} from"
    )


@pytest.mark.parametrize(("changes_from", "exit_code"), [(MAY, CONTROL_FAILED), ("2026-06", DONE)])
def test_from_some_period_on_only_changes_ratify(changes_from, exit_code, run, month, server):
    ratify(month, "minutes 6")
    (month.params / "delivery.toml").write_text(f'[servicenow]\nchanges_from = "{changes_from}"\n')
    ended = run("monthly-close", MAY, *month.options)
    assert ended.exit_code == exit_code, ended.refused
    if exit_code != DONE:
        assert_refused(
            ended, CONTROL_FAILED, f"the rules for {MAY} are ratified by no change", "minutes 6"
        )
    assert not server.calls
    assert not (month.books.evidence(MAY) / "rules-change.json").exists()
