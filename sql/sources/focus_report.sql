-- Answers: what would a report of CUR 2.0 say of each charge of a FOCUS export?
-- One row per: row of the export
-- Reads: focus_charges (the export's files; columns that they lack are null)
-- Money: BilledCost as line_item_unblended_cost, and EffectiveCost in the columns that the amortized cost of its
--        line item type is made of (sql/sources/line_items.sql); doubles, positive is owed
-- Ties to: sources_agree_with_control_totals

with

focus_charges as (
    select
        billingaccountid, billingaccountname, billingcurrency, coalesce(billedcost, 0) as billedcost,
        chargecategory, chargeclass, chargedescription, chargefrequency, chargeperiodend, chargeperiodstart,
        coalesce(
            commitmentdiscountcategory, if(commitmentdiscounttype like '%Savings Plan%', 'Spend')
        ) as commitment_category,
        commitmentdiscountid, commitmentdiscountstatus, consumedquantity, effectivecost, invoiceid, invoiceissuername,
        pricingquantity, providername, publishername, regionid, resourceid, servicename, skuid,
        skumeter, subaccountid, subaccountname, tags, x_costcategories, x_discounts, x_operation,
        x_servicecode, x_usagetype
    from focus_charges
    where billing_period = :period
),

-- Line item types as CUR 2.0 calls them, as far as FOCUS tells them apart. A commitment of spend is a Savings Plan,
-- one of usage a reservation. Its purchase has EffectiveCost 0; rows of its use, and of what was left unused, have
-- BilledCost 0. A category that is not known passes, and stops the close by its name.
typed as (
    select
        billingaccountid, billingaccountname, billingcurrency, billedcost, chargedescription,
        chargeperiodend, chargeperiodstart, consumedquantity, effectivecost, invoiceid,
        invoiceissuername, pricingquantity, regionid, resourceid, servicename, skumeter,
        subaccountid, subaccountname, tags, x_costcategories, x_operation, x_servicecode,
        x_usagetype,
        nullif(commitmentdiscountid, '') as commitment_id,
        -- What was paid ahead without naming a commitment is one by what was bought.
        coalesce(nullif(commitmentdiscountid, ''), nullif(resourceid, ''), skuid, servicename) as bought,
        coalesce(commitment_category = 'Spend', false) as is_plan,
        coalesce(effectivecost = 0 and billedcost <> 0, false) as is_prepaid,
        -- What AWS bills for another seller, who published it; CUR 2.0 has a column that says so (CUR fact 2.16).
        coalesce(
            providername in ('AWS', 'Amazon Web Services', 'Amazon Web Services, Inc.')
                and publishername not like 'Amazon%' and publishername not like 'AWS%',
            false
        ) as is_marketplace,
        case
            when chargecategory in ('Tax', 'Credit') then chargecategory
            when chargecategory = 'Adjustment' and cardinality(map_keys(x_discounts)) = 1
                then array_join(map_keys(x_discounts), '')
            when chargecategory = 'Adjustment' then 'Discount'
            when chargeclass = 'Correction'
                and (effectivecost = billedcost or (effectivecost = 0 and billedcost <> 0))
                then 'Refund'
            when chargecategory = 'Purchase' and commitmentdiscountid <> ''
                and chargefrequency = 'Recurring'
                then if(commitment_category = 'Spend', 'SavingsPlanRecurringFee', 'RIFee')
            when chargecategory = 'Purchase' and commitmentdiscountid <> ''
                and commitment_category = 'Spend' and effectivecost = 0
                then 'SavingsPlanUpfrontFee'
            when chargecategory = 'Purchase' and (effectivecost = 0 or effectivecost = billedcost)
                then 'Fee'
            when commitmentdiscountstatus = 'Used'
                then if(commitment_category = 'Spend', 'SavingsPlanCoveredUsage', 'DiscountedUsage')
            when commitmentdiscountstatus = 'Unused'
                then if(commitment_category = 'Spend', 'SavingsPlanRecurringFee', 'RIFee')
            when chargecategory in ('Usage', 'Purchase') and effectivecost <> billedcost
                then 'DiscountedUsage'
            else chargecategory
        end as line_item_line_item_type
    from focus_charges
),

focus_report as (
    select
        if(is_marketplace, 'AWS Marketplace', 'AWS') as bill_billing_entity,
        nullif(invoiceid, '') as bill_invoice_id,
        invoiceissuername as bill_invoicing_entity,
        billingaccountid as bill_payer_account_id,
        billingaccountname as bill_payer_account_name,
        x_costcategories as cost_category,
        billingcurrency as line_item_currency_code,
        -- Words by which line_items.sql knows refunds of CUR 2.0 decide nothing where EffectiveCost does.
        case
            when line_item_line_item_type = 'Refund' and is_prepaid
                and regexp_like(chargedescription, 'hourly fee|ecurring|iscount')
                then null
            else chargedescription
        end as line_item_line_item_description,
        line_item_line_item_type,
        x_operation as line_item_operation,
        coalesce(nullif(x_servicecode, ''), servicename) as line_item_product_code,
        resourceid as line_item_resource_id,
        billedcost as line_item_unblended_cost,
        coalesce(nullif(subaccountid, ''), billingaccountid) as line_item_usage_account_id,
        coalesce(nullif(subaccountname, ''), billingaccountname) as line_item_usage_account_name,
        coalesce(consumedquantity, pricingquantity) as line_item_usage_amount,
        chargeperiodend as line_item_usage_end_date,
        chargeperiodstart as line_item_usage_start_date,
        coalesce(nullif(x_usagetype, ''), skumeter) as line_item_usage_type,
        servicename as product_name,
        regionid as product_region_code,
        effectivecost as reservation_effective_cost,
        if(is_plan, null, if(line_item_line_item_type in ('Fee', 'Refund'), if(is_prepaid, bought), commitment_id))
            as reservation_reservation_a_r_n,
        effectivecost as reservation_unused_amortized_upfront_fee_for_billing_period,
        0 as reservation_unused_recurring_fee,
        tags as resource_tags,
        if(is_plan, if(line_item_line_item_type in ('Fee', 'Refund'), if(is_prepaid, bought), commitment_id))
            as savings_plan_savings_plan_a_r_n,
        effectivecost as savings_plan_savings_plan_effective_cost,
        effectivecost as savings_plan_total_commitment_to_date,
        0 as savings_plan_used_commitment
    from typed
)

select *
from focus_report
