"""Day files: what a daily run leaves in the folder of its day, beside its notebook.

In: a day as the daily flow saw it. Out: the page, cases.csv, untagged.csv, month_to_date.csv, and the metrics
for the run to send. Amounts in CSV are plain decimals (core/csv_files.py). A dry run leaves the same files
without metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chargeback.core.csv_files import write_csv
from chargeback.daily.freshness import freshness_metrics
from chargeback.daily.hygiene import BASES
from chargeback.daily.metrics import day_metrics, write_figures
from chargeback.daily.month_to_date import units_to_date
from chargeback.daily.state import SentMessages
from chargeback.daily.ticket_texts import ACCOUNTS
from chargeback.daily.tickets import WAITING
from chargeback.daily.today import Today

CASES_FILE, UNTAGGED_FILE, UNITS_FILE = "cases.csv", "untagged.csv", "month_to_date.csv"

CASES = (
    "rule", "subject", "team", "status", "opened_on", "due_on", "resolved_on", "amount", "worst_amount",
    "recovered_amount", "times_opened", "title", "ticket", "accounts",
)  # fmt: skip
UNTAGGED = (
    "group", "name", "basis", "taggable", "missing", "unusable", "untaggable", "overridden",
)  # fmt: skip
UNITS = ("business_unit_id", "name", "month_to_date", "expected", "difference", "budget")


def write_files(today: Today, folder: Path) -> None:
    """The day's files beside its notebook."""
    from chargeback.daily.dashboard import PAGE, page

    (folder / PAGE).write_text(page(today), encoding="utf-8")
    write_csv(folder / CASES_FILE, CASES, [*case_rows(today), *waiting_rows(today)])
    write_csv(folder / UNTAGGED_FILE, UNTAGGED, untagged_rows(today))
    write_csv(folder / UNITS_FILE, UNITS, unit_rows(today))
    if not today.is_dry:
        write_figures([*day_metrics(today), *freshness_metrics(today.fresh)], folder)


def case_rows(today: Today) -> Iterator[list[object]]:
    """The cases as they stand, by rule and subject."""
    for key, one in sorted(today.cases.items()):
        number = today.sent_messages.get(key, SentMessages(*key)).number
        yield [
            one.rule, one.subject, one.team, one.status, one.opened_on, one.due_on, one.resolved_on or "",
            one.amount, one.worst_amount, one.recovered_amount, one.times_opened, one.title, number,
            " ".join(one.details.get(ACCOUNTS, [])),
        ]  # fmt: skip


def waiting_rows(today: Today) -> Iterator[list[object]]:
    """What waits to be opened, the dearest first."""
    for one in today.waiting:
        yield [
            one.rule, one.subject, one.team, WAITING, "", "", "", one.amount, "", "", 0, one.title, "",
            " ".join(one.details.get(ACCOUNTS, [])),
        ]  # fmt: skip


def untagged_rows(today: Today) -> Iterator[list[object]]:
    """What is untagged of the month to date, by account, service and unit, in both bases."""
    basis = today.params.policy.cost_basis
    groups = (
        ("account", today.hygiene.accounts), ("service", today.hygiene.services),
        ("business unit", today.hygiene.units),
    )  # fmt: skip
    for group, sums in groups:
        for name, both in sums.items():
            for one in (basis, *(other for other in BASES if other != basis)):
                costs = both.by(one)
                yield [
                    group, name, one, costs.taggable, costs.missing, costs.unusable, costs.untaggable,
                    costs.overridden,
                ]  # fmt: skip


def unit_rows(today: Today) -> Iterator[list[object]]:
    """The month to date by business unit, the dearest first; what nobody expects or budgets is blank."""
    for one in units_to_date(today):
        yield [
            one.business_unit_id, one.name, one.amount, one.expected, one.difference, one.budget,
        ]  # fmt: skip
