-- Answers: what did an open period cost so far, by everything that can decide who owns it?
-- One row per: what a row of rollup_costs is
-- Reads: rollup_days (those after the last day of usage are marked as ahead)
-- Money: as rollup_days
-- Ties to: sources_agree_with_control_totals

with

rollup_days as (
    select
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead, line_items, open_line_items, is_marketplace,
        product_name, usage_amount, split_cost, unblended_cost, amortized_cost
    from rollup_days
),

rollup_costs as (
    select
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead,
        cast(sum(line_items) as bigint) as line_items,
        cast(sum(open_line_items) as bigint) as open_line_items,
        bool_or(is_marketplace) as is_marketplace,
        max(product_name) as product_name,
        sum(usage_amount) as usage_amount,
        sum(split_cost) as split_cost,
        sum(unblended_cost) as unblended_cost,
        sum(amortized_cost) as amortized_cost
    from rollup_days
    group by
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead
)

select *
from rollup_costs
