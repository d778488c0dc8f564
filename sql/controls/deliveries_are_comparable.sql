-- Answers: what differs between the delivery that a closed period was made from and its newest, beside the bill?
-- One row per: closed period and what differs
-- Reads: delivery_differences
-- Money: none
-- Ties to: deliveries_are_comparable

with

delivery_differences as (
    select billing_period, what_differs, closed_with, delivered_now
    from delivery_differences
)

select
    billing_period,
    what_differs,
    closed_with,
    delivered_now
from delivery_differences
order by
    billing_period,
    what_differs
