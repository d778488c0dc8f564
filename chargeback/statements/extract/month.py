"""From all statements of a period to its index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chargeback.params.published_totals import ALL
from chargeback.statements.extract.charges import Charges, History, history
from chargeback.statements.extract.published import Published
from chargeback.statements.extract.tie_out import left_invoices, tie_out
from chargeback.statements.extract.totals import period_amount
from chargeback.statements.extract.unit_rows import account_name
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO, Account, Digest, PeriodAmount, Statement
from chargeback.statements.month import MonthIndex, UnitOfMonth


def month_index(
    inputs: StatementInputs, charges: Charges, statements: Mapping[str, Statement]
) -> MonthIndex:
    """The index of a period.

    Args:
        statements: those of all business units, by their ids.
    """
    past = history(inputs)
    trend = (
        *(_all_units(past, one) for one in sorted(inputs.history) if one < inputs.billing_period),
        period_amount(
            inputs.billing_period, [row for rows in charges.by_unit.values() for row in rows]
        ),
    )
    before = trend[-2].amount if inputs.previous_period else None
    units = sorted(map(_unit, statements.values()), key=lambda one: (-one.amount, one.name))
    known = sum((one.previous for one in units if one.previous is not None), ZERO)
    everything = replace(charges, published=Published(ALL, frozenset()))
    return MonthIndex(
        billing_period=inputs.billing_period,
        currency=inputs.currency,
        provisional=inputs.provisional,
        invoicing=inputs.params.policy.invoicing,
        total=charges.total,
        previous_period=inputs.previous_period,
        previous_total=before,
        units=tuple(units),
        ended=ZERO if before is None else before - known,
        trend=trend,
        tie_out=tie_out(inputs, everything),
        deferred=left_invoices(inputs, everything),
        payers=tuple(Account(one, account_name(inputs.params, one)) for one in inputs.payers),
        digests=tuple(Digest(label, digest) for label, digest in inputs.digests.items()),
        signer=inputs.signer,
        outlook=inputs.outlook,
        ratification=next((one.ratification for one in statements.values()), None),
    )


def _unit(statement: Statement) -> UnitOfMonth:
    return UnitOfMonth(
        statement.unit.business_unit_id,
        statement.unit.name,
        statement.unit.owner,
        statement.total,
        statement.previous_total,
        tuple(one.amount for one in statement.trend),
    )


def _all_units(past: History, period: str) -> PeriodAmount:
    """What all units together were charged in an earlier period."""
    rows = [row for by_period in past.values() for row in by_period.get(period, [])]
    return period_amount(period, rows)
