-- Answers: does a dashboard show a figure that the books do not have, or lack one that they have?
-- One row per: page, medium, month and cost center, or total of a month, that differs, is missing or is not there
-- Reads: charged_rows, detailed_months, dashboard_scopes, dashboard_media, dashboard_figures
-- Money: cents; shown_amount is null where the page has no readable figure; difference is shown less books
-- Ties to: dashboards_tie_to_ledger

with

charged_rows as (
    select billing_period, business_unit_id, cost_center_id, amount
    from charged_rows
),

-- The months that are shown row by row; of earlier ones a page has the total.
detailed_months as (select billing_period from detailed_months),
dashboard_scopes as (select scope_kind, scope_id from dashboard_scopes),
dashboard_media as (select medium from dashboard_media),

-- What is read back from finished files; a total of a month has no cost center.
dashboard_figures as (
    select scope_kind, scope_id, medium, billing_period, cost_center_id, amount
    from dashboard_figures
),

-- Whose rows a page may have is said here once more, apart from the policy that pages are made by.
own_rows as (
    select
        dashboard_scopes.scope_kind, dashboard_scopes.scope_id, charged_rows.billing_period,
        charged_rows.cost_center_id, charged_rows.amount
    from charged_rows
    inner join dashboard_scopes
        on dashboard_scopes.scope_kind = 'all'
        or (
            dashboard_scopes.scope_kind = 'business-unit'
            and dashboard_scopes.scope_id = charged_rows.business_unit_id
        )
        or (
            dashboard_scopes.scope_kind = 'cost-center'
            and dashboard_scopes.scope_id = charged_rows.cost_center_id
        )
),

own_figures as (
    select scope_kind, scope_id, billing_period, '' as cost_center_id, sum(amount) as amount
    from own_rows
    group by scope_kind, scope_id, billing_period

    union all

    select
        own_rows.scope_kind, own_rows.scope_id, own_rows.billing_period, own_rows.cost_center_id,
        sum(own_rows.amount) as amount
    from own_rows
    inner join detailed_months on detailed_months.billing_period = own_rows.billing_period
    group by
        own_rows.scope_kind, own_rows.scope_id, own_rows.billing_period, own_rows.cost_center_id
),

expected_figures as (
    select
        own_figures.scope_kind, own_figures.scope_id, dashboard_media.medium,
        own_figures.billing_period, own_figures.cost_center_id, own_figures.amount
    from own_figures
    cross join dashboard_media
),

compared_figures as (
    select
        coalesce(expected_figures.scope_kind, dashboard_figures.scope_kind) as scope_kind,
        coalesce(expected_figures.scope_id, dashboard_figures.scope_id) as scope_id,
        coalesce(expected_figures.medium, dashboard_figures.medium) as medium,
        coalesce(expected_figures.billing_period, dashboard_figures.billing_period)
            as billing_period,
        coalesce(expected_figures.cost_center_id, dashboard_figures.cost_center_id)
            as cost_center_id,
        -- What the books have no row for is zero, so a page may show it as zero.
        coalesce(expected_figures.amount, 0) as books_amount,
        dashboard_figures.amount as shown_amount
    from expected_figures
    full outer join dashboard_figures
        on dashboard_figures.scope_kind = expected_figures.scope_kind
        and dashboard_figures.scope_id = expected_figures.scope_id
        and dashboard_figures.medium = expected_figures.medium
        and dashboard_figures.billing_period = expected_figures.billing_period
        and dashboard_figures.cost_center_id = expected_figures.cost_center_id
)

select
    scope_kind, scope_id, medium, billing_period, cost_center_id, books_amount, shown_amount,
    shown_amount - books_amount as difference
from compared_figures
where shown_amount is null
    or shown_amount <> books_amount
order by scope_kind, scope_id, medium, billing_period, cost_center_id
