"""Every posting can be followed to the line items that it is made of, whatever the estate."""

from __future__ import annotations

import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.errors import Refusal
from chargeback.core.money import exact_amount, rounded_once
from chargeback.ledger.statement_lines import charges, posting_id
from chargeback.review.trace import line_items_behind
from chargeback.review.trace.run import Part
from chargeback.review.trace.shares import find_share, share_of
from tests.examples import examples
from tests.reports import INVOICE, line_item
from tests.trace.estate import ITEMS, derived

UNITS = 10**10
AMOUNTS = st.one_of(st.integers(-(10**12), 10**14), st.integers(-(10**8), 10**8))

#: Two reservations may serve the same usage of the same owner.
ARNS = tuple(f"arn:aws:ec2:us-east-1:012345678901:reserved-instances/{one}" for one in "ab")

# A line item: (unblended, effective cost, tag, product, type, resource, reservation)
ESTATES = st.lists(
    st.tuples(
        AMOUNTS,
        AMOUNTS,
        st.sampled_from(("CC-1", "CC-2", "web", "nobody", "")),
        st.sampled_from(("AmazonEC2", "AWSCloudTrail")),
        st.sampled_from(("Usage", "Tax", "DiscountedUsage", "DiscountedUsage")),
        st.sampled_from(("i-1", "archive-1", "")),
        st.sampled_from(ARNS),
    ),
    min_size=1,
    max_size=10,
)


@given(ESTATES, st.integers(0, 10))
@examples(12)
def test_every_posting_is_the_sum_of_its_line_items(items, cut):
    rows = [
        line_item(
            unblended / UNITS, tag, line_item_product_code=product, line_item_line_item_type=kind,
            line_item_resource_id=resource, reservation_effective_cost=effective / UNITS,
            reservation_reservation_a_r_n=arn if kind == "DiscountedUsage" else "",
            identity_line_item_id=f"id-{number}",
        )
        for number, (unblended, effective, tag, product, kind, resource, arn) in enumerate(items)
    ]  # fmt: skip
    total = rounded_once(exact_amount(sum(units for units, *_ in items)))
    with tempfile.TemporaryDirectory() as temporary:
        report, origin = derived(Path(temporary), [rows[:cut], rows[cut:]], total)
        follow_everything(report, origin, rows)


def follow_everything(report: Path, origin, rows) -> None:
    """Follow each posting, alone and all of a kind together, and count whose each line item is."""
    postings = [row for row in origin.postings.to_pylist() if charges(row)]
    owned: Counter[str] = Counter()
    for kind in ("direct", "pooled", "commitment"):
        chosen = [row for row in postings if row["kind"] == kind]
        if not chosen:
            continue
        items = line_items_behind(origin, chosen, report)
        found = list(items.all())
        items.engine.close()
        for row in chosen:
            mine = [one for one in found if posting_id(one) == posting_id(row)]
            assert sum(one["amount"] for one in mine) == row["exact_amount"]
        for one in found:
            assert one["identity_line_item_id"] == id_at(report, one)
        if kind != "commitment":
            owned.update(one["identity_line_item_id"] for one in found)
    assert set(owned.values()) <= {1}
    for row in (row for row in postings if row["kind"] == "allocated"):
        [share] = Part(origin, (row,)).shares()
        assert row in share.parts  # and its arithmetic was checked
    # What is behind no posting cancels: all that was posted is all that the line items cost.
    ledger = {"direct", "pooled"}
    posted = sum(row["exact_amount"] for row in postings if row["kind"] in ledger)
    costs = sum(origin.owned_costs["charged_cost"].to_pylist(), Decimal(0))
    assert posted == costs


def id_at(report: Path, item) -> str:
    """The id that the report has in the file and row that a line item is said to stand in."""
    table = pq.read_table(report / item["source_file"])
    return str(table["identity_line_item_id"][item["source_row"] - 1].as_py())


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory):
    """The month with everything."""
    return derived(tmp_path_factory.mktemp("month"), ITEMS, Decimal("145.02"))


def test_a_month_with_everything(month):
    report, origin = month
    kinds = {row["kind"] for row in origin.postings.to_pylist()}
    assert kinds == {"direct", "pooled", "allocated", "commitment", "rounding", "adjustment"}
    follow_everything(report, origin, ITEMS)


def test_a_reserved_line_item_is_behind_its_owner_and_behind_the_commitment(month):
    report, origin = month
    rows = [
        row for row in origin.postings.to_pylist() if row["line_item_type"] == "DiscountedUsage"
    ]
    assert {row["kind"]: row["amount"] for row in rows} == {
        "direct": Decimal("20.00"), "commitment": Decimal("5.00"),
    }  # fmt: skip
    for row in rows:
        items = line_items_behind(origin, [row], report)
        [only] = items.all()
        items.engine.close()
        assert (only["identity_line_item_id"], only["source_row"]) == ("a3", 3)
        assert only["amount"] == row["exact_amount"]
        assert (only["unblended_cost"], only["charged_cost"]) == (25, 20)


def test_a_pool_is_followed_to_what_the_pools_before_it_gave(month):
    _, origin = month
    share = share_of(origin, INVOICE, "shared")
    assert [one.pool_id for one in share.chain()] == ["tax", "shared"]
    [(row, tax)] = share.earlier
    assert tax.exact_amount == Decimal("3.01") and row["exact_amount"] > 0
    assert share.exact_amount == 12 + row["exact_amount"]
    assert sum(one["exact_amount"] for one in share.parts) == share.exact_amount


def test_another_amount_or_weight_is_refused(month):
    _, origin = month
    rows = origin.postings.to_pylist()
    part = next(row for row in rows if row["kind"] == "allocated" and row["weight"])
    for column, step in (("exact_amount", Decimal("1e-10")), ("weight", Decimal("1"))):
        changed = [{**row, column: row[column] + step} if row is part else row for row in rows]
        with pytest.raises(Refusal, match="the parts of the pool do not follow"):
            find_share(changed, part["pool_id"])


def test_a_posting_that_its_line_items_do_not_sum_to_is_refused(month):
    report, origin = month
    row = next(row for row in origin.postings.to_pylist() if row["kind"] == "direct")
    changed = {**row, "exact_amount": row["exact_amount"] + Decimal("1e-10")}
    with pytest.raises(Refusal, match="the line items do not sum to the posting") as refused:
        line_items_behind(origin, [changed], report)
    assert refused.value.exit_code == 4
    assert refused.value.difference == "-1E-10"


@pytest.mark.parametrize("change", ["a byte", "a size", "a file"])
def test_a_report_that_is_not_what_was_closed_is_refused(month, tmp_path, change):
    report, origin = month
    copy = tmp_path / "report"
    import shutil

    shutil.copytree(report, copy)
    path = copy / origin.record.files[1].path
    content = bytearray(path.read_bytes())
    if change == "a byte":
        content[-20] ^= 1  # of the footer's own words
        path.write_bytes(content)
    elif change == "a size":
        path.write_bytes(bytes(content) + b"x")
    else:
        path.unlink()
    row = next(row for row in origin.postings.to_pylist() if row["kind"] == "direct")
    with pytest.raises(Refusal) as refused:
        line_items_behind(origin, [row], copy)
    assert refused.value.exit_code == 6
    assert "the report is not the delivery" in refused.value.what
    assert refused.value.where[1] == origin.record.files[1].path
