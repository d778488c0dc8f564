-- Answers: what does each line of the period's report say, in our words and in exact decimals?
-- One row per: line item of the delivery
-- Reads: report (the delivery's files; columns the delivery lacks are null), ownership_ranks (none where rules are few)
-- Money: unblended_cost and amortized_cost, cast once to ten decimals; positive is owed to AWS.
--        amortized_cost follows CUR fact 2.2; split_cost is what a pod or task used and left unused of an
--        instance that is billed by itself (CUR fact 2.14), and is charged to nobody
-- Ties to: sources_agree_with_control_totals

with

report as (
    select
        bill_billing_entity, bill_invoice_id, cost_category, line_item_usage_account_id,
        line_item_currency_code,
        line_item_line_item_type, line_item_line_item_description, line_item_operation,
        line_item_product_code, line_item_resource_id, line_item_usage_type,
        line_item_usage_start_date, line_item_unblended_cost, line_item_usage_amount, product,
        reservation_effective_cost, reservation_reservation_a_r_n,
        reservation_unused_amortized_upfront_fee_for_billing_period,
        reservation_unused_recurring_fee, resource_tags, savings_plan_savings_plan_a_r_n,
        savings_plan_savings_plan_effective_cost, savings_plan_total_commitment_to_date,
        savings_plan_used_commitment, split_line_item_split_cost, split_line_item_unused_cost, tags
    from report
    where billing_period = :period
),

ownership_ranks as (
    select ownership_key, ownership_rank
    from ownership_ranks
),

-- The values of cost_center_tags are expressions that are built from the policy, so that no tag name stands in
-- SQL; a key that is not used costs no look into a map. Untagged is null, '' or 'NULL' in real reports (CUR fact 6.14).
renamed as (
    select
        nullif(bill_invoice_id, '') as invoice_id,
        line_item_usage_account_id as account_id,
        -- The day in UTC, as billing periods are; what is for a whole month stands on its first day.
        cast(line_item_usage_start_date as date) as usage_date,
        line_item_currency_code as currency,
        line_item_line_item_type as line_item_type,
        line_item_product_code as product_code,
        -- What a seller of AWS Marketplace calls the product, whose code says nothing to a reader (CUR fact 2.16).
        case
            when bill_billing_entity = 'AWS Marketplace'
                and line_item_line_item_type not like '%Discount%'
                then nullif(element_at(product, 'product_name'), '')
        end as product_name,
        coalesce(line_item_operation, '') as operation,
        coalesce(line_item_usage_type, '') as usage_type,
        coalesce(line_item_resource_id, '') as resource_id,
        coalesce(line_item_resource_id, '') <> '' as has_resource,
        nullif(nullif(:tag_value_1, ''), 'NULL') as cost_center_tag_1,
        nullif(nullif(:tag_value_2, ''), 'NULL') as cost_center_tag_2,
        nullif(nullif(:tag_value_3, ''), 'NULL') as cost_center_tag_3,
        -- The number of the first rule of ownership.toml that describes the line item, else null: a case
        -- expression that is built from the rules, or, where they are many, what ownership_ranks.sql found.
        :ownership_rank as ownership_rank,
        -- One letter for each of the policy's mandatory_tags, in their order: 1 it has a value, 0 it is empty,
        -- - the key is not there. A concatenation that is built from the policy.
        :mandatory_tags as mandatory_tags,
        -- The commitment that a line item pays for, gives back or uses up, else null (CUR fact 2.15): this alone
        -- says which fees and refunds are of one. AWS spreads neither Capacity Blocks nor reserved hosts nor
        -- discounts over use; what it gives back of recurring fees goes where those went. It may name a Savings
        -- Plan that was returned in the description alone.
        case
            when line_item_line_item_type = 'Usage' then null
            when line_item_line_item_type in ('DiscountedUsage', 'RIFee')
                then nullif(reservation_reservation_a_r_n, '')
            when line_item_line_item_type like 'SavingsPlan%'
                then nullif(savings_plan_savings_plan_a_r_n, '')
            when line_item_line_item_type not in ('Fee', 'Refund')
                or line_item_usage_type like '%CapacityBlock%'
                or regexp_like(reservation_reservation_a_r_n, ':(capacity|host)-')
                or (
                    line_item_line_item_type = 'Refund'
                    and regexp_like(line_item_line_item_description, 'hourly fee|ecurring|iscount')
                )
                then null
            when reservation_reservation_a_r_n <> '' then reservation_reservation_a_r_n
            when savings_plan_savings_plan_a_r_n <> '' then savings_plan_savings_plan_a_r_n
            when regexp_like(line_item_resource_id, '^arn:.*:(reserved-?(instance|node)|ri:|savingsplan/)')
                then line_item_resource_id
            when line_item_line_item_type = 'Refund'
                and line_item_line_item_description like 'Refund for %Savings Plan ID%'
                then concat('savingsplan/', coalesce(split_part(line_item_line_item_description, ' ID: ', 2), ''))
        end as commitment_arn,
        -- Split cost rows are a second view of an instance that is billed as well (CUR fact 2.14).
        coalesce(line_item_operation, '') in ('EKSPod-EC2', 'ECSTask-EC2') as is_split_view,
        -- In a draft: fees of days after the last usage, which AWS writes ahead of time (CUR fact 6.11).
        :is_ahead as is_ahead,
        coalesce(bill_billing_entity, '') = 'AWS Marketplace' as is_marketplace,
        -- A double says that it is one before it becomes a decimal, so that every engine reads it by its text and
        -- rounds that once, halves away from zero (chargeback/engine/doubles.py).
        coalesce(cast(cast(line_item_usage_amount as double) as decimal(38, 10)), 0) as usage_amount,
        cast(cast(line_item_unblended_cost as double) as decimal(38, 10)) as unblended_cost,
        -- What a commitment's line item costs whoever uses it, or leaves it unused, is one of AWS's amounts or two.
        case line_item_line_item_type
            when 'SavingsPlanCoveredUsage' then savings_plan_savings_plan_effective_cost
            when 'SavingsPlanRecurringFee' then savings_plan_total_commitment_to_date
            when 'DiscountedUsage' then reservation_effective_cost
            when 'RIFee' then reservation_unused_amortized_upfront_fee_for_billing_period
        end as effective_amount,
        case line_item_line_item_type
            when 'SavingsPlanRecurringFee' then -savings_plan_used_commitment
            when 'RIFee' then reservation_unused_recurring_fee
        end as further_amount,
        split_line_item_split_cost as pod_cost,
        split_line_item_unused_cost as unused_pod_cost
    from report
    left join ownership_ranks on ownership_ranks.ownership_key = :ownership_key
),

amortized as (
    select
        invoice_id, account_id, usage_date, currency, line_item_type, product_code, product_name,
        operation, usage_type, resource_id, has_resource, cost_center_tag_1, cost_center_tag_2,
        cost_center_tag_3, ownership_rank, mandatory_tags, commitment_arn, is_split_view,
        is_ahead, is_marketplace, usage_amount,
        case
            when is_split_view
                then coalesce(cast(cast(pod_cost as double) as decimal(38, 10)), 0)
                    + coalesce(cast(cast(unused_pod_cost as double) as decimal(38, 10)), 0)
            else 0
        end as split_cost,
        unblended_cost,
        -- Casts and comparisons stand where they are needed, so that only those line items pay for them.
        case
            when line_item_type = 'Usage' then unblended_cost
            when line_item_type in (
                'SavingsPlanCoveredUsage', 'SavingsPlanRecurringFee', 'DiscountedUsage', 'RIFee'
            )
                then coalesce(cast(cast(effective_amount as double) as decimal(38, 10)), 0)
                    + coalesce(cast(cast(further_amount as double) as decimal(38, 10)), 0)
            when line_item_type in ('SavingsPlanNegation', 'SavingsPlanUpfrontFee') then 0
            -- A purchase, and its reversal.
            when line_item_type in ('Fee', 'Refund') and commitment_arn is not null then 0
            else unblended_cost
        end as amortized_cost
    from renamed
)

select *
from amortized
