"""The table of a unit's unit costs in its folder of the pack: what the ledger gives, and nothing of others."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from chargeback.books.delivery_log import HANDED_OUT
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.delivery import unit_costs_table
from chargeback.delivery.pack import PackTarget
from chargeback.delivery.unit_costs_table import unit_cost_tables
from tests.close.months import JUNE, MAY, Month, month_in, write_month
from tests.delivery.pack.months import close_months, copy_month, deliver, of
from tests.made_once import made_once

pytestmark = pytest.mark.slow

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
#: shop: May 80.00 for 390 orders, June 30.00 for 100; CC-1: 73.00 for 292 visits in May, none in June.
METRICS = HEAD + (
    f"{MAY},orders,shop,,390,shop,2026-06-01,yes\n{JUNE},orders,shop,,100.5,shop,2026-07-01,no\n"
    f"{MAY},visits,,CC-1,292,web,2026-06-01,yes\n{JUNE},visits,,CC-1,0,web,2026-07-01,yes\n"
    f"{MAY},calls,*,,7,desk,2026-07-01,yes\n"
)


def close_counted(folder: Path) -> None:
    """May and June, closed with quantities of one unit, of a cost center of it, and of the company."""
    close_months(write_month(folder, metrics_csv=METRICS), MAY, JUNE)


@pytest.fixture
def month(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Month:
    """The closed months, to be handed out."""
    return copy_month(
        made_once(tmp_path_factory, "counted-pack", close_counted), tmp_path / "month"
    )


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The rows of a table, as a spreadsheet reads them."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def test_each_row_is_a_line_of_the_statement_in_a_month(month):
    """By hand: 80.00 / 390 = 0.2051…, 30.00 / 100.5 = 0.2985…, 73.00 / 292 = 0.25; of no visits nothing."""
    tables = unit_cost_tables(of(month))
    assert list(tables) == ["shop"]  # core counts nothing, and the company's quantity is no unit's
    found = [
        (one["billing_period"], one["metric"], one["cost_center_id"], one["quantity"],
         one["fully_loaded_cost"], one["fully_loaded_unit_cost"], one["is_final"])
        for one in rows_of(tables["shop"])
    ]  # fmt: skip
    assert found == [
        (MAY, "orders", "", "390", "80.00", "0.2051", "yes"),
        (JUNE, "orders", "", "100.5", "30.00", "0.2985", "no"),
        (MAY, "visits", "CC-1", "292", "73.00", "0.2500", "yes"),
        (JUNE, "visits", "CC-1", "0", "0.00", "", "yes"),
    ]
    assert {one["currency"] for one in rows_of(tables["shop"])} == {"USD"}


def test_it_lies_in_the_unit_s_folder_and_is_named_by_log_and_index(month):
    said = deliver(month, PackTarget("embedded"))
    assert "is handed out: 13 files" in said[0]
    period = of(month)
    name = period.file_name("pack/shop/2026-06 Shop unit costs.csv")
    assert period.room.read(name) == unit_cost_tables(period)["shop"]
    index = period.room.read(period.file_name("pack/index.html"))
    assert b'href="shop/2026-06%20Shop%20unit%20costs.csv"' in index
    assert b"Core%20unit%20costs" not in index
    entry = period.done(HANDED_OUT)
    assert name in entry.files


@pytest.mark.parametrize(
    ("wrong", "right"),
    [(b",80.00,", b",80.01,"), (b",390,", b",391,"), (b",0.2500,", b",0.2501,"), (b",shop,", b",core,")],
)  # fmt: skip
def test_a_wrong_figure_stops_the_handing_out(wrong, right, month, monkeypatch):
    made = unit_costs_table.table_of
    monkeypatch.setattr(
        unit_costs_table, "table_of", lambda statement: made(statement).replace(wrong, right, 1)
    )
    with pytest.raises(Refusal) as raised:
        deliver(month, PackTarget("embedded"))
    assert raised.value.exit_code == CONTROL_FAILED
    assert raised.value.what == (
        "unit costs that would be handed out are not what quantities and ledgers give"
    )
    assert "line " in raised.value.where[0]
    assert of(month).done(HANDED_OUT) is None


def test_without_quantities_nothing_is_handed_out_more(tmp_path_factory, tmp_path):
    made = made_once(
        tmp_path_factory, "uncounted-pack", lambda one: close_months(write_month(one), MAY)
    )
    assert unit_cost_tables(of(copy_month(made, tmp_path / "month"), MAY)) == {}


def test_the_months_are_those_of_the_worked_example(month):
    assert month_in(month.books.root.parent).books.closed_periods() == [MAY, JUNE]
