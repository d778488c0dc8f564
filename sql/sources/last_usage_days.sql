-- Answers: up to which day does a delivery have usage?
-- One row per: line item type
-- Reads: report (the delivery's files; columns the delivery lacks are null)
-- Money: none
-- Ties to: nothing; make freshness shows it

with

report as (
    select
        line_item_line_item_type,
        line_item_usage_start_date
    from report
    where billing_period = :period
)

select
    line_item_line_item_type as line_item_type,
    cast(max(line_item_usage_start_date) as date) as last_day
from report
group by line_item_line_item_type
order by line_item_line_item_type
