-- Answers: is anything left in a pool, or taken out that was not in it?
-- One row per: pool and invoice with a rest
-- Reads: postings
-- Money: rest, in cents and exact; positive was not allocated to anyone
-- Ties to: pools_are_emptied

with

postings as (
    select ledger_account, invoice_id, exact_amount, amount
    from postings
    where ledger_account like 'pool:%'
)

select
    ledger_account,
    invoice_id,
    sum(amount) as rest,
    sum(exact_amount) as exact_rest
from postings
group by
    ledger_account,
    invoice_id
having sum(amount) <> 0
    or sum(exact_amount) <> 0
order by
    ledger_account,
    invoice_id
