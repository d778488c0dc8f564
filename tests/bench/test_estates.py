"""Estates of every axis are as large as asked, valid, and tie out to the cent when they are closed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from chargeback.bench.estate_params import write_estate
from chargeback.bench.estates import FAR, LAST, Size, sizes_along
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.params import read_params
from chargeback.params.registers import read_register

#: Smaller than what is measured, so that a test may close it; every axis is then doubled alone.
SMALL = Size(
    line_items=900, accounts=6, cost_centers=6, units=2, pools=2, invoices=2, tag_values=8, resources=60,
    periods=1, adjustments=2, series=40,
)  # fmt: skip


def counted(size: Size, written) -> dict[str, int]:
    """How large an estate came out along each axis, from its files and what a close made of them."""
    params = read_params(written.params, LAST)
    report = pq.read_table(sorted(written.report.rglob(f"BILLING_PERIOD={LAST}/*.parquet")))
    return {
        "line_items": report.num_rows,
        "accounts": len(params.accounts),
        "cost_centers": len(params.cost_centers),
        "units": len(params.business_units),
        "pools": len(params.pools) - 1,
        "invoices": len(set(report["bill_invoice_id"].to_pylist())),
        "tag_values": len(params.tag_values),
        "periods": len(size.closed_periods),
        "adjustments": len(params.adjustments),
    }


@pytest.mark.parametrize("axis", FAR)
def test_an_estate_that_is_doubled_along_an_axis_ties_out(axis, tmp_path):
    size = replace(SMALL, **{axis: getattr(SMALL, axis) * 2})
    written = write_estate(tmp_path, size)
    (tmp_path / "work").mkdir()
    work = WorkFolder(
        LAST, written.report, written.params, Books(tmp_path / "books"), tmp_path / "work"
    )
    derive(work)  # stops where a control fails, a tie to an invoice among them
    postings = pq.read_table(work.path("postings.parquet")).to_pylist()
    charged = sum(row["amount"] for row in postings if row["cost_center_id"])
    entered = read_register(written.params, "invoices.csv")
    assert charged == sum(Decimal(row["total"]) for row in entered if row["billing_period"] == LAST)
    assert {row["cost_center_id"] for row in postings} > {"CC-1000", "CC-1005"}
    assert {"direct", "allocated", "pooled", "adjustment"} <= {row["kind"] for row in postings}
    found = counted(size, written)
    assert found == {one: getattr(size, one) for one in found}


def test_resources_are_as_many_as_asked(tmp_path):
    for times in (1, 2):
        size = replace(SMALL, resources=60 * times)
        written = write_estate(tmp_path / str(times), size)
        [*files] = sorted(written.report.rglob(f"BILLING_PERIOD={LAST}/*.parquet"))
        named = set(pq.read_table(files, columns=["line_item_resource_id"])[0].to_pylist()) - {""}
        # resources of the two pools' series have no name
        assert 57 * times - 3 <= len(named) <= 60 * times


@pytest.mark.parametrize("axis", FAR)
def test_only_its_axis_grows(axis):
    small, far, twice = sizes_along(axis)
    assert getattr(twice, axis) == 2 * getattr(far, axis) > 2 * getattr(small, axis)
    assert replace(far, **{axis: getattr(small, axis)}) == small
    assert replace(twice, **{axis: getattr(small, axis)}) == small


def test_the_last_period_is_delivered_again_with_other_amounts(tmp_path):
    written = write_estate(tmp_path, SMALL)

    def invoiced(report):
        files = sorted(report.rglob(f"BILLING_PERIOD={LAST}/*.parquet"))
        rows = pq.read_table(files, columns=["bill_invoice_id", "line_item_unblended_cost"])
        summed = rows.group_by("bill_invoice_id").aggregate([("line_item_unblended_cost", "sum")])
        return {
            one["bill_invoice_id"]: one["line_item_unblended_cost_sum"]
            for one in summed.to_pylist()
        }

    before, after = invoiced(written.report), invoiced(written.again)
    assert before.keys() == after.keys()
    assert all(abs(before[one] - after[one]) > 1 for one in before)
