-- Answers: do a closed period and its corrections charge anyone something else than its last delivery would?
-- One row per: original period, ledger account and invoice that differs
-- Reads: postings, held_postings (closed, and corrections before these), delivered_postings (done again)
-- Money: cents and exact; difference is charged less delivered
-- Ties to: corrected_periods_charge_what_was_delivered

with

postings as (
    select original_period, ledger_account, invoice_id, rule, exact_amount, amount
    from postings
    where original_period is not null
),

held_postings as (
    select billing_period, original_period, ledger_account, invoice_id, rule, exact_amount, amount
    from held_postings
),

delivered_postings as (
    select billing_period, ledger_account, invoice_id, exact_amount, amount
    from delivered_postings
),

booked as (
    select original_period, ledger_account, invoice_id, rule, exact_amount, amount
    from postings
    union all
    select
        coalesce(original_period, billing_period) as original_period,
        ledger_account,
        invoice_id,
        case when original_period is not null then rule end as rule,
        exact_amount,
        amount
    from held_postings
),

-- What another cost center took, because its own had ended, counts as its own's.
movements as (
    select
        original_period,
        case
            when rule like 'ended:%' then concat('cost-center:', coalesce(split_part(rule, ':', 2), ''))
            else ledger_account
        end as ledger_account,
        coalesce(invoice_id, '') as invoice_id,
        exact_amount,
        amount
    from booked
    union all
    select
        billing_period as original_period,
        ledger_account,
        coalesce(invoice_id, '') as invoice_id,
        -exact_amount as exact_amount,
        -amount as amount
    from delivered_postings
)

select
    original_period,
    ledger_account,
    invoice_id,
    sum(amount) as difference,
    sum(exact_amount) as exact_difference
from movements
group by
    original_period,
    ledger_account,
    invoice_id
having sum(amount) <> 0
    or sum(exact_amount) <> 0
order by
    original_period,
    ledger_account,
    invoice_id
