-- Answers: which costs are not on an invoice yet? A line item is final when it has one (CUR fact 2.8).
-- One row per: account with open line items
-- Reads: rollup_costs
-- Money: open_cost, unblended, exact; positive is owed to AWS
-- Ties to: every_line_item_has_an_invoice

with

rollup_costs as (
    select account_id, invoice_id, open_line_items, unblended_cost
    from rollup_costs
    where not is_split_view
)

select
    account_id,
    sum(open_line_items) as open_line_items,
    sum(unblended_cost) as open_cost
from rollup_costs
where invoice_id is null
    and open_line_items > 0
group by account_id
order by
    open_cost desc,
    account_id
