-- Answers: does a statement show another budget, actual or forecast than params and ledgers give, or lack one?
-- One row per: row of a budget, in HTML or PDF, that differs, is missing, or that nobody expects
-- Reads: budget_months, budget_period, charges_of_year, budget_figures
-- Money: cents; what is shown is null where the file has no readable figure; difference is budget less actual
-- Ties to: statements_tie_to_their_budgets

with

-- An amount that is compared is null in months of which nothing is charged yet.
budget_months as (
    select business_unit_id, cost_center_id, billing_period, amount, compared_amount
    from budget_months
),

budget_period as (select billing_period, has_forecast from budget_period),

charges_of_year as (
    select billing_period, business_unit_id, cost_center_id, sum(amount) as charged
    from charges_of_year
    group by billing_period, business_unit_id, cost_center_id
),

-- The key is the id of a cost center, or total; of a year, the actual is the forecast.
budget_figures as (
    select business_unit_id, medium, span, key, budget, actual, difference
    from budget_figures
),

months as (
    select
        budget_months.business_unit_id, budget_months.cost_center_id, budget_months.billing_period,
        budget_months.amount, budget_months.compared_amount, coalesce(charges_of_year.charged, 0) as charged,
        budget_period.has_forecast, budget_months.billing_period = budget_period.billing_period as is_now,
        if(charges_of_year.charged <> 0, budget_months.billing_period, null) as charged_period
    from budget_months
    cross join budget_period
    left join charges_of_year
        on charges_of_year.business_unit_id = budget_months.business_unit_id
        and charges_of_year.cost_center_id = budget_months.cost_center_id
        and charges_of_year.billing_period = budget_months.billing_period
),

first_months as (
    select business_unit_id, cost_center_id, min(charged_period) as charged_period
    from months
    group by business_unit_id, cost_center_id
),

spans as (
    select
        business_unit_id, cost_center_id, 'month' as span, compared_amount as budget, charged, 0 as counted,
        0 as ahead
    from months
    where is_now
    union all
    select business_unit_id, cost_center_id, 'to_date', compared_amount, charged, 0, 0
    from months
    where compared_amount is not null
    union all
    select
        months.business_unit_id, months.cost_center_id, 'year', amount, charged,
        if(compared_amount is not null and billing_period >= first_months.charged_period, 1, 0),
        if(compared_amount is null, 1, 0)
    from months
    inner join first_months
        on first_months.business_unit_id = months.business_unit_id
        and first_months.cost_center_id = months.cost_center_id
    where has_forecast
),

keyed_spans as (
    select business_unit_id, cost_center_id as key, span, budget, charged, counted, ahead from spans
    union all
    select business_unit_id, 'total' as key, span, budget, charged, 0, 0 from spans
),

expected as (
    select
        business_unit_id, key, span, sum(budget) as budget, sum(charged) as actual, sum(counted) as counted,
        sum(ahead) as ahead
    from keyed_spans
    group by business_unit_id, key, span
),

media as (select 'html' as medium union all select 'pdf' as medium),

forecast_sums as (
    select business_unit_id, medium, sum(actual) as actual
    from budget_figures
    where span = 'year' and key <> 'total'
    group by business_unit_id, medium
),

compared as (
    select
        coalesce(expected.business_unit_id, shown.business_unit_id) as business_unit_id,
        coalesce(media.medium, shown.medium) as medium, coalesce(expected.span, shown.span) as span,
        coalesce(expected.key, shown.key) as key, expected.budget as expected_budget, shown.budget as shown_budget,
        if(expected.span = 'year' and expected.key = 'total', forecast_sums.actual, expected.actual) as expected_actual,
        shown.actual as shown_actual, shown.difference as shown_difference, expected.counted, expected.ahead,
        expected.span = 'year' and expected.key <> 'total' as is_forecast
    from expected
    cross join media
    full outer join budget_figures as shown
        on shown.business_unit_id = expected.business_unit_id and shown.medium = media.medium
        and shown.span = expected.span and shown.key = expected.key
    left join forecast_sums
        on forecast_sums.business_unit_id = expected.business_unit_id and forecast_sums.medium = media.medium
)

-- The months ahead come to the average of those that are counted, within half a cent.
select
    business_unit_id, medium, span, key, expected_budget, shown_budget, expected_actual, shown_actual,
    shown_difference
from compared
where shown_budget is distinct from expected_budget
    or shown_difference is distinct from shown_budget - shown_actual
    or (not coalesce(is_forecast, false) and shown_actual is distinct from expected_actual)
    or (is_forecast and abs((shown_actual - expected_actual) * counted - expected_actual * ahead) * 200 > counted)
order by business_unit_id, medium, span, key
