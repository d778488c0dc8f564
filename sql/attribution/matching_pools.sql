-- Answers: which pools would take each cost, before and after tags are looked at?
-- One row per: row of the rollup that a pool matches
-- Reads: rollup_costs, pools, pool_conditions
-- Money: none
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select
        rollup_id, account_id, product_code, line_item_type, operation, usage_type, has_resource
    from rollup_costs
),

pools as (
    select pool_rank, overrides_tags, conditions
    from pools
    where not is_catch_all
),

pool_conditions as (
    select pool_rank, condition, condition_value
    from pool_conditions
),

-- One row for each condition of each pool that a cost meets; the values of a condition are or-ed.
met_conditions as (
    select rollup_costs.rollup_id, pool_conditions.pool_rank, pool_conditions.condition
    from rollup_costs
    inner join pool_conditions
        on (pool_conditions.condition = 'account_id'
            and rollup_costs.account_id = pool_conditions.condition_value)
        or (pool_conditions.condition = 'product_code'
            and rollup_costs.product_code = pool_conditions.condition_value)
        or (pool_conditions.condition = 'line_item_type'
            and rollup_costs.line_item_type = pool_conditions.condition_value)
        or (pool_conditions.condition = 'operation'
            and rollup_costs.operation = pool_conditions.condition_value)
        or (pool_conditions.condition = 'usage_type_like'
            and rollup_costs.usage_type like pool_conditions.condition_value)
        or (pool_conditions.condition = 'has_resource'
            and rollup_costs.has_resource = (pool_conditions.condition_value = 'true'))
    group by rollup_costs.rollup_id, pool_conditions.pool_rank, pool_conditions.condition
),

met_counts as (
    select rollup_id, pool_rank, count(*) as met
    from met_conditions
    group by rollup_id, pool_rank
),

-- The conditions of a pool are and-ed; a pool without conditions takes everything.
matching_pools as (
    select
        rollup_costs.rollup_id,
        min(case when pools.overrides_tags then pools.pool_rank end) as overriding_rank,
        min(case when not pools.overrides_tags then pools.pool_rank end) as other_rank
    from rollup_costs
    cross join pools
    left join met_counts
        on met_counts.rollup_id = rollup_costs.rollup_id
        and met_counts.pool_rank = pools.pool_rank
    where coalesce(met_counts.met, 0) = pools.conditions
    group by rollup_costs.rollup_id
)

select *
from matching_pools
