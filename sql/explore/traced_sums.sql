-- Answers: how many line items is each traced posting made of, and what do they sum to?
-- One row per: posting
-- Reads: traced_line_items
-- Money: amount, an exact sum; positive is charged
-- Ties to: the exact amount of each posting

select
    entry_id,
    line,
    count(*) as line_items,
    sum(amount) as amount
from traced_line_items
group by
    entry_id,
    line
order by
    entry_id,
    line
