"""Tickets, alerts and answers: each on the page of whom it is about, and on no other but everybody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import ACKNOWLEDGED, ANSWERED, DECIDED, DISPUTED, record
from chargeback.books.delivery_room import delivery_room
from chargeback.daily.cases import RESOLVED, Case
from chargeback.daily.sqlite_state import SQLiteState
from chargeback.daily.state import Latest, SentMessages
from chargeback.dashboards.model import Answer, Notice
from tests.close.months import JULY, MAY, Month
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    STOCK,
    WEB,
    close_months,
    no_report,
    pages,
    write_months,
)
from tests.params_folder import ALWAYS
from tests.reports import ACCOUNT, line_item

DAY = date(2026, 7, 10)
OTHER_ACCOUNT = "098765432109"
ACCOUNTS = (
    ALWAYS["accounts.csv"].replace("work,core,,", "work,web-team,CC-1,")
    + f"{OTHER_ACCOUNT},hidden,core-team,CC-9,2026-01,\n"
)
BOTH = """\
[[viewer]]
group = "leads"
role = "viewer"
cost_centers = ["CC-1", "CC-2"]
valid_from = "2026-01"
approved = "CHG1"
"""


def case(rule: str, subject: str, amount: str = "10.00") -> Case:
    """An open case, opened today."""
    value = Decimal(amount)
    return Case(
        rule, subject, "ticket", "team", f"about {subject}", "open", 1, "opened", DAY, DAY,
        date(2026, 7, 24), None, value, value, Decimal(0), 1,
    )  # fmt: skip


def remember(month: Month, *cases: Case, sent: SentMessages | None = None) -> None:
    """What a daily run left."""
    state = SQLiteState(month.books.daily_state)
    assert state.write_run(DAY, [], cases, Latest())
    if sent:
        assert state.replace_sent_messages(SentMessages(sent.rule, sent.subject), sent)
    state.close()


@pytest.fixture
def month(tmp_path) -> Month:
    return close_months(write_months(tmp_path, accounts_csv=ACCOUNTS, viewers_toml=BOTH), MAY)


def titles(month: Month) -> dict[str, list[str]]:
    """What notices are about, by page."""
    return {
        scope.id: [one.title.removeprefix("about ") for one in page.notices]
        for scope, page in pages(month, no_report).items()
    }


def test_a_ticket_is_on_the_page_of_who_owns_the_account(month):
    remember(
        month, case("untagged", ACCOUNT), case("untagged", OTHER_ACCOUNT),
        sent=SentMessages("untagged", ACCOUNT, 0, 1, "sys-1", "INC7", "https://now.example.com/INC7"),
    )  # fmt: skip
    found = pages(month, no_report)
    mine = Notice(
        "untagged", f"about {ACCOUNT}", Decimal("10.00"), "open", "2026-07-10", "2026-07-24", "team", "INC7",
        "https://now.example.com/INC7",
    )  # fmt: skip
    assert found[SHOP].notices == found[WEB].notices == (mine,)
    assert [one.title for one in found[CORE].notices] == [f"about {OTHER_ACCOUNT}"]
    assert found[STOCK].notices == ()
    assert len(found[EVERYBODY].notices) == 2


def test_a_ticket_of_a_team_is_on_no_page_that_does_not_own_all_its_accounts(month):
    both = replace(case("untagged", "team: a"), details={"accounts": [ACCOUNT, OTHER_ACCOUNT]})
    mine = replace(case("untagged", "team: b"), details={"accounts": [ACCOUNT]})
    remember(month, both, mine)
    seen = {scope: sorted(found) for scope, found in titles(month).items() if found}
    assert seen == {"": ["team: a", "team: b"], "shop": ["team: b"], "CC-1": ["team: b"]}


@pytest.mark.parametrize(
    "link", ["file:///outbox/1.json", "javascript:alert(1)", "http://now.example.com/1"]
)
def test_a_link_that_no_browser_should_follow_is_left_out(month, link):
    remember(month, case("untagged", ACCOUNT), sent=SentMessages("untagged", ACCOUNT, link=link))
    assert pages(month, no_report)[SHOP].notices[0].link == ""


@pytest.mark.parametrize(
    ("subject", "seen_by"),
    [
        ("cost center and service: shop, CC-1, AmazonEC2", {"", "shop", "CC-1"}),
        ("cost center: shop, CC-2", {"", "shop", "CC-2"}),
        ("cost center: core, CC-9", {"", "core"}),
        ("business unit: shop", {"", "shop"}),
        ("service: AmazonEC2", {""}),
        ("cost center: pool:untagged", {""}),
        ("cost center and service: pool:untagged, shop", {""}),
        ("service: shop", {""}),
    ],
)
def test_an_alert_is_on_the_page_that_it_was_found_in(month, subject, seen_by):
    remember(month, case("anomaly", subject))
    assert {scope for scope, found in titles(month).items() if found} == seen_by


def test_what_aws_found_is_for_who_sees_all(month):
    remember(month, case("aws-anomaly", "shop"))
    assert {scope for scope, found in titles(month).items() if found} == {""}


def test_open_cases_come_first_and_those_resolved_long_ago_are_gone(month):
    gone = replace(
        case("anomaly", "business unit: shop", "99.00"),
        status=RESOLVED,
        resolved_on=date(2026, 6, 8),
    )
    lately = replace(
        case("anomaly", "cost center: shop, CC-1", "50.00"),
        status=RESOLVED,
        resolved_on=date(2026, 6, 9),
    )
    remember(
        month,
        gone,
        lately,
        case("untagged", ACCOUNT, "5.00"),
        case("anomaly", "cost center: shop, CC-2", "7.00"),
    )
    assert titles(month)["shop"] == ["cost center: shop, CC-2", ACCOUNT, "cost center: shop, CC-1"]


def answer(month: Month, action: str, subject: str, **details: object) -> None:
    """Write an answer down."""
    books_id = str(checked_manifest(month.books, MAY)["books"])
    record(delivery_room(month.books), books_id, action, MAY, subject, "dana", details=details)


def dispute(month: Month, dispute_id: str, unit: str) -> None:
    """A unit disputes 4.00 of a pool."""
    answer(
        month, DISPUTED, dispute_id, owner="finance", charged="5.00", currency="USD", postings=["a:1"],
        raise_by="2026-07-01", answer_due="2026-07-05", decide_due="2026-07-09",
        row={"business_unit_id": unit, "line": f"{unit}/untagged", "amount": "4.00", "raised_on": "2026-06-20"},
    )  # fmt: skip


def test_answers_are_on_the_page_of_the_unit_that_gave_them(month):
    answer(month, ACKNOWLEDGED, "shop", row={"acknowledged_on": "2026-06-05"})
    dispute(month, "D-1", "core")
    answer(month, ANSWERED, "D-1", row={"answered_on": "2026-06-22"})
    found = pages(month, no_report)
    [mine] = found[SHOP].answers
    assert replace(mine, at="") == Answer(MAY, "shop", "acknowledged", "", "", "", "dana", "", None)
    [theirs] = found[CORE].answers
    assert replace(theirs, at="") == Answer(
        MAY, "core", "disputed", "D-1", "core/untagged", "", "dana", "answered", Decimal("4.00")
    )
    assert found[WEB].answers == ()
    assert {one.what for one in found[EVERYBODY].answers} == {"acknowledged", "disputed"}


def test_a_decided_dispute_says_what_is_given_back(month):
    dispute(month, "D-1", "shop")
    answer(
        month, DECIDED, "D-1", reference="D-1",
        row={"decided_on": "2026-06-25", "decision": "partly", "decided_amount": "1.50"},
    )  # fmt: skip
    [mine] = pages(month, no_report)[SHOP].answers
    assert (mine.status, mine.amount) == ("partly", Decimal("1.50"))


def test_an_open_month_without_a_draft_is_as_the_last_daily_run_saw_it(tmp_path):
    """July up to the tenth, of a report that goes on: 8.00 and 2.50 of CC-1; the pool's are left out."""
    day = {"bill_invoice_id": "", "line_item_usage_type": "BoxUsage"}
    items = [
        line_item(8.0, "CC-1", line_item_usage_start_date=datetime(2026, 7, 9), **day),
        line_item(2.5, "CC-1", line_item_usage_start_date=datetime(2026, 7, 10), **day),
        line_item(3.0, line_item_usage_start_date=datetime(2026, 7, 10), **day),
        line_item(100.0, "CC-1", line_item_usage_start_date=datetime(2026, 7, 11), **day),
    ]
    month = close_months(write_months(tmp_path, months={JULY: [items]}), MAY)
    remember(month)
    found = pages(month)
    last = found[SHOP].months[-1]
    assert (last.billing_period, last.status, last.as_of) == (JULY, "to date", "2026-07-10")
    assert last.amount == Decimal("10.50") == found[EVERYBODY].months[-1].amount
    # 10.50 x 31/10 and May's 10.00 of the pool.
    assert found[SHOP].forecast.expected == Decimal("42.55")


def test_a_daily_run_whose_report_is_gone_is_said(tmp_path):
    month = close_months(write_months(tmp_path), MAY)
    remember(month)
    page = pages(month, no_report)[SHOP]
    assert "Nothing is shown of the open month: the report is not here." in page.remarks
    assert [one.billing_period for one in page.months] == [MAY]


def test_looking_for_cases_makes_no_state(month):
    pages(month, no_report)
    assert not month.books.daily_state.exists()
