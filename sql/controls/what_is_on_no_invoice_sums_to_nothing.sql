-- Answers: where AWS sends no invoice for a month, does what has no invoice id come to something all the same?
-- One row per: month that does (at most one)
-- Reads: rollup_costs, policy
-- Money: unblended_cost, exact; half a cent or more is not 0.00, whatever its sign
-- Ties to: what_is_on_no_invoice_sums_to_nothing

with

rollup_costs as (
    select line_items, unblended_cost
    from rollup_costs
    where invoice_id is null
        and not is_split_view
),

policy as (
    select invoicing
    from policy
),

open_costs as (
    select
        policy.invoicing,
        coalesce(sum(rollup_costs.line_items), 0) as line_items,
        coalesce(sum(rollup_costs.unblended_cost), 0) as difference
    from rollup_costs
    cross join policy
    group by policy.invoicing
)

select
    invoicing,
    line_items,
    difference
from open_costs
where invoicing = 'none'
    and abs(difference) >= 0.005
order by invoicing
