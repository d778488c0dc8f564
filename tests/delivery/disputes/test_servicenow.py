"""Disputes and acknowledgements of ServiceNow: read whole, merged with the registers, and told what became."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, UNREACHABLE
from chargeback.daily import settings
from chargeback.servicenow.connection import Patience
from tests.close.months import Ended, assert_refused
from tests.delivery.disputes.estate import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    OF_CORE,
    RAISED,
    acknowledge,
    dispute,
)
from tests.delivery.disputes.tables import (
    ACKNOWLEDGEMENTS,
    TABLE,
    Tables,
    TablesHandler,
    tables,
)
from tests.delivery.disputes.test_log import actions, log_of
from tests.servicenow.stand_in import PASSWORD, USER, Reply

POLICY = (
    f'[disputes]\nservicenow_disputes = "{TABLE}"\nservicenow_acknowledgements = "{ACKNOWLEDGEMENTS}"\n'
    'owner = "finops"\n'
)


@pytest.fixture
def there(estate, monkeypatch):
    """A ServiceNow that the params name, with quick patience."""
    with tables() as server:
        (estate.params / "delivery.toml").write_text(POLICY)
        (estate.params / "sources.toml").write_text(f'servicenow = "{server.address}"\n')
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_USER", USER)
        monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", PASSWORD)
        quick = Patience(attempts=2, first_wait=0.01, longest_wait=0.02, timeout=2.0)
        read = settings.read_settings
        monkeypatch.setattr(
            settings, "read_settings", lambda *where: replace(read(*where), patience=quick)
        )
        yield server


def add(server: Tables, row: dict[str, str]) -> dict[str, str]:
    return server.add(TABLE, **row)


def test_a_dispute_of_servicenow_is_written_down_and_told_its_due_days(estate, disputes, there):
    record = add(there, {**RAISED, "owner": ""})
    there.add(ACKNOWLEDGEMENTS, **ACKNOWLEDGED)
    ended = disputes()
    assert ended.exit_code == 0, ended
    assert actions(estate) == [("disputed", "D-2026-04-001"), ("acknowledged", "core")]
    assert (record["u_state"], record["u_answer_due"], record["u_decide_due"]) == (
        "raised", "2026-05-13", "2026-05-27",
    )  # fmt: skip
    entry = next(one for one in log_of(estate).entries if one.action == "disputed")
    assert (entry.details["source"], entry.details["owner"]) == (f"ServiceNow {TABLE}", "finops")
    assert there.tables[ACKNOWLEDGEMENTS][0]["u_state"] == "acknowledged"
    there.patched.clear()
    assert disputes().exit_code == 0
    assert there.patched == [] and len(actions(estate)) == 2


def test_a_register_completes_what_servicenow_says_and_the_record_is_told(estate, disputes, there):
    record = add(there, RAISED)
    disputes()
    dispute(estate, {**DECIDED, "amount": "12.0"})
    ended = disputes("2026-05-21")
    assert ended.exit_code == 0, ended
    assert (record["u_state"], record["u_answer"], record["u_decision"]) == (
        "decided", "some of it is yours", "partly",
    )  # fmt: skip
    assert (record["u_decided_amount"], record["u_decided_by"]) == ("6.67", "Cora")
    assert actions(estate)[1:] == [("answered", "D-2026-04-001"), ("decided", "D-2026-04-001")]


def test_servicenow_completes_what_the_register_says(estate, disputes, there):
    dispute(estate, RAISED)
    add(there, {**DECIDED, "amount": "12", "owner": ""})
    assert disputes("2026-05-21").exit_code == 0
    assert [one for one, _ in actions(estate)] == ["disputed", "answered", "decided"]


def test_what_differs_is_refused_and_the_others_are_written_down(estate, disputes, there):
    dispute(estate, RAISED)
    add(there, {**RAISED, "amount": "11.00"})
    add(there, {**RAISED, "dispute_id": "B", "amount": "1.00"})
    ended = disputes()
    assert_refused(ended, CONTROL_FAILED, "a register and ServiceNow say different things",
                   "amount '12.00'", "amount '11.00'")  # fmt: skip
    assert actions(estate) == [("disputed", "D-2026-04-001"), ("disputed", "B")]
    assert there.tables[TABLE][0]["u_state"] == ""


WRONG = {
    "another unit's line": ({"line": OF_CORE}, BAD_USAGE, "there is no such line in this period"),
    "a formula": ({"dispute_id": "=1+1"}, BAD_USAGE, "dispute_id is not a valid id"),
    "no amount": ({"amount": "many"}, BAD_USAGE, "not a plain decimal number"),
    "no period": ({"billing_period": "May"}, BAD_USAGE, "this is not a billing period"),
    "a path": ({"business_unit_id": "../x"}, BAD_USAGE, "business_unit_id is not a valid id"),
    "a huge reason": ({"reason": "x" * 5000}, BAD_USAGE, "reason is longer than"),
    "in the days to come": ({"raised_on": "2999-01-04"}, BAD_USAGE, "in the days to come"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_record_that_is_wrong_keeps_no_other_back(estate, disputes, there, case):
    cells, code, words = WRONG[case]
    record = add(there, {**RAISED, "dispute_id": "A", **cells})
    add(there, RAISED)
    ended = disputes()
    assert_refused(ended, code, words)
    assert len(ended.refused) < 3000
    assert actions(estate) == [("disputed", "D-2026-04-001")] and record["u_state"] == ""


def test_two_records_of_one_id_are_refused(estate, disputes, there):
    add(there, RAISED)
    add(there, {**RAISED, "dispute_id": "d-2026-04-001"})
    assert_refused(disputes(), CONTROL_FAILED, "two records of ServiceNow are one dispute")
    assert actions(estate) == []


def test_a_record_that_is_still_being_written_is_left_alone(estate, disputes, there):
    add(there, {**RAISED, "raised_on": "", "amount": ""})
    assert disputes().exit_code == 0 and actions(estate) == []


def test_what_changed_in_servicenow_after_it_was_written_down_is_refused(estate, disputes, there):
    record = add(there, RAISED)
    disputes()
    record["u_amount"] = "20.00"
    assert_refused(
        disputes(), CONTROL_FAILED, "differs from what the delivery log holds", "'20.00'"
    )


def test_all_pages_are_read(estate, disputes, there, monkeypatch):
    """Seven records in pages of two, and a page that holds less than was asked for."""
    monkeypatch.setattr("chargeback.servicenow.table.PAGE", 2)
    there.most = 2
    for number in range(7):
        add(there, {**RAISED, "dispute_id": f"D-{number}", "amount": "1.00"})
    assert disputes().exit_code == 0
    assert len(actions(estate)) == 7
    there.most = 1
    add(there, {**RAISED, "dispute_id": "D-7", "amount": "1.00"})
    assert disputes().exit_code == 0
    assert len(actions(estate)) == 8


def test_a_table_of_a_scoped_application_has_our_names_and_one_may_be_called_otherwise(
    estate, disputes, there
):
    (estate.params / "delivery.toml").write_text(
        '[disputes]\nservicenow_disputes = "sn_dispute"\nservicenow_columns = { dispute_id = "number" }\n'
    )
    cells = {name: text for name, text in RAISED.items() if name != "dispute_id"}
    there.tables["sn_dispute"] = [
        {"sys_id": "a" * 32, "number": "DSP0001001", "state": "", **cells},
    ]
    assert disputes().exit_code == 0
    assert actions(estate) == [("disputed", "DSP0001001")]
    # The table has no column for due days, and is told none.
    assert there.patched == [{"state": "raised"}]


def test_servicenow_that_is_down_leaves_the_registers_done(estate, disputes, there):
    dispute(estate, RAISED)
    acknowledge(estate, ACKNOWLEDGED)
    there.one_fault_a_call = lambda number: "503"
    ended = disputes()
    assert_refused(ended, UNREACHABLE, "ServiceNow did not answer as expected")
    assert actions(estate) == [("acknowledged", "core"), ("disputed", "D-2026-04-001")]
    assert "raised 2026-05-06" in ended.said
    there.one_fault_a_call = None
    assert disputes().exit_code == 0


@pytest.mark.parametrize("fault", ["lost", "late 504", "garbage", "429", "500"])
def test_one_fault_on_any_call_changes_nothing_in_the_end(estate, disputes, there, fault):
    """Two pages, a record told: each of the calls fails once, before or after it was done."""
    record = add(there, RAISED)
    for number in range(1, 8):
        there.faults[number] = fault if number % 2 else ""
    assert disputes().exit_code == 0
    assert record["u_state"] == "raised" and len(actions(estate)) == 1


def test_an_answer_that_is_no_list_is_refused(estate, disputes, there, monkeypatch):
    monkeypatch.setattr(
        TablesHandler, "look_up", lambda self, sent: Reply(200, {"result": {"a": 1}})
    )
    ended = disputes()
    assert_refused(ended, UNREACHABLE, "ServiceNow did not answer as expected", "no list")


def test_wrong_credentials_are_said_and_not_shown(estate, disputes, there, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SERVICENOW_PASSWORD", "canary-4711")
    ended = disputes()
    assert_refused(ended, UNREACHABLE, "ServiceNow refuses the credentials")
    assert "canary-4711" not in ended.refused + ended.said


def test_a_table_without_an_instance_is_refused_after_the_registers_are_done(
    estate, disputes, there
):
    (estate.params / "sources.toml").unlink()
    dispute(estate, RAISED)
    assert_refused(disputes(), BAD_USAGE, "a table of ServiceNow is named, and no ServiceNow")
    assert actions(estate) == [("disputed", "D-2026-04-001")]


def test_what_is_overdue_is_said_beside_what_is_wrong(estate, disputes, there):
    dispute(estate, ANSWERED)
    there.one_fault_a_call = lambda number: "503"
    ended: Ended = disputes("2026-05-28")
    assert_refused(
        ended, CONTROL_FAILED, "2 things", "a dispute is overdue", "ServiceNow did not answer"
    )
