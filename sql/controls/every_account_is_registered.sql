-- Answers: which account has a cost in the report and is in no row of accounts.csv that holds in the period?
-- One row per: account that is not registered
-- Reads: rollup_costs, accounts
-- Money: unblended_cost, exact; positive is owed to AWS
-- Ties to: every_account_is_registered

with

rollup_costs as (
    select account_id, line_items, unblended_cost, amortized_cost
    from rollup_costs
    where not is_split_view
),

accounts as (
    select account_id
    from accounts
)

select
    rollup_costs.account_id,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost
from rollup_costs
left join accounts
    on accounts.account_id = rollup_costs.account_id
where accounts.account_id is null
group by rollup_costs.account_id
having sum(abs(rollup_costs.unblended_cost) + abs(rollup_costs.amortized_cost)) > 0
order by
    unblended_cost desc,
    account_id
