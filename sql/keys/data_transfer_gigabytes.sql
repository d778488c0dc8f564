-- Answers: how many gigabytes did each cost center's own resources move?
-- One row per: cost center with data transfer
-- Reads: owned_costs
-- Money: none; weight is in gigabytes, the unit of usage types that end in -Bytes. What comes in is free at AWS
--        and is left out; a gigabyte that passes a gateway and then leaves counts at each of them.
-- Ties to: the weights of the pool's postings

with

owned_costs as (
    select cost_center_id, usage_type, usage_amount
    from owned_costs
    where cost_center_id is not null
)

select
    cost_center_id,
    sum(usage_amount) as weight
from owned_costs
where usage_type like '%Out-Bytes'
    or usage_type like '%DataTransfer-Regional-Bytes'
    or usage_type like '%NatGateway-Bytes'
    or usage_type like '%TransitGateway-Bytes'
    or usage_type like '%VpcEndpoint-Bytes'
group by cost_center_id
order by cost_center_id
