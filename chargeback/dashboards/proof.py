"""Finished pages read back as their readers see them, and proved by controls before anybody can open them.

In: the bytes of all pages and of their data, and what they were gathered from. Out: the outcomes of three
controls: what pages show sums to the ledger, unit costs too, and each shows its own rows
alone. Figures are taken from the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import read_decimal
from chargeback.dashboards.belonging import belongings_of
from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.leaks import DATA, Files, find_leaks
from chargeback.dashboards.months import charged_rows
from chargeback.dashboards.proof_unit_costs import UnitCosts
from chargeback.dashboards.read_back import Read, SeenDashboard, read_file
from chargeback.engine import Engine
from chargeback.engine.controls import DASHBOARDS, Outcome, run_group, shown_rows

FIGURES = pa.schema(
    [
        ("scope_kind", pa.string()),
        ("scope_id", pa.string()),
        ("medium", pa.string()),  # html; or data, what the page is made from
        ("billing_period", pa.string()),
        ("cost_center_id", pa.string()),  # blank for the total of the month
        ("amount", pa.decimal128(38, 2)),  # null where the page shows something that is no amount
    ]
)

#: The parts of a figure that is of a month, or a cost center, as a whole: what it is, and its id.
PAIR = 2

#: What a page says that a month, and a cost center in it, come to.
Figure = tuple[str, str, Decimal | None]


def require_true_pages(found: Gathered, files: Files) -> None:
    """Stop where a page does not say what the ledger says, or shows what is another's (exit 4)."""
    failed = [one for one in outcomes_of(found, files) if not one.holds]
    if not failed:
        return
    rows = [line for one in failed for line in (f"{one.name}:", *shown_rows(one.rows))]
    count = sum(one.rows.num_rows for one in failed)
    raise Refusal(
        CONTROL_FAILED,
        f"a control failed: {', '.join(one.name for one in failed)}; no dashboard was published",
        "no rows", f"{count} row{'s' if count != 1 else ''}", "", rows,
        ["nothing of the ledger is wrong by that: report this with the rows above",
         "the dashboards that were published before stay"],
    )  # fmt: skip


def outcomes_of(found: Gathered, files: Files) -> list[Outcome]:
    """The outcomes of the controls."""
    engine = Engine(threads=1)
    for name, table in tables_of(found, files).items():
        engine.register(name, table)
    outcomes = run_group(engine, DASHBOARDS)
    engine.close()
    return outcomes


def tables_of(found: Gathered, files: Files) -> dict[str, pa.Table]:
    """What the controls read."""
    scopes = sorted({scope for pages in files.values() for scope in pages})
    detailed = [one.period for one in found.months.detailed]
    return {
        "charged_rows": charged_rows(found.months),
        "detailed_months": pa.table({"billing_period": pa.array(detailed, pa.string())}),
        "dashboard_scopes": pa.table(
            {
                "scope_kind": pa.array([one.kind for one in scopes], pa.string()),
                "scope_id": pa.array([one.id for one in scopes], pa.string()),
            }
        ),
        "dashboard_media": pa.table({"medium": pa.array(list(files), pa.string())}),
        "dashboard_leaks": find_leaks(files, belongings_of(found)),
        **shown_tables(found, files),
    }


def shown_tables(found: Gathered, files: Files) -> dict[str, pa.Table]:
    """What all files show of the ledger, and of unit costs; each is read once, and forgotten then."""
    last = found.months.last.period  # the closed month that pages show when they are opened
    rows, unit_costs = [], UnitCosts(found)
    for medium, pages in files.items():
        for scope, content in sorted(pages.items()):
            read = read_file(content, medium == DATA)
            unit_costs.add(scope, medium, read)
            where = (scope.kind, scope.id, medium)
            rows += [
                dict(zip(FIGURES.names, (*where, *figure), strict=True))
                for figure in sorted(figures_in(read, last), key=str)
            ]
    return {
        "dashboard_figures": pa.Table.from_pylist(rows, schema=FIGURES),
        **unit_costs.tables(),
    }


def figures_in(read: Read, last: str) -> set[Figure]:
    """What one file shows of the ledger; a figure without an amount where it cannot be read."""
    try:
        if isinstance(read, SeenDashboard):
            return set(page_figures(read, last))
        return set(data_figures(read))
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return {("", "", None)}


def page_figures(seen: SeenDashboard, last: str) -> Iterator[Figure]:
    """The totals of months that a reader sees, the cost centers of the last one, and the rows behind both."""
    for one in seen.figures:
        if one.what[0] == "month" and len(one.what) == PAIR:
            yield one.what[1], "", one.value
        elif one.what[0] == "cost_center_id" and len(one.what) == PAIR:
            yield last, one.what[1], one.value
    yield from summed((one.billing_period, one.cost_center_id, one.amount) for one in seen.rows)


def data_figures(found: Any) -> Iterator[Figure]:
    """The totals of months, and what the rows of each cost center sum to."""
    for month in found["months"]:
        yield month["billing_period"], "", read_decimal(month["amount"])
    yield from summed(
        (one["billing_period"], one["cost_center_id"], read_decimal(one["amount"]))
        for one in found["rows"]
    )


def summed(rows: Iterator[tuple[str, str, Decimal]]) -> Iterator[Figure]:
    """Rows summed by month and cost center."""
    sums: dict[tuple[str, str], Decimal] = {}
    for period, center, amount in rows:
        sums[period, center] = sums.get((period, center), Decimal("0.00")) + amount
    for (period, center), amount in sums.items():
        yield period, center, amount
