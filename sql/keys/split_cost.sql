-- Answers: what did the pods and tasks of each cost center use, and leave unused, of the pool's instances?
-- One row per: cost center with pods or tasks in an account where the pool has cost
-- Reads: split_costs, owned_costs
-- Money: weight is the split cost of CUR fact 2.14, amortized, positive; the pool's own cost is what AWS billed
-- Ties to: the weights of the pool's postings

with

split_costs as (
    select account_id, cost_center_id, split_cost
    from split_costs
    where cost_center_id is not null
),

pool_accounts as (
    select account_id
    from owned_costs
    where pool_id = :pool_id
    group by account_id
)

select
    split_costs.cost_center_id,
    sum(split_costs.split_cost) as weight
from split_costs
inner join pool_accounts
    on pool_accounts.account_id = split_costs.account_id
group by split_costs.cost_center_id
having sum(split_costs.split_cost) >= 0
order by split_costs.cost_center_id
