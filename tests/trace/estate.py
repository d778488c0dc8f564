"""A month that has everything a line can be made of, derived or closed, to be followed back.

CC-1      tagged 60.00, by alias 10.00, 25.00 of a reservation whose effective cost is 20.00
CC-2      5.00 of a bucket that an ownership rule knows
pools     shared (CloudTrail, 12.00 and a part of tax), tax 3.01, untagged 15.00 and 14.996
invoice   rounds up by a cent; one adjustment of 2.00
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.review.trace import Origin
from tests.params_folder import ALWAYS, added, any_month, pool, write_params
from tests.reports import INVOICE, PERIOD, line_item, write_report

POOLS = (
    pool("tax", '{ line_item_type = ["Tax"] }', "direct_spend",
         'recipients = ["*", "shared"]\nfallback = "even"\noverrides_tags = true\n')
    + pool("shared", '{ product_code = ["AWSCloudTrail"] }', "sql:support_base", 'fallback = "even"')
    + pool()
)  # fmt: skip
OWNERSHIP = (
    '[[rule]]\nrule_id = "archive"\ncost_center_id = "CC-2"\nmatch = { resource_like = ["archive-%"] }\n'
    'valid_from = "2026-01"\napproved = "CHG0041"\nreason = "known"\n'
)
#: Text that a tag, a resource or a description must not do anything with.
HOSTILE = "\x1b[2J=cmd|'/c calc'!A1\u202e, \"x\"\n]}"

ITEMS = (
    [
        line_item(60.0, "CC-1", identity_line_item_id="a1"),
        line_item(10.0, "web", identity_line_item_id="a2", line_item_resource_id="i-2"),
        line_item(25.0, "CC-1", identity_line_item_id="a3",
                  line_item_line_item_type="DiscountedUsage", reservation_effective_cost=20.0),
    ],
    [
        line_item(5.0, "", identity_line_item_id="b1", line_item_resource_id="archive-1",
                  line_item_product_code="AmazonS3"),
        line_item(12.0, "", identity_line_item_id="b2", line_item_product_code="AWSCloudTrail"),
        line_item(3.01, "CC-1", identity_line_item_id="b3", line_item_line_item_type="Tax"),
        {**line_item(15.0, "", identity_line_item_id="b4", line_item_resource_id=HOSTILE,
                     line_item_line_item_description=HOSTILE),
         "resource_tags": {"user_team": HOSTILE}},
        line_item(14.996, "", identity_line_item_id="b5"),
    ],
)  # fmt: skip


def write_estate(folder: Path, files: Sequence[Sequence[Any]], total: Decimal) -> tuple[Path, Path]:
    """A report and params."""
    report = write_report(folder / "report", *files)
    header = ALWAYS["invoices.csv"].splitlines()[0]
    params = write_params(
        folder / "params",
        invoices_csv=f"{header}\n{INVOICE},{PERIOD},AWS,USD,{total},finance,PDF\n",
        tag_values_csv=added("tag_values.csv", "user_cost_center,web,CC-1,2026-01,,REF-1"),
        adjustments_csv=added(
            "adjustments.csv", "2026-05,CC-1,CC-2,2.00,licences,REF-2,Ann,Bob,2026-01-20"
        ),
        allocation_toml=POOLS,
        ownership_toml=OWNERSHIP,
        acceptances_csv=any_month(POOLS),
    )
    return report, params


def derived(folder: Path, files: Sequence[Sequence[Any]], total: Decimal) -> tuple[Path, Origin]:
    """The report, and what postings were derived from, without books."""
    report, params = write_estate(folder, files, total)
    (folder / "work").mkdir()
    closing = WorkFolder(PERIOD, report, params, Books(folder / "books"), folder / "work")
    derive(closing)
    return report, Origin(
        PERIOD, closing.params, closing.source_record(), closing.table("owned_costs"),
        read_postings(closing.path("postings.parquet")),
    )  # fmt: skip
