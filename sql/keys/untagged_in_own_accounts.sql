-- Answers: how much untagged cost lies in the accounts of each unit, and which of its cost centers stands for it?
-- One row per: cost center that owns most of the cost in an account of its unit alone, with untagged cost there
-- Reads: owned_costs, accounts, cost_centers, pools
-- Money: weight is the charged cost that fell to the pool of what nobody owns, positive; below zero, because of
--        credits, it is zero. An account is a unit's as on statements: every cost in it that has an owner is this
--        unit's. What lies in accounts of several units, or of nobody, weighs for nobody and is split with the rest.
--        (An account with a default cost center in force has no untagged cost; with one that ended it is nobody's.)
-- Ties to: the weights of the pool's postings

with

owned_costs as (
    select account_id, cost_center_id, pool_id, charged_cost
    from owned_costs
),

accounts as (
    select account_id
    from accounts
    where coalesce(default_cost_center_id, '') = ''
),

cost_centers as (
    select cost_center_id, business_unit_id
    from cost_centers
),

pools as (
    select pool_id
    from pools
    where is_catch_all
),

owners as (
    select
        owned_costs.account_id,
        owned_costs.cost_center_id,
        cost_centers.business_unit_id,
        sum(owned_costs.charged_cost) as owned_cost
    from owned_costs
    inner join accounts
        on accounts.account_id = owned_costs.account_id
    inner join cost_centers
        on cost_centers.cost_center_id = owned_costs.cost_center_id
    group by owned_costs.account_id, owned_costs.cost_center_id, cost_centers.business_unit_id
),

one_unit_accounts as (
    select account_id
    from owners
    group by account_id
    having min(business_unit_id) = max(business_unit_id)
),

-- Of the unit's cost centers the one that spends most there; of equal ones the first by id.
ranked_owners as (
    select
        owners.account_id,
        owners.cost_center_id,
        row_number() over (
            partition by owners.account_id
            order by owners.owned_cost desc, owners.cost_center_id
        ) as owner_rank
    from owners
    inner join one_unit_accounts
        on one_unit_accounts.account_id = owners.account_id
),

untagged_costs as (
    select
        owned_costs.account_id,
        sum(owned_costs.charged_cost) as untagged_cost
    from owned_costs
    inner join pools
        on pools.pool_id = owned_costs.pool_id
    group by owned_costs.account_id
),

weights as (
    select
        ranked_owners.cost_center_id,
        sum(untagged_costs.untagged_cost) as untagged_cost
    from untagged_costs
    inner join ranked_owners
        on ranked_owners.account_id = untagged_costs.account_id
        and ranked_owners.owner_rank = 1
    group by ranked_owners.cost_center_id
)

select
    cost_center_id,
    case when untagged_cost > 0 then untagged_cost else 0 end as weight
from weights
order by cost_center_id
