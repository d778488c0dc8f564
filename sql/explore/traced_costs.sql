-- Answers: which rows of the rollup, as they were owned, were some postings summed over?
-- One row per: posting and row of the rollup, whatever commitment it is of
-- Reads: owned_costs, traced_postings (postings of kind direct, pooled or commitment)
-- Money: none
-- Ties to: the exact amount of each posting

with

owned_costs as (
    select
        coalesce(invoice_id, :open_invoice_id) as posted_invoice_id,
        coalesce(product_code, '') as posted_product_code,
        invoice_id, account_id, product_code, line_item_type, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id,
        pool_id, rule
    from owned_costs
    group by
        invoice_id, account_id, product_code, line_item_type, operation, usage_type, has_resource,
        cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank, cost_center_id,
        pool_id, rule
),

traced_postings as (
    select
        entry_id, line, is_commitment, invoice_id, account_id, product_code, line_item_type, rule,
        cost_center_id, pool_id
    from traced_postings
),

-- Commitments are what prepaid line items differ by, whoever owns them.
traced_costs as (
    select
        traced_postings.entry_id, traced_postings.line, traced_postings.is_commitment,
        owned_costs.invoice_id, owned_costs.account_id, owned_costs.product_code,
        owned_costs.line_item_type, owned_costs.operation, owned_costs.usage_type,
        owned_costs.has_resource, owned_costs.cost_center_tag_1, owned_costs.cost_center_tag_2,
        owned_costs.cost_center_tag_3, owned_costs.ownership_rank
    from owned_costs
    inner join traced_postings
        on owned_costs.posted_invoice_id = traced_postings.invoice_id
        and owned_costs.account_id is not distinct from traced_postings.account_id
        and owned_costs.posted_product_code = coalesce(traced_postings.product_code, '')
        and owned_costs.line_item_type = traced_postings.line_item_type
        and (traced_postings.is_commitment or owned_costs.rule = traced_postings.rule)
        and (
            traced_postings.is_commitment
            or (owned_costs.cost_center_id is not distinct from traced_postings.cost_center_id
                and owned_costs.pool_id is not distinct from traced_postings.pool_id)
        )
)

select *
from traced_costs
order by
    entry_id, line, invoice_id, account_id, product_code, line_item_type, operation, usage_type,
    has_resource, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3, ownership_rank
