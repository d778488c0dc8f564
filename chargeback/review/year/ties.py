"""The proof of a year, asked of the finished file: it is read back, and compared with manifests and invoices.

- What each closed month charged is what its signed manifest says.
- What is charged for each invoice, whenever, is its total as it was entered last; and its rounding at the close
  is that of the manifest.
- What each close corrected of each invoice of an earlier month is what it has kept of that.
- Each charge of a close that had a declaration for the medical loss ratio is what its parts come to.
- For each year, what its months charged, less what of that is about other years, and with what other years
  charged about it, is what its invoices come to.

What always holds: a year of which one of these is not so, to the cent, is not published (exit 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import shown
from chargeback.ledger.medical_loss_ratio import SplitRow
from chargeback.review.year.gather import ZERO, Charge, Gathered
from chargeback.review.year.loss_ratio_rows import split_differences
from chargeback.review.year.views import summed, tied_invoices, total

MOST_SHOWN = 5


def require_ties(
    gathered: Gathered, written: Iterable[Charge], splits: Iterable[SplitRow] = ()
) -> None:
    """Stop where what was written is not what was charged and invoiced.

    Args:
        written, splits: as they were read back.

    Raises:
        Refusal: (exit 4) it is not.
    """
    charges = list(written)
    wrong = list(differences(gathered, charges))
    for what, charged, split in split_differences(gathered.splits, charges, splits):
        wrong += compared(what, "charged", charged, split)
    if wrong:
        raise Refusal(
            CONTROL_FAILED, f"{' and '.join(gathered.years)} would not tie out to ledger and invoices",
            "each month, each invoice and each correction to the cent", f"{len(wrong)} that do not",
            where=wrong[:MOST_SHOWN],
            todo=["nothing was written; make verify says whether a file is not what was closed",
                  "if none is, this is a fault of the program: report it with these lines"],
        )  # fmt: skip


def differences(gathered: Gathered, written: list[Charge]) -> Iterator[str]:
    """Where two amounts that should be one are not, in words."""
    by_month = summed(written, lambda one: one.billing_period)
    for period, charged in gathered.charged.items():
        yield from compared(f"month {period}", "its ledger", charged, by_month.get(period, ZERO))
    tied = tied_invoices(gathered, written)
    for one in tied:
        named = f"invoice {one.invoiced.invoice_id} of {one.invoiced.billing_period}"
        yield from compared(named, "invoiced", one.invoiced.total, one.charged)
        yield from compared(
            f"rounding of {named}", "its manifest", one.invoiced.rounding_at_close, one.rounding_at_close
        )  # fmt: skip
    yield from uninvoiced(gathered, written)
    yield from unkept(gathered, written)
    for year in gathered.years:
        yield from bridge(gathered, written, year)


def uninvoiced(gathered: Gathered, written: list[Charge]) -> Iterator[str]:
    """What is charged for an invoice that no manifest and no correction of the closed months names."""
    known = {(one.billing_period, one.invoice_id) for one in gathered.invoices}
    for (period, invoice_id), amount in summed(
        (one for one in written if one.about_period in gathered.closed),
        lambda one: (one.about_period, one.invoice_id),
    ).items():
        if (period, invoice_id) not in known:
            named = f"invoice {invoice_id} of {period}" if invoice_id else f"no invoice of {period}"
            yield from compared(named, "invoiced", ZERO, amount)


def unkept(gathered: Gathered, written: list[Charge]) -> Iterator[str]:
    """What was corrected in another way than the closes have kept."""
    found = summed(
        (one for one in written if one.original_period),
        lambda one: (one.billing_period, one.original_period, one.invoice_id),
    )
    for key in sorted(found.keys() | gathered.changes.keys()):
        close, period, invoice_id = key
        yield from compared(
            f"correction of invoice {invoice_id or 'none'} of {period} in {close}", "kept by that close",
            gathered.changes.get(key, ZERO), found.get(key, ZERO),
        )  # fmt: skip


def bridge(gathered: Gathered, written: list[Charge], year: str) -> Iterator[str]:
    """What a year's months charged, led over to what its invoices come to."""
    corrections = [one for one in written if one.original_period]
    charged = total(one for one in written if one.billing_period[:4] == year)
    others = total(
        one
        for one in corrections
        if one.billing_period[:4] == year and one.original_period[:4] != year
    )
    elsewhere = total(
        one
        for one in corrections
        if one.billing_period[:4] != year and one.original_period[:4] == year
    )
    invoiced = sum((one.total for one in gathered.invoices if one.billing_period[:4] == year), ZERO)
    yield from compared(f"all of {year}", "invoiced", invoiced, charged - others + elsewhere)


def compared(what: str, by: str, expected: Decimal, found: Decimal) -> Iterator[str]:
    """Two amounts, in words where they are not one."""
    if expected != found:
        yield f"{what}: {shown(expected)} {by}, {shown(found)} written"
