-- Answers: which resources are behind some findings, day by day?
-- One row per: what a row of daily_rollup is, and resource; a blank resource_id is usage without one
-- Reads: line_items
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS
-- Ties to: the sums of the same days in daily_rollup

with

-- Which accounts, products and days are looked at: a condition that is built from the findings.
line_items as (
    select
        usage_date, account_id, currency, line_item_type, product_code, operation, usage_type,
        resource_id, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, mandatory_tags, is_split_view, is_marketplace, usage_amount, split_cost,
        unblended_cost, amortized_cost
    from line_items
    where :wanted
),

finding_resources as (
    select
        usage_date,
        cast(null as varchar) as invoice_id,
        account_id, currency, line_item_type, product_code, operation, usage_type,
        resource_id, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, mandatory_tags, is_split_view,
        count(*) as line_items,
        bool_or(is_marketplace) as is_marketplace,
        coalesce(sum(usage_amount), 0) as usage_amount,
        coalesce(sum(split_cost), 0) as split_cost,
        coalesce(sum(unblended_cost), 0) as unblended_cost,
        coalesce(sum(amortized_cost), 0) as amortized_cost
    from line_items
    group by
        usage_date, account_id, currency, line_item_type, product_code, operation, usage_type,
        resource_id, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, mandatory_tags, is_split_view
)

select *
from finding_resources
