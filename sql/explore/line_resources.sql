-- Answers: which resources is a line of the statement made of, and what did each cost?
-- One row per: resource, line item type, operation and usage type; a blank resource_id is a charge without one
-- Reads: line_items, line_keys (the rollup rows behind the line)
-- Money: charged_cost, an exact sum in the cost basis of the params; positive is charged
-- Ties to: the exact amount of the line's postings

with

line_items as (
    select
        invoice_id,
        account_id,
        line_item_type,
        product_code,
        operation,
        usage_type,
        has_resource,
        cost_center_tag_1,
        cost_center_tag_2,
        cost_center_tag_3,
        ownership_rank,
        is_split_view,
        resource_id,
        case when :cost_basis = 'amortized' then amortized_cost else unblended_cost end
            as charged_cost
    from line_items
),

line_keys as (
    select
        invoice_id,
        account_id,
        line_item_type,
        product_code,
        operation,
        usage_type,
        has_resource,
        cost_center_tag_1,
        cost_center_tag_2,
        cost_center_tag_3,
        ownership_rank
    from line_keys
),

-- The line of a statement was summed over rows of the rollup, and these are their line items again.
behind_the_line as (
    select
        line_items.resource_id,
        line_items.line_item_type,
        line_items.operation,
        line_items.usage_type,
        line_items.charged_cost
    from line_items
    inner join line_keys
        on line_items.invoice_id is not distinct from line_keys.invoice_id
        and line_items.account_id = line_keys.account_id
        and line_items.line_item_type = line_keys.line_item_type
        and line_items.product_code = line_keys.product_code
        and line_items.operation = line_keys.operation
        and line_items.usage_type = line_keys.usage_type
        and line_items.has_resource = line_keys.has_resource
        and line_items.cost_center_tag_1 is not distinct from line_keys.cost_center_tag_1
        and line_items.cost_center_tag_2 is not distinct from line_keys.cost_center_tag_2
        and line_items.cost_center_tag_3 is not distinct from line_keys.cost_center_tag_3
        and line_items.ownership_rank is not distinct from line_keys.ownership_rank
    where not line_items.is_split_view
),

resources as (
    select
        resource_id,
        line_item_type,
        operation,
        usage_type,
        count(*) as line_items,
        sum(charged_cost) as charged_cost
    from behind_the_line
    group by
        resource_id,
        line_item_type,
        operation,
        usage_type
)

select
    resource_id,
    line_item_type,
    operation,
    usage_type,
    line_items,
    charged_cost
from resources
order by
    resource_id,
    line_item_type,
    operation,
    usage_type
