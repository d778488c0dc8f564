-- Answers: which tag key of cost_center_tags does no line item carry?
-- One row per: tag key without a value, when there is a line item at all
-- Reads: rollup_costs, tag_keys
-- Money: none
-- Ties to: tag_keys_are_carried

with

rollup_costs as (
    select cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, line_items
    from rollup_costs
),

tag_keys as (
    select tag_rank, tag_key
    from tag_keys
),

carried as (
    select
        sum(line_items) as line_items,
        coalesce(sum(case when cost_center_tag_1 is not null then line_items end), 0) as first_tag,
        coalesce(sum(case when cost_center_tag_2 is not null then line_items end), 0) as second_tag,
        coalesce(sum(case when cost_center_tag_3 is not null then line_items end), 0) as third_tag
    from rollup_costs
)

select
    tag_keys.tag_key,
    carried.line_items
from tag_keys
cross join carried
where carried.line_items > 0
    and case tag_keys.tag_rank
        when 1 then carried.first_tag
        when 2 then carried.second_tag
        else carried.third_tag
    end = 0
order by tag_key
