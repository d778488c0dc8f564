-- Answers: what did the line items that cost centers own cost, by resource and by the values of some tags?
-- One row per: cost center, account, product, resource (blank where a line item names none) and values of tags
-- Reads: line_items (with the tags of the report), owned_costs (who owns a line item is what the close decided
--        of its row of the rollup)
-- Money: charged_cost in the cost basis of the params; exact sums, positive is owed to AWS
-- Ties to: owned_costs, of which each cost center's sums are the same

with

line_items as (
    select
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        resource_id, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank,
        case when :cost_basis = 'amortized' then amortized_cost else unblended_cost end
            as charged_cost,
        -- The values of the mandatory tags, one after the other: an expression that is built from the policy.
        :tag_values as tag_values
    from line_items
    where not is_split_view
        and not is_ahead
),

-- Rows that differ by their commitment only have one owner, for a commitment decides none.
owned_costs as (
    select
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id
    from owned_costs
    where cost_center_id is not null
    group by
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id
),

-- These columns decide an owner, so that each line item meets one row.
owned_line_items as (
    select
        owned_costs.cost_center_id, line_items.account_id, line_items.product_code,
        line_items.resource_id, line_items.tag_values, line_items.charged_cost
    from line_items
    inner join owned_costs
        on line_items.usage_type = owned_costs.usage_type
        and line_items.operation = owned_costs.operation
        and line_items.line_item_type = owned_costs.line_item_type
        and line_items.has_resource = owned_costs.has_resource
        and line_items.account_id is not distinct from owned_costs.account_id
        and line_items.product_code is not distinct from owned_costs.product_code
        and line_items.invoice_id is not distinct from owned_costs.invoice_id
        and line_items.cost_center_tag_1 is not distinct from owned_costs.cost_center_tag_1
        and line_items.cost_center_tag_2 is not distinct from owned_costs.cost_center_tag_2
        and line_items.cost_center_tag_3 is not distinct from owned_costs.cost_center_tag_3
        and line_items.ownership_rank is not distinct from owned_costs.ownership_rank
),

owned_resources as (
    select
        cost_center_id, account_id, product_code, resource_id, tag_values,
        cast(sum(charged_cost) as decimal(38, 10)) as charged_cost
    from owned_line_items
    group by cost_center_id, account_id, product_code, resource_id, tag_values
)

select *
from owned_resources
order by cost_center_id, account_id, product_code, resource_id, tag_values
