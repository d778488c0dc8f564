"""From a period's books to one small `Statement` per business unit: everything that it may know.

Comes in: `StatementInputs`, with every unit's rows. Goes out: per unit a `model.Statement`, which is
written as `unit.json`. What always holds:

- a statement contains rows of its own unit only, and of these totals those that are published: each
  pool's total and total weight, what one pool passed on to another, the invoices' totals, and what
  all units together were charged. Unless policy says otherwise, they tell no other unit's figure,
  by whatever sum or difference (`published`);
- the cost centers' totals, the kinds' totals and the periods' trend each sum to the unit's total;
- the parts of the change sum to the total less that of the last closed period;
- nothing is rounded, except what was untagged: those are exact costs of line items, shown in cents
  so that the shown rows add up to the shown total (`untagged.cents_that_add_up`).

Known drawback: a share whose pool's totals are not published cannot be checked by its reader alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from chargeback.statements.extract.budget import unit_budget
from chargeback.statements.extract.change import detail_label, explained
from chargeback.statements.extract.charges import Charges, read_charges
from chargeback.statements.extract.corrected import corrections
from chargeback.statements.extract.direct import direct_cost
from chargeback.statements.extract.grouped import Grouped
from chargeback.statements.extract.movers import movers
from chargeback.statements.extract.readers_help import readers_help
from chargeback.statements.extract.shared import passed_on_to, pool_shares
from chargeback.statements.extract.tie_out import left_invoices, tie_out
from chargeback.statements.extract.totals import (
    adjustments,
    by_kind,
    commitments,
    cost_centers,
    period_amount,
    roundings,
)
from chargeback.statements.extract.unit_cost import unit_costs
from chargeback.statements.extract.unit_rows import UnitRows, sum_of
from chargeback.statements.extract.untagged_pool import untagged_pool
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import (
    BusinessUnit,
    Digest,
    LeftInvoice,
    Ratified,
    ReadersHelp,
    Statement,
    TieOut,
)

__all__ = ["Charges", "detail_label", "extract_units", "read_charges"]


def extract_units(
    inputs: StatementInputs, charges: Charges, only: Collection[str] | None = None
) -> dict[str, Statement]:
    """One statement per business unit of the params, also for those without any cost.

    Args:
        only: the units that are asked for, where not all are.
    """
    grouped = Grouped.of(inputs)
    alike = _Alike(
        tie_out(inputs, charges),
        left_invoices(inputs, charges),
        tuple(Digest(label, digest) for label, digest in inputs.digests.items()),
        readers_help(inputs),
        sorted(one for one in inputs.history if one < inputs.billing_period),
    )
    return {
        unit_id: _statement(
            UnitRows.of(inputs, charges, grouped.past, unit_id), inputs, charges, grouped, alike
        )
        for unit_id in sorted(inputs.params.business_units)
        if only is None or unit_id in only
    }


class _Alike(NamedTuple):
    """What all statements of a period have alike."""

    tie_out: TieOut
    deferred: tuple[LeftInvoice, ...]
    digests: tuple[Digest, ...]
    readers_help: ReadersHelp
    earlier: list[str]


def _statement(
    mine: UnitRows, inputs: StatementInputs, charges: Charges, grouped: Grouped, alike: _Alike
) -> Statement:
    unit, past = inputs.params.business_units[mine.unit_id], grouped.past
    untagged = grouped.untagged_of(inputs, mine.unit_id)
    return Statement(
        billing_period=inputs.billing_period,
        currency=inputs.currency,
        provisional=inputs.provisional,
        invoicing=inputs.params.policy.invoicing,
        unit=BusinessUnit(mine.unit_id, unit.name, unit.owner or ""),
        total=sum_of(mine.rows),
        previous_period=mine.previous_period,
        previous_total=sum_of(mine.previous) if mine.previous_period else None,
        kinds=by_kind(mine),
        change=explained(inputs, mine.unit_id),
        cost_centers=cost_centers(inputs.params, mine, grouped.centers.get(mine.unit_id, ())),
        direct=direct_cost(inputs, mine),
        pools=pool_shares(inputs.params, mine, charges),
        steps=passed_on_to(inputs.params, mine, charges),
        commitments=commitments(inputs, mine),
        roundings=roundings(mine),
        adjustments=adjustments(inputs.params, mine),
        corrections=corrections(inputs, mine),
        untagged=untagged,
        trend=(
            *(
                period_amount(period, past.get(mine.unit_id, {}).get(period, []))
                for period in alike.earlier
            ),
            period_amount(inputs.billing_period, mine.rows),
        ),
        tie_out=alike.tie_out,
        deferred=alike.deferred,
        published_totals=charges.published.policy,
        digests=alike.digests,
        governed=inputs.governed,
        ratification=_ratified(inputs),
        signer=inputs.signer,
        cost_basis=inputs.params.policy.cost_basis,
        readers_help=alike.readers_help,
        movers=movers(inputs, mine),
        outlook=inputs.outlook.of_unit(mine.unit_id) if inputs.outlook else None,
        untagged_pool=untagged_pool(inputs.params, mine, charges, untagged),
        budget=unit_budget(inputs, mine, grouped),
        unit_costs=unit_costs(inputs, mine, grouped),
    )


def _ratified(inputs: StatementInputs) -> Ratified | None:
    found = inputs.ratification
    if found is None:
        return None
    return Ratified(
        reference=found["reference"],
        approved_by=found["approved_by"],
        approved_on=found["approved_on"],
        valid_from=found["valid_from"],
    )
