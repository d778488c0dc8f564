"""What pages are made of, against sums worked out by hand (tests/dashboards/months.py has the table)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from chargeback.books import checked as checked_module
from chargeback.books import manifest as manifest_module
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.dashboards import gather as gather_module
from chargeback.dashboards import gather_closed as gather_closed_module
from chargeback.dashboards.model import ChargeRow, Month, TagCost, Untagged
from tests.close.months import JULY, JUNE, MAY
from tests.close.months import Month as Books
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    WEB,
    close_months,
    closed_months,
    gathered,
    no_report,
    pages,
    write_months,
)
from tests.made_once import made_once
from tests.params_folder import ALWAYS, pool
from tests.reports import ACCOUNT, line_item


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """May and June closed, July drafted; not to be changed."""
    from tests.close.months import month_in

    return month_in(made_once(tmp_path_factory, "dashboard-months", closed_months))


def money(text: str) -> Decimal:
    return Decimal(text)


def test_there_is_a_page_for_all_for_each_unit_and_for_each_granted_cost_center(month):
    assert gathered(month).scopes == [EVERYBODY, CORE, SHOP, WEB]


@pytest.mark.parametrize(
    ("scope", "may", "june", "july"),
    [
        (EVERYBODY, "100.01", "50.00", "12.00"),
        (SHOP, "80.00", "30.00", "8.00"),
        (CORE, "20.01", "20.00", "4.00"),
        (WEB, "73.00", "0.00", "8.00"),
    ],
    ids=lambda one: getattr(one, "id", one),
)
def test_each_month_comes_to_what_the_ledger_charges(month, scope, may, june, july):
    page = pages(month)[scope]
    assert page.months == (
        Month(MAY, "closed", "", money(may)),
        Month(JUNE, "closed", "", money(june)),
        Month(JULY, "PROVISIONAL", "2026-07-10", money(july)),
    )
    for one in page.months:
        rows = [row.amount for row in page.rows if row.billing_period == one.billing_period]
        assert sum(rows, Decimal(0)) == one.amount


def test_rows_are_the_postings_summed_by_what_a_page_shows(month):
    page = pages(month)[SHOP]

    def row(
        center: str, kind: str, amount: str, pool: str = "", account: str = "", product: str = ""
    ):
        return ChargeRow(MAY, "shop", center, kind, pool, account, product, "", money(amount))

    assert [one for one in page.rows if one.billing_period == MAY] == [
        row("CC-1", "adjustment", "-2.00"),
        row("CC-1", "allocated", "5.00", pool="untagged"),
        row("CC-1", "direct", "70.00", account=ACCOUNT, product="AmazonEC2"),
        row("CC-2", "adjustment", "2.00"),
        row("CC-2", "allocated", "5.00", pool="untagged"),
    ]


def test_names_are_those_of_ids_that_stand_in_the_page(month):
    found = {(one.of, one.id): one.name for one in pages(month)[SHOP].names}
    assert found == {
        ("account", ACCOUNT): "work", ("business_unit", "shop"): "Shop", ("cost_center", "CC-1"): "Web",
        ("cost_center", "CC-2"): "Stock", ("pool", "untagged"): "untagged",
        ("service", "AmazonEC2"): "Amazon EC2",
    }  # fmt: skip
    page = pages(month)[WEB]
    assert (page.name, page.owner, pages(month)[SHOP].owner) == ("Web", "", "Ann")


def test_resources_and_tags_are_the_reports(tmp_path):
    """June: CC-2's i-1 cost 12 in May, 20 and 10 in June; a second one is new; CC-9's is not shop's."""
    owned = {"bill_invoice_id": "900000002"}
    month = write_months(
        tmp_path,
        months={
            MAY: [[line_item(85.0, "CC-1"), line_item(3.0, "CC-9"), line_item(12.01, "CC-2")]],
            JUNE: [[
                line_item(20.0, "CC-2", **owned), line_item(10.0, "CC-2", **owned),
                line_item(7.0, "CC-2", line_item_resource_id="i-2", **owned),
                line_item(1.0, "CC-2", line_item_resource_id="", **owned),
                line_item(12.0, "CC-9", line_item_resource_id="i-9", **owned),
            ]],
        },
    )  # fmt: skip
    close_months(month, MAY, JUNE)
    page = pages(month)[SHOP]
    assert [(one.resource_id, one.cost_center_id, one.amount, one.previous) for one in page.resources] == [
        ("i-1", "CC-2", money("30.00"), money("12.01")),
        ("i-2", "CC-2", money("7.00"), money("0.00")),
    ]  # fmt: skip
    assert page.tags == (TagCost("user_cost_center", "CC-2", money("38.00")),)
    # The next run asks the report no more.
    assert pages(month, no_report)[SHOP].resources == page.resources


def test_without_a_report_pages_say_so(tmp_path):
    """Nothing of the report is kept yet; a draft says by itself how far it goes."""
    page = pages(closed_months(tmp_path), no_report)[SHOP]
    assert page.resources == () and page.tags == ()
    assert page.remarks == ("Resources and tags are not shown: the report is not here.",)
    assert page.months[-1].as_of == "2026-07-10"


#: 15.00 split by direct cost: 70.00 of 85.00 are shop's, which pays 12.35.
BY_DIRECT_COST = pool(key="direct_spend")


