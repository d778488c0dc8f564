"""From the books to a `Dashboard` for each scope: read once, then narrowed to what a scope may see.

In: closed periods through books/checked.py, the open month's draft or the last daily run, the delivery log,
today's budgets and viewers, and the report where it can be reached. Out: `Gathered`, the data of every page
and what the controls hold pages against.

What always holds: a page's data are made from rows that `visible_rows` gives its scope and from what belongs to
these rows; the rows of a month sum to its ledger; the same books give the same data, whoever runs it and when.

Access is by today's policy; names are those of the last month that knows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.books.checked import checked_manifest, checked_table
from chargeback.books.delivery_log import read_log
from chargeback.books.delivery_room import Room, delivery_room
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.daily.state import Latest
from chargeback.dashboards.details import MOST_RESOURCES, Details, read_details
from chargeback.dashboards.gather_closed import (
    accounts_of,
    all_downloads,
    downloads_by_unit,
    kept_statement,
    resources_of,
    shares_of,
    tags_of,
    unit_costs_of,
    untagged_of,
    without_tag,
)
from chargeback.dashboards.gather_forecast import budgets_of, forecast_of
from chargeback.dashboards.gather_metrics import known_counts, metric_costs_of
from chargeback.dashboards.gather_rows import (
    Own,
    ids_in,
    known_names,
    months_of,
    names_of,
    rows_of,
    unit_ids,
)
from chargeback.dashboards.gather_told import Told, answers_of, notices_of
from chargeback.dashboards.model import Dashboard, Download, Name
from chargeback.dashboards.months import FindReport, Months, daily_state, read_months
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope, scopes
from chargeback.params.budgets import Budget, read_budgets
from chargeback.params.metrics import Metric
from chargeback.params.viewers import Viewers, read_viewers

ALL_NAME = "All business units"

NO_STATEMENT = (
    "Shares in percent are not shown: {period} was closed by an earlier version, which kept none."
)


@dataclass(frozen=True)
class Gathered:
    """All that pages are made of, of everybody.

    Args:
        books, params_folder: where it was read.
        owned_costs: of the last closed month.
        counts: the quantities that unit costs are told by.
        read_remarks: what could not be read, in sentences that every page has.
    """

    books: Books
    params_folder: Path
    months: Months
    viewers: Viewers
    budgets: tuple[Budget, ...]
    details: Details
    told: Told
    owned_costs: pa.Table
    counts: tuple[Metric, ...]
    read_remarks: tuple[str, ...]

    @cached_property
    def scopes(self) -> list[Scope]:
        """The pages that there are."""
        return scopes(unit_ids(self.months), self.viewers)

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """What all ids are called."""
        return known_names(self.months)

    @cached_property
    def untagged_rows(self) -> list[dict[str, Any]]:
        """The owned costs of all that no usable tag owns."""
        return without_tag(self.owned_costs)

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Those of the closed months that are shown row by row, by month; each is read once for all pages."""
        months = (one for one in self.months.detailed if one is not self.months.open)
        return {one.period: checked_manifest(self.books, one.period) for one in months}

    @cached_property
    def downloads(self) -> tuple[Download, ...]:
        """The statements of all units in these months, the newest first."""
        return all_downloads(self.manifests[one] for one in sorted(self.manifests, reverse=True))

    @cached_property
    def _downloads_by_unit(self) -> dict[str, tuple[Download, ...]]:
        return downloads_by_unit(self.downloads)

    def downloads_of(self, scope: Scope) -> tuple[Download, ...]:
        """The statements that the readers of a page may open; none for those of a cost center."""
        if scope.kind == ALL:
            return self.downloads
        return self._downloads_by_unit.get(scope.id, ()) if scope.kind == UNIT else ()

    def dashboards(self) -> Iterator[tuple[Scope, Dashboard]]:
        """The data of each page."""
        for scope in self.scopes:
            yield scope, dashboard_of(self, scope)


