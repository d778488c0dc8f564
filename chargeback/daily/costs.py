"""Daily costs: the open month's newest delivery up to a day, each cost with its owner.

In: a report, the params of the month and a day. Out: `daily_costs` (sql/daily/daily_costs.sql), in one pass
over the report. The attribution of the close decides the owner, on a rollup that also has the day and says
which mandatory tags a line item carries. There is no second set of rules.

What always holds: the costs of all days together are those of the close's rollup, which the control on totals
shows in every run. Line items after the day are counted by the controls and left out of the costs.

Drawbacks: what AWS charges for a whole month (fees, taxes, discounts, unused reservations) stands on the
month's first day. The last days of a delivery are incomplete, and AWS still changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.attribution.owners import attribute
from chargeback.books.schema import EXACT
from chargeback.books.source_record import MONTHLY, SourceRecord
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.period import DATE_LINE
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, require
from chargeback.params import Params
from chargeback.rollup.product_names import product_names
from chargeback.rollup.roll_up import daily_roll_up
from chargeback.rollup.stage import control
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.needs import RESOURCE, daily_needs, require_needs, setting_of
from chargeback.sources.report import AHEAD_OF_TIME


@dataclass(frozen=True)
class DailyCosts:
    """What the days of a month cost whom, up to one of them.

    Args:
        day: the last day that is looked at.
        last_day: the last day of the delivery that has usage; never before `day`.
        record: the delivery that was read.
        table: `daily_costs`, one row per usage_date (date32), account_id, product_code, line_item_type,
            cost_center_id, business_unit_id (both null where a pool owns), pool_id, rule (as in the ledger),
            is_taggable (it has a resource), is_overridden (a pool takes it whatever its tags say), tag_state of
            the cost center tags (usable, unusable, missing), unusable_tag_value and mandatory_tags (a letter
            for each mandatory tag of the policy, in its order: 1 it has a value, 0 it is empty, - the key is
            not there); with line_items, unblended_cost and amortized_cost (decimal(38,10)).
        absent_tags: mandatory tags whose key no line item of the whole delivery has.
        product_names: what the delivery calls products of AWS Marketplace, by their codes.
        outcomes: the controls on the delivery; all hold.
    """

    period: str
    day: date
    last_day: date
    record: SourceRecord
    table: pa.Table
    absent_tags: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    product_names: Mapping[str, str] = field(default_factory=dict)


#: How a delivery is summed by day.
RollUp = Callable[[Engine, Path, SourceRecord, Params], pa.Table]


def daily_costs(
    report: Path, params: Params, day: date | None = None, roll_up: RollUp = daily_roll_up
) -> DailyCosts:
    """The costs of a month's days up to `day`, from the newest delivery of the params' period.

    Args:
        day: the last day that is delivered when it is not given.

    Raises:
        Refusal: (exit 6) the delivery is absent, incomplete or empty; (exit 4) it breaks a control; (exit 2)
            the day is not in it.
    """
    record = freeze_sources(report, params.period)
    check_delivery(record, params)
    engine = Engine()
    rollup = roll_up(engine, report, record, params)
    require_resources(rollup, record)
    outcomes = control(record, rollup, params, provisional=True)
    require(outcomes, params.period, params.policy.currency)
    last_day = last_usage_day(rollup)
    day = day or last_day
    check_day(params.period, day, last_day)
    absent = absent_tags(rollup, params)
    past = rollup.filter(pc.less_equal(rollup["usage_date"], pa.scalar(day)))
    owned, _ = attribute(engine, past, params)
    engine.register("daily_rollup", past)
    engine.register("owned_costs", owned)
    table = engine.query("daily", "daily_costs")
    engine.close()
    return DailyCosts(
        params.period, day, last_day, record, table, absent, tuple(outcomes),
        product_names([rollup]),
    )  # fmt: skip


def check_delivery(record: SourceRecord, params: Params) -> None:
    """Refuse a delivery that has nothing in it, or does not say what the daily flow asks for (exit 6)."""
    where = [one.path for one in record.manifests]
    if not record.line_items:
        raise unreachable(
            f"the delivery of {record.billing_period} is empty", "line items", "none in "
            f"{len(record.files)} files", where,
            ["AWS delivers an open month several times a day: fetch the newest delivery again"],
        )  # fmt: skip
    require_needs(record, daily_needs(params))
    if record.granularity == MONTHLY:
        raise unreachable(
            "the report has monthly line items, which do not say what a day cost",
            "TIME_GRANULARITY = HOURLY or DAILY", MONTHLY, where,
            ["have the export deliver hours or days; a close and a draft work with months as well"],
        )  # fmt: skip


def require_resources(rollup: pa.Table, record: SourceRecord) -> None:
    """Stop where usage costs something and no line item names a resource: nothing would count as taggable.

    Raises:
        Refusal: (exit 6) with the setting of the export that brings resource ids.
    """
    usage = rollup.filter(pc.equal(rollup["line_item_type"], "Usage"))
    costs = pc.any(pc.not_equal(usage["unblended_cost"], pa.scalar(Decimal(0), EXACT))).as_py()
    if costs and not pc.any(rollup["has_resource"]).as_py():
        [(column, needed_for)] = RESOURCE
        raise unreachable(
            "no line item of the report has a resource id", f"{column}, for {needed_for}",
            "blank on every line",
            [one.path for one in record.manifests],
            [setting_of(column), "then have AWS deliver the month again"],
        )  # fmt: skip


def last_usage_day(rollup: pa.Table) -> date:
    """The last day that has more than commitment fees written ahead; without one, the last day at all."""
    passed = rollup.filter(pc.not_equal(rollup["line_item_type"], AHEAD_OF_TIME))
    last = pc.max(passed["usage_date"]).as_py() or pc.max(rollup["usage_date"]).as_py()
    assert isinstance(last, date)
    return last


def check_day(period: str, day: date, last_day: date) -> None:
    """Refuse a day that the delivery does not reach (exit 2)."""
    if day > last_day:
        raise bad_params(
            f"the report of {period} does not reach this day", f"a day up to {last_day}", str(day),
            [DATE_LINE],
            [f"run it for the last day that is delivered: make daily DATE={last_day}",
             "if AWS should have delivered more, fetch the newest delivery"],
        )  # fmt: skip


def absent_tags(rollup: pa.Table, params: Params) -> tuple[str, ...]:
    """Mandatory tags whose key is on no line item of the delivery: not activated for cost allocation."""
    letters = pc.unique(rollup["mandatory_tags"]).to_pylist()
    return tuple(
        key
        for number, key in enumerate(params.policy.mandatory_tags)
        if all(one[number] == "-" for one in letters)
    )
