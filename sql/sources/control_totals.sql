-- Answers: how many line items does each file of the delivery hold, and what do they cost, in integers?
-- One row per: data file that holds line items, by its address, which Athena has in the hidden column "$path"
-- Reads: report (only its cost column)
-- Money: unblended cost as whole_cost, and what is left of each line item in units of 1e-10; each is rounded once
--        as chargeback/sources/freeze.py does with Arrow, and whole numbers are summed, no DECIMAL
-- Ties to: sources_agree_with_control_totals

with

report as (
    select
        "$path",
        line_item_unblended_cost
    from report
    where billing_period = :period
),

costs as (
    select
        "$path" as path,
        coalesce(cast(cast(line_item_unblended_cost as double) as decimal(38, 10)), 0) as unblended_cost
    from report
),

parts as (
    select
        path,
        cast(truncate(unblended_cost) as bigint) as whole_cost,
        cast(unblended_cost - truncate(unblended_cost) as decimal(10, 10)) as rest_of_cost
    from costs
)

select
    path,
    count(*) as line_items,
    cast(sum(whole_cost) as bigint) as whole_cost,
    cast(sum(cast(rest_of_cost * 10000000000 as bigint)) as bigint) as cost_units
from parts
group by path
order by path
