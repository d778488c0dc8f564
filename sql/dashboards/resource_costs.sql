-- Answers: what did each resource cost its owner?
-- One row per: cost center, account, product and resource; usage without a resource is left out
-- Reads: explored_line_items (value_1 is the resource, value_2 the values of the mandatory tags)
-- Money: charged_cost, exact sums; positive is owed to AWS
-- Ties to: explored_line_items

with

explored_line_items as (
    select cost_center_id, account_id, product_code, value_1 as resource_id, charged_cost
    from explored_line_items
    where cost_center_id is not null
        and value_1 <> ''
),

resource_costs as (
    select
        cost_center_id, account_id, product_code, resource_id,
        cast(sum(charged_cost) as decimal(38, 10)) as charged_cost
    from explored_line_items
    group by cost_center_id, account_id, product_code, resource_id
)

select *
from resource_costs
order by cost_center_id, account_id, product_code, resource_id
