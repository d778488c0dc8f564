"""Small books to make dashboards of: closed in this process, without notebooks, with the data of statements.

Worked out by hand (tests/close/months.py has May):

                         CC-1      CC-2      CC-9      shop      core
    May, closed         73.00      7.00     20.01     80.00     20.01
    June, closed          0       30.00     20.00     30.00     20.00
    July, drafted        8.00       0        4.00      8.00      4.00     usage up to 10 July
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from chargeback.books.delivery_room import FolderRoom
from chargeback.books.work_folder import WorkFolder
from chargeback.close.draft import keep_draft
from chargeback.close.stages import derive
from chargeback.core.errors import unreachable
from chargeback.dashboards.gather import Gathered, gather
from chargeback.dashboards.model import Dashboard
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.delivery.publish import publish
from chargeback.statements.exact_json import to_json
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.stage import gather as gather_statements
from tests.close.months import FILES, JULY, JUNE, JUNE_ITEMS, MAY, MAY_FILES, Month, month_in
from tests.notebooks.workplace import make_no_statements
from tests.params_folder import write_params
from tests.reports import line_item, write_report
from tests.stage_runs import write_notebooks

EVERYBODY = Scope(ALL)
SHOP, CORE = Scope(UNIT, "shop"), Scope(UNIT, "core")
WEB, STOCK = Scope(COST_CENTER, "CC-1"), Scope(COST_CENTER, "CC-2")

VIEWERS = """\
[[viewer]]
group = "shop-leads"
role = "viewer"
business_units = ["shop"]
valid_from = "2026-01"
approved = "CHG1"

[[viewer]]
group = "web-lead"
role = "viewer"
cost_centers = ["CC-1"]
valid_from = "2026-01"
approved = "CHG1"
"""

#: Usage of July, up to the tenth.
JULY_ITEMS = [
    line_item(8.0, "CC-1", bill_invoice_id="", line_item_usage_start_date=datetime(2026, 7, 10)),
    line_item(4.0, "CC-9", bill_invoice_id="", line_item_usage_start_date=datetime(2026, 7, 1)),
]

Items = Sequence[Mapping[str, Any]]


def write_months(
    folder: Path, months: Mapping[str, Sequence[Items]] | None = None, **files: str
) -> Month:
    """A report and params in a folder, nothing closed.

    Args:
        months: other line items than those of May, June and July, in files, by period.
        files: params that are replaced; viewers.toml and budgets.csv stand as `viewers_toml` and `budgets_csv`.
    """
    besides = {name: files.pop(name) for name in ("viewers_toml", "budgets_csv") if name in files}
    usual: dict[str, Sequence[Items]] = {MAY: MAY_FILES, JUNE: [JUNE_ITEMS], JULY: [JULY_ITEMS]}
    for period, items in {**usual, **(months or {})}.items():
        write_report(folder / "report", *items, period=period)
    params = write_params(folder / "params", **{**FILES, **files})
    for name, text in {"viewers_toml": VIEWERS, **besides}.items():
        stem, _, kind = name.rpartition("_")
        (params / f"{stem}.{kind}").write_text(text, encoding="utf-8")
    return month_in(folder)


def close_months(month: Month, *periods: str) -> Month:
    """Close periods in order; statements are made as data alone."""
    for period in periods:
        work = month.books.work(period)
        work.mkdir(parents=True)
        closing = WorkFolder(period, month.report, month.params, month.books, work)
        derive(closing)
        make_no_statements(work)
        inputs = gather_statements(closing)
        for unit, statement in extract_units(inputs, read_charges(inputs)).items():
            path = work / "statement-project" / f"statement-{unit}.json"
            path.write_text(statement.to_json(), encoding="utf-8")
        closing.finish("statements", [], [], "")
        write_notebooks(closing)
        publish(closing)
    return month


def draft_month(month: Month, period: str) -> Month:
    """Draft a period."""
    work = month.books.work(period)
    work.mkdir(parents=True)
    drafting = WorkFolder(period, month.report, month.params, month.books, work, provisional=True)
    derive(drafting)
    make_no_statements(work)
    keep_draft(drafting)
    return month


def closed_months(folder: Path, **options: Any) -> Month:
    """May and June closed, July drafted."""
    return draft_month(close_months(write_months(folder, **options), MAY, JUNE), JULY)


def no_report(_: Sequence[str]) -> Path:
    """Where nobody can reach a report."""
    raise unreachable("the report is not here", "a folder", "none", [], [])


def gathered(month: Month, find: Any = None) -> Gathered:
    """All that pages are made of."""
    room = FolderRoom(month.books.root / "dashboards")
    return gather(month.books, month.params, room, find or (lambda _: month.report))


def pages(month: Month, find: Any = None) -> dict[Scope, Dashboard]:
    """The data of every page."""
    return dict(gathered(month, find).dashboards())


def written(month: Month, scope: Scope) -> str:
    """The data of a page, as it is written."""
    return to_json(pages(month)[scope])
