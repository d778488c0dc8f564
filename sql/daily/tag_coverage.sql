-- Answers: how much of each account's taggable cost carries each mandatory tag with a value?
-- One row per: account and mandatory tag
-- Reads: daily_costs, mandatory_tags
-- Money: taggable and tagged cost, exact sums by both bases; any value counts, usable or not
-- Ties to: sources_agree_with_control_totals

with

daily_costs as (
    select account_id, mandatory_tags, unblended_cost, amortized_cost
    from daily_costs
    where is_taggable
),

mandatory_tags as (
    select tag_key, tag_position
    from mandatory_tags
),

tagged_costs as (
    select
        daily_costs.account_id,
        mandatory_tags.tag_key,
        mandatory_tags.tag_position,
        substr(daily_costs.mandatory_tags, mandatory_tags.tag_position, 1) = '1' as is_tagged,
        daily_costs.unblended_cost,
        daily_costs.amortized_cost
    from daily_costs
    cross join mandatory_tags
)

select
    account_id,
    tag_key,
    cast(sum(unblended_cost) as decimal(38, 10)) as taggable_unblended_cost,
    cast(sum(amortized_cost) as decimal(38, 10)) as taggable_amortized_cost,
    cast(sum(case when is_tagged then unblended_cost else 0 end) as decimal(38, 10))
        as tagged_unblended_cost,
    cast(sum(case when is_tagged then amortized_cost else 0 end) as decimal(38, 10))
        as tagged_amortized_cost
from tagged_costs
group by
    account_id,
    tag_key,
    tag_position
order by
    account_id,
    tag_position
