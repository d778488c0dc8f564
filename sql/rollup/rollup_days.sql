-- Answers: what did each day of an open period cost, by everything that can decide who owns it?
-- One row per: what a row of rollup_costs is, whether or not it is ahead, and day; month_row numbers the former
-- Reads: line_items
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS. split_cost is a second view of
--        other line items' cost. usage_amount is in the unit of its usage type.
-- Ties to: sources_agree_with_control_totals

with

line_items as (
    select
        usage_date, invoice_id, account_id, currency, line_item_type, product_code, operation,
        usage_type, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, commitment_arn, is_split_view, is_marketplace, product_name, usage_amount,
        split_cost, unblended_cost, amortized_cost
    from line_items
),

summed_days as (
    select
        usage_date, invoice_id, account_id, currency, line_item_type, product_code, operation,
        usage_type, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, commitment_arn, is_split_view,
        count(*) as line_items,
        coalesce(
            cast(
                count_if(
                    case when invoice_id is null then unblended_cost <> 0 or amortized_cost <> 0 end
                ) as bigint
            ),
            0
        ) as open_line_items,
        bool_or(is_marketplace) as is_marketplace,
        max(product_name) as product_name,
        coalesce(sum(usage_amount), 0) as usage_amount,
        coalesce(sum(split_cost), 0) as split_cost,
        coalesce(sum(unblended_cost), 0) as unblended_cost,
        coalesce(sum(amortized_cost), 0) as amortized_cost
    from line_items
    group by
        usage_date, invoice_id, account_id, currency, line_item_type, product_code, operation,
        usage_type, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, commitment_arn, is_split_view
),

rollup_days as (
    select
        dense_rank() over (
            order by
                invoice_id, account_id, currency, line_item_type, product_code, operation,
                usage_type, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
                ownership_rank, commitment_arn, is_split_view
        ) as month_row,
        usage_date, invoice_id, account_id, currency, line_item_type, product_code, operation,
        usage_type, has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3,
        ownership_rank, commitment_arn, is_split_view, line_items, open_line_items, is_marketplace,
        product_name, usage_amount, split_cost, unblended_cost, amortized_cost
    from summed_days
)

select *
from rollup_days
