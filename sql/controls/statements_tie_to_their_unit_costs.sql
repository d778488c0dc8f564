-- Answers: does a statement show another quantity, cost or unit cost of a month than metrics and ledgers give?
-- One row per: month of a unit cost, in HTML or PDF, that differs, is missing or that nobody expects
-- Reads: unit_quantities, unit_charges, unit_cost_months
-- Money: cents; unit costs in four decimals; what is shown is null where the file has no number
-- Ties to: statements_tie_to_their_unit_costs

with

-- A line is the unit (blank), its cost centers together (=) or a cost center; per is what a unit cost is of.
unit_quantities as (
    select business_unit_id, metric, line, billing_period, cost_center_id, quantity, per from unit_quantities
),

unit_charges as (
    select
        billing_period, business_unit_id, cost_center_id, sum(amount) as loaded,
        sum(if(kind = 'direct', amount, 0)) as direct
    from unit_charges
    group by billing_period, business_unit_id, cost_center_id
),

unit_cost_months as (
    select
        medium, business_unit_id, metric, line, billing_period, quantity, direct, direct_of_one, loaded,
        loaded_of_one
    from unit_cost_months
),

media as (select 'html' as medium union all select 'pdf' as medium),

counted as (
    select business_unit_id, metric, line, billing_period, sum(quantity) as quantity, max(per) as per
    from unit_quantities
    group by business_unit_id, metric, line, billing_period
),

costs as (
    select
        unit_quantities.business_unit_id, unit_quantities.metric, unit_quantities.line,
        unit_quantities.billing_period, sum(unit_charges.direct) as direct, sum(unit_charges.loaded) as loaded
    from unit_quantities
    inner join unit_charges
        on unit_charges.business_unit_id = unit_quantities.business_unit_id
        and unit_charges.billing_period = unit_quantities.billing_period
        and unit_quantities.cost_center_id in ('', unit_charges.cost_center_id)
    group by
        unit_quantities.business_unit_id, unit_quantities.metric, unit_quantities.line,
        unit_quantities.billing_period
),

expected as (
    select
        media.medium, counted.business_unit_id, counted.metric, counted.line, counted.billing_period,
        counted.quantity, counted.per, coalesce(costs.direct, 0) as direct, coalesce(costs.loaded, 0) as loaded
    from counted
    cross join media
    left join costs
        on costs.business_unit_id = counted.business_unit_id and costs.metric = counted.metric
        and costs.line = counted.line and costs.billing_period = counted.billing_period
),

compared as (
    select
        coalesce(expected.business_unit_id, shown.business_unit_id) as business_unit_id,
        coalesce(expected.medium, shown.medium) as medium, coalesce(expected.metric, shown.metric) as metric,
        coalesce(expected.line, shown.line) as line,
        coalesce(expected.billing_period, shown.billing_period) as billing_period,
        expected.quantity as expected_quantity, shown.quantity as shown_quantity,
        expected.direct as expected_direct, shown.direct as shown_direct,
        expected.loaded as expected_loaded, shown.loaded as shown_loaded,
        shown.direct_of_one as shown_direct_of_one, shown.loaded_of_one as shown_loaded_of_one,
        -- A unit cost, times the quantity, is the cost within half of its last digit.
        abs(shown.direct_of_one * expected.quantity - expected.direct * expected.per) * 20000
        <= expected.quantity as direct_is_right,
        abs(shown.loaded_of_one * expected.quantity - expected.loaded * expected.per) * 20000
        <= expected.quantity as loaded_is_right
    from expected
    full outer join unit_cost_months as shown
        on shown.medium = expected.medium and shown.business_unit_id = expected.business_unit_id
        and shown.metric = expected.metric and shown.line = expected.line
        and shown.billing_period = expected.billing_period
)

-- Nothing is divided by a quantity of zero, so that no unit cost is shown beside it.
select
    business_unit_id, medium, metric, line, billing_period, expected_quantity, shown_quantity, expected_direct,
    shown_direct, expected_loaded, shown_loaded, shown_direct_of_one, shown_loaded_of_one
from compared
where shown_quantity is distinct from expected_quantity
    or shown_direct is distinct from expected_direct
    or shown_loaded is distinct from expected_loaded
    or (expected_quantity = 0 and coalesce(shown_direct_of_one, shown_loaded_of_one) is not null)
    or (expected_quantity > 0 and not coalesce(direct_is_right and loaded_is_right, false))
order by business_unit_id, medium, metric, line, billing_period
