-- Answers: is what cost centers are charged on an invoice its total, and what corrections charge its change?
-- One row per: invoice that is charged too much or too little; original_period is blank where it is not corrected
-- Reads: postings, invoices, invoice_changes (of earlier periods that are corrected)
-- Money: difference is charged less invoice total; positive was charged too much
-- Ties to: charges_tie_to_invoices

with

postings as (
    select original_period, invoice_id, amount
    from postings
    where cost_center_id is not null
        and invoice_id is not null
),

invoices as (
    select invoice_id, total
    from invoices
),

invoice_changes as (
    select original_period, invoice_id, total
    from invoice_changes
),

wanted as (
    select '' as original_period, invoice_id, total
    from invoices
    union all
    select original_period, invoice_id, total
    from invoice_changes
),

charged as (
    select
        coalesce(original_period, '') as original_period,
        invoice_id,
        sum(amount) as charged
    from postings
    group by
        coalesce(original_period, ''),
        invoice_id
),

compared as (
    select
        coalesce(wanted.invoice_id, charged.invoice_id) as invoice_id,
        coalesce(wanted.original_period, charged.original_period) as original_period,
        wanted.total as invoice_total,
        charged.charged,
        coalesce(charged.charged, 0) - coalesce(wanted.total, 0) as difference
    from wanted
    full outer join charged
        on charged.invoice_id = wanted.invoice_id
        and charged.original_period = wanted.original_period
)

select
    invoice_id,
    original_period,
    invoice_total,
    charged,
    difference
from compared
where difference <> 0
order by
    invoice_id,
    original_period
