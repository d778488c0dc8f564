-- Answers: which line items of the report are behind some postings, and what did each put into them?
-- One row per: posting and line item
-- Reads: line_items (with where each stands in the report), traced_costs (rows of owned_costs behind the
--        postings: who owns a line item is what the close decided of its row of the rollup)
-- Money: amount, the charged cost in the cost basis of the params, or for postings of kind commitment
--        unblended less charged; positive is charged
-- Ties to: the exact amount of each posting

with

line_items as (
    select
        invoice_id, account_id, currency, usage_date, line_item_type, product_code, operation,
        usage_type, resource_id, has_resource, cost_center_tag_1, cost_center_tag_2,
        cost_center_tag_3, ownership_rank, is_split_view, unblended_cost,
        case when :cost_basis = 'amortized' then amortized_cost else unblended_cost end
            as charged_cost,
        source_file, source_row, identity_line_item_id,
        line_item_line_item_description as description,
        resource_tags
    from line_items
    -- What all rows of traced_costs have in common, built from them, so that the engine passes over the rest
    -- of the report without reading its tags.
    where :alike
        and not is_split_view
),

traced_costs as (
    select
        entry_id, line, is_commitment, invoice_id, account_id, line_item_type, product_code,
        operation, usage_type, has_resource, cost_center_tag_1, cost_center_tag_2,
        cost_center_tag_3, ownership_rank
    from traced_costs
),

-- A posting was summed over rows of the rollup, and these are their line items again.
traced_line_items as (
    select
        traced_costs.entry_id, traced_costs.line, line_items.source_file, line_items.source_row,
        line_items.identity_line_item_id, line_items.usage_date, line_items.account_id,
        line_items.product_code, line_items.line_item_type, line_items.operation,
        line_items.usage_type, line_items.resource_id, line_items.description,
        line_items.resource_tags, line_items.unblended_cost, line_items.charged_cost,
        case
            when traced_costs.is_commitment
                then line_items.unblended_cost - line_items.charged_cost
            else line_items.charged_cost
        end as amount
    from line_items
    inner join traced_costs
        on line_items.usage_type = traced_costs.usage_type
        and line_items.operation = traced_costs.operation
        and line_items.line_item_type = traced_costs.line_item_type
        and line_items.has_resource = traced_costs.has_resource
        and line_items.account_id is not distinct from traced_costs.account_id
        and line_items.product_code is not distinct from traced_costs.product_code
        and line_items.invoice_id is not distinct from traced_costs.invoice_id
        and line_items.cost_center_tag_1 is not distinct from traced_costs.cost_center_tag_1
        and line_items.cost_center_tag_2 is not distinct from traced_costs.cost_center_tag_2
        and line_items.cost_center_tag_3 is not distinct from traced_costs.cost_center_tag_3
        and line_items.ownership_rank is not distinct from traced_costs.ownership_rank
)

select *
from traced_line_items
