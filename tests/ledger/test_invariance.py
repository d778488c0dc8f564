"""What a month costs does not depend on how AWS wrote it down: rows split, shuffled, spread over files."""

from __future__ import annotations

import random
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.money import exact_amount, rounded_once
from tests.examples import examples
from tests.params_folder import added, any_month, pool, write_params
from tests.reports import INVOICE, PERIOD, line_item, write_report

UNITS = 10**10
POOLS = (
    pool("tax", '{ line_item_type = ["Tax"] }', "direct_spend",
         'recipients = ["*", "calls"]\nfallback = "even"\n')
    + pool("calls", '{ product_code = ["AWSCloudTrail"] }')
    + pool()
)  # fmt: skip

# A line item: (units of 1e-10, owner's tag, product, type)
ITEMS = st.lists(
    st.tuples(
        st.one_of(st.integers(-(10**12), 10**14), st.integers(-(10**8), 10**8)),
        st.sampled_from(("CC-1", "CC-2", "nobody", "")),
        st.sampled_from(("AmazonEC2", "AWSCloudTrail")),
        st.sampled_from(("Usage", "Tax")),
    ),
    min_size=1,
    max_size=8,
)
Item = tuple[int, str, str, str]


def rows_of(items: list[Item]) -> list[dict]:
    """Items as rows of a report."""
    return [
        line_item(
            units / UNITS, owner, line_item_product_code=product, line_item_line_item_type=kind
        )
        for units, owner, product, kind in items
    ]


def posted(files: list[list[Item]], total: Decimal) -> bytes:
    """The bytes of the postings of a report with these files."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        report = write_report(folder / "report", *map(rows_of, files))
        invoices = added("invoices.csv").splitlines()[0]
        row = f"{INVOICE},{PERIOD},AWS,USD,{total},finance,PDF"
        params = write_params(
            folder / "params",
            invoices_csv=f"{invoices}\n{row}\n",
            allocation_toml=POOLS,
            acceptances_csv=any_month(POOLS),
        )
        (folder / "work").mkdir()
        closing = WorkFolder(PERIOD, report, params, Books(folder / "books"), folder / "work")
        derive(closing)
        return closing.path("postings.parquet").read_bytes()


@pytest.mark.slow
@given(ITEMS, st.randoms(use_true_random=False))
@examples(8)
def test_split_shuffled_and_spread_line_items_post_the_same(
    items: list[Item], chance: random.Random
):
    total = rounded_once(exact_amount(sum(units for units, *_ in items)))
    halves = []
    for units, *cells in items:
        part = chance.randint(min(0, units), max(0, units))
        halves += [(part, *cells), (units - part, *cells)]
    chance.shuffle(halves)
    cut = chance.randint(0, len(halves))
    once = posted([items], total)
    assert posted([halves[:cut], halves[cut:]], total) == once
