-- Answers: what did each cost center's own line items cost, by the values of some tags?
-- One row per: cost center and values of tags
-- Reads: explored_line_items (value_1 is the resource, value_2 the values of the mandatory tags)
-- Money: charged_cost, exact sums; positive is owed to AWS
-- Ties to: owned_costs, of which each cost center's sums are the same

with

explored_line_items as (
    select cost_center_id, value_2 as tag_values, charged_cost
    from explored_line_items
    where cost_center_id is not null
),

tag_costs as (
    select
        cost_center_id, tag_values, cast(sum(charged_cost) as decimal(38, 10)) as charged_cost
    from explored_line_items
    group by cost_center_id, tag_values
)

select *
from tag_costs
order by cost_center_id, tag_values
