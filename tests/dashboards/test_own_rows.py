"""A page is made of its own rows: what others are charged changes no byte of it, and rows sum to the ledger."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.core.errors import Refusal
from chargeback.dashboards.scope import ALL, UNIT, Scope
from tests.close.months import INVOICES, JULY, JUNE, MAY, Month
from tests.dashboards.months import (
    CORE,
    SHOP,
    VIEWERS,
    WEB,
    close_months,
    closed_months,
    pages,
    write_months,
    written,
)
from tests.estates.draw import draw_estate
from tests.estates.estate import PERIOD
from tests.estates.written import write_estate
from tests.params_folder import ALWAYS
from tests.reports import line_item

#: What the ledger charges, by unit, cost center and period: read with plain Arrow, summed in a loop.
Charged = dict[tuple[str, str, str], Decimal]


def ledger(month: Month) -> Charged:
    found: Charged = defaultdict(lambda: Decimal("0.00"))
    for path in sorted(month.books.root.glob("ledger/*/postings.parquet")):
        for row in pq.read_table(path).to_pylist():
            if row["cost_center_id"] is not None:
                key = (row["business_unit_id"], row["cost_center_id"], row["billing_period"])
                found[key] += row["amount"]
    return dict(found)


def is_of(scope: Scope, unit: str, center: str) -> bool:
    return scope.kind == ALL or scope.id == (unit if scope.kind == UNIT else center)


def differences(month: Month) -> list[str]:
    """Where rows of pages, summed, are not what the ledger charges."""
    charged, wrong = ledger(month), []
    for scope, page in pages(month).items():
        expected = {key: amount for key, amount in charged.items() if is_of(scope, *key[:2])}
        found: Charged = defaultdict(lambda: Decimal("0.00"))
        for one in page.rows:
            found[one.business_unit_id, one.cost_center_id, one.billing_period] += one.amount
        if dict(found) != expected:
            wrong.append(f"{scope}: rows {dict(found)}, ledger {expected}")
        for known in page.months:
            total = sum(
                (v for k, v in expected.items() if k[2] == known.billing_period), Decimal("0.00")
            )
            if known.amount != total:
                wrong.append(f"{scope}: {known.billing_period} {known.amount}, ledger {total}")
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(1, 9), range(9, 17)], ids=["1-8", "9-16"])
def test_rows_sum_to_the_ledger_of_random_estates(seeds):
    closed = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="estate-") as temporary:
            month = write_estate(draw_estate(seed), Path(temporary))
            (month.params / "viewers.toml").write_text("")
            try:
                close_months(month, PERIOD)
            except Refusal:
                continue  # as tests/estates holds that it must be
            closed += 1
            assert differences(month) == [], seed
    assert closed


def test_rows_sum_to_the_ledger_of_small_months(tmp_path):
    assert differences(close_months(write_months(tmp_path), MAY, JUNE)) == []


@pytest.mark.slow
def test_what_another_unit_costs_changes_nothing_of_a_page(tmp_path):
    """core: other costs and resources in both months, another name, owner, account, budget and tag."""
    mine = [line_item(60.0, "CC-1"), line_item(10.0, "web")]
    shared = [line_item(15.0)]
    more = {"line_item_resource_id": "i-secret", "line_item_product_code": "AmazonRDS"}
    june = {"bill_invoice_id": "900000002"}
    budgets = "period,cost_center_id,amount,approved_by\n2026-05,CC-1,70.00,CFO\n"
    one = write_months(tmp_path / "one", budgets_csv=budgets)
    other = write_months(
        tmp_path / "other",
        months={
            MAY: [mine, [*shared, line_item(24.996, "CC-9", **more)]],
            JUNE: [[line_item(30.0, "CC-2", **june), line_item(70.0, "CC-9", **june, **more)]],
        },
        invoices_csv=INVOICES.replace("100.01", "110.01").replace("50.00", "100.00"),
        business_units_csv=ALWAYS["business_units.csv"].replace("core,Core,Bob", "core,Secret,Eve"),
        cost_centers_csv=ALWAYS["cost_centers.csv"].replace("Platform", "Hidden"),
        budgets_csv=budgets + "2026-05,CC-9,99.00,CFO\n",
    )
    for month in (one, other):
        close_months(month, MAY, JUNE)
    assert written(one, CORE) != written(other, CORE)
    for scope in (SHOP, WEB):
        assert written(one, scope) == written(other, scope)


def test_a_page_of_forty_units_has_its_own_alone(tmp_path):
    """Unit n has a cost center that costs n dollars: 820 in all, and a page of it says n."""
    units = range(1, 41)
    month = write_months(
        tmp_path,
        months={MAY: [[line_item(float(one), f"CC-{one}", line_item_resource_id=f"i-{one}") for one in units]]},
        business_units_csv=ALWAYS["business_units.csv"].splitlines()[0] + "\n"
        + "".join(f"u{one},Unit {one},Ann,ann@example.com,u\n" for one in units),
        cost_centers_csv=ALWAYS["cost_centers.csv"].splitlines()[0] + "\n"
        + "".join(f"CC-{one},Center {one},u{one},2026-01,\n" for one in units),
        accounts_csv=ALWAYS["accounts.csv"],
        invoices_csv=INVOICES.replace("100.01", "820.00"),
        tag_values_csv=ALWAYS["tag_values.csv"],
        adjustments_csv=ALWAYS["adjustments.csv"],
        viewers_toml=VIEWERS.replace('"shop"', '"u7"').replace('"CC-1"', '"CC-7"'),
    )  # fmt: skip
    found = pages(close_months(month, MAY))
    assert len(found) == 42
    assert found[Scope(ALL)].months[0].amount == Decimal("820.00")
    for one in units:
        page = found[Scope(UNIT, f"u{one}")]
        assert [row.amount for row in page.rows] == [Decimal(f"{one}.00")]
        assert [row.resource_id for row in page.resources] == [f"i-{one}"]
        assert {name.id for name in page.names} == {
            f"u{one}",
            f"CC-{one}",
            "012345678901",
            "AmazonEC2",
        }


def test_pages_are_the_same_whoever_makes_them_and_when(tmp_path):
    month = closed_months(tmp_path)
    assert written(month, SHOP) == written(month, SHOP)
    assert JULY in written(month, SHOP)
