"""Of the last closed month: its dearest resources, shared cost, and what has no usable tag."""

from __future__ import annotations

from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.dashboards.model import ResourceCost
from chargeback.dashboards.sections.opened import ZERO, Opened
from chargeback.dashboards.sections.shown import (
    CHANGE,
    Cell,
    Head,
    Panel,
    Shown,
    Table,
    amount,
    change,
)
from chargeback.pages.vocabulary import UNTAGGED_OWNERS
from chargeback.statements.extract.published import SHARE_PLACES


def month_title(opened: Opened, what: str) -> str:
    """A title with the last closed month, where there is one."""
    return f"{what}, {period_title(opened.last)}" if opened.last else what


def resources(opened: Opened) -> Shown:
    """The dearest resources and how their cost changed."""
    rows = [
        [
            Cell(one.resource_id or "without an id",
                 f"{opened.label('account_id', one.account_id)} · "
                 f"{opened.label('product_code', one.product_code)}"),
            Cell(opened.label("cost_center_id", one.cost_center_id)),
            amount(one.amount, *resource_key(one)),
            change(None if one.previous is None else one.amount - one.previous, *resource_key(one), CHANGE),
        ]
        for one in opened.dashboard.resources
    ]  # fmt: skip
    heads = [
        Head("Resource"),
        Head("Cost center", is_optional=True),
        Head("Direct cost", True),
        Head("Change", True),
    ]
    table = Table("Top resources", heads, rows, "No resource is known for this month.")
    return Shown([Panel("resources", month_title(opened, "Top resources"), [table], wide=True)])


def resource_key(one: ResourceCost) -> tuple[str, ...]:
    """What a resource's figure is called."""
    return "resource", one.resource_id, one.account_id, one.product_code, one.cost_center_id


def pools(opened: Opened) -> Shown:
    """What of shared cost came here, and how it was split."""
    shares = sorted(opened.dashboard.shares, key=lambda one: (-one.amount, one.pool_id))
    rows = [
        [
            Cell(one.name, one.pool_id if one.pool_id != one.name else ""), Cell(one.split_by),
            amount(one.amount, "pool", one.pool_id),
            share_cell(one.pool_id, one.share),
        ]
        for one in shares
    ]  # fmt: skip
    total = sum((one.amount for one in shares), ZERO)
    heads = [
        Head("Pool"),
        Head("Split by", is_optional=True),
        Head("Amount", True),
        Head("Share", True),
    ]
    foot = [Cell("Total"), Cell(""), amount(total, "pool", "", "total"), Cell("")]
    table = Table("Shared cost", heads, rows, "No shared cost came here.", foot if rows else ())
    return Shown([Panel("pools", month_title(opened, "Shared cost"), [table])])


def share_cell(pool_id: str, share: Decimal | None) -> Cell:
    """The part of a pool in percent, as a statement rounds it; finance may keep a pool's total, and so its
    parts, to itself.

    >>> share_cell("tax", Decimal("0.280")).text, share_cell("tax", Decimal("0.280231")).text
    ('28.0%', '28.02%')
    """
    if share is None:
        return Cell("kept by finance", value="-1", tone="muted")
    places = 1 if share.same_quantum(SHARE_PLACES) else 2
    return Cell(
        f"{shown(share * 100, places)}%", value=f"{share:f}", figure=("pool", pool_id, "share")
    )


def untagged(opened: Opened) -> Shown:
    """Cost without a usable tag, and who is to fix it."""
    found = sorted(
        opened.dashboard.untagged, key=lambda one: (-one.amount, one.account_id, one.product_code)
    )
    rows = [
        [
            Cell(opened.label("account_id", one.account_id), one.account_id),
            Cell(opened.label("product_code", one.product_code)),
            Cell(one.owner or "nobody", UNTAGGED_OWNERS.get(one.taken_by, one.taken_by)),
            amount(one.amount, "untagged", one.account_id, one.product_code, one.taken_by),
        ]
        for one in found
    ]  # fmt: skip
    total = sum((one.amount for one in found), ZERO)
    heads = [
        Head("Account"),
        Head("Service", is_optional=True),
        Head("Who fixes it"),
        Head("Cost", True),
    ]
    foot = [Cell("Total"), Cell(""), Cell(""), amount(total, "untagged", "", "total")]
    table = Table(
        "Untagged", heads, rows, "Everything that can carry a tag has one.", foot if rows else ()
    )
    note = (
        "Cost without a usable tag in accounts of this page. Tagged resources go where they belong."
    )
    return Shown(
        [
            Panel(
                "untagged",
                month_title(opened, "Untagged, to fix"),
                [table],
                note=note if rows else "",
            )
        ]
    )
