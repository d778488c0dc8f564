"""Shares: how a pool's part of an invoice was split, and where the pool had it from.

In: an origin, an invoice and a pool. Out: what the report and earlier pools gave the pool, and the part of each
recipient, with the weights that statements have (chargeback/ledger/splits.py). What always holds: a pool gives
what it was given, and each part is the pool's amount by its weight (`apportion.divide`, the arithmetic of the
close); otherwise there is a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from chargeback.allocation.apportion import divide
from chargeback.allocation.pools import ALLOCATED, POOL, POOLED
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import exact_amount, exact_units
from chargeback.ledger.splits import MOST_RECIPIENTS, Split, recipient, splits_of
from chargeback.ledger.statement_lines import Row, charges
from chargeback.review.trace.origin import Origin


@dataclass(frozen=True)
class Share:
    """A pool's part of an invoice.

    Args:
        given: the posting that empties the pool, negative where it holds cost.
        parts: the postings of all recipients, pools among them.
        pooled: the postings of what fell into it from the report.
        earlier: the pools that gave it a part, with the posting of that part.
        split: the weights, which are the same on all invoices.
    """

    pool_id: str
    invoice_id: str
    given: Row
    parts: tuple[Row, ...]
    pooled: tuple[Row, ...]
    earlier: tuple[tuple[Row, Share], ...]
    split: Split

    @property
    def exact_amount(self) -> Decimal:
        """What is split."""
        return Decimal(-self.given["exact_amount"])

    @property
    def key(self) -> str:
        """The key that it was split by."""
        return str(self.given["allocation_key"])

    @property
    def total_weight(self) -> Decimal:
        """The weights of all recipients together."""
        return self.split.total_weight

    def chain(self) -> Iterator[Share]:
        """This share and those of the pools before it, each once, the first pool first."""
        found: dict[str, Share] = {}
        for _, one in self.earlier:
            found |= {each.pool_id: each for each in one.chain()}
        yield from {**found, self.pool_id: self}.values()


def share_of(origin: Origin, invoice_id: str, pool_id: str) -> Share:
    """A pool's part of an invoice, checked.

    Raises:
        Refusal: (exit 4) its parts do not follow from their weights, or it gives something else than it was
            given.
    """
    rows = origin.postings.to_pylist()
    splits = splits_of(rows)
    return find_share([row for row in rows if row["invoice_id"] == invoice_id], pool_id, splits)


def find_share(rows: list[Row], pool_id: str, splits: Mapping[str, Split] | None = None) -> Share:
    """A pool's share among the postings of an invoice.

    Args:
        splits: of all invoices of the period; else of this one.
    """
    splits = splits or splits_of(rows)
    place = f"{POOL}{pool_id}"
    entry = [row for row in rows if row["kind"] == ALLOCATED and row["pool_id"] == pool_id]
    [given] = [row for row in entry if row["ledger_account"] == place]
    received = [row for row in rows if row["ledger_account"] == place and charges(row)]
    found = Share(
        pool_id,
        given["invoice_id"],
        given,
        tuple(row for row in entry if row is not given),
        tuple(row for row in received if row["kind"] == POOLED),
        tuple(
            (row, find_share(rows, row["pool_id"], splits))
            for row in received
            if row["kind"] == ALLOCATED
        ),
        splits[pool_id],
    )
    require_parts(found)
    return found


def require_parts(share: Share) -> None:
    """Stop unless a pool gives what it was given, by the weights that are posted (exit 4).

    A recipient whose part is nothing to ten decimals has no posting, nor its weight a place here. So where a
    pool holds fewer units of 1e-10 than its recipients are many, parts may be that many units away.
    """
    received = (*share.pooled, *(row for row, _ in share.earlier))
    total = sum((row["exact_amount"] for row in received), Decimal(0))
    if total != share.exact_amount:
        raise no_arithmetic(share, "what the pool was given", total, share.exact_amount)
    parts = divide(
        exact_units(total), {name: exact_units(one) for name, one in share.split.weights.items()}
    )  # fmt: skip
    for row in share.parts:
        part = exact_amount(parts[recipient(row)])
        if part != row["exact_amount"] and abs(exact_units(total)) > MOST_RECIPIENTS:
            raise no_arithmetic(share, row["ledger_account"], part, row["exact_amount"])


def no_arithmetic(share: Share, what: str, expected: Decimal, found: Decimal) -> Refusal:
    """The refusal of a share that does not follow from its weights."""
    return Refusal(
        CONTROL_FAILED, "the parts of the pool do not follow from its weights", f"{what} {expected}",
        f"{found}", f"{found - expected}", [share.given["entry_id"]],
        ["this is a defect of this program or of the ledger: run make verify, and report this block"],
    )  # fmt: skip
