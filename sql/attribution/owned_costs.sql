-- Answers: who owns each cost, and which rule decided?
-- One row per: row of the rollup; a split view (CUR fact 2.14) is owned for its split cost and charges nothing
-- Reads: rollup_costs, pools, matching_pools, deciding_tags, ownership_rules, cost_centers, accounts
-- Money: unblended_cost and amortized_cost as in the rollup; charged_cost is the one of the cost basis;
--        commitment_cost is unblended less charged: what was prepaid less what was used up
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select
        rollup_id, invoice_id, account_id, product_code, line_item_type, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        is_split_view, is_marketplace, line_items, usage_amount, split_cost,
        case when is_split_view then 0 else unblended_cost end as unblended_cost,
        case when is_split_view then 0 else amortized_cost end as amortized_cost,
        case
            when is_split_view then 0
            when :cost_basis = 'amortized' then amortized_cost
            else unblended_cost
        end as charged_cost
    from rollup_costs
),

pools as (
    select pool_rank, pool_id, is_catch_all
    from pools
),

matching_pools as (
    select rollup_id, overriding_rank, other_rank
    from matching_pools
),

deciding_tags as (
    select rollup_id, rule, cost_center_id, unusable_tag_value
    from deciding_tags
),

ownership_rules as (
    select ownership_rank, rule_id, cost_center_id
    from ownership_rules
),

cost_centers as (
    select cost_center_id
    from cost_centers
),

accounts as (
    select account_id, default_cost_center_id
    from accounts
),

-- A default that is retired owns nothing.
account_defaults as (
    select accounts.account_id, cost_centers.cost_center_id
    from accounts
    inner join cost_centers
        on cost_centers.cost_center_id = accounts.default_cost_center_id
),

-- The order of the rules: a pool owns where its rank is found, else whoever is first named.
owned_costs as (
    select
        rollup_costs.rollup_id, rollup_costs.invoice_id, rollup_costs.account_id,
        rollup_costs.product_code, rollup_costs.line_item_type, rollup_costs.operation,
        rollup_costs.usage_type, rollup_costs.has_resource, rollup_costs.cost_center_tag_1,
        rollup_costs.cost_center_tag_2, rollup_costs.cost_center_tag_3, rollup_costs.ownership_rank,
        rollup_costs.is_split_view, rollup_costs.is_marketplace, rollup_costs.line_items,
        rollup_costs.usage_amount, rollup_costs.split_cost, rollup_costs.unblended_cost,
        rollup_costs.amortized_cost, rollup_costs.charged_cost,
        rollup_costs.unblended_cost - rollup_costs.charged_cost as commitment_cost,
        case
            when pools.pool_id is null
                then coalesce(
                    deciding_tags.cost_center_id,
                    ownership_rules.cost_center_id,
                    account_defaults.cost_center_id
                )
        end as cost_center_id,
        pools.pool_id,
        coalesce(
            concat('pool:', pools.pool_id),
            deciding_tags.rule,
            concat('ownership:', ownership_rules.rule_id),
            'account-default'
        ) as rule,
        deciding_tags.unusable_tag_value
    from rollup_costs
    inner join deciding_tags on deciding_tags.rollup_id = rollup_costs.rollup_id
    cross join pools as catch_all
    left join matching_pools on matching_pools.rollup_id = rollup_costs.rollup_id
    left join ownership_rules on ownership_rules.ownership_rank = rollup_costs.ownership_rank
    left join account_defaults on account_defaults.account_id = rollup_costs.account_id
    left join pools
        on pools.pool_rank = case
            when matching_pools.overriding_rank is not null then matching_pools.overriding_rank
            when deciding_tags.cost_center_id is not null then null
            when ownership_rules.cost_center_id is not null then null
            when matching_pools.other_rank is not null then matching_pools.other_rank
            when account_defaults.cost_center_id is not null then null
            else catch_all.pool_rank
        end
    where catch_all.is_catch_all
)

select *
from owned_costs
order by rollup_id
