-- Answers: does a dashboard show another quantity, cost, unit cost or effect than quantities and books give?
-- One row per: page, medium, metric and month that differs, is missing or that nobody expects
-- Reads: metric_counts, charged_rows, dashboard_unit_costs
-- Money: cents; unit costs in four decimals; what is shown is null where the page has no readable number
-- Ties to: dashboards_tie_to_their_unit_costs

with

-- The counts that together are a scope's quantity: of the company and of a unit, the ids below are blank.
metric_counts as (
    select
        scope_kind, scope_id, medium, metric, billing_period, business_unit_id, cost_center_id, quantity, per
    from metric_counts
),

charged_rows as (
    select billing_period, business_unit_id, cost_center_id, sum(amount) as amount
    from charged_rows
    group by billing_period, business_unit_id, cost_center_id
),

dashboard_unit_costs as (
    select
        scope_kind, scope_id, medium, metric, billing_period, compared_period, quantity, loaded, loaded_of_one,
        volume, rate
    from dashboard_unit_costs
),

counted as (
    select
        scope_kind, scope_id, medium, metric, billing_period, sum(quantity) as quantity, max(per) as per
    from metric_counts
    group by scope_kind, scope_id, medium, metric, billing_period
),

costs as (
    select
        metric_counts.scope_kind, metric_counts.scope_id, metric_counts.medium, metric_counts.metric,
        metric_counts.billing_period, sum(charged_rows.amount) as loaded
    from metric_counts
    inner join charged_rows
        on charged_rows.billing_period = metric_counts.billing_period
        and metric_counts.business_unit_id in ('', charged_rows.business_unit_id)
        and metric_counts.cost_center_id in ('', charged_rows.cost_center_id)
    group by
        metric_counts.scope_kind, metric_counts.scope_id, metric_counts.medium, metric_counts.metric,
        metric_counts.billing_period
),

expected as (
    select
        counted.scope_kind, counted.scope_id, counted.medium, counted.metric, counted.billing_period,
        counted.quantity, counted.per, coalesce(costs.loaded, 0) as loaded
    from counted
    left join costs
        on costs.scope_kind = counted.scope_kind and costs.scope_id = counted.scope_id
        and costs.medium = counted.medium and costs.metric = counted.metric
        and costs.billing_period = counted.billing_period
),

compared as (
    select
        coalesce(expected.scope_kind, shown.scope_kind) as scope_kind,
        coalesce(expected.scope_id, shown.scope_id) as scope_id, coalesce(expected.medium, shown.medium) as medium,
        coalesce(expected.metric, shown.metric) as metric,
        coalesce(expected.billing_period, shown.billing_period) as billing_period,
        expected.quantity as books_quantity, shown.quantity as shown_quantity,
        expected.loaded as books_amount, shown.loaded as shown_amount, shown.loaded_of_one,
        -- A unit cost, times the quantity, is the cost within half of its last digit.
        abs(shown.loaded_of_one * expected.quantity - expected.loaded * expected.per) * 20000
        <= expected.quantity as is_right,
        earlier.loaded + shown.volume + shown.rate = shown.loaded as sums_are_right,
        shown.volume is not null as is_compared
    from expected
    full outer join dashboard_unit_costs as shown
        on shown.scope_kind = expected.scope_kind and shown.scope_id = expected.scope_id
        and shown.medium = expected.medium and shown.metric = expected.metric
        and shown.billing_period = expected.billing_period
    left join expected as earlier
        on earlier.scope_kind = shown.scope_kind and earlier.scope_id = shown.scope_id
        and earlier.medium = shown.medium and earlier.metric = shown.metric
        and earlier.billing_period = shown.compared_period
)

select
    scope_kind, scope_id, medium, metric, billing_period, books_quantity, shown_quantity, books_amount, shown_amount,
    loaded_of_one
from compared
where shown_quantity is distinct from books_quantity
    or shown_amount is distinct from books_amount
    or (books_quantity = 0 and loaded_of_one is not null)
    or (books_quantity > 0 and not coalesce(is_right, false))
    or (is_compared and not coalesce(sums_are_right, false))
order by scope_kind, scope_id, medium, metric, billing_period
