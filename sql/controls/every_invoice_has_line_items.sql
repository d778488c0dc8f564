-- Answers: which invoice has a total above the rounding limit and no line item in the report at all?
-- One row per: such an invoice; original_period is blank where it is not one of an earlier period
-- Reads: rollup_costs, invoices, invoice_changes (of earlier periods that are corrected), policy
-- Money: invoice_total is what AWS asks, or gives back where it is negative
-- Ties to: every_invoice_has_line_items

with

rollup_costs as (
    select invoice_id
    from rollup_costs
    where invoice_id is not null
        and not is_split_view
),

invoices as (
    select invoice_id, total
    from invoices
),

invoice_changes as (
    select original_period, invoice_id, invoice_total, has_line_items
    from invoice_changes
),

policy as (
    select invoice_rounding_limit
    from policy
),

delivered as (
    select invoice_id
    from rollup_costs
    group by invoice_id
),

without_line_items as (
    select '' as original_period, invoices.invoice_id, invoices.total as invoice_total
    from invoices
    left join delivered
        on delivered.invoice_id = invoices.invoice_id
    where delivered.invoice_id is null
    union all
    select original_period, invoice_id, invoice_total
    from invoice_changes
    where not has_line_items
)

select
    without_line_items.invoice_id,
    without_line_items.original_period,
    without_line_items.invoice_total,
    'no line items in the report' as reason
from without_line_items
cross join policy
where abs(without_line_items.invoice_total) > policy.invoice_rounding_limit
order by
    invoice_id,
    original_period
