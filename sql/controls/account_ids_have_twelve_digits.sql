-- Answers: has an account id of AWS lost a digit, as spreadsheets and numbers lose a leading zero?
-- One row per: account id that is not 12 digits, and that no other provider delivered
-- Reads: rollup_costs, provider_accounts
-- Money: unblended_cost, exact; positive is owed to AWS
-- Ties to: account_ids_have_twelve_digits

with

rollup_costs as (
    select account_id, line_items, unblended_cost
    from rollup_costs
),

provider_accounts as (
    select account_id
    from provider_accounts
)

select
    coalesce(rollup_costs.account_id, '(none)') as account_id,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost
from rollup_costs
left join provider_accounts
    on provider_accounts.account_id = rollup_costs.account_id
where provider_accounts.account_id is null
    and not regexp_like(coalesce(rollup_costs.account_id, ''), '^[0-9]{12}\z')
group by rollup_costs.account_id
order by account_id
