-- Answers: which values of the cost center tags name nobody, and what do they cost?
-- One row per: account and value
-- Reads: daily_costs
-- Money: exact sums by both bases of taggable cost that no other cost center tag names an owner for
-- Ties to: sources_agree_with_control_totals

with

daily_costs as (
    select account_id, unusable_tag_value, line_items, unblended_cost, amortized_cost
    from daily_costs
    where is_taggable
        and not is_overridden
        and tag_state = 'unusable'
)

select
    account_id,
    unusable_tag_value as tag_value,
    cast(sum(line_items) as bigint) as line_items,
    cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(amortized_cost) as decimal(38, 10)) as amortized_cost
from daily_costs
group by
    account_id,
    unusable_tag_value
order by
    account_id,
    tag_value
