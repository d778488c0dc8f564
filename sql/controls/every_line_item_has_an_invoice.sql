-- Answers: which costs are not on an invoice yet? A line item is final when it has one (CUR fact 2.8), unless
--          AWS sends none for the month.
-- One row per: account with open line items
-- Reads: rollup_costs, policy
-- Money: open_cost, unblended, exact; positive is owed to AWS. invoiced_line_items and
--        billing_conductor_line_items are those of the whole report
-- Ties to: every_line_item_has_an_invoice

with

rollup_costs as (
    select account_id, invoice_id, product_code, line_items, open_line_items, unblended_cost
    from rollup_costs
    where not is_split_view
),

policy as (
    select invoicing
    from policy
),

report as (
    select
        sum(case when invoice_id is null then 0 else line_items end) as invoiced_line_items,
        sum(case when product_code = 'AWSBillingConductor' then line_items else 0 end)
            as billing_conductor_line_items
    from rollup_costs
),

open_costs as (
    select
        account_id,
        sum(open_line_items) as open_line_items,
        sum(unblended_cost) as open_cost
    from rollup_costs
    where invoice_id is null
        and open_line_items > 0
    group by account_id
)

select
    open_costs.account_id,
    open_costs.open_line_items,
    open_costs.open_cost,
    report.invoiced_line_items,
    report.billing_conductor_line_items
from open_costs
cross join report
cross join policy
where policy.invoicing = ''
order by
    open_costs.open_cost desc,
    open_costs.account_id
