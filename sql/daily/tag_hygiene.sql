-- Answers: how much of each account's and service's cost could carry tags, and how much lacks a usable one?
-- One row per: day, account and product
-- Reads: daily_costs
-- Money: exact sums by unblended and by amortized cost; positive is owed to AWS. Taggable is usable, unusable and
--        missing together; what has no resource is untaggable; what a pool takes whatever its tags say is overridden
-- Ties to: sources_agree_with_control_totals

with

daily_costs as (
    select
        usage_date,
        account_id,
        product_code,
        is_taggable and not is_overridden as is_taggable,
        is_taggable and is_overridden as is_overridden,
        tag_state,
        line_items,
        unblended_cost,
        amortized_cost
    from daily_costs
)

select
    usage_date,
    account_id,
    product_code,
    cast(sum(line_items) as bigint) as line_items,
    cast(sum(case when is_taggable then unblended_cost else 0 end) as decimal(38, 10))
        as taggable_unblended_cost,
    cast(sum(case when is_taggable then amortized_cost else 0 end) as decimal(38, 10))
        as taggable_amortized_cost,
    cast(sum(case when is_taggable and tag_state = 'missing' then unblended_cost else 0 end)
        as decimal(38, 10)) as missing_unblended_cost,
    cast(sum(case when is_taggable and tag_state = 'missing' then amortized_cost else 0 end)
        as decimal(38, 10)) as missing_amortized_cost,
    cast(sum(case when is_taggable and tag_state = 'unusable' then unblended_cost else 0 end)
        as decimal(38, 10)) as unusable_unblended_cost,
    cast(sum(case when is_taggable and tag_state = 'unusable' then amortized_cost else 0 end)
        as decimal(38, 10)) as unusable_amortized_cost,
    cast(sum(case when is_taggable or is_overridden then 0 else unblended_cost end)
        as decimal(38, 10)) as untaggable_unblended_cost,
    cast(sum(case when is_taggable or is_overridden then 0 else amortized_cost end)
        as decimal(38, 10)) as untaggable_amortized_cost,
    cast(sum(case when is_overridden then unblended_cost else 0 end) as decimal(38, 10))
        as overridden_unblended_cost,
    cast(sum(case when is_overridden then amortized_cost else 0 end) as decimal(38, 10))
        as overridden_amortized_cost
from daily_costs
group by
    usage_date,
    account_id,
    product_code
order by
    usage_date,
    account_id,
    product_code
