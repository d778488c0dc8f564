-- Answers: is there an entry whose lines do not sum to zero?
-- One row per: unbalanced entry
-- Reads: postings
-- Money: rest, in cents and exact
-- Ties to: entries_balance

with

postings as (
    select entry_id, exact_amount, amount
    from postings
)

select
    entry_id,
    sum(amount) as rest,
    sum(exact_amount) as exact_rest
from postings
group by entry_id
having sum(amount) <> 0
    or sum(exact_amount) <> 0
order by entry_id
