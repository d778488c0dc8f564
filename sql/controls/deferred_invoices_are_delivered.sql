-- Answers: which invoice that is left to a later period is not in the report of its own?
-- One row per: such invoice
-- Reads: deferrals, rollup_costs
-- Money: none
-- Ties to: deferred_invoices_are_delivered

with

deferrals as (
    select invoice_id, deferred_to
    from deferrals
),

delivered as (
    select invoice_id
    from rollup_costs
    where invoice_id is not null
    group by invoice_id
)

select
    deferrals.invoice_id,
    deferrals.deferred_to,
    'no line items in the report' as reason
from deferrals
left join delivered
    on delivered.invoice_id = deferrals.invoice_id
where delivered.invoice_id is null
order by deferrals.invoice_id
