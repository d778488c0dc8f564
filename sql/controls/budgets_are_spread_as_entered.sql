-- Answers: are the budgets of months what is entered, and do they come to their years?
-- One row per: cost center whose months are not its year, or are apart by more than a cent; month that is another
-- Reads: planned_years, budget_months
-- Money: cents; difference is the months less what is entered
-- Ties to: budgets_are_spread_as_entered

with

planned_years as (select cost_center_id, amount from planned_years),

budget_months as (
    select cost_center_id, billing_period, entered_amount, amount from budget_months
),

sums as (
    select cost_center_id, sum(amount) as amount
    from budget_months
    group by cost_center_id
),

-- What is spread is the same in each month, but for a cent.
spreads as (
    select cost_center_id, min(amount) as smallest_amount, max(amount) as largest_amount
    from budget_months
    where entered_amount is null
    group by cost_center_id
),

broken_budgets as (
    select
        planned_years.cost_center_id, 'sum of the year' as broken_part,
        planned_years.amount as entered_amount, sums.amount as spread_amount
    from planned_years
    left join sums on sums.cost_center_id = planned_years.cost_center_id
    where sums.amount is distinct from planned_years.amount

    union all

    select cost_center_id, 'equal months', smallest_amount, largest_amount
    from spreads
    where largest_amount - smallest_amount > 0.01

    union all

    select cost_center_id, billing_period, entered_amount, amount
    from budget_months
    where entered_amount <> amount
)

select
    cost_center_id, broken_part, entered_amount, spread_amount,
    spread_amount - entered_amount as difference
from broken_budgets
order by cost_center_id, broken_part
