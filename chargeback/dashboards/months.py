"""Months: what the books know of each closed month, and of the open one where somebody looked at it.

In: books, today's params, a report where it can be reached. Out: `Months`, whose charged rows are taken once
and then narrowed to what a page may show. A closed month is its ledger, checked against the signed manifest.
The open month is what its draft charges, marked PROVISIONAL; without one, what its line items cost whom up to
the last daily run, shared cost not spread; without either, nothing.

What always holds: every row that is shown of a month is a row of `charged`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import DIRECT
from chargeback.books.checked import Gone, checked_postings, checked_table
from chargeback.books.closed_period import kept_params
from chargeback.books.schema import POSTINGS
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal, bad_params
from chargeback.core.money import cents_amount, exact_units, nearest_cents
from chargeback.core.sums import sums_by
from chargeback.daily.kept_costs import find_costs
from chargeback.daily.settings import read_settings
from chargeback.daily.state import DYNAMODB, Latest, State
from chargeback.dashboards.model import CLOSED, DETAILED, PROVISIONAL, TO_DATE
from chargeback.delivery.released import ClosedForDelivery, is_waiting
from chargeback.params import Params, read_params
from chargeback.review.trace.drafted import draft_of
from chargeback.rollup.product_names import product_names
from chargeback.sources.report import last_usage_day

#: Finds the folder of a report that has some periods; a Refusal says why there is none.
FindReport = Callable[[Sequence[str]], Path]

WAITS = "{period} is closed and waits for its approval; it is shown when it is released."

CHARGED = ("billing_period", "business_unit_id", "cost_center_id", "amount")


@dataclass(frozen=True)
class KnownMonth:
    """A month and the rows that charge somebody.

    Args:
        status, as_of: as in `model.Month`.
        charged: the columns of postings; every row has a business unit and a cost center.
        params: of the months that are shown row by row; None for earlier ones.
        product_names: what the report calls products of AWS Marketplace, by their codes.
    """

    period: str
    status: str
    as_of: str
    charged: pa.Table
    params: Params | None
    product_names: Mapping[str, str]


@dataclass(frozen=True)
class Months:
    """All months that are known.

    Args:
        closed: in order, at least one.
        open: None where nothing is known of it.
        remarks: why not, in sentences.
    """

    closed: tuple[KnownMonth, ...]
    open: KnownMonth | None
    remarks: tuple[str, ...]

    @property
    def last(self) -> KnownMonth:
        """The last closed month."""
        return self.closed[-1]

    @property
    def before(self) -> KnownMonth | None:
        """The closed month before the last one."""
        return self.closed[-2] if len(self.closed) > 1 else None

    @property
    def known(self) -> tuple[KnownMonth, ...]:
        """Closed ones, and the open one."""
        return (*self.closed, *([self.open] if self.open else ()))

    @property
    def detailed(self) -> tuple[KnownMonth, ...]:
        """Those that are shown row by row."""
        return tuple(one for one in self.known if one.params is not None)

    @property
    def last_params(self) -> Params:
        """The params of the last closed month, as it was closed."""
        assert self.last.params is not None
        return self.last.params


def read_months(books: Books, params_folder: Path, latest: Latest, find: FindReport) -> Months:
    """What is known of all months.

    Args:
        latest: what the latest daily run left.

    Raises:
        Refusal: (exit 2) no period is closed; (exit 4) one is not as it was closed.
    """
    periods, waiting = released_periods(books, params_folder)
    if not periods:
        raise bad_params(
            "there is no closed period to make dashboards of", "a closed period that is released",
            f"{', '.join(waiting)}, which waits for an approval" if waiting else "none", [books.place],
            [f"release it: make approve PERIOD={waiting[-1]} BY=" if waiting
             else "close one first: make monthly-close PERIOD="],
        )  # fmt: skip
    earlier = tuple(closed_month(books, one, False) for one in periods[:-DETAILED])
    detailed = tuple(closed_month(books, one, True) for one in periods[-DETAILED:])
    found, remarks = open_month(books, params_folder, books.closed_periods()[-1], latest, find)
    said = tuple(WAITS.format(period=one) for one in waiting)
    return Months((*earlier, *detailed), found, (*remarks, *said))


def released_periods(books: Books, params_folder: Path) -> tuple[list[str], list[str]]:
    """The closed periods that may be shown, and those that are prepared and wait for an approval."""
    closed = books.closed_periods()
    waiting = [one for one in closed if is_waiting(ClosedForDelivery(books, one, params_folder))]
    return [one for one in closed if one not in waiting], waiting


def closed_month(books: Books, period: str, in_detail: bool) -> KnownMonth:
    """A closed month as its ledger has it."""
    charged = charging(checked_postings(books, period))
    if not in_detail:
        return KnownMonth(period, CLOSED, "", charged, None, {})
    names: Mapping[str, str] = {}
    with contextlib.suppress(Gone):  # an earlier version kept none
        names = product_names([checked_table(books, period, "rollup.parquet")])
    return KnownMonth(period, CLOSED, "", charged, kept_params(books, period), names)


def charging(postings: pa.Table) -> pa.Table:
    """The postings that charge a cost center."""
    return postings.filter(pc.is_valid(postings["cost_center_id"]))


def open_month(
    books: Books, params_folder: Path, last: str, latest: Latest, find: FindReport
) -> tuple[KnownMonth | None, tuple[str, ...]]:
    """What is known of the month after the last closed one, or why nothing is."""
    drafted = [one for one in books.drafted_periods() if one > last]
    day = latest.day if latest.day and f"{latest.day:%Y-%m}" > last else None
    try:
        if drafted:
            return drafted_month(books, drafted[-1], find), ()
        if day:
            return daily_month(books, params_folder, day, find), ()
    except Refusal as refusal:
        return None, (f"Nothing is shown of the open month: {refusal.what}.",)
    return None, (
        "Nothing is known of the open month: it was not drafted, and no daily run saw it.",
    )


def drafted_month(books: Books, period: str, find: FindReport) -> KnownMonth:
    """An open month as its draft charges it (Refusal where an earlier version drafted it)."""
    origin = draft_of(books, period)
    mark = json.loads((books.draft(period) / "draft.json").read_text("utf-8"))
    day = str(mark.get("as_of", ""))
    if "as_of" not in mark:  # of an earlier version
        try:
            day = str(last_usage_day(find([period]), origin.record) or "")
        except Refusal:
            day = ""
    return KnownMonth(
        period, PROVISIONAL, day, charging(origin.postings), origin.params, origin.product_names
    )


def daily_month(books: Books, params_folder: Path, day: date, find: FindReport) -> KnownMonth:
    """An open month as its line items have owners up to a day, in cents by account and service."""
    period = f"{day:%Y-%m}"
    params = read_params(params_folder, period)
    costs, names = days_of(books, find([period]), params, day)
    keys = ("business_unit_id", "cost_center_id", "account_id", "product_code")
    owned = costs.filter(pc.is_valid(costs["cost_center_id"]))
    sums = sums_by(owned, keys, f"{params.policy.cost_basis}_cost")
    rows: list[dict[str, Any]] = [
        dict.fromkeys(POSTINGS.names)
        | dict(zip(keys, key, strict=True))
        | {
            "entry_id": "", "line": 0, "billing_period": period, "kind": DIRECT, "ledger_account": "",
            "exact_amount": exact, "amount": cents_amount(nearest_cents(exact_units(exact))),
            "currency": params.policy.currency,
        }
        for key, exact in sums.items()
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=POSTINGS)
    return KnownMonth(period, TO_DATE, str(day), table, params, names)


def days_of(
    books: Books, report: Path, params: Params, day: date
) -> tuple[pa.Table, Mapping[str, str]]:
    """What the days of a month up to one of them cost whom, as the daily run kept it, or read now."""
    kept = find_costs(books.daily_used, report, params, day)
    if kept is not None:
        return kept
    from chargeback.daily.costs import daily_costs  # with the whole attribution, where no draft is

    costs = daily_costs(report, params, day)
    return costs.table, costs.product_names


def charged_rows(months: Months) -> pa.Table:
    """What was charged whom in every month, as it was read: what a control holds pages against."""
    tables = [one.charged.select(CHARGED) for one in months.known]
    return pa.concat_tables(tables)


def daily_state(books: Books, params_folder: Path) -> State | None:
    """What the daily runs remember; None where there has been none.

    Raises:
        Refusal: (exit 2) sources.toml names no store; (exit 6) the store cannot be reached.
    """
    settings = read_settings(params_folder, books)
    is_elsewhere = settings.state.startswith(DYNAMODB)
    place = Path(settings.state) if settings.state else settings.state_file
    if not is_elsewhere and not place.is_file():
        return None
    return settings.open_state()
