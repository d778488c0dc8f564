-- Answers: who owns each cost, and which rule decided?
-- One row per: row of the rollup; a split view (CUR fact 2.14) is owned for its split cost and charges nothing
-- Reads: rollup_costs, pools, pool_conditions, tag_readings, ownership_rules, cost_centers, accounts
-- Money: unblended_cost and amortized_cost as in the rollup; charged_cost is the one of the cost basis;
--        commitment_cost is unblended less charged: what was prepaid less what was used up
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select
        rollup_id,
        invoice_id,
        account_id,
        product_code,
        line_item_type,
        operation,
        usage_type,
        has_resource,
        cost_center_tag_1,
        cost_center_tag_2,
        cost_center_tag_3,
        ownership_rank,
        is_split_view,
        is_marketplace,
        line_items,
        usage_amount,
        split_cost,
        case when is_split_view then 0 else unblended_cost end as unblended_cost,
        case when is_split_view then 0 else amortized_cost end as amortized_cost,
        case
            when is_split_view then 0
            when :cost_basis = 'amortized' then amortized_cost
            else unblended_cost
        end as charged_cost
    from rollup_costs
),

-- One row for each condition of each pool that a cost meets; the values of a condition are or-ed.
met_conditions as (
    select
        rollup_costs.rollup_id,
        pool_conditions.pool_rank,
        pool_conditions.condition
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
    group by
        rollup_costs.rollup_id,
        pool_conditions.pool_rank,
        pool_conditions.condition
),

met_counts as (
    select
        rollup_id,
        pool_rank,
        count(*) as met
    from met_conditions
    group by
        rollup_id,
        pool_rank
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
        and not pools.is_catch_all
    group by rollup_costs.rollup_id
),

present_tags as (
    select rollup_id, 1 as tag_rank, cost_center_tag_1 as tag_value
    from rollup_costs
    where cost_center_tag_1 is not null
    union all
    select rollup_id, 2 as tag_rank, cost_center_tag_2 as tag_value
    from rollup_costs
    where cost_center_tag_2 is not null
    union all
    select rollup_id, 3 as tag_rank, cost_center_tag_3 as tag_value
    from rollup_costs
    where cost_center_tag_3 is not null
),

-- A value owns when it is read as a cost center in force; all values of the rollup are among the readings.
resolved_tags as (
    select
        present_tags.rollup_id,
        present_tags.tag_rank,
        present_tags.tag_value,
        tag_readings.rule,
        tag_readings.cost_center_id
    from present_tags
    inner join tag_readings
        on tag_readings.tag_rank = present_tags.tag_rank
        and tag_readings.tag_value = present_tags.tag_value
),

deciding_tags as (
    select
        rollup_id,
        min_by(rule, case when cost_center_id is not null then tag_rank end) as rule,
        min_by(cost_center_id, case when cost_center_id is not null then tag_rank end)
            as cost_center_id,
        min_by(tag_value, case when cost_center_id is null then tag_rank end)
            as unusable_tag_value
    from resolved_tags
    group by rollup_id
),

-- A default that is retired owns nothing.
account_defaults as (
    select
        accounts.account_id,
        cost_centers.cost_center_id
    from accounts
    inner join cost_centers
        on cost_centers.cost_center_id = accounts.default_cost_center_id
),

owners as (
    select
        rollup_costs.rollup_id,
        case
            when matching_pools.overriding_rank is not null then matching_pools.overriding_rank
            when deciding_tags.cost_center_id is not null then null
            when ownership_rules.cost_center_id is not null then null
            when matching_pools.other_rank is not null then matching_pools.other_rank
            when account_defaults.cost_center_id is not null then null
            else catch_all.pool_rank
        end as pool_rank,
        coalesce(
            deciding_tags.cost_center_id,
            ownership_rules.cost_center_id,
            account_defaults.cost_center_id
        ) as cost_center_id,
        coalesce(
            deciding_tags.rule,
            concat('ownership:', ownership_rules.rule_id),
            'account-default'
        ) as direct_rule,
        deciding_tags.unusable_tag_value
    from rollup_costs
    cross join pools as catch_all
    left join matching_pools
        on matching_pools.rollup_id = rollup_costs.rollup_id
    left join deciding_tags
        on deciding_tags.rollup_id = rollup_costs.rollup_id
    left join ownership_rules
        on ownership_rules.ownership_rank = rollup_costs.ownership_rank
    left join account_defaults
        on account_defaults.account_id = rollup_costs.account_id
    where catch_all.is_catch_all
),

owned as (
    select
        rollup_costs.rollup_id,
        rollup_costs.invoice_id,
        rollup_costs.account_id,
        rollup_costs.product_code,
        rollup_costs.line_item_type,
        rollup_costs.operation,
        rollup_costs.usage_type,
        rollup_costs.has_resource,
        rollup_costs.cost_center_tag_1,
        rollup_costs.cost_center_tag_2,
        rollup_costs.cost_center_tag_3,
        rollup_costs.ownership_rank,
        rollup_costs.is_split_view,
        rollup_costs.is_marketplace,
        rollup_costs.line_items,
        rollup_costs.usage_amount,
        rollup_costs.split_cost,
        rollup_costs.unblended_cost,
        rollup_costs.amortized_cost,
        rollup_costs.charged_cost,
        rollup_costs.unblended_cost - rollup_costs.charged_cost as commitment_cost,
        case when pools.pool_id is null then owners.cost_center_id end as cost_center_id,
        pools.pool_id,
        coalesce(concat('pool:', pools.pool_id), owners.direct_rule) as rule,
        owners.unusable_tag_value
    from rollup_costs
    inner join owners
        on owners.rollup_id = rollup_costs.rollup_id
    left join pools
        on pools.pool_rank = owners.pool_rank
)

select
    rollup_id,
    invoice_id,
    account_id,
    product_code,
    line_item_type,
    operation,
    usage_type,
    has_resource,
    cost_center_tag_1,
    cost_center_tag_2,
    cost_center_tag_3,
    ownership_rank,
    is_split_view,
    is_marketplace,
    line_items,
    usage_amount,
    split_cost,
    unblended_cost,
    amortized_cost,
    charged_cost,
    commitment_cost,
    cost_center_id,
    pool_id,
    rule,
    unusable_tag_value
from owned
order by rollup_id
