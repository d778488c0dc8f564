-- Answers: does the delivery hold no line item at all? An export that was emptied looks like a month without cost.
-- One row per: such a delivery (at most one)
-- Reads: control_totals
-- Money: none
-- Ties to: the_delivery_has_line_items

with

control_totals as (
    select billing_period, line_items
    from control_totals
)

select
    billing_period,
    line_items
from control_totals
where line_items = 0
order by billing_period