def gather(books: Books, params_folder: Path, room: Room, find: FindReport) -> Gathered:
    """Read all that pages are made of.

    Args:
        params_folder: today's params, for viewers, budgets and where daily runs are remembered.
        room: of the dashboards.
        find: the folder of a report that has some periods.

    Raises:
        Refusal: (exit 2) no period is closed, or viewers.toml, budgets.csv or metrics.csv is malformed; (exit
        4) a closed
            period or the delivery log is not as it was written.
    """
    viewers = read_viewers(params_folder, f"{datetime.now(UTC):%Y-%m}")
    budgets = read_budgets(params_folder)
    latest, sent, remarks = daily_cases(books, params_folder)
    months = read_months(books, params_folder, latest, find)
    last = months.last.period
    details = read_details(books, room, last, months.before.period if months.before else None, find)
    log = read_log(delivery_room(books), str(checked_manifest(books, last).get("books", "")))
    return Gathered(
        books, params_folder, months, viewers, budgets, details, Told(latest, sent, log),
        checked_table(books, last, "owned_costs.parquet"), known_counts(months, params_folder),
        (*months.remarks, *details.remarks, *remarks),
    )  # fmt: skip


def daily_cases(
    books: Books, params_folder: Path
) -> tuple[Latest, dict[Any, Any], tuple[str, ...]]:
    """What the latest daily run left, and how far its messages were sent; or why that is not known."""
    try:
        state = daily_state(books, params_folder)
        if state is None:
            return Latest(), {}, ()
        try:
            latest = state.latest()
            return latest, {one: state.sent_messages(one) for one in latest.cases}, ()
        finally:
            state.close()
    except Refusal as refusal:
        return Latest(), {}, (f"Tickets and alerts are not shown: {refusal.what}.",)


def dashboard_of(found: Gathered, scope: Scope) -> Dashboard:
    """The data of one page."""
    months = found.months
    own = Own.of(months, scope)
    last = months.last.period
    statement = (
        kept_statement(found.books, last, scope.id, found.manifests[last])
        if scope.kind == UNIT
        else None
    )
    is_missing = (
        scope.kind == UNIT and scope.id in months.last_params.business_units and not statement
    )
    accounts = accounts_of(own, months.last_params, found.owned_costs)
    rows = rows_of(own)
    resources = resources_of(own, found.details, MOST_RESOURCES)
    untagged = untagged_of(own, accounts, found.untagged_rows)
    budgets = budgets_of(own, found.budgets)
    metric_costs = metric_costs_of(own, found.counts)
    counted = {one.metric for one in metric_costs}
    name, owner, own_ids = who(found, own)
    remarks = found.read_remarks
    if is_missing:
        remarks = (*remarks, NO_STATEMENT.format(period=months.last.period))
    return Dashboard(
        scope_kind=scope.kind,
        scope_id=scope.id,
        name=name,
        owner=owner,
        currency=months.last_params.policy.currency,
        last_closed=months.last.period,
        months=months_of(own),
        rows=rows,
        names=all_names(found, own_ids, rows, resources, untagged, budgets),
        resources=resources,
        tags=tags_of(own, found.details),
        shares=shares_of(own, statement),
        untagged=untagged,
        budgets=budgets,
        forecast=forecast_of(own),
        unit_costs=tuple(one for one in unit_costs_of(own) if one.driver not in counted),
        notices=notices_of(own, found.told, accounts),
        answers=answers_of(own, found.told.log),
        downloads=found.downloads_of(scope),
        remarks=remarks,
        metric_costs=metric_costs,
    )


def who(found: Gathered, own: Own) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What a scope is called, who owns it, and its own id to be named."""
    scope = own.scope
    if scope.kind == ALL:
        return ALL_NAME, "", ()
    if scope.kind == COST_CENTER:
        key = ("cost_center", scope.id)
        return found.names.get(key, scope.id), "", (key,)
    key = ("business_unit", scope.id)
    owners = [
        one.params.business_units[scope.id].owner
        for one in own.months.detailed
        if one.params and scope.id in one.params.business_units
    ]
    return found.names.get(key, scope.id), owners[-1] if owners else "", (key,)


def all_names(
    found: Gathered, own_ids: tuple[tuple[str, str], ...], *parts: tuple[object, ...]
) -> tuple[Name, ...]:
    """What the ids in some parts of a page are called."""
    ids = [*own_ids, *(one for part in parts for one in ids_in(part))]
    return names_of(found.names, ids)
