-- Answers: is any cost center charged for which no split for the medical loss ratio is declared?
-- One row per: cost center of a unit, and earlier period that a correction is about, without a split
-- Reads: postings, loss_ratio_splits
-- Money: cents; charged_cost is what the cost center is charged there in all
-- Ties to: every_charge_has_its_medical_loss_ratio_split

with

postings as (
    select
        coalesce(business_unit_id, '') as business_unit_id, cost_center_id,
        coalesce(original_period, '') as original_period, billing_period, amount
    from postings
    where cost_center_id is not null
),

loss_ratio_splits as (
    select original_period, business_unit_id, cost_center_id, amount from loss_ratio_splits
),

charges as (
    select
        original_period, business_unit_id, cost_center_id, max(billing_period) as billing_period,
        sum(amount) as charged_cost
    from postings
    group by original_period, business_unit_id, cost_center_id
),

splits as (
    select original_period, business_unit_id, cost_center_id, sum(amount) as split_amount
    from loss_ratio_splits
    group by original_period, business_unit_id, cost_center_id
),

undeclared_charges as (
    select
        charges.cost_center_id, charges.business_unit_id,
        coalesce(nullif(charges.original_period, ''), charges.billing_period) as period,
        charges.charged_cost
    from charges
    left join splits
        on splits.original_period = charges.original_period
        and splits.business_unit_id = charges.business_unit_id
        and splits.cost_center_id = charges.cost_center_id
    where splits.cost_center_id is null
)

select cost_center_id, business_unit_id, period, charged_cost
from undeclared_charges
order by cost_center_id, business_unit_id, period
