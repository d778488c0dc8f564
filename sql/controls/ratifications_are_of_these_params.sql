-- Answers: is the ratification in force that of the built-in sample, on a report that is not the sample's?
-- One row per: such a ratification, and account that the sample does not have
-- Reads: rollup_costs, ratifications, sample_accounts
-- Money: none
-- Ties to: ratifications_are_of_these_params

with

rollup_costs as (
    select account_id, line_items
    from rollup_costs
),

ratifications as (
    select rules_digest, reference
    from ratifications
    where is_of_the_sample
),

sample_accounts as (
    select account_id
    from sample_accounts
)

select
    ratifications.rules_digest,
    ratifications.reference,
    rollup_costs.account_id,
    sum(rollup_costs.line_items) as line_items
from rollup_costs
cross join ratifications
left join sample_accounts
    on sample_accounts.account_id = rollup_costs.account_id
where sample_accounts.account_id is null
group by
    ratifications.rules_digest,
    ratifications.reference,
    rollup_costs.account_id
order by
    rules_digest,
    account_id
