-- Answers: what did each resource cost its owner?
-- One row per: cost center, account, product and resource; usage without a resource is left out
-- Reads: owned_resources
-- Money: charged_cost, exact sums; positive is owed to AWS
-- Ties to: owned_resources

with

owned_resources as (
    select cost_center_id, account_id, product_code, resource_id, charged_cost
    from owned_resources
    where resource_id <> ''
),

resource_costs as (
    select
        cost_center_id, account_id, product_code, resource_id,
        cast(sum(charged_cost) as decimal(38, 10)) as charged_cost
    from owned_resources
    group by cost_center_id, account_id, product_code, resource_id
)

select *
from resource_costs
order by cost_center_id, account_id, product_code, resource_id
