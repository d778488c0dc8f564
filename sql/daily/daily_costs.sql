-- Answers: what did each day cost whom, and can it be tagged and is it?
-- One row per: day, account, product, line item type, owner, rule, whether it can be tagged, whether a pool takes it
--              whatever its tags say, what its cost center tags say and the letters of its mandatory tags
-- Reads: daily_rollup, owned_costs, deciding_tags (of the same rows), cost_centers, pools
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS. A split view (CUR fact 2.14) costs
--        nothing and is left out
-- Ties to: sources_agree_with_control_totals

with

daily_rollup as (
    select rollup_id, usage_date, mandatory_tags
    from daily_rollup
),

owned_costs as (
    select
        rollup_id, account_id, product_code, line_item_type, has_resource, cost_center_id, pool_id,
        rule, line_items, unblended_cost, amortized_cost
    from owned_costs
),

-- What the tags say by themselves, whether or not a pool went before them.
deciding_tags as (
    select
        rollup_id,
        case
            when cost_center_id is not null then 'usable'
            when unusable_tag_value is not null then 'unusable'
            else 'missing'
        end as tag_state,
        case when cost_center_id is null then unusable_tag_value end as unusable_tag_value
    from deciding_tags
),

cost_centers as (
    select cost_center_id, business_unit_id
    from cost_centers
),

overriding_pools as (
    select pool_id
    from pools
    where overrides_tags
),

owned_days as (
    select
        daily_rollup.usage_date, owned_costs.account_id, owned_costs.product_code,
        owned_costs.line_item_type, owned_costs.cost_center_id, cost_centers.business_unit_id,
        owned_costs.pool_id, owned_costs.rule, owned_costs.has_resource as is_taggable,
        overriding_pools.pool_id is not null as is_overridden,
        deciding_tags.tag_state, deciding_tags.unusable_tag_value, daily_rollup.mandatory_tags,
        owned_costs.line_items, owned_costs.unblended_cost, owned_costs.amortized_cost
    from owned_costs
    inner join daily_rollup on daily_rollup.rollup_id = owned_costs.rollup_id
    inner join deciding_tags on deciding_tags.rollup_id = owned_costs.rollup_id
    left join cost_centers on cost_centers.cost_center_id = owned_costs.cost_center_id
    left join overriding_pools on overriding_pools.pool_id = owned_costs.pool_id
),

daily_costs as (
    select
        usage_date, account_id, product_code, line_item_type, cost_center_id, business_unit_id,
        pool_id, rule, is_taggable, is_overridden, tag_state, unusable_tag_value, mandatory_tags,
        cast(sum(line_items) as bigint) as line_items,
        cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
        cast(sum(amortized_cost) as decimal(38, 10)) as amortized_cost
    from owned_days
    group by
        usage_date, account_id, product_code, line_item_type, cost_center_id, business_unit_id,
        pool_id, rule, is_taggable, is_overridden, tag_state, unusable_tag_value, mandatory_tags
)

select *
from daily_costs
order by
    usage_date, account_id, product_code, line_item_type, rule, cost_center_id, is_taggable,
    is_overridden, tag_state, unusable_tag_value, mandatory_tags
