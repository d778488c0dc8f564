-- Answers: what did each day of the period cost, by everything that can decide who owns it and what tags it has?
-- One row per: what a row of rollup_costs is, without invoice, and day and letters of the mandatory tags
-- Reads: line_items
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS
-- Ties to: sources_agree_with_control_totals

with

line_items as (
    select
        usage_date, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        mandatory_tags, is_split_view, is_marketplace, product_name, usage_amount, split_cost,
        unblended_cost, amortized_cost
    from line_items
),

daily_rollup as (
    select
        usage_date,
        cast(null as varchar) as invoice_id,
        account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        mandatory_tags, is_split_view,
        count(*) as line_items,
        bool_or(is_marketplace) as is_marketplace,
        max(product_name) as product_name,
        coalesce(sum(usage_amount), 0) as usage_amount,
        coalesce(sum(split_cost), 0) as split_cost,
        coalesce(sum(unblended_cost), 0) as unblended_cost,
        coalesce(sum(amortized_cost), 0) as amortized_cost
    from line_items
    group by
        usage_date, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        mandatory_tags, is_split_view
)

select *
from daily_rollup
