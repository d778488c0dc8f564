"""What is read of the report: nothing is lost where values are many, and what was kept is read as it was."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.delivery_room import FolderRoom
from chargeback.core.json_text import read_json
from chargeback.core.paths import ROOT
from chargeback.dashboards.details import (
    MOST_RESOURCES,
    Details,
    Resource,
    TagValueCost,
    content_of,
    details_of,
    kept_details,
    largest_values,
)
from chargeback.dashboards.gather_told import SHOWN_DAYS
from chargeback.dashboards.model import DETAILED
from tests.close.months import JUNE, MAY
from tests.dashboards.months import SHOP, close_months, pages, write_months
from tests.reports import line_item

COSTS = st.decimals(-(10**6), 10**6, places=10)
TEXTS = st.text(max_size=8)


@given(st.dictionaries(TEXTS, COSTS, max_size=12), st.integers(1, 6))
def test_values_that_are_not_shown_stand_together_and_nothing_is_lost(costs, most):
    found = largest_values(costs, most)
    assert sum(cost for _, cost in found) == sum(costs.values())
    assert len(found) <= most + 2
    assert len({value for value, _ in found}) == len(found)
    # What has no value is always shown by itself.
    assert dict(found).get("") == costs.get("")


@given(
    st.lists(st.builds(Resource, TEXTS, TEXTS, TEXTS, TEXTS, COSTS, st.none() | COSTS), max_size=4),
    st.lists(st.builds(TagValueCost, TEXTS, TEXTS, TEXTS, COSTS), max_size=4),
)
def test_what_was_kept_is_read_as_it_was(resources, tags):
    details = Details(tuple(resources), tuple(tags))
    assert details_of(read_json(content_of(details))) == details


def test_what_was_kept_and_cannot_be_read_is_read_again(tmp_path):
    room = FolderRoom(tmp_path)
    for name, content in {"a": b"{", "b": b"[]", "c": b'{"resources": [[1]], "tags": []}'}.items():
        room.put(name, content)
        assert kept_details(room, name) is None
    assert kept_details(room, "none") is None


def test_a_report_that_sums_to_something_else_shows_no_resource(tmp_path):
    """June's report has the files of the record by size, and another cost in them."""
    month = close_months(write_months(tmp_path), MAY, JUNE)
    [path] = (month.report / "data" / f"BILLING_PERIOD={JUNE}").glob("*.parquet")
    size = path.stat().st_size
    write_months(
        tmp_path / "other",
        months={
            JUNE: [[
                line_item(31.0, "CC-2", bill_invoice_id="900000002"),
                line_item(20.0, "CC-9", bill_invoice_id="900000002"),
            ]]
        },
    )  # fmt: skip
    [other] = (tmp_path / "other/report/data" / f"BILLING_PERIOD={JUNE}").glob("*.parquet")
    assert other.stat().st_size == size
    path.write_bytes(other.read_bytes())
    page = pages(month)[SHOP]
    assert (page.resources, page.tags) == ((), ())
    assert (
        f"Resources and tags are not shown: the line items of {JUNE} do not sum to what was charged, so this "
        "version reads them differently than the one that closed it."
    ) in page.remarks


def test_another_delivery_than_that_of_the_close_shows_no_resource(tmp_path):
    month = close_months(write_months(tmp_path), MAY, JUNE)
    [path] = (month.report / "data" / f"BILLING_PERIOD={JUNE}").glob("*.parquet")
    path.write_bytes(path.read_bytes() + b" ")
    assert pages(month)[SHOP].remarks[1:] == (
        "Resources and tags are not shown: the report is not the delivery that the period was closed from.",
    )


def test_the_page_of_the_documentation_says_what_holds():
    text = " ".join((ROOT / "docs" / "dashboards.md").read_text("utf-8").split())
    assert f"the last {DETAILED} row by row" in text
    assert f"; {MOST_RESOURCES} resources a page" in text
    assert f"resolved ones for {SHOWN_DAYS} days" in text
    assert "come to 34.80" in text and Decimal("8.00") * 31 / 10 + Decimal("10.00") == Decimal(
        "34.8"
    )
