"""make disputes: what is written into the log once, what is refused, and that nothing closed changes."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from datetime import date

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import DeliveryLog, named_files, read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.books.verify import verify_books
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED
from chargeback.delivery.disputes import open_disputes
from chargeback.delivery.disputes_run import run_disputes
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.service_level import due_after
from tests.close.months import assert_refused, digests
from tests.delivery.disputes.estate import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    DIRECT,
    OF_CORE,
    RAISED,
    acknowledge,
    dispute,
)
from tests.params_folder import added, write_params
from tests.restatement.months import APRIL, MARCH, MAY, Estate

BIDI = "=cmd()\u202e half\nof it"


def log_of(estate: Estate) -> DeliveryLog:
    books_id = checked_manifest(estate.books, APRIL)["books"]
    return read_log(delivery_room(estate.books), books_id)


def actions(estate: Estate) -> list[tuple[str, str]]:
    """What the log says was done, closes left aside."""
    return [(one.action, one.subject) for one in log_of(estate).entries if one.action != "closed"]


def closed_files(estate: Estate) -> dict[str, str]:
    """Everything in the books that a close made."""
    found = digests(estate.books.root)
    return {
        name: one for name, one in found.items()
        if name.partition("/")[0] not in ("delivery", "metrics", "work")
    }  # fmt: skip


def test_a_dispute_is_raised_answered_and_decided_and_each_is_written_once(estate, disputes):
    acknowledge(estate, ACKNOWLEDGED)
    dispute(estate, RAISED)
    assert disputes().exit_code == 0
    first = [("acknowledged", "core"), ("disputed", "D-2026-04-001")]
    assert actions(estate) == first
    files = digests(estate.books.root / "delivery")
    assert "written down" not in disputes().said
    assert digests(estate.books.root / "delivery") == files
    dispute(estate, ANSWERED)
    assert disputes("2026-05-12").exit_code == 0
    dispute(estate, DECIDED)
    said = disputes("2026-05-21").said
    assert actions(estate) == [
        *first,
        ("answered", "D-2026-04-001"),
        ("decided", "D-2026-04-001"),
    ]
    assert (
        "none is open, 1 in all" in said and "6.67 USD  partly 2026-05-20, NOT ADJUSTED YET" in said
    )


def test_an_entry_holds_what_an_auditor_asks_for(estate, disputes):
    """Raised on Wednesday, May 6th: five business days end on the 13th, fifteen on the 27th."""
    acknowledge(estate, {**ACKNOWLEDGED, "note": BIDI})
    dispute(estate, {**RAISED, "reason": BIDI})
    disputes("2026-05-07", "--by", "Carla")
    acknowledged, raised = [one for one in log_of(estate).entries if one.action != "closed"]
    row = raised.details["row"]
    assert (raised.by, row["reason"]) == ("Carla", "=cmd()\ufffd half of it")
    assert (raised.details["charged"], raised.details["owner"]) == ("20.00", "finops")
    assert (raised.details["answer_due"], raised.details["decide_due"]) == (
        "2026-05-13",
        "2026-05-27",
    )
    assert raised.details["postings"] == [
        "2026-04/allocated/900000004/untagged:2", "2026-04/allocated/900000004/untagged:3",
    ]  # fmt: skip
    content = json.dumps(row, sort_keys=True, ensure_ascii=False).encode()
    assert raised.details["row_sha256"] == hashlib.sha256(content).hexdigest()
    [(name, sha256)] = raised.files.items()
    text = (estate.books.root / "delivery" / name).read_bytes()
    assert hashlib.sha256(text).hexdigest() == sha256
    assert "reason: =cmd()\ufffd half of it\n" in text.decode()
    assert "core" not in text.decode() and "CC-9" not in text.decode()
    assert acknowledged.details["row"]["note"] == "=cmd()\ufffd half of it"
    assert named_files(log_of(estate).entries).items() == raised.files.items()


def test_nothing_that_is_closed_changes_and_verify_stays_green(estate, disputes):
    before = closed_files(estate)
    acknowledge(estate, ACKNOWLEDGED)
    dispute(estate, DECIDED)
    assert disputes("2026-05-21").exit_code == 0
    assert closed_files(estate) == before
    said: list[str] = []
    verify_books(estate.books, said.append)
    assert f"{APRIL}" in "\n".join(said)
    assert estate.close(APRIL)[-1].startswith(f"{APRIL} is already closed, and identical")
    assert closed_files(estate) == before


def test_without_registers_nothing_is_written(estate, disputes):
    ended = disputes()
    assert ended.exit_code == 0 and "none is open, 0 in all" in ended.said
    assert not (estate.books.root / "delivery").exists()


@pytest.mark.parametrize("cells", [
    {"amount": "11.00"}, {"reason": "another"}, {"raised_on": "2026-05-07"}, {"raised_by": "Al"},
    {"line": DIRECT}, {"billing_period": MARCH}, 
    {"business_unit_id": "core", "line": "core/untagged", "amount": "1.00"},
])  # fmt: skip
def test_what_was_said_never_changes(estate, disputes, cells):
    dispute(estate, RAISED)
    disputes()
    files = digests(estate.books.root / "delivery")
    dispute(estate, {**ANSWERED, **cells})
    ended = disputes("2026-05-12")
    column = next(iter(cells))
    assert_refused(ended, CONTROL_FAILED, "a dispute differs from what the delivery log holds", column,
                   "disputes.csv line 2", "log/00000")  # fmt: skip
    assert digests(estate.books.root / "delivery") == files


def test_an_answer_a_decision_and_an_acknowledgement_never_change(estate, disputes):
    acknowledge(estate, ACKNOWLEDGED)
    dispute(estate, DECIDED)
    disputes("2026-05-21")
    dispute(estate, {**DECIDED, "decided_amount": "6.68"})
    assert_refused(disputes("2026-05-21"), CONTROL_FAILED, "'6.67'", "'6.68'")
    dispute(estate, {**DECIDED, "answer": "all of it"})
    assert_refused(disputes("2026-05-21"), CONTROL_FAILED, "answer")
    dispute(estate, DECIDED)
    acknowledge(estate, {**ACKNOWLEDGED, "acknowledged_by": "Bert"})
    assert_refused(disputes("2026-05-21"), CONTROL_FAILED, "an acknowledgement differs", "'Bert'")


def test_who_answers_may_change_until_it_is_answered(estate, disputes):
    dispute(estate, RAISED)
    disputes()
    dispute(estate, {**ANSWERED, "owner": "platform"})
    assert disputes("2026-05-12").exit_code == 0
    [one] = open_disputes(log_of(estate), date(2026, 5, 12))
    assert (one.owner, one.state, one.due_on) == ("platform", "answered", date(2026, 5, 27))


def test_a_row_that_is_gone_stays_in_the_log(estate, disputes):
    dispute(estate, RAISED)
    disputes()
    dispute(estate)
    assert "D-2026-04-001" in disputes().said


def test_another_units_line_is_refused_as_one_that_is_nowhere(estate, disputes):
    """Neither the words nor what comes near tell whether it exists."""
    blocks = []
    for line in (OF_CORE, "core/untagged", "CC-9/012345678901/AmazonEC2"):
        nowhere = line.replace("CC-9", "CC-8").replace("core", "cord")
        for one in (line, nowhere):
            dispute(estate, {**RAISED, "line": one, "amount": "1.00"})
            ended = disputes()
            assert_refused(ended, BAD_USAGE, "there is no such line in this period")
            assert "CC-9" not in ended.refused.replace(one, "")
            assert "10.00 USD  cost-center:CC-9" not in ended.refused
            blocks.append(ended.refused.replace(one, "LINE"))
        # Lines of the unit alone come near, the nearest to what was written first.
        named, unnamed = (sorted(re.findall(r"[\w/.:-]+", one)) for one in blocks[-2:])
        assert "core" not in blocks[-2] and named == unnamed
    assert not (estate.books.root / "delivery").exists()


REFUSED = {
    "unknown unit": ({"business_unit_id": "nobody"}, "this unit has no statement of that period"),
    "more than it charges": ({"amount": "20.01"}, "more is disputed than the line charges"),
    "open period": ({"billing_period": MAY, "raised_on": "2026-06-02"}, "the period is not closed"),
    "unknown period": ({"billing_period": "1999-01"}, "the period is not closed"),
    "in the days to come": ({"raised_on": "2999-01-04"}, "raised_on is in the days to come"),
    "nobody answers": ({"owner": ""}, "nobody answers this dispute"),
    "several kinds": ({"line": "2026-04"}, "there is no such line in this period"),
    "hostile": ({"line": "\u202e=cmd()'; drop table"}, "there is no such line in this period"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_stand_on_the_statement_is_refused_and_nothing_is_written(
    estate, disputes, case
):
    cells, words = REFUSED[case]
    acknowledge(estate, ACKNOWLEDGED)
    dispute(estate, {**RAISED, **cells})
    assert_refused(disputes(), BAD_USAGE, words, "disputes.csv line 2")
    assert not (estate.books.root / "delivery").exists()


def test_everything_that_is_wrong_is_said_at_once(estate, disputes):
    acknowledge(estate, {**ACKNOWLEDGED, "business_unit_id": "nobody"})
    dispute(estate, {**RAISED, "amount": "20.01"}, {**RAISED, "dispute_id": "B", "line": OF_CORE})
    ended = disputes()
    assert_refused(ended, BAD_USAGE, "3 things", "more is disputed", "no such line", "no statement")


def test_a_credit_cannot_be_disputed(estate, disputes):
    """May gives CC-1 2.00 back by an adjustment."""
    moved = "2026-05,CC-1,CC-9,2.00,licences,REF-1,Ann,Bob,2026-01-20"
    estate.write(adjustments_csv=added("adjustments.csv", moved))
    estate.close(MAY)
    dispute(estate, {
        **RAISED, "billing_period": MAY, "raised_on": "2026-06-03", "amount": "1.00",
        "line": "2026-05/adjustment/0001:1",
    })  # fmt: skip
    assert_refused(disputes("2026-06-04"), BAD_USAGE, "0.00 at most")


def test_several_disputes_ask_for_no_more_than_the_line_charges(estate, disputes):
    """The pool's part is 20.00 of shop, 10.00 of them CC-1's: 12.00 and 8.00 fit, another 0.01 does not."""
    part = {**RAISED, "dispute_id": "B", "line": "CC-1/untagged", "amount": "8.00"}
    dispute(estate, RAISED, part)
    assert disputes().exit_code == 0
    more = {**part, "dispute_id": "C", "line": "CC-2/untagged", "amount": "0.01"}
    dispute(estate, RAISED, part, more)
    assert_refused(disputes(), BAD_USAGE, "20.00 at most", "20.01", "B, in the delivery log")
    rejected = {
        **ANSWERED,
        "decided_on": "2026-05-12",
        "decision": "rejected",
        "decided_by": "Cora",
    }
    dispute(estate, rejected, part)
    assert disputes("2026-05-12").exit_code == 0
    dispute(estate, rejected, part, more)
    assert disputes("2026-05-12").exit_code == 0


def test_a_unit_that_was_renamed_or_is_gone_disputes_what_it_was_charged(estate, disputes):
    """Its row of today has another name, or is not there; the closed period has it as it was."""
    params = (estate.params / "business_units.csv").read_text()
    (estate.params / "business_units.csv").write_text(params.replace("shop,Shop,", "mall,Mall,"))
    dispute(estate, RAISED)
    assert disputes().exit_code == 0
    assert open_disputes(log_of(estate), date(2026, 5, 7))[0].business_unit_id == "shop"


@pytest.mark.parametrize(
    ("row", "day", "due", "overdue"),
    [(RAISED, "2026-05-13", "answer due on 2026-05-13", False),
     (RAISED, "2026-05-14", "answer due on 2026-05-13, by finops", True),
     (ANSWERED, "2026-05-27", "decision due on 2026-05-27", False),
     (ANSWERED, "2026-05-28", "decision due on 2026-05-27, by finops", True)],
)  # fmt: skip
def test_a_dispute_is_overdue_the_day_after(estate, disputes, row, day, due, overdue):
    dispute(estate, row)
    ended = disputes(day)
    assert due.replace(" on ", " ").partition(",")[0] in ended.said
    if overdue:
        assert_refused(ended, CONTROL_FAILED, "a dispute is overdue", due)
    else:
        assert ended.exit_code == 0 and not ended.refused
    assert len(actions(estate)) == (1 if row is RAISED else 2)


def test_what_was_agreed_when_it_was_written_down_stays(estate, disputes):
    dispute(estate, RAISED)
    disputes()
    (estate.params / "delivery.toml").write_text("[disputes]\nanswer_business_days = 1\n")
    assert disputes("2026-05-13").exit_code == 0


def test_it_is_looked_from_a_day(estate, disputes):
    """What was done after the day is as if it were not done yet, although the log has it."""
    dispute(estate, DECIDED)
    disputes("2026-05-21")
    log = log_of(estate)
    assert open_disputes(log, date(2026, 5, 5)) == []
    [raised] = open_disputes(log, date(2026, 5, 8), APRIL)
    assert (raised.state, raised.days_open, raised.is_overdue) == ("raised", 2, False)
    [answered] = open_disputes(log, date(2026, 5, 19))
    assert (answered.state, answered.days_open, answered.due_on) == (
        "answered",
        13,
        date(2026, 5, 27),
    )
    assert open_disputes(log, date(2026, 5, 20)) == []
    assert open_disputes(log, date(2026, 5, 8), MARCH) == []


def test_a_period_alone_is_asked_about(estate, disputes):
    march = {
        **RAISED, "dispute_id": "M", "billing_period": MARCH, "raised_on": "2026-04-07", "owner": "x",
    }  # fmt: skip
    dispute(estate, RAISED, march)
    ended = disputes("2026-05-07", APRIL)
    assert ended.exit_code == 0 and actions(estate) == [("disputed", "D-2026-04-001")]
    assert_refused(
        disputes("2026-05-07"), CONTROL_FAILED, "1 overdue", "M: answer due on 2026-04-14"
    )
    assert_refused(disputes("2026-05-07", "2026-4"), BAD_USAGE, "this is not a billing period")
    assert_refused(disputes("2026-05-07", f"{MAY}..2026-07"), BAD_USAGE, "the period is not closed")
    assert disputes("2026-04-10", f"{MARCH}..2026-07").exit_code == 0
    assert_refused(disputes("7 May"), BAD_USAGE, "this is not a day")


def test_metrics_say_what_is_open(estate, disputes):
    dispute(estate, RAISED)
    disputes("2026-05-14")
    text = (estate.books.root / "metrics" / "disputes.prom").read_text()
    assert "chargeback_disputes_overdue 1.0" in text
    assert "chargeback_disputes_not_adjusted 0.0" in text


def test_a_period_that_nobody_has_approved_is_not_disputed(tmp_path, estate, disputes):
    """It was closed with an approver named, so nobody has its statements yet."""
    (estate.params / "delivery.toml").write_text(
        f'[[approver]]\napprover_id = "rita"\nname = "Rita"\ncertificate_sha256 = "{"ab" * 32}"\n'
        'valid_from = "2026-01"\n'
    )
    estate.close(MAY)
    dispute(estate, {**RAISED, "billing_period": MAY, "raised_on": "2026-06-03"})
    assert_refused(disputes("2026-06-04"), CONTROL_FAILED, "nobody has approved it")
    acknowledge(estate, {**ACKNOWLEDGED, "billing_period": MAY, "acknowledged_on": "2026-06-03"})
    dispute(estate)
    assert_refused(disputes("2026-06-04"), CONTROL_FAILED, "nobody has approved it")
    assert not actions(estate)


def test_two_runs_at_once_write_each_thing_once(estate):
    rows = [
        {**RAISED, "dispute_id": f"D-{number}", "amount": "1.00"} for number in range(6)
    ]  # fmt: skip
    dispute(estate, *rows)
    acknowledge(estate, ACKNOWLEDGED)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            run_disputes(
                estate.books, estate.params, [], "2026-05-07", "", lambda: None, lambda _: None
            )
        except BaseException as error:
            failed.append(error)

    runs = [threading.Thread(target=run) for _ in range(3)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert not failed
    assert sorted(actions(estate)) == sorted(
        [("acknowledged", "core"), *(("disputed", row["dispute_id"]) for row in rows)]
    )


def test_a_file_of_a_run_that_was_killed_stands_in_nobodys_way(estate, disputes):
    """The file was put, its entry never written; then the reason was put right."""
    dispute(estate, {**RAISED, "reason": "a slip"})
    disputes()
    for path in (estate.books.root / "delivery" / "log").iterdir():
        path.unlink()
    dispute(estate, RAISED)
    assert disputes().exit_code == 0
    assert actions(estate) == [("disputed", "D-2026-04-001")]


def test_books_without_a_closed_period_have_no_disputes(tmp_path, capfd):
    params = write_params(tmp_path / "params")
    run_disputes(Books(tmp_path / "books"), params, [], "2026-05-07", "", lambda: None, print)
    assert "none is open, 0 in all" in capfd.readouterr().out


def test_a_dispute_that_is_raised_late_is_marked_and_taken(estate, disputes):
    """Years after the close, which is when statements were handed out where the log has no other day."""
    dispute(estate, {**RAISED, "raised_on": "2999-01-04"})
    ended = disputes("2999-01-05")
    assert ended.exit_code == 0
    assert "D-2026-04-001 was raised on 2999-01-04; the last day for it was 20" in ended.said


def test_the_days_for_raising_begin_with_handing_out(estate, disputes):
    """Handed out today: the last day is fifteen business days later, whenever the period was closed."""
    period = closed_for_delivery(estate.books, APRIL, estate.params)
    entry, _ = period.record("handed out", "shop")
    dispute(estate, RAISED)
    disputes()
    raised = log_of(estate).find("disputed", APRIL, "D-2026-04-001")
    day = date.fromisoformat(entry.at[:10])
    assert raised.details["raise_by"] == str(due_after(day, 15))


@pytest.mark.parametrize("details", [{}, {"row": []}, {"row": {"amount": "NaN"}}])
def test_an_entry_that_somebody_else_wrote_is_refused(estate, disputes, details):
    period = closed_for_delivery(estate.books, APRIL, estate.params)
    period.record("disputed", "D-2026-04-001", None, details)
    ended = disputes()
    assert_refused(
        ended, CONTROL_FAILED, "an entry of the delivery log about a dispute cannot be read"
    )
