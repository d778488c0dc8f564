"""Booking a closed period in ServiceNow: what is there then, who says what, and what happens when it is not."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback import cli
from chargeback.books.delivery_log import BOOKED, EXPORTED
from chargeback.books.delivery_room import FolderRoom
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.servicenow import ServiceNowTarget
from chargeback.servicenow.connection import Patience
from tests.servicenow.stand_in import servicenow
from tests.servicenow.test_killed import assert_booked_once

MAY = "2026-05"
PATIENCE = Patience(attempts=4, first_wait=0.0, longest_wait=0.0, timeout=5.0)

pytestmark = pytest.mark.slow


@pytest.fixture
def deliver(books, params):
    """Deliver a period to ServiceNow; what it says."""

    def run(period: str = MAY, patience: Patience = PATIENCE, by: str = "rita.ng") -> list[str]:
        said: list[str] = []
        released = closed_for_delivery(books, period, params, by)
        ServiceNowTarget(patience).deliver(released, said.append)
        return said

    return run


def refused(deliver, exit_code: int, words: str, **options) -> Refusal:
    """That a delivery stops, and says so."""
    with pytest.raises(Refusal, match=words) as raised:
        deliver(**options)
    assert raised.value.exit_code == exit_code
    return raised.value


def lines(server) -> list[dict[str, str]]:
    return server.rows("fm_expense_line")


def test_a_period_is_booked_once_and_read_back_again(deliver, server, books, params):
    said = deliver()
    assert f"{MAY}: 47 expense lines in ServiceNow, 47 posted by this run" in said[-1]
    assert_booked_once(server, books, MAY)
    before = [dict(one) for one in lines(server)]
    booked = closed_for_delivery(books, MAY, params).done(BOOKED, "ServiceNow")
    assert booked.by == "rita.ng" and booked.details["unique"] is True
    [name] = booked.files
    kept = json.loads((books.root / "delivery" / name).read_bytes())
    assert {one["sys_id"] for one in kept["lines"]} == {one["sys_id"] for one in before}
    posts = server.calls.count("POST")
    again = deliver(by="somebody else")
    assert "booked in ServiceNow already" in again[0]
    assert again[0].endswith("by rita.ng; read back and equal")
    assert lines(server) == before and server.calls.count("POST") == posts


def test_the_verb_hands_it_out(server, books, params, capsys):
    options = ["--books", str(books.root), "--params", str(params)]
    assert cli.main(["handout", "2026-03..2026-04", *options, "--by", "rita.ng"]) == 0
    assert "2026-04: " in capsys.readouterr().out
    for period in ("2026-03", "2026-04"):
        assert_booked_once(server, books, period)


CHANGES = {
    "another amount": lambda rows: rows[3].update(amount="0.01"),
    "no amount": lambda rows: rows[3].update(amount="USD"),
    "another cost center": lambda rows: rows[3].update(cost_center=other(rows)),
    "another state": lambda rows: rows[3].update(state="pending"),
    "another date": lambda rows: rows[3].update(date="2026-06-01"),
    "it is not there": lambda rows: rows.pop(3),
    "it is another record": lambda rows: rows[3].update(sys_id="f" * 32),
    "it is there more than once": lambda rows: rows.append({**rows[3], "sys_id": "e" * 32}),
    "nobody posted it": lambda rows: rows.append(
        {**rows[3], "sys_id": "d" * 32, "source_id": "",
         "u_chargeback_entry": rows[3]["u_chargeback_entry"] + "x"}
    ),
}  # fmt: skip


def other(rows) -> str:
    """A cost center that a line is not of."""
    return next(one["cost_center"] for one in rows if one["cost_center"] != rows[3]["cost_center"])


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changes_there_is_found(change, deliver, server):
    deliver()
    entry = lines(server)[3]["u_chargeback_entry"]
    CHANGES[change](lines(server))
    found = refused(deliver, CONTROL_FAILED, "what_servicenow_holds_is_what_was_posted")
    assert f"fault {'another amount' if change == 'no amount' else change}" in found.block()
    assert entry in found.block()


def test_a_line_that_is_missing_is_not_posted_again_once_booked(deliver, server):
    deliver()
    lines(server).pop()
    posts = server.calls.count("POST")
    for _ in range(2):
        refused(deliver, CONTROL_FAILED, "it is not there")
    assert server.calls.count("POST") == posts


def test_without_a_unique_field_claims_do_it_and_that_is_said(deliver, server, books, params):
    server.database.kinds["fm_expense_line"].unique.clear()
    assert "NOTE" in deliver()[0]
    assert_booked_once(server, books, MAY)
    booked = closed_for_delivery(books, MAY, params).done(BOOKED, "ServiceNow")
    assert booked.details["unique"] is False
    claims = FolderRoom(books.root / "delivery").names(f"billing_period={MAY}/servicenow/claims/")
    assert [one.rpartition("/")[2] for one in claims] == [
        "claim-000001.json", "claim-000001.released",
    ]  # fmt: skip


@pytest.mark.parametrize("why", ["may not read it", "no such field", "too short"])
def test_a_field_that_cannot_be_relied_on_is_not(why, deliver, server):
    fields = server.database.kinds["fm_expense_line"].fields
    if why == "may not read it":
        server.database.roles.discard("personalize_dictionary")
    elif why == "no such field":
        server.database.kinds["fm_expense_line"].unique.clear()
        del fields["u_chargeback_entry"]
    else:
        from tests.servicenow.tables import Field

        fields["u_chargeback_entry"] = Field(40)
        server.database.kinds["fm_expense_line"].unique.clear()
    assert "NOTE" in deliver()[0]
    ids = [one["source_id"] for one in lines(server)]
    assert len(ids) == len(set(ids)) == 47 and all(len(one) == 32 for one in ids)
    assert "read back and equal" in deliver()[0]


def test_a_claim_of_a_run_that_was_never_answered_holds(deliver, server, books):
    server.database.kinds["fm_expense_line"].unique.clear()
    server.slowness = 0.3
    short = Patience(attempts=3, first_wait=0.0, longest_wait=0.0, timeout=0.15, quiet=600.0)
    server.faults = {6: "slow"}
    refused(deliver, UNREACHABLE, "nothing said whether a record was made", patience=short)
    posted = len(lines(server))
    refused(deliver, UNREACHABLE, "another run holds the claim")
    assert len(lines(server)) == posted, "nobody posts while it may be made yet"
    server.tell_slow_ones()
    assert len(lines(server)) == 47
    deliver()
    assert_booked_once(server, books, MAY)


@pytest.mark.parametrize("unique", [True, False])
def test_three_runs_at_once(unique, deliver, server, books):
    if not unique:
        server.database.kinds["fm_expense_line"].unique.clear()
    ended: list[int] = []

    def run() -> None:
        try:
            deliver()
            ended.append(0)
        except Refusal as refusal:
            ended.append(refusal.exit_code)

    runs = [threading.Thread(target=run) for _ in range(3)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert sorted(ended)[0] == 0 and set(ended) <= {0, UNREACHABLE}, ended
    deliver()
    assert_booked_once(server, books, MAY)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_ended_at_any_file_of_the_room(number, moment, deliver, server, books, monkeypatch):
    """Before or after the log has the close, the evidence is kept and the log says that it is booked."""
    put, puts = FolderRoom.put, []

    class Ended(BaseException):
        """The process is gone."""

    def ending(self, name: str, content: bytes) -> bool:
        puts.append(name)
        if len(puts) == number and moment == "before":
            raise Ended
        done = put(self, name, content)
        if len(puts) == number:
            raise Ended
        return done

    monkeypatch.setattr(FolderRoom, "put", ending)
    with pytest.raises(Ended):
        deliver()
    monkeypatch.setattr(FolderRoom, "put", put)
    deliver()
    assert_booked_once(server, books, MAY)
    assert "already" in deliver()[0]


def test_roles_that_are_missing(deliver, server):
    server.database.roles.discard("financial_mgmt_user")
    found = refused(deliver, UNREACHABLE, "ServiceNow refuses the credentials")
    assert "403" in found.found and not lines(server)


def test_a_record_that_a_rule_refuses(deliver, server, books):
    spec = server.database.kinds["fm_expense_line"].fields
    kept = spec["summary_type"]
    spec["summary_type"] = type(kept)(choices=("something else",))
    found = refused(deliver, UNREACHABLE, "ServiceNow refused a record")
    assert "Invalid choice run_business" in found.block()
    spec["summary_type"] = kept
    deliver()
    assert_booked_once(server, books, MAY)


def test_credentials_that_are_taken_away_in_the_middle(deliver, server, books):
    server.faults = {20: "401"}
    refused(deliver, UNREACHABLE, "ServiceNow refuses the credentials")
    assert 0 < len(lines(server)) < 47
    assert "31 posted by this run" in deliver()[-1]
    assert_booked_once(server, books, MAY)


@pytest.mark.parametrize("wrong", ["absent", "twice"])
def test_cost_centers_that_servicenow_does_not_have_once(wrong, deliver, server):
    rows = server.rows("cmn_cost_center")
    code = next(one for one in rows if one["code"] == "CC-1001")
    if wrong == "absent":
        rows.remove(code)
    else:
        rows.append({**code, "sys_id": "a" * 32})
    found = refused(deliver, BAD_USAGE, "cost centers are not in ServiceNow, or are there twice")
    assert f"CC-1001: {0 if wrong == 'absent' else 2} records" in found.where
    assert not lines(server)


def test_the_field_that_holds_our_ids_can_be_another(deliver, server, books, params):
    for one in server.rows("cmn_cost_center"):
        one["account_number"], one["code"] = one["code"], f"x-{one['code']}"
    (params / "delivery.toml").write_text(
        '[servicenow]\nexpense_lines = true\ncost_center_field = "account_number"\n'
    )
    deliver()
    assert len(lines(server)) == 47


def test_more_lines_than_a_page_holds(deliver, server, monkeypatch):
    monkeypatch.setattr("chargeback.servicenow.table.PAGE", 10)
    monkeypatch.setattr("chargeback.servicenow.table.AT_ONCE", 5)
    deliver()
    assert len(lines(server)) == 47
    lines(server)[45]["amount"] = "1.00"
    refused(deliver, CONTROL_FAILED, "another amount")


def test_an_instance_where_it_was_not_booked(deliver, server, monkeypatch):
    deliver()
    with servicenow() as other:
        monkeypatch.setenv("CHARGEBACK_SERVICENOW", other.address)
        refused(deliver, BAD_USAGE, "this period was booked in another instance of ServiceNow")


def test_evidence_that_was_changed(deliver, server, books, params):
    deliver()
    [name] = closed_for_delivery(books, MAY, params).done(BOOKED, "ServiceNow").files
    path = Path(books.root / "delivery" / name)
    path.write_bytes(path.read_bytes().replace(b"CC-1001", b"CC-1002"))
    refused(
        deliver, CONTROL_FAILED, "the evidence of expense lines is not what the delivery log names"
    )


def test_without_an_instance_a_person_loads_them(deliver, server, books, params, monkeypatch):
    monkeypatch.delenv("CHARGEBACK_SERVICENOW")
    assert "47 expense lines for a person to load" in deliver()[0]
    assert "already" in deliver()[0]
    exported = closed_for_delivery(books, MAY, params).done(EXPORTED, "ServiceNow")
    [name] = exported.files
    _header, *rows = (books.root / "delivery" / name).read_text().splitlines()
    assert len(rows) == 47
    amounts = [Decimal(row.rsplit(",", 3)[1]) for row in rows]
    assert str(sum(amounts)) == exported.details["total"]


def test_what_a_person_loaded_is_not_posted_again(deliver, server, books, params, monkeypatch):
    """A transform map that leaves the entry out still keeps the source id."""
    import csv

    monkeypatch.delenv("CHARGEBACK_SERVICENOW")
    deliver()
    [path] = (books.root / "delivery").rglob("*.csv")
    codes = {one["code"]: one["sys_id"] for one in server.rows("cmn_cost_center")}
    with path.open(newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            if number % 2:
                del row["u_chargeback_entry"]
            row["cost_center"] = codes[row["cost_center"]]
            server.database.insert("fm_expense_line", row)
    monkeypatch.setenv("CHARGEBACK_SERVICENOW", server.address)
    assert "47 expense lines in ServiceNow, 0 posted by this run" in deliver()[-1]
    assert len(lines(server)) == 47


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expense_lines = 1", "expense_lines must be true or false"),
        ('entry_field = "u_entry^x"', "entry_field is no name of ServiceNow"),
        ('changes_from = "May"', "this is not a billing period"),
        ("tables = true", "unknown key 'tables'"),
    ],
)
def test_settings_that_cannot_be_used(text, words, deliver, params):
    (params / "delivery.toml").write_text(f"[servicenow]\n{text}\n")
    refused(deliver, BAD_USAGE, words)