def test_a_share_that_would_tell_another_units_cost_is_shown_to_nobody_but_who_sees_all(tmp_path):
    found = pages(close_months(write_months(tmp_path, allocation_toml=BY_DIRECT_COST), MAY))
    shown = {scope: page.shares[0] for scope, page in found.items()}
    assert [shown[one].amount for one in (SHOP, CORE, WEB)] == [
        money(one) for one in ("12.35", "2.65", "12.35")
    ]
    assert [shown[one].share for one in (SHOP, CORE, WEB, EVERYBODY)] == [
        None,
        None,
        None,
        Decimal(1),
    ]


def test_shares_are_shown_where_the_statement_prints_them(tmp_path):
    policy = 'published_totals = "all"\n' + ALWAYS["policy.toml"]
    month = write_months(tmp_path, allocation_toml=BY_DIRECT_COST, policy_toml=policy)
    found = pages(close_months(month, MAY))
    assert found[SHOP].shares[0].share == money("0.823529")
    assert found[CORE].shares[0].share == money("0.176471")
    assert found[WEB].shares[0].share is None


def test_what_has_no_tag_is_for_whose_account_it_is_in(tmp_path):
    """15.00 without a tag in an account of CC-1: its default takes it, and its team is to tag it."""
    accounts = ALWAYS["accounts.csv"].replace("work,core,,", "work,web-team,CC-1,")
    found = pages(close_months(write_months(tmp_path, accounts_csv=accounts), MAY))
    mine = (Untagged(ACCOUNT, "AmazonEC2", "web-team", "account-default", money("15.00")),)
    assert found[SHOP].untagged == found[WEB].untagged == found[EVERYBODY].untagged == mine
    assert found[CORE].untagged == ()


def test_nothing_is_known_of_an_open_month_that_nobody_looked_at(tmp_path):
    page = pages(close_months(write_months(tmp_path), MAY))[SHOP]
    assert [one.billing_period for one in page.months] == [MAY]
    assert page.forecast is None
    assert page.remarks == (
        "Nothing is known of the open month: it was not drafted, and no daily run saw it.",
    )


def test_without_a_closed_period_there_is_no_page(tmp_path):
    with pytest.raises(Refusal) as refused:
        gathered(write_months(tmp_path))
    assert refused.value.exit_code == BAD_USAGE
    assert refused.value.what == "there is no closed period to make dashboards of"


def test_a_credit_makes_a_month_negative(tmp_path):
    month = write_months(
        tmp_path,
        months={JUNE: [[line_item(-30.0, "CC-2", bill_invoice_id="900000002")]]},
        invoices_csv=(
            "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
            "900000001,2026-05,AWS,USD,100.01,finance,PDF\n"
            "900000002,2026-06,AWS,USD,-30.00,finance,PDF\n"
        ),
    )
    page = pages(close_months(month, MAY, JUNE))[SHOP]
    assert [one.amount for one in page.months] == [money("80.00"), money("-30.00")]


def test_a_retired_cost_center_stays_on_the_page_of_who_paid_it(tmp_path):
    """CC-2 ends with May; June's cost of it has an unusable tag and is split."""
    centers = ALWAYS["cost_centers.csv"].replace(
        "CC-2,Stock,shop,2026-01,", "CC-2,Stock,shop,2026-01,2026-05"
    )
    page = pages(close_months(write_months(tmp_path, cost_centers_csv=centers), MAY, JUNE))[SHOP]
    assert {one.cost_center_id for one in page.rows if one.billing_period == MAY} == {
        "CC-1",
        "CC-2",
    }
    assert {one.cost_center_id for one in page.rows if one.billing_period == JUNE} == {"CC-1"}
    assert ("cost_center", "CC-2", "Stock") in {(one.of, one.id, one.name) for one in page.names}


def test_what_a_cost_center_was_charged_stays_with_the_unit_that_paid_it(tmp_path):
    """CC-2 moves from shop to core in June: its 7.00 of May are shop's, its 30.00 of June core's."""
    centers = ALWAYS["cost_centers.csv"].replace(
        "CC-2,Stock,shop,2026-01,\n", "CC-2,Stock,shop,2026-01,2026-05\nCC-2,Stock,core,2026-06,\n"
    )
    found = pages(close_months(write_months(tmp_path, cost_centers_csv=centers), MAY, JUNE))
    assert [one.amount for one in found[SHOP].months] == [money("80.00"), money("0.00")]
    assert [one.amount for one in found[CORE].months] == [money("20.01"), money("50.00")]
    assert {one.cost_center_id for one in found[CORE].rows if one.billing_period == MAY} == {"CC-9"}


def test_a_month_s_manifest_is_read_as_often_for_many_pages_as_for_few(month, monkeypatch):
    """It names the files of every unit: once for each page it would be read units times units."""
    read, looked_through = Counter[str](), Counter[int]()
    real_read, real_files = gather_module.checked_manifest, manifest_module.recorded_files

    def counted_read(books, period):
        read[period] += 1
        return real_read(books, period)

    def counted_files(manifest, room=""):
        looked_through[1] += 1
        return real_files(manifest, room)

    found = gathered(month)
    monkeypatch.setattr(gather_module, "checked_manifest", counted_read)
    for module in (gather_closed_module, checked_module):
        monkeypatch.setattr(module, "recorded_files", counted_files)
    assert len(dict(found.dashboards())) == 4
    assert read == {MAY: 1, JUNE: 1}
    assert looked_through[1] == 4, "when each is read, and when its statements are listed"
