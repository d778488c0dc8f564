-- Answers: what did the period cost, by everything that can decide who owns it?
-- One row per: invoice, account, currency, line item type, product, operation, usage type, presence of a
--              resource, cost center tag values, ownership rule, commitment, and whether it is a pod's or task's
--              split cost, or a fee of a day to come
-- Reads: line_items
-- Money: unblended_cost and amortized_cost, exact sums; positive is owed to AWS. split_cost is a second view of
--        other line items' cost. usage_amount is in the unit of its usage type.
-- Ties to: sources_agree_with_control_totals

with

line_items as (
    select
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead, is_marketplace, product_name, usage_amount, split_cost,
        unblended_cost, amortized_cost
    from line_items
),

rollup_costs as (
    select
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead,
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
        max(product_name) as product_name,  -- for readers: it decides nothing, and so is no group
        coalesce(sum(usage_amount), 0) as usage_amount,
        coalesce(sum(split_cost), 0) as split_cost,
        coalesce(sum(unblended_cost), 0) as unblended_cost,
        coalesce(sum(amortized_cost), 0) as amortized_cost
    from line_items
    group by
        invoice_id, account_id, currency, line_item_type, product_code, operation, usage_type,
        has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        commitment_arn, is_split_view, is_ahead
)

select *
from rollup_costs
