-- Answers: is every line item in the currency of the policy? Currencies are never added (CUR fact 6.13).
-- One row per: other currency
-- Reads: rollup_costs, policy
-- Money: unblended_cost in the row's own currency
-- Ties to: one_currency_is_billed

with

rollup_costs as (
    select currency, line_items, unblended_cost
    from rollup_costs
),

policy as (
    select currency
    from policy
)

select
    coalesce(rollup_costs.currency, '(none)') as currency,
    policy.currency as policy_currency,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost
from rollup_costs
cross join policy
where coalesce(rollup_costs.currency, '') <> policy.currency
group by
    rollup_costs.currency,
    policy.currency
order by currency
