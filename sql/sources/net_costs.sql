-- Answers: what do the line items of each invoice sum to with discounts, and without?
-- One row per: invoice
-- Reads: report
-- Money: unblended_cost and net_cost, ten decimals; net is after discounts that stand in columns, not on lines of
--        their own (CUR fact 1.8)
-- Ties to: nothing; it is asked when an invoice does not tie to its line items

with

report as (
    select bill_invoice_id, line_item_unblended_cost, line_item_net_unblended_cost
    from report
    where billing_period = :period
),

costs as (
    select
        nullif(bill_invoice_id, '') as invoice_id,
        cast(line_item_unblended_cost as decimal(38, 10)) as unblended_cost,
        cast(line_item_net_unblended_cost as decimal(38, 10)) as net_cost
    from report
)

select
    invoice_id,
    coalesce(sum(unblended_cost), 0) as unblended_cost,
    coalesce(sum(net_cost), 0) as net_cost
from costs
where invoice_id is not null
group by invoice_id
order by invoice_id
