"""QuickSight: the rules of who sees what, then the charges, once for each period that is handed out.

Method: the months that are released and today's policy become the newest editions beside the ledger in S3, then
the dataset of the rules is refreshed, and that of the charges when it is complete. So nobody sees a row that
the policy no longer gives them, and a row that no rule is of yet is seen by nobody. The log says that a period
was refreshed; a run that was killed before does it again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chargeback.aws.quicksight import QuickSight, QuickSightSettings, read_quicksight
from chargeback.books.delivery_log import REFRESHED
from chargeback.books.table_editions import MONTHS, RULES, publish, rule_rows
from chargeback.books.viewer_rules import owners_of, viewer_rules
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.progress import Progress
from chargeback.delivery.released import ClosedForDelivery, released_months, shown_entry
from chargeback.params.viewers import todays_viewers


@dataclass(frozen=True)
class QuickSightTarget:
    """Refreshes the datasets."""

    open_client: Callable[[QuickSightSettings], QuickSight] = QuickSight

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return "QuickSight"

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """As the protocol of targets says."""
        done = period.done(REFRESHED)
        if done:
            progress(f"  QuickSight  refreshed {shown_entry(done)}: nothing to do")
            return
        settings = required(period.params_folder)
        edition = refresh(
            settings, period.books, period.params_folder, period.period, progress, self.open_client
        )
        details = {"rules_edition": edition, "rules": settings.rules, "charges": settings.charges}
        period.record(REFRESHED, details=details)


def is_configured(params_folder: Path) -> bool:
    """Whether sources.toml names datasets."""
    return read_quicksight(params_folder) is not None


def refresh(
    settings: QuickSightSettings,
    books: Books,
    params_folder: Path,
    label: str,
    progress: Progress,
    open_client: Callable[[QuickSightSettings], QuickSight] = QuickSight,
) -> int:
    """Publish the rules and refresh both datasets; the number of the rules' edition.

    Args:
        label: what the refreshes are called.

    Raises:
        Refusal: (exit 2) the policy cannot be said in rules, or the books are in a folder; (exit 4) a closed
            period has changed; (exit 6) S3 or QuickSight does not do it.
    """
    room = RULES.room(books)
    rules = viewer_rules(todays_viewers(params_folder), owners_of(params_folder, books))
    months = released_months(books, params_folder)
    publish(MONTHS, MONTHS.room(books), [(one,) for one in months])
    edition, is_new = publish(RULES, room, rule_rows(rules))
    progress(
        f"  rules       {'edition' if is_new else 'as in edition'} {edition:06d}, {len(rules):,} rules"
    )
    client = open_client(settings)
    for name in (settings.rules, settings.charges):
        client.refresh(name, label)
        progress(f"  QuickSight  {name} refreshed")
    return edition


def required(params_folder: Path) -> QuickSightSettings:
    """The settings, where a verb cannot do without (exit 2)."""
    found = read_quicksight(params_folder)
    if found is None:
        raise bad_params(
            "no QuickSight is named", "[quicksight] with account_id, rules and charges", "nothing",
            ["sources.toml"], ["docs/quicksight.md says how it is set up"],
        )  # fmt: skip
    return found
