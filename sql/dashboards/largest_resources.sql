-- Answers: which resources cost each cost center most, and what did they cost it the month before?
-- One row per: cost center, account, product and resource, at most so many a cost center as are asked for
-- Reads: resource_costs, previous_costs (the same of the month before)
-- Money: charged_cost and previous_cost, exact; previous_cost is 0 where the resource was not there
-- Ties to: resource_costs

with

resource_costs as (
    select
        cost_center_id, account_id, product_code, resource_id, charged_cost,
        row_number() over (
            partition by cost_center_id
            order by charged_cost desc, resource_id, account_id, product_code
        ) as place
    from resource_costs
),

previous_costs as (
    select cost_center_id, account_id, product_code, resource_id, charged_cost
    from previous_costs
),

largest_resources as (
    select
        resource_costs.cost_center_id, resource_costs.account_id, resource_costs.product_code,
        resource_costs.resource_id, resource_costs.charged_cost,
        coalesce(previous_costs.charged_cost, 0) as previous_cost
    from resource_costs
    left join previous_costs
        on previous_costs.cost_center_id = resource_costs.cost_center_id
        and previous_costs.resource_id = resource_costs.resource_id
        and previous_costs.account_id is not distinct from resource_costs.account_id
        and previous_costs.product_code is not distinct from resource_costs.product_code
    where resource_costs.place <= :most
)

select *
from largest_resources
order by cost_center_id, charged_cost desc, resource_id, account_id, product_code
