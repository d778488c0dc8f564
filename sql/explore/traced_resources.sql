-- Answers: which resources are the traced postings made of, and what did each cost?
-- One row per: resource, account, product and line item type; a blank resource_id is a charge without one
-- Reads: traced_line_items
-- Money: amount, an exact sum; positive is charged
-- Ties to: the exact amount of the traced postings

with

traced_line_items as (
    select resource_id, account_id, product_code, line_item_type, amount
    from traced_line_items
),

traced_resources as (
    select
        resource_id, account_id, product_code, line_item_type,
        count(*) as line_items,
        sum(amount) as amount
    from traced_line_items
    group by resource_id, account_id, product_code, line_item_type
)

select *
from traced_resources
order by abs(amount) desc, resource_id, account_id, product_code, line_item_type
