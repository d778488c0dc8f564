-- Answers: which invoice has no total, or is further from the sum of its line items than the limit allows? (What has
--          no line item at all is for every_invoice_has_line_items.)
-- One row per: invoice that does not tie
-- Reads: rollup_costs, invoices, policy
-- Money: rows_total is the unblended cost of the invoice's line items, exact; invoice_total is what AWS asks;
--        difference is invoice less rows, positive when AWS asks for more
-- Ties to: sources_tie_to_invoices

with

rollup_costs as (
    select invoice_id, unblended_cost
    from rollup_costs
    where invoice_id is not null
        and not is_split_view
),

invoices as (
    select invoice_id, total
    from invoices
),

policy as (
    select invoice_rounding_limit
    from policy
),

invoice_sums as (
    select
        invoice_id,
        sum(unblended_cost) as rows_total
    from rollup_costs
    group by invoice_id
)

select
    invoice_sums.invoice_id,
    invoices.total as invoice_total,
    invoice_sums.rows_total,
    invoices.total - invoice_sums.rows_total as difference,
    case
        when invoices.invoice_id is null then 'no total in invoices.csv'
        else 'difference above the limit'
    end as reason
from invoice_sums
left join invoices
    on invoices.invoice_id = invoice_sums.invoice_id
cross join policy
where (invoices.invoice_id is null and invoice_sums.rows_total <> 0)
    or abs(invoices.total - invoice_sums.rows_total) > policy.invoice_rounding_limit
order by invoice_id
