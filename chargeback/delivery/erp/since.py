"""Since: what a period that was exported would be booked on now, by a mapping that has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from chargeback.books.delivery_log import Entry
from chargeback.core.errors import Refusal
from chargeback.delivery.erp.charges import Charge, account_of, charges_of
from chargeback.delivery.released import ClosedForDelivery
from chargeback.params.gl_accounts import (
    BOOKING,
    FILE,
    Ambiguous,
    GlAccount,
    parse_gl_accounts,
    read_gl_accounts,
)

MOST = 8

#: How many cells of a booking are of its debit: company, account and cost center.
DEBITED = BOOKING.index("erp_cost_center") + 1


def notes_since(period: ClosedForDelivery, entry: Entry, mapping: bytes) -> Iterator[str]:
    """Notes on what is mapped or set otherwise than when the period was exported.

    Args:
        mapping: the bytes of gl_accounts.csv as they were.
    """
    try:
        yield from mapping_notes(period, mapping)
        settings = entry.details["settings"]
        now = asdict(period.delivery.erp)
        changed = [
            f"{key} {was!r}, now {now[key]!r}"
            for key, was in settings.items()
            if key in now and (tuple(was) if isinstance(was, list) else was) != now[key]
        ]
        if changed:
            yield f"NOTE  [erp] of delivery.toml was {'; '.join(changed)}: it holds for later exports"
    except Refusal as refusal:
        yield f"NOTE  the mapping of today cannot be read: {refusal.what}; what was exported stays"


def mapping_notes(period: ClosedForDelivery, mapping: bytes) -> Iterator[str]:
    """Which charges would go to another account now."""
    path = period.params_folder / FILE
    if path.is_file() and path.read_bytes() == mapping:
        return
    then = parse_gl_accounts(mapping, period.period)
    now = read_gl_accounts(period.params_folder, period.period)
    moved = [
        f"{one.cost_center_id} {one.kind}: {words(one, then)}, now {words(one, now)}"
        for one in charges_of(period.postings)
        if booking(one, then) != booking(one, now)
    ]
    if not moved:
        return
    yield f"NOTE  {FILE} has changed since, for {len(moved)} charges of this period; what was exported stays:"
    yield from (f"        {one}" for one in moved[:MOST])
    if len(moved) > MOST:
        yield f"        and {len(moved) - MOST} more"
    yield "      what is on the wrong account is moved in the ERP; the new mapping holds for later exports"


def booking(charge: Charge, mapping: Sequence[GlAccount]) -> tuple[str, ...]:
    """How a charge is booked; one word where it is not."""
    try:
        account = account_of(charge, mapping)
    except Ambiguous:
        return ("ambiguous",)
    return account.booking if account else ("nowhere",)


def words(charge: Charge, mapping: Sequence[GlAccount]) -> str:
    """The same for people: what is debited, and what is credited."""
    found = booking(charge, mapping)
    debit, credit = (" ".join(filter(None, part)) for part in (found[:DEBITED], found[DEBITED:]))
    return f"{debit} against {credit}" if credit else debit
