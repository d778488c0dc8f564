-- Answers: who and what does the report of the period bill, for somebody who begins to describe it in params?
-- One row per: account, payer, invoice, issuer, currency, line item type and product
-- Reads: report
-- Money: unblended_cost, ten decimals; net_cost is what is left of it where discounts stand in columns, and
--        the same where they do not
-- Ties to: nothing; a close counts the report by itself

with

report as (
    select
        bill_billing_entity, bill_invoice_id, bill_invoicing_entity, bill_payer_account_id,
        bill_payer_account_name, line_item_currency_code, line_item_line_item_type,
        line_item_net_unblended_cost, line_item_product_code, line_item_unblended_cost,
        line_item_usage_account_id, line_item_usage_account_name
    from report
    where billing_period = :period
),

renamed as (
    select
        line_item_usage_account_id as account_id,
        nullif(line_item_usage_account_name, '') as account_name,
        nullif(bill_payer_account_id, '') as payer_account_id,
        nullif(bill_payer_account_name, '') as payer_account_name,
        nullif(bill_invoice_id, '') as invoice_id,
        nullif(bill_invoicing_entity, '') as invoicing_entity,
        nullif(bill_billing_entity, '') as billing_entity,
        line_item_currency_code as currency,
        line_item_line_item_type as line_item_type,
        line_item_product_code as product_code,
        cast(cast(line_item_unblended_cost as double) as decimal(38, 10)) as unblended_cost,
        cast(cast(line_item_net_unblended_cost as double) as decimal(38, 10)) as net_cost
    from report
),

outline as (
    select
        account_id,
        account_name,
        payer_account_id,
        payer_account_name,
        invoice_id,
        invoicing_entity,
        billing_entity,
        currency,
        line_item_type,
        product_code,
        count(*) as line_items,
        coalesce(sum(unblended_cost), 0) as unblended_cost,
        coalesce(sum(coalesce(net_cost, unblended_cost)), 0) as net_cost
    from renamed
    group by
        account_id,
        account_name,
        payer_account_id,
        payer_account_name,
        invoice_id,
        invoicing_entity,
        billing_entity,
        currency,
        line_item_type,
        product_code
)

select *
from outline
order by
    account_id,
    account_name,
    payer_account_id,
    payer_account_name,
    invoice_id,
    invoicing_entity,
    billing_entity,
    currency,
    line_item_type,
    product_code
