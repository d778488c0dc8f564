-- Answers: is more of the charged cost owned by nobody than policy.toml allows?
-- One row per: the pool of what nobody owns, when it holds too much (at most one)
-- Reads: owned_costs, limits
-- Money: charged cost without its sign, so that a credit does not hide what it is set off against; the limit is
--        in percent of charged_cost
-- Ties to: nobodys_share_is_within_its_limit

with

owned_costs as (
    select pool_id, abs(charged_cost) as charged_cost
    from owned_costs
),

limits as (
    select catch_all_pool_id, unowned_limit_percent
    from limits
),

shares as (
    select
        limits.catch_all_pool_id,
        limits.unowned_limit_percent,
        sum(owned_costs.charged_cost) as charged_cost,
        coalesce(
            sum(case when owned_costs.pool_id = limits.catch_all_pool_id then owned_costs.charged_cost end),
            0
        ) as unowned_cost
    from owned_costs
    cross join limits
    group by
        limits.catch_all_pool_id,
        limits.unowned_limit_percent
)

select
    catch_all_pool_id as pool_id,
    unowned_cost,
    charged_cost,
    unowned_limit_percent as limit_percent
from shares
where unowned_cost * 100 > unowned_limit_percent * charged_cost
order by pool_id
