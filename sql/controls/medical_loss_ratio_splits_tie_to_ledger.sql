-- Answers: does any charge differ from what it is split into for the medical loss ratio, or a part from its percentage?
-- One row per: charge of a cost center whose parts come to another amount, or part that is wrong in itself
-- Reads: postings, loss_ratio_splits
-- Money: cents; difference is the parts less the ledger, and of a part it is left empty
-- Ties to: medical_loss_ratio_splits_tie_to_ledger

with

postings as (
    select
        coalesce(business_unit_id, '') as business_unit_id, cost_center_id,
        coalesce(original_period, '') as original_period, amount
    from postings
    where cost_center_id is not null
),

loss_ratio_splits as (
    select
        original_period, business_unit_id, cost_center_id, declared_for, category, percent, amount
    from loss_ratio_splits
),

charges as (
    select original_period, business_unit_id, cost_center_id, sum(amount) as charged_cost
    from postings
    group by original_period, business_unit_id, cost_center_id
),

splits as (
    select original_period, business_unit_id, cost_center_id, sum(amount) as split_cost
    from loss_ratio_splits
    group by original_period, business_unit_id, cost_center_id
),

declared_parts as (
    select
        original_period, business_unit_id, cost_center_id, declared_for, sum(amount) as whole_cost,
        sum(percent) as whole_percent, count(*) as parts, min(category) as first_category,
        max(category) as last_category,
        sum(case when category = 'claims' then 1 else 0 end) as claims_parts
    from loss_ratio_splits
    group by original_period, business_unit_id, cost_center_id, declared_for
),

broken_parts as (
    select
        splits.cost_center_id, splits.business_unit_id, splits.original_period,
        'the parts do not come to the charge' as reason, charges.charged_cost, splits.split_cost
    from splits
    left join charges
        on charges.original_period = splits.original_period
        and charges.business_unit_id = splits.business_unit_id
        and charges.cost_center_id = splits.cost_center_id
    where charges.charged_cost is distinct from splits.split_cost
    union all
    select
        cost_center_id, business_unit_id, original_period,
        'these are not three parts of 100' as reason,
        null as charged_cost, whole_cost as split_cost
    from declared_parts
    where whole_percent <> 100 or parts <> 3 or claims_parts <> 1
        or first_category <> 'administration' or last_category <> 'quality_improvement'
    union all
    -- A hundred times a part is its percentage of the charge, but for less than a cent.
    select
        loss_ratio_splits.cost_center_id, loss_ratio_splits.business_unit_id,
        loss_ratio_splits.original_period,
        concat(loss_ratio_splits.category, ' is not its percentage') as reason,
        null as charged_cost, loss_ratio_splits.amount as split_cost
    from loss_ratio_splits
    inner join declared_parts
        on declared_parts.original_period = loss_ratio_splits.original_period
        and declared_parts.business_unit_id = loss_ratio_splits.business_unit_id
        and declared_parts.cost_center_id = loss_ratio_splits.cost_center_id
        and declared_parts.declared_for = loss_ratio_splits.declared_for
    where abs(
        100 * loss_ratio_splits.amount - declared_parts.whole_cost * loss_ratio_splits.percent
    ) >= 1
)

select
    cost_center_id, business_unit_id, original_period, reason, charged_cost, split_cost,
    split_cost - charged_cost as difference
from broken_parts
order by cost_center_id, business_unit_id, original_period, reason
