-- Answers: has rounding moved a posting, or a cost center's total on an invoice, by more than a cent?
-- One row per: posting or total that is further from its exact amount
-- Reads: postings
-- Money: difference is the amount in cents less the exact amount
-- Ties to: every_charge_is_within_one_cent

with

postings as (
    select
        entry_id,
        line,
        cost_center_id,
        invoice_id,
        ledger_account,
        exact_amount,
        amount,
        original_period
    from postings
),

single as (
    select
        concat(entry_id, ' line ', cast(line as varchar)) as charge,
        amount - exact_amount as difference
    from postings
    where ledger_account not like 'payable:%'
),

-- Corrections have only those lines that differ; their totals are compared with the period that they correct
-- (corrected_periods_charge_what_was_delivered), which is derived again and within one cent itself.
totals as (
    select
        concat(cost_center_id, ' on invoice ', coalesce(invoice_id, '(none)')) as charge,
        sum(amount) - sum(exact_amount) as difference
    from postings
    where cost_center_id is not null
        and original_period is null
    group by
        cost_center_id,
        invoice_id
),

charges as (
    select charge, difference
    from single
    union all
    select charge, difference
    from totals
)

select
    charge,
    difference
from charges
where abs(difference) > 0.01
order by charge
