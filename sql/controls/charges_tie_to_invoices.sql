-- Answers: is what cost centers are charged on an invoice the invoice's total, to the cent?
-- One row per: invoice that is charged too much or too little
-- Reads: postings, invoices
-- Money: difference is charged less invoice total; positive was charged too much
-- Ties to: charges_tie_to_invoices

with

postings as (
    select invoice_id, amount
    from postings
    where cost_center_id is not null
        and invoice_id is not null
),

invoices as (
    select invoice_id, total
    from invoices
),

charged as (
    select
        invoice_id,
        sum(amount) as charged
    from postings
    group by invoice_id
)

select
    coalesce(invoices.invoice_id, charged.invoice_id) as invoice_id,
    invoices.total as invoice_total,
    charged.charged,
    coalesce(charged.charged, 0) - coalesce(invoices.total, 0) as difference
from invoices
full outer join charged
    on charged.invoice_id = invoices.invoice_id
where coalesce(charged.charged, 0) <> coalesce(invoices.total, 0)
order by invoice_id
