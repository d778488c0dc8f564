-- Answers: how many gigabytes of logs did each cost center's own resources write?
-- One row per: cost center that wrote logs
-- Reads: owned_costs
-- Money: none; weight is in gigabytes ingested by CloudWatch Logs, vended logs included
-- Ties to: the weights of the pool's postings

with

owned_costs as (
    select cost_center_id, usage_type, usage_amount
    from owned_costs
    where cost_center_id is not null
        and product_code = 'AmazonCloudWatch'
)

select
    cost_center_id,
    sum(usage_amount) as weight
from owned_costs
where usage_type like '%DataProcessing-Bytes'
    or usage_type like '%DataProcessingIA-Bytes'
    or usage_type like '%VendedLog-Bytes'
    or usage_type like '%VendedLogIA-Bytes'
group by cost_center_id
order by cost_center_id
