-- Answers: which resources of some accounts have no usable cost center tag, and what do they cost?
-- One row per: account, product and resource
-- Reads: resource_rollup, owned_costs, deciding_tags (of the same rows), pools
-- Money: exact sums by both bases; positive is owed to AWS. What a pool takes whatever its tags say is left out
-- Ties to: tag_hygiene, which sums the same line items without their resources

with

resource_rollup as (
    select rollup_id, resource_id
    from resource_rollup
    where has_resource
),

owned_costs as (
    select rollup_id, account_id, product_code, pool_id, unblended_cost, amortized_cost
    from owned_costs
),

untagged_rows as (
    select rollup_id
    from deciding_tags
    where cost_center_id is null
),

overriding_pools as (
    select pool_id
    from pools
    where overrides_tags
),

untagged_resources as (
    select
        owned_costs.account_id, owned_costs.product_code, resource_rollup.resource_id,
        cast(sum(owned_costs.unblended_cost) as decimal(38, 10)) as unblended_cost,
        cast(sum(owned_costs.amortized_cost) as decimal(38, 10)) as amortized_cost
    from owned_costs
    inner join resource_rollup on resource_rollup.rollup_id = owned_costs.rollup_id
    inner join untagged_rows on untagged_rows.rollup_id = owned_costs.rollup_id
    left join overriding_pools on overriding_pools.pool_id = owned_costs.pool_id
    where overriding_pools.pool_id is null
    group by owned_costs.account_id, owned_costs.product_code, resource_rollup.resource_id
)

select *
from untagged_resources
order by account_id, product_code, resource_id
