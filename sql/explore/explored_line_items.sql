-- Answers: what did line items cost, by what the report knows of them and the ledger does not keep?
-- One row per: account, product, line item type, owner, rule and the two values that are asked for
-- Reads: line_items (with the region and the tags of the report), owned_costs (who owns a line item is what the
--        close decided of its row of the rollup)
-- Money: charged_cost in the cost basis of the params; commitment_cost, unblended less charged; exact sums
-- Ties to: owned_costs, of which each owner's sums are the same

with

line_items as (
    select
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, unblended_cost,
        case when :cost_basis = 'amortized' then amortized_cost else unblended_cost end
            as charged_cost,
        -- What is asked for, as expressions that are built from the names of the dimensions.
        coalesce(cast(:value_1 as varchar), '') as value_1,
        coalesce(cast(:value_2 as varchar), '') as value_2
    from line_items
    where not is_split_view
        and not is_ahead
),

-- Rows that differ by their commitment only have one owner, for a commitment decides none.
owned_costs as (
    select
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id,
        pool_id, rule
    from owned_costs
    group by
        invoice_id, account_id, line_item_type, product_code, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id,
        pool_id, rule
),

-- These columns decide an owner, so that each line item meets one row.
owned_line_items as (
    select
        line_items.account_id, line_items.product_code, line_items.line_item_type,
        owned_costs.cost_center_id, owned_costs.pool_id, owned_costs.rule, line_items.value_1,
        line_items.value_2, line_items.charged_cost, line_items.unblended_cost
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

explored_line_items as (
    select
        account_id, product_code, line_item_type, cost_center_id, pool_id, rule, value_1, value_2,
        count(*) as line_items,
        cast(sum(charged_cost) as decimal(38, 10)) as charged_cost,
        cast(sum(unblended_cost - charged_cost) as decimal(38, 10)) as commitment_cost
    from owned_line_items
    group by
        account_id, product_code, line_item_type, cost_center_id, pool_id, rule, value_1, value_2
)

select *
from explored_line_items
order by
    account_id, product_code, line_item_type, cost_center_id, pool_id, rule, value_1, value_2
