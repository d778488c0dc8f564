-- Answers: which invoices does a report name that is declared pro forma? AWS issues none for such a report.
-- One row per: invoice
-- Reads: rollup_costs, policy
-- Money: unblended_cost, exact
-- Ties to: pro_forma_costs_have_no_invoice

with

rollup_costs as (
    select invoice_id, line_items, unblended_cost
    from rollup_costs
    where invoice_id is not null
),

policy as (
    select invoicing
    from policy
)

select
    rollup_costs.invoice_id,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost
from rollup_costs
cross join policy
where policy.invoicing = 'pro-forma'
group by rollup_costs.invoice_id
order by rollup_costs.invoice_id
