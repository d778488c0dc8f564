-- Answers: has an account id of the report lost a digit, as spreadsheets and numbers lose a leading zero?
-- One row per: account id that is not 12 digits
-- Reads: rollup_costs
-- Money: unblended_cost, exact; positive is owed to AWS
-- Ties to: account_ids_have_twelve_digits

with

rollup_costs as (
    select account_id, line_items, unblended_cost
    from rollup_costs
)

select
    coalesce(account_id, '(none)') as account_id,
    sum(line_items) as line_items,
    sum(unblended_cost) as unblended_cost
from rollup_costs
where not regexp_like(coalesce(account_id, ''), '^[0-9]{12}\z')
group by account_id
order by account_id
