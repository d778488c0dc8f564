-- Answers: does the report lack a column that the effective cost of one of its line items is made of?
--          (Another provider's report says the effective cost itself.)
-- One row per: line item type and absent column
-- Reads: rollup_costs, absent_columns, amortized_columns, provider_accounts, policy
-- Money: none
-- Ties to: amortized_cost_has_its_columns

with

rollup_costs as (
    select account_id, line_item_type, line_items
    from rollup_costs
),

provider_accounts as (
    select account_id
    from provider_accounts
),

absent_columns as (
    select column_name
    from absent_columns
),

amortized_columns as (
    select line_item_type, column_name
    from amortized_columns
),

policy as (
    select cost_basis
    from policy
)

select
    amortized_columns.line_item_type,
    amortized_columns.column_name as absent_column,
    sum(rollup_costs.line_items) as line_items
from amortized_columns
inner join absent_columns
    on absent_columns.column_name = amortized_columns.column_name
inner join rollup_costs
    on rollup_costs.line_item_type = amortized_columns.line_item_type
left join provider_accounts
    on provider_accounts.account_id = rollup_costs.account_id
cross join policy
where policy.cost_basis = 'amortized'
    and provider_accounts.account_id is null
group by
    amortized_columns.line_item_type,
    amortized_columns.column_name
order by
    line_item_type,
    absent_column
