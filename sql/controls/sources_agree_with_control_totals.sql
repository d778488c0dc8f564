-- Answers: does the rollup hold every line item and every dollar that Arrow counted in the files?
-- One row per: disagreement (at most one)
-- Reads: rollup_costs, control_totals
-- Money: unblended_cost, exact sums of ten decimals, taken two ways
-- Ties to: sources_agree_with_control_totals

with

rollup_costs as (
    select line_items, unblended_cost
    from rollup_costs
),

control_totals as (
    select line_items, unblended_cost
    from control_totals
),

rollup_totals as (
    select
        coalesce(sum(line_items), 0) as line_items,
        coalesce(sum(unblended_cost), 0) as unblended_cost
    from rollup_costs
)

select
    control_totals.line_items as counted_line_items,
    rollup_totals.line_items as rolled_up_line_items,
    control_totals.unblended_cost as counted_cost,
    rollup_totals.unblended_cost as rolled_up_cost
from control_totals
cross join rollup_totals
where control_totals.line_items <> rollup_totals.line_items
    or control_totals.unblended_cost <> rollup_totals.unblended_cost
