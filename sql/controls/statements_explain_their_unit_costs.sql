-- Answers: do the effects on a statement not sum to the change of a cost or unit cost, or is one of them not right?
-- One row per: change of a cost that a quantity stands beside, in HTML or PDF, that is wrong or missing
-- Reads: unit_quantities, unit_cost_periods, unit_cost_months, unit_cost_changes
-- Money: cents; unit costs and their effects in four decimals; null where the file has no number
-- Ties to: statements_explain_their_unit_costs

with

unit_quantities as (select business_unit_id, metric, per from unit_quantities),
unit_cost_periods as (select billing_period, compared_period from unit_cost_periods),

-- What the files show of months is held against metrics and ledgers by statements_tie_to_their_unit_costs.
unit_cost_months as (
    select
        medium, business_unit_id, metric, line, billing_period, quantity, direct, direct_of_one, loaded,
        loaded_of_one
    from unit_cost_months
),

unit_cost_changes as (
    select
        medium, business_unit_id, metric, line, basis, before, volume, rate, after, one_before, cost_effect,
        quantity_effect, one_after
    from unit_cost_changes
),

per_piece as (
    select business_unit_id, metric, max(per) as per
    from unit_quantities
    group by business_unit_id, metric
),

bases as (
    select
        medium, business_unit_id, metric, line, billing_period, quantity, 'direct' as basis, direct as cost,
        direct_of_one as of_one
    from unit_cost_months
    where quantity > 0
    union all
    select
        medium, business_unit_id, metric, line, billing_period, quantity, 'loaded' as basis, loaded as cost,
        loaded_of_one as of_one
    from unit_cost_months
    where quantity > 0
),

changed as (
    select
        later.medium, later.business_unit_id, later.metric, later.line, later.basis, per_piece.per,
        earlier.cost as cost_before, earlier.quantity as quantity_before, earlier.of_one as one_before,
        later.cost as cost_after, later.quantity as quantity_after, later.of_one as one_after
    from unit_cost_periods
    inner join bases as later on later.billing_period = unit_cost_periods.billing_period
    inner join bases as earlier
        on earlier.billing_period = unit_cost_periods.compared_period and earlier.medium = later.medium
        and earlier.business_unit_id = later.business_unit_id and earlier.metric = later.metric
        and earlier.line = later.line and earlier.basis = later.basis
    inner join per_piece
        on per_piece.business_unit_id = later.business_unit_id and per_piece.metric = later.metric
),

-- The first effect of each pair is right within half of its last digit, and the other one is exactly the rest.
judged as (
    select
        coalesce(changed.business_unit_id, shown.business_unit_id) as business_unit_id,
        coalesce(changed.medium, shown.medium) as medium, coalesce(changed.metric, shown.metric) as metric,
        coalesce(changed.line, shown.line) as line, coalesce(changed.basis, shown.basis) as basis,
        changed.cost_before, changed.cost_after, shown.volume, shown.rate, shown.cost_effect, shown.quantity_effect,
        shown.before = changed.cost_before and shown.after = changed.cost_after
        and shown.one_before = changed.one_before and shown.one_after = changed.one_after
        and shown.before + shown.volume + shown.rate = shown.after
        and shown.one_before + shown.cost_effect + shown.quantity_effect = shown.one_after as sums_are_right,
        abs(shown.volume * quantity_before - (quantity_after - quantity_before) * cost_before) * 200
        <= quantity_before as volume_is_right,
        abs(shown.cost_effect * quantity_after - (cost_after - cost_before) * per) * 20000
        <= quantity_after as cost_effect_is_right
    from changed
    full outer join unit_cost_changes as shown
        on shown.medium = changed.medium and shown.business_unit_id = changed.business_unit_id
        and shown.metric = changed.metric and shown.line = changed.line and shown.basis = changed.basis
)

select
    business_unit_id, medium, metric, line, basis, cost_before, cost_after, volume, rate, cost_effect,
    quantity_effect
from judged
where not coalesce(sums_are_right and volume_is_right and cost_effect_is_right, false)
order by business_unit_id, medium, metric, line, basis
