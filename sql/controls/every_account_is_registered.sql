-- Answers: which account has a cost in the report and is in no row of accounts.csv that holds in the period, as one
--          of the provider that delivered it?
-- One row per: account that is not registered, with its provider
-- Reads: rollup_costs, accounts, provider_accounts
-- Money: unblended_cost, exact; positive is owed to AWS
-- Ties to: every_account_is_registered

with

rollup_costs as (
    select account_id, line_items, unblended_cost, amortized_cost
    from rollup_costs
    where not is_split_view
),

accounts as (
    select account_id, provider
    from accounts
),

provider_accounts as (
    select account_id, provider
    from provider_accounts
)

select
    rollup_costs.account_id,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost,
    coalesce(provider_accounts.provider, 'AWS') as provider
from rollup_costs
left join provider_accounts
    on provider_accounts.account_id = rollup_costs.account_id
left join accounts
    on accounts.account_id = rollup_costs.account_id
    and accounts.provider = coalesce(provider_accounts.provider, '')
where accounts.account_id is null
group by
    rollup_costs.account_id,
    provider_accounts.provider
having sum(abs(rollup_costs.unblended_cost) + abs(rollup_costs.amortized_cost)) > 0
order by
    unblended_cost desc,
    account_id
