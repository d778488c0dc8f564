-- Answers: how many line items does each file of the delivery hold, and what do they cost, in integers?
-- One row per: data file that holds line items, by its address, which Athena has in the hidden column "$path"
-- Reads: report (only its cost column)
-- Money: unblended cost as whole_cost, and what is left of each line item in units of 1e-10, each rounded once
--        as chargeback/sources/freeze.py does with Arrow; no DECIMAL is involved
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
        coalesce(line_item_unblended_cost, 0) as unblended_cost
    from report
)

select
    path,
    count(*) as line_items,
    cast(sum(cast(truncate(unblended_cost) as bigint)) as bigint) as whole_cost,
    cast(
        sum(cast(round((unblended_cost - truncate(unblended_cost)) * 1e10) as bigint)) as bigint
    ) as cost_units
from costs
group by path
order by path
