"""Three small closed periods and proposals for them, to be worked out by hand.

    each of April, May and June 2026, an invoice of 130.00        CC-1    CC-2    CC-9
    tagged                                                       60.00   30.00   10.00
    untagged 30.00, split evenly                                 10.00   10.00   10.00
                                                                 70.00   40.00   20.00
    business units                                               shop 110.00     core 20.00
    May only, an adjustment                                      -2.00    2.00

CC-2's line item is of AmazonS3, the others of AmazonEC2. The untagged line item has another tag, user_team, of
the value CC-2.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.core.books_folders import Books
from chargeback.review.what_if.replayed import WhatIf, replay_closed
from tests.close.months import Month
from tests.params_folder import added, pool, write_params
from tests.reports import line_item, write_report
from tests.stage_runs import run_stage

APRIL, MAY, JUNE = PERIODS = ("2026-04", "2026-05", "2026-06")
ALL = f"{APRIL}..{JUNE}"
HEADER = "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
FILES = {
    "invoices_csv": HEADER
    + "".join(f"90000000{period[-1]},{period},AWS,USD,130.00,finance,PDF\n" for period in PERIODS),
    "adjustments_csv": added(
        "adjustments.csv", f"{MAY},CC-1,CC-2,2.00,licences,REF-2,Ann,Bob,2026-01-20"
    ),
}
BY_SPEND = pool(key="direct_spend")
WITH_STORAGE = (
    pool("storage", '{ product_code = ["AmazonS3"] }', more='recipients = ["CC-9"]\noverrides_tags = true')
    + pool()
)  # fmt: skip


def fixed(*shares: str) -> str:
    """The pool untagged, split by shares of CC-1, CC-2 and CC-9."""
    owners = zip(("CC-1", "CC-2", "CC-9"), shares, strict=True)
    table = ", ".join(f'"{owner}" = "{share}"' for owner, share in owners)
    return pool(key="fixed", more=f"shares = {{ {table} }}")


def close_three(folder: Path) -> Month:
    """The three periods, closed without notebooks and statements, which a replay does not read."""
    report = folder / "report"
    for period in PERIODS:
        invoice = {"bill_invoice_id": f"90000000{period[-1]}"}
        tags = {"resource_tags": {"user_team": "CC-2"}}
        items = [
            line_item(60.0, "CC-1", **invoice),
            line_item(30.0, "CC-2", line_item_product_code="AmazonS3", **invoice),
            line_item(10.0, "CC-9", **invoice),
            {**line_item(30.0, **invoice), **tags},
        ]
        write_report(report, items, period=period)
    month = Month(report, write_params(folder / "params", **FILES), Books(folder / "books"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "run_stage_notebook", run_stage)
        patch.setitem(stages.STAGE_FUNCTIONS, "statements", make_no_statements)
        for period in PERIODS:
            work = month.books.work(period)
            closing = WorkFolder(period, month.report, month.params, month.books, work)
            close.monthly_close(closing, lambda _: None)
    return month


def make_no_statements(closing: WorkFolder) -> None:
    """The folders of statements, empty."""
    for name in ("statements", "statement-project"):
        closing.path(name).mkdir()
    closing.path("statements.stage.json").write_text('{"controls": [], "files": {}, "summary": ""}')


def propose(folder: Path, **files: str) -> Path:
    """A proposed params folder; keywords replace files of the one that the periods were closed with."""
    return write_params(folder, **{**FILES, **files})


def ask(month: Month, params: Path, periods: str = ALL, report: Path | None = None) -> WhatIf:
    """The periods replayed under a params folder, in this process and silently."""
    places = (str(params), str(month.books.root), str(report or month.report))
    return replay_closed(periods, *places, progress=lambda _: None)


def differences(what_if: WhatIf, period: str = APRIL) -> dict[str, str]:
    """Differences of a period that are not zero, by cost center and source."""
    return {
        f"{one.cost_center_id} {one.pool_id or one.kind}": str(one.difference)
        for one in what_if.differences
        if one.period == period and one.difference
    }
