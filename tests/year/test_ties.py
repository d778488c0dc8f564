"""Both views of random corrections reconcile, and a proof that is asked of anything else fails."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.review.year.gather import Charge, Gathered, Invoiced, Names
from chargeback.review.year.services import service_rows
from chargeback.review.year.ties import require_ties
from chargeback.review.year.views import total, view_of

ZERO = Decimal("0.00")
MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02", "2027-01")
amounts = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def charges(draw: st.DrawFn) -> list[Charge]:
    """Charges of some months, and corrections of any earlier one in any later one."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        charged_in = draw(st.sampled_from(MONTHS))
        earlier = [one for one in MONTHS if one < charged_in]
        about = draw(st.sampled_from(["", *earlier]))
        kind = (
            "adjustment" if about else draw(st.sampled_from(["direct", "allocated", "commitment"]))
        )
        invoice = f"{about or charged_in}/{draw(st.integers(1, 2))}"
        unit = draw(st.sampled_from(["a", "b"]))
        cells = (charged_in, about, unit, f"CC-{number}", kind, "AmazonS3", "pool", invoice)
        found.append(Charge._make([*cells, draw(amounts)]))
    return found


def gathered_of(rows: list[Charge]) -> Gathered:
    """What manifests and closes would say of some charges of 2025 and 2026."""
    closed = tuple(one for one in MONTHS if one < "2027")
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    changes: defaultdict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
    kept = [one for one in rows if one.billing_period in closed or one.original_period in closed]
    for one in kept:
        totals[one.about_period, one.invoice_id] += one.amount
        if one.original_period:
            changes[one.billing_period, one.original_period, one.invoice_id] += one.amount
    return Gathered(
        years=("2025", "2026"),
        closed=closed,
        charges=tuple(kept),
        invoices=tuple(
            Invoiced(period, invoice, "AWS", amount, ZERO, ZERO)
            for (period, invoice), amount in totals.items()
            if period in closed
        ),
        charged={
            period: total(one for one in kept if one.billing_period == period) for period in closed
        },
        changes=dict(changes),
        left_open=(),
        budgets={},
        manifests={},
        currency="USD",
        names=Names(),
    )


@given(charges())
def test_as_charged_and_as_corrected_reconcile(rows: list[Charge]) -> None:
    gathered = gathered_of(rows)
    require_ties(gathered, gathered.charges)
    require_ties(gathered, reversed(gathered.charges))
    for year in gathered.years:
        view = view_of(gathered, year)
        others, elsewhere = (
            sum(one.values(), ZERO) for one in (view.about_others, view.charged_elsewhere)
        )
        assert total(view.charged) - others + elsewhere == total(view.about) == view.invoiced
        parts = service_rows(view.charged, gathered.names)
        assert sum((amount for *_, amount in parts), ZERO) == total(view.charged)


@given(charges(), st.data())
def test_a_cent_that_is_nowhere_else_is_found(rows: list[Charge], data: st.DataObject) -> None:
    """Whatever charge is a cent off, or is said to be about another month, it does not tie out."""
    gathered = gathered_of(rows)
    if not gathered.charges:
        return
    place = data.draw(st.integers(0, len(gathered.charges) - 1))
    one = gathered.charges[place]
    wrong = one._replace(amount=one.amount + Decimal("0.01"))
    with pytest.raises(Refusal) as found:
        require_ties(gathered, [*gathered.charges[:place], wrong, *gathered.charges[place + 1 :]])
    assert found.value.exit_code == CONTROL_FAILED
    if one.amount and one.original_period:
        moved = one._replace(original_period="")
        with pytest.raises(Refusal):
            require_ties(
                gathered, [*gathered.charges[:place], moved, *gathered.charges[place + 1 :]]
            )


def test_a_rounding_that_is_not_the_manifest_s_is_found() -> None:
    cells = ("2026-01", "", "a", "CC-1", "rounding", "", "", "9", Decimal("0.01"))
    gathered = replace(
        gathered_of([Charge._make(cells)]),
        years=("2026",),
        invoices=(
            Invoiced("2026-01", "9", "AWS", Decimal("0.01"), Decimal("0.01"), Decimal("0.01")),
        ),
    )
    require_ties(gathered, gathered.charges)
    named_otherwise = [one._replace(kind="direct") for one in gathered.charges]
    with pytest.raises(Refusal) as found:
        require_ties(gathered, named_otherwise)
    assert found.value.where == [
        "rounding of invoice 9 of 2026-01: 0.01 its manifest, 0.00 written"
    ]
