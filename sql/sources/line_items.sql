-- Answers: what does each line of the period's report say, in our words and in exact decimals?
-- One row per: line item of the delivery
-- Reads: report (the delivery's files; columns the delivery lacks are null)
-- Money: unblended_cost and amortized_cost, cast once to ten decimals; positive is owed to AWS.
--        amortized_cost follows CUR fact 2.2.
-- Ties to: sources_agree_with_control_totals

with

report as (
    select
        bill_invoice_id,
        line_item_usage_account_id,
        line_item_currency_code,
        line_item_line_item_type,
        line_item_line_item_description,
        line_item_operation,
        line_item_product_code,
        line_item_resource_id,
        line_item_usage_type,
        line_item_unblended_cost,
        reservation_effective_cost,
        reservation_reservation_a_r_n,
        reservation_unused_amortized_upfront_fee_for_billing_period,
        reservation_unused_recurring_fee,
        resource_tags,
        savings_plan_savings_plan_effective_cost,
        savings_plan_total_commitment_to_date,
        savings_plan_used_commitment
    from report
    where billing_period = :period
),

-- The map keys of cost_center_tags are params, so that no tag name stands in SQL. Untagged is null, '' or
-- 'NULL' in real reports (CUR fact 6.14).
renamed as (
    select
        nullif(bill_invoice_id, '') as invoice_id,
        line_item_usage_account_id as account_id,
        line_item_currency_code as currency,
        line_item_line_item_type as line_item_type,
        line_item_product_code as product_code,
        coalesce(line_item_operation, '') as operation,
        coalesce(line_item_usage_type, '') as usage_type,
        coalesce(line_item_resource_id, '') <> '' as has_resource,
        nullif(nullif(element_at(resource_tags, :tag_1), ''), 'NULL') as cost_center_tag_1,
        nullif(nullif(element_at(resource_tags, :tag_2), ''), 'NULL') as cost_center_tag_2,
        nullif(nullif(element_at(resource_tags, :tag_3), ''), 'NULL') as cost_center_tag_3,
        coalesce(reservation_reservation_a_r_n, '') <> '' as is_reservation,
        line_item_product_code = 'ComputeSavingsPlans'
            and line_item_line_item_description like 'Refund for one-time fee for Savings Plan ID%'
            as is_savings_plan_refund,
        -- Split cost rows are a second view of an instance that is billed as well (CUR fact 2.14).
        coalesce(line_item_operation, '') in ('EKSPod-EC2', 'ECSTask-EC2') as is_split_view,
        -- Whole and fraction apart: then a double is rounded exactly once, whatever its size.
        cast(truncate(line_item_unblended_cost) as decimal(38, 10))
            + cast(line_item_unblended_cost - truncate(line_item_unblended_cost) as decimal(38, 10))
            as unblended_cost,
        cast(reservation_effective_cost as decimal(38, 10)) as reservation_cost,
        cast(reservation_unused_amortized_upfront_fee_for_billing_period as decimal(38, 10))
            as unused_upfront_fee,
        cast(reservation_unused_recurring_fee as decimal(38, 10)) as unused_recurring_fee,
        cast(savings_plan_savings_plan_effective_cost as decimal(38, 10)) as savings_plan_cost,
        cast(savings_plan_total_commitment_to_date as decimal(38, 10)) as total_commitment,
        cast(savings_plan_used_commitment as decimal(38, 10)) as used_commitment
    from report
),

amortized as (
    select
        invoice_id,
        account_id,
        currency,
        line_item_type,
        product_code,
        operation,
        usage_type,
        has_resource,
        cost_center_tag_1,
        cost_center_tag_2,
        cost_center_tag_3,
        is_split_view,
        unblended_cost,
        case
            when line_item_type = 'Usage' then unblended_cost
            when line_item_type = 'SavingsPlanCoveredUsage' then coalesce(savings_plan_cost, 0)
            when line_item_type = 'SavingsPlanNegation' then 0
            when line_item_type = 'DiscountedUsage' then coalesce(reservation_cost, 0)
            when line_item_type = 'SavingsPlanRecurringFee'
                then coalesce(total_commitment, 0) - coalesce(used_commitment, 0)
            when line_item_type = 'SavingsPlanUpfrontFee' then 0
            when line_item_type = 'RIFee'
                then coalesce(unused_upfront_fee, 0) + coalesce(unused_recurring_fee, 0)
            when line_item_type = 'Fee' and is_reservation then 0
            when line_item_type = 'Refund' and is_savings_plan_refund then 0
            else unblended_cost
        end as amortized_cost
    from renamed
)

select
    invoice_id,
    account_id,
    currency,
    line_item_type,
    product_code,
    operation,
    usage_type,
    has_resource,
    cost_center_tag_1,
    cost_center_tag_2,
    cost_center_tag_3,
    is_split_view,
    unblended_cost,
    amortized_cost
from amortized
