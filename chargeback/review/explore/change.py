"""Why a business unit's charge changed from the closed period before, in parts that sum to the change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd

from chargeback.core.books_folders import named_books
from chargeback.core.errors import bad_params
from chargeback.core.period import period_title
from chargeback.pages.figures import Chart, waterfall
from chargeback.pages.vocabulary import CHANGES, REMARKS, rule_change, rule_note
from chargeback.review.explore.line import open_period
from chargeback.review.trace import Origin
from chargeback.statements.bridge import Bridge, closed_month, explain_change
from chargeback.statements.extract import detail_label


def open_change(period: str, business_unit: str, books: str = "") -> tuple[Origin, Bridge]:
    """A closed period, and why a unit's total changed from the closed period before it.

    Raises:
        Refusal: (exit 2) the period is not closed, is the first one, or has no such unit.
    """
    month = open_period(period, books)
    found = named_books(books)
    earlier = [one for one in found.closed_periods() if one < period]
    if not earlier:
        raise bad_params(
            f"{period} is the first closed period of these books", "a period with one before it",
            "closed: " + ", ".join(found.closed_periods()), [str(found.root)],
            ["a change is from one closed period to the next: choose a later one"],
        )  # fmt: skip
    if business_unit not in month.params.business_units:
        raise bad_params(
            "there is no such business unit in this period",
            ", ".join(sorted(month.params.business_units)), repr(business_unit),
        )  # fmt: skip
    now = replace(closed_month(found, period), params=month.params)
    return month, explain_change(closed_month(found, earlier[-1]), now)[business_unit]


def change_total_facts(bridge: Bridge) -> str:
    """The totals of both statements and their difference."""
    return (
        f"{bridge.business_unit_id}: {bridge.previous_period} {bridge.before:,f}, "
        f"{bridge.period} {bridge.after:,f}, change {bridge.change:,f}"
    )


def change_facts(bridge: Bridge) -> str:
    """Each part, and that the parts are the change."""
    parts = [f"{part.code}: {part.amount}" for part in bridge.parts]
    whole = sum((part.amount for part in bridge.parts), Decimal("0.00"))
    return "\n".join(
        [
            *parts,
            f"parts less change: {whole - bridge.change}",
            *(rule_change(one.what, one.name, one.reference) for one in bridge.rule_changes),
            *(rule_note(one) for one in bridge.rule_notes),
            *(REMARKS[remark] for remark in bridge.remarks),
        ]
    )


def change_table(bridge: Bridge) -> pd.DataFrame:
    """The parts of a change with what they mean."""
    rows = [(part.label, part.amount, CHANGES[part.code][1]) for part in bridge.parts]
    return pd.DataFrame(rows, columns=["part", "amount", "what it is"])


def change_details(month: Origin, bridge: Bridge) -> pd.DataFrame:
    """The largest of what each part is for: services in the unit's accounts, and pools."""
    rows = [
        (
            part.label,
            detail_label(month.params, one, month.product_names, bridge.rule_changes),
            one.amount,
        )
        for part in bridge.parts
        for one in part.details
    ]
    return pd.DataFrame(rows, columns=["part", "for", "amount"])


def change_figure(month: Origin, bridge: Bridge) -> Chart:
    """The parts as a waterfall."""
    unit = month.params.business_units[bridge.business_unit_id].name
    title = f"{unit}: {period_title(bridge.previous_period)} to {period_title(bridge.period)}"
    steps = [(part.label, part.amount) for part in bridge.parts if part.amount]
    return waterfall(steps, title, month.params.policy.currency)
