"""Totals that finance keeps, changed: no statement may be another one for it.

Comes in: a period's inputs and which totals are printed of it. Goes out: the inputs in which each total of all
units together that is not printed is another one, and each that is printed is what it was. A charge that is
nobody's makes the difference, so that invoices and charges tie as before.

Known drawback: what invoices of earlier periods changed by stays as it is, and so does a single invoice that is
kept together with such changes alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from chargeback.ledger.invoices import InvoiceTie
from chargeback.params.published_totals import ALL
from chargeback.statements.extract import Charges, read_charges
from chargeback.statements.extract.published import Published
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO

_MORE = Decimal("1.13")  # amounts and weights of this are added
_NOBODY = "~nobody"

Line = dict[str, Any]


def with_other_kept_totals(inputs: StatementInputs, published: Published) -> StatementInputs:
    """The inputs with another amount for each total that is kept."""
    if published.policy == ALL:
        return inputs
    charges = read_charges(inputs, published)
    invoices = _other_invoices(inputs.invoices, published)
    more = sum((one.total for one in invoices), ZERO) - sum(
        (one.total for one in inputs.invoices), ZERO
    )
    if not inputs.invoices and not published.company:
        more = _MORE
    pools = _pool_lines(charges)
    balancing = _given_lines(pools) + _step_lines(charges)
    pools.append({"kind": "direct", "amount": more - sum((one["amount"] for one in pools), ZERO)})
    added = [one | {"business_unit_id": _NOBODY, "cost_center_id": _NOBODY} for one in pools]
    lines = [dict.fromkeys(inputs.postings.schema.names) | one for one in added + balancing]
    postings = pa.Table.from_pylist(lines, schema=inputs.postings.schema)
    return dataclasses.replace(
        inputs,
        postings=pa.concat_tables([inputs.postings, postings]),
        invoices=invoices,
        deferred=[
            dataclasses.replace(one, rows_total=one.rows_total + _MORE) for one in inputs.deferred
        ],
    )


def _pool_lines(charges: Charges) -> list[Line]:
    """A line of each pool whose totals are kept."""
    return [
        {
            "kind": "allocated",
            "pool_id": pool_id,
            "allocation_key": pool.allocation_key,
            # A share that is printed follows from all weights, so these stay what they are.
            "weight": ZERO if charges.published.share(pool_id) else _MORE,
            "amount": _MORE,
            "exact_amount": _MORE,
        }
        for pool_id, pool in charges.pools.items()
        if not charges.published.pool(pool_id)
    ]


def _given_lines(pools: Sequence[Line]) -> list[Line]:
    """What empties the pools of the lines of `_pool_lines`."""
    return [
        {
            "kind": "allocated",
            "ledger_account": f"pool:{one['pool_id']}",
            "pool_id": one["pool_id"],
            "amount": -one["amount"],
            "exact_amount": -one["amount"],
        }
        for one in pools
    ]


def _step_lines(charges: Charges) -> list[Line]:
    """What one pool passed on to another, where the totals of one of them are kept."""
    printed = charges.published
    return [
        {
            "kind": "allocated",
            "ledger_account": f"pool:{receiver}",
            "pool_id": giver,
            "amount": _MORE,
        }
        for giver, receiver in charges.passed_on
        if not (printed.pool(giver) and printed.pool(receiver))
    ]


def _other_invoices(invoices: Sequence[InvoiceTie], published: Published) -> list[InvoiceTie]:
    """Invoices that are kept with other totals; all together stay the same where the company's is printed."""
    kept = [one.invoice_id for one in invoices if not published.invoice(one)]
    more = dict.fromkeys(kept, _MORE)
    if kept and published.company:
        more[kept[0]] -= _MORE * len(kept)
    return [
        dataclasses.replace(
            one,
            total=one.total + more.get(one.invoice_id, ZERO),
            rows_total=one.rows_total + more.get(one.invoice_id, ZERO),
        )
        for one in invoices
    ]
