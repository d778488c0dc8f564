-- Answers: what does each invoice charge to each owner, and where in the report does it come from?
-- One row per: invoice, kind, owner (cost center or pool), account, product, line item type and rule
-- Reads: owned_costs
-- Money: exact_amount, the charged cost of direct and pooled rows, unblended less charged cost of commitment
--        rows; the three sum to the unblended cost of the invoice
-- Ties to: sources_tie_to_invoices

with

owned_costs as (
    select
        coalesce(invoice_id, :open_invoice_id) as invoice_id,
        coalesce(product_code, '') as product_code,
        account_id, line_item_type, charged_cost, commitment_cost, cost_center_id, pool_id, rule
    from owned_costs
),

kinds as (
    select
        invoice_id,
        case when pool_id is null then 'direct' else 'pooled' end as kind,
        cost_center_id, pool_id, account_id, product_code, line_item_type, rule,
        charged_cost as cost
    from owned_costs
    union all
    select
        invoice_id,
        'commitment' as kind,
        :commitments_cost_center_id as cost_center_id,
        null as pool_id,
        account_id, product_code, line_item_type,
        'commitment' as rule,
        commitment_cost as cost
    from owned_costs
),

owner_costs as (
    select
        invoice_id, kind, cost_center_id, pool_id, account_id, product_code, line_item_type, rule,
        sum(cost) as exact_amount
    from kinds
    group by
        invoice_id, kind, cost_center_id, pool_id, account_id, product_code, line_item_type, rule
    having sum(cost) <> 0
)

select *
from owner_costs
order by
    invoice_id, kind, cost_center_id, pool_id, account_id, product_code, line_item_type, rule
