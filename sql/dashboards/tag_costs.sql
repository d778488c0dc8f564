-- Answers: what did each cost center's own line items cost, by the values of some tags?
-- One row per: cost center and values of tags
-- Reads: owned_resources
-- Money: charged_cost, exact sums; positive is owed to AWS
-- Ties to: owned_resources

with

owned_resources as (select cost_center_id, tag_values, charged_cost from owned_resources),

tag_costs as (
    select
        cost_center_id, tag_values, cast(sum(charged_cost) as decimal(38, 10)) as charged_cost
    from owned_resources
    group by cost_center_id, tag_values
)

select *
from tag_costs
order by cost_center_id, tag_values
