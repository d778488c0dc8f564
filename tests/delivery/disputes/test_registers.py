"""disputes.csv, acknowledgements.csv and [disputes]: what is read, and what is refused before anything else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import FILES
from chargeback.params.delivery import read_delivery
from chargeback.params.disputes import read_acknowledgements, read_disputes
from chargeback.setup.check import check_params
from tests.delivery.disputes.estate import ACKNOWLEDGED, ANSWERED, DECIDED, RAISED, write_rows
from tests.params_folder import write_params

BIDI = "half\u202e of it"


def refused(read, *words: str) -> None:
    with pytest.raises(Refusal) as raised:
        read()
    assert raised.value.exit_code == BAD_USAGE
    for word in words:
        assert word in raised.value.block()
    assert len(raised.value.block()) < 3000


def test_a_dispute_is_read_in_each_of_its_states(tmp_path):
    write_rows(
        tmp_path, "disputes.csv", RAISED, {**ANSWERED, "dispute_id": "B", "reason": BIDI},
        {**DECIDED, "dispute_id": "C", "adjustment_reference": "JE 47"},
    )  # fmt: skip
    raised, answered, decided = read_disputes(tmp_path)
    assert (raised.amount, raised.answered_on, raised.decided_amount) == (
        Decimal("12.00"),
        None,
        None,
    )
    assert answered.answered_on == date(2026, 5, 11) and answered.decision == ""
    assert answered.reason == "half\ufffd of it"
    assert (decided.decision, decided.decided_amount) == ("partly", Decimal("6.67"))
    assert (raised.reference, decided.reference) == ("D-2026-04-001", "JE 47")


@pytest.mark.parametrize(
    ("decision", "given", "amount"),
    [("upheld", "", "12.00"), ("upheld", "12.00", "12.00"), ("rejected", "", "0.00"),
     ("withdrawn", "0", "0.00"), ("partly", "11.99", "11.99")],
)  # fmt: skip
def test_what_a_decision_gives_back(tmp_path, decision, given, amount):
    write_rows(tmp_path, "disputes.csv", {**DECIDED, "decision": decision, "decided_amount": given})
    assert read_disputes(tmp_path)[0].decided_amount == Decimal(amount)


def test_who_raised_it_may_withdraw_it_unanswered(tmp_path):
    row = {**RAISED, "decided_on": "2026-05-07", "decision": "withdrawn", "decided_by": "Ann"}
    write_rows(tmp_path, "disputes.csv", row)
    assert read_disputes(tmp_path)[0].decision == "withdrawn"


WRONG = {
    "no id": ({"dispute_id": ""}, "dispute_id is not a valid id"),
    "a path": ({"dispute_id": "../../etc"}, "dispute_id is not a valid id"),
    "a formula": ({"dispute_id": "=1+1"}, "dispute_id is not a valid id"),
    "a huge id": ({"dispute_id": "D" * 65}, "dispute_id is not a valid id"),
    "no period": ({"billing_period": "May 2026"}, "did you mean 2026-05?"),
    "no line": ({"line": ""}, "a dispute lacks its line"),
    "no reason": ({"reason": ""}, "a dispute lacks its reason"),
    "nobody": ({"raised_by": ""}, "a dispute lacks its raised_by"),
    "nothing": ({"amount": "0.00"}, "not more than nothing"),
    "less than nothing": ({"amount": "-5.00"}, "not more than nothing"),
    "a part of a cent": ({"amount": "1.005"}, "more than 2 decimals"),
    "no number": ({"amount": "1,200.00"}, "did you mean '1200.00'?"),
    "more than there is": ({"amount": "9" * 40}, "larger than any amount"),
    "not a number": ({"amount": "NaN"}, "not a plain decimal number"),
    "a huge reason": ({"reason": "x" * 2001}, "reason is longer than 2000 characters"),
    "a huge name": ({"raised_by": "x" * 201}, "raised_by is longer than 200 characters"),
    "no day": ({"raised_on": "10 June"}, "raised_on is not a date"),
    "before the period has ended": ({"raised_on": "2026-04-30"}, "before the period has ended"),
    "an answer without a day": ({"answer": "no"}, "the answer to a dispute lacks its answered_on"),
    "a day without an answer": ({"answered_on": "2026-05-11"}, "lacks its answer"),
    "answered before": ({"answered_on": "2026-05-05", "answer": "no"}, "answered_on before its raised_on"),
    "decided unanswered": (
        {"decided_on": "2026-05-20", "decision": "upheld", "decided_by": "Cora"},
        "decided before it is answered",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_is_wrong_is_refused(tmp_path, case):
    cells, words = WRONG[case]
    write_rows(tmp_path, "disputes.csv", {**RAISED, **cells})
    refused(lambda: read_disputes(tmp_path), words, "disputes.csv line 2")


WRONG_DECISIONS = {
    "before": ({"decided_on": "2026-05-10"}, "decided_on before its answered_on"),
    "another word": ({"decision": "uphelt"}, "did you mean 'upheld'?"),
    "nobody": ({"decided_by": ""}, "the decision of a dispute lacks its decided_by"),
    "the same person": ({"decided_by": "ann"}, "decided by who raised it"),
    "all of it": ({"decided_amount": "12.00"}, "not that of a dispute that is partly"),
    "no amount": ({"decided_amount": ""}, "more than nothing and less than 12.00"),
    "upheld for less": ({"decision": "upheld"}, "12.00, or nothing in this column"),
    "rejected for something": ({"decision": "rejected"}, "0.00, or nothing in this column"),
    "a reference for nothing": (
        {"decision": "rejected", "decided_amount": "", "adjustment_reference": "JE 1"},
        "gives nothing back has an adjustment_reference",
    ),
    "a reference that runs": ({"adjustment_reference": "=HYPERLINK(1)"}, "could be a formula"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_DECISIONS)
def test_a_decision_that_is_wrong_is_refused(tmp_path, case):
    cells, words = WRONG_DECISIONS[case]
    write_rows(tmp_path, "disputes.csv", {**DECIDED, **cells})
    refused(lambda: read_disputes(tmp_path), words, "disputes.csv line 2")


@pytest.mark.parametrize(
    ("other", "words"),
    [({}, "disputes.csv has two rows for D-2026-04-001"),
     ({"dispute_id": "d-2026-04-001"}, "two disputes have one name"),
     ({**DECIDED, "dispute_id": "E", "adjustment_reference": "D-2026-04-001"}, "two disputes have one name")],
)  # fmt: skip
def test_two_disputes_have_two_names(tmp_path, other, words):
    write_rows(tmp_path, "disputes.csv", RAISED, {**RAISED, **other})
    refused(lambda: read_disputes(tmp_path), words)


def test_an_unknown_column_is_refused_by_name(tmp_path):
    (tmp_path / "disputes.csv").write_text("dispute_id,billing_period,amout\n")
    refused(lambda: read_disputes(tmp_path), "unknown column 'amout'", "did you mean 'amount'?")


@pytest.mark.parametrize(
    ("cells", "words"),
    [({"acknowledged_by": ""}, "an acknowledgement lacks its acknowledged_by"),
     ({"acknowledged_on": "2026-04-30"}, "before the period has ended"),
     ({"business_unit_id": "a/b"}, "business_unit_id is not a valid id"),
     ({"note": "x" * 2001}, "note is longer than 2000 characters")],
)  # fmt: skip
def test_an_acknowledgement_that_is_wrong_is_refused(tmp_path, cells, words):
    write_rows(tmp_path, "acknowledgements.csv", {**ACKNOWLEDGED, **cells})
    refused(lambda: read_acknowledgements(tmp_path), words)


def test_one_unit_acknowledges_a_period_once(tmp_path):
    write_rows(tmp_path, "acknowledgements.csv", ACKNOWLEDGED, ACKNOWLEDGED)
    refused(lambda: read_acknowledgements(tmp_path), "has two rows for 2026-04 core")


def test_without_registers_there_is_nothing_and_no_close_keeps_them(tmp_path):
    assert read_disputes(tmp_path) == () == read_acknowledgements(tmp_path)
    assert not {"disputes.csv", "acknowledgements.csv"} & set(FILES)


def test_check_params_says_what_is_wrong_in_both(tmp_path):
    params = write_params(tmp_path)
    write_rows(params, "disputes.csv", {**RAISED, "amount": "0"}, {**RAISED, "line": ""})
    write_rows(params, "acknowledgements.csv", {**ACKNOWLEDGED, "acknowledged_by": ""})
    with pytest.raises(Refusal) as raised:
        check_params(params, "2026-05", lambda: None, lambda periods: tmp_path, print)
    block = raised.value.block()
    assert raised.value.exit_code == BAD_USAGE
    for words in ("not more than nothing", "lacks its line", "lacks its acknowledged_by"):
        assert words in block


def test_the_policy_of_disputes_is_read(tmp_path):
    (tmp_path / "delivery.toml").write_text(
        '[disputes]\nanswer_business_days = 3\nholidays = ["2026-07-03"]\nowner = "finops"\n'
        'servicenow_disputes = "u_dispute"\nservicenow_columns = { dispute_id = "number" }\n'
    )
    found = read_delivery(tmp_path, "2026-05").disputes
    assert (found.answer_business_days, found.decide_business_days, found.raise_business_days) == (
        3, 15, 15,
    )  # fmt: skip
    assert found.holidays == {date(2026, 7, 3)} and found.asks_servicenow
    assert found.servicenow_columns == (("dispute_id", "number"),)
    assert found.until("2026-05") is None, "nobody agreed on a day"


@pytest.mark.parametrize(
    ("day", "period", "until"),
    [(20, "2026-05", "2026-06-20"), (31, "2026-01", "2026-02-28"), (1, "2026-12", "2027-01-01")],
)
def test_a_day_of_the_month_after_is_its_last_one_where_it_has_fewer(tmp_path, day, period, until):
    (tmp_path / "delivery.toml").write_text(f"[disputes]\nraise_until_day = {day}\n")
    assert str(read_delivery(tmp_path, period).disputes.until(period)) == until


@pytest.mark.parametrize(
    ("text", "words"),
    [("answer_business_days = 0", "is not a number of business days"),
     ("answer_business_days = true", "is not a number of business days"),
     ('raise_business_days = "5"', "is not a number of business days"),
     ("raise_until_day = 0", "raise_until_day is not a day of a month"),
     ("raise_until_day = 32", "raise_until_day is not a day of a month"),
     ('raise_until_day = "20"', "raise_until_day is not a day of a month"),
     ("raise_until_day = true", "raise_until_day is not a day of a month"),
     ('how = "one\\nline more"', "how must be one line of text"),
     ("answer_business_days = 20", "would be decided before it is answered"),
     ('holidays = ["3 July"]', "a holiday is not a day"),
     ('holidays = "2026-07-03"', "must be a list of texts"),
     ('servicenow_disputes = "u_x?a=b"', "is no name of ServiceNow's"),
     ('servicenow_columns = { dispute = "number" }', "unknown key 'dispute'"),
     ("servicenow_columns = 1", "servicenow_columns must be a table"),
     ("anser_business_days = 5", "did you mean 'answer_business_days'?")],
)  # fmt: skip
def test_a_policy_that_is_wrong_is_refused(tmp_path, text, words):
    (tmp_path / "delivery.toml").write_text(f"[disputes]\n{text}\n")
    refused(lambda: read_delivery(tmp_path, "2026-05"), words, "delivery.toml")


def test_disputes_must_be_a_table(tmp_path):
    (tmp_path / "delivery.toml").write_text("disputes = 5\n")
    refused(lambda: read_delivery(tmp_path, "2026-05"), "disputes must be a table")
