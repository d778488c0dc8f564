-- Answers: is any cost without an owner, with two, or changed on the way from the rollup?
-- One row per: row of the rollup that is not owned exactly once at its own cost
-- Reads: rollup_costs, owned_costs
-- Money: unblended_cost, exact; charged and commitment cost must sum to it
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select rollup_id, account_id, product_code, line_items, unblended_cost
    from rollup_costs
    where not is_split_view
),

owned_costs as (
    select
        rollup_id,
        line_items,
        charged_cost + commitment_cost as cost,
        case when cost_center_id is null then 0 else 1 end
            + case when pool_id is null then 0 else 1 end as owners
    from owned_costs
),

owned_sums as (
    select
        rollup_id,
        sum(line_items) as line_items,
        sum(cost) as cost,
        sum(owners) as owners
    from owned_costs
    group by rollup_id
)

select
    coalesce(rollup_costs.rollup_id, owned_sums.rollup_id) as rollup_id,
    rollup_costs.account_id,
    rollup_costs.product_code,
    rollup_costs.unblended_cost,
    owned_sums.cost as owned_cost,
    coalesce(owned_sums.owners, 0) as owners
from rollup_costs
full outer join owned_sums
    on owned_sums.rollup_id = rollup_costs.rollup_id
where rollup_costs.rollup_id is null
    or owned_sums.rollup_id is null
    or owned_sums.owners <> 1
    or owned_sums.line_items <> rollup_costs.line_items
    or owned_sums.cost <> rollup_costs.unblended_cost
order by rollup_id
