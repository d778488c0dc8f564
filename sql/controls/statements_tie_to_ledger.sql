-- Answers: does a statement show a figure that the ledger does not, or lack one that it has?
-- One row per: figure and medium that differs, is missing, or is not in the ledger
-- Reads: postings, statement_figures
-- Money: cents; shown_amount is null where the file has no readable figure; difference is shown less ledger
-- Ties to: statements_tie_to_ledger

with

postings as (
    select business_unit_id, cost_center_id, kind, pool_id, amount, original_period
    from postings
    where cost_center_id is not null
),

-- The change and its parts have a control of their own, statements_explain_every_change.
statement_figures as (
    select business_unit_id, medium, section, key, amount
    from statement_figures
    where section <> 'change'
),

media as (
    select medium
    from (values ('csv'), ('html'), ('pdf')) as media (medium)
),

ledger_figures as (
    select
        business_unit_id,
        'total' as section,
        'total' as key,
        sum(amount) as amount
    from postings
    group by business_unit_id

    union all

    select
        business_unit_id,
        'cost_center' as section,
        cost_center_id as key,
        sum(amount) as amount
    from postings
    group by business_unit_id, cost_center_id

    union all

    select
        business_unit_id,
        'kind' as section,
        kind as key,
        sum(amount) as amount
    from postings
    group by business_unit_id, kind

    union all

    select
        business_unit_id,
        'pool' as section,
        pool_id as key,
        sum(amount) as amount
    from postings
    where kind = 'allocated'
    group by business_unit_id, pool_id

    union all

    select
        business_unit_id,
        'correction' as section,
        original_period as key,
        sum(amount) as amount
    from postings
    where original_period is not null
    group by business_unit_id, original_period
),

expected_figures as (
    select
        ledger_figures.business_unit_id,
        media.medium,
        ledger_figures.section,
        ledger_figures.key,
        ledger_figures.amount
    from ledger_figures
    cross join media
),

compared_figures as (
    select
        coalesce(expected_figures.business_unit_id, statement_figures.business_unit_id) as business_unit_id,
        coalesce(expected_figures.medium, statement_figures.medium) as medium,
        coalesce(expected_figures.section, statement_figures.section) as section,
        coalesce(expected_figures.key, statement_figures.key) as key,
        -- What the ledger has no line for is zero, so a statement may show it as zero.
        coalesce(expected_figures.amount, 0) as ledger_amount,
        statement_figures.amount as shown_amount
    from expected_figures
    full outer join statement_figures
        on statement_figures.business_unit_id = expected_figures.business_unit_id
        and statement_figures.medium = expected_figures.medium
        and statement_figures.section = expected_figures.section
        and statement_figures.key = expected_figures.key
)

select
    business_unit_id,
    medium,
    section,
    key,
    ledger_amount,
    shown_amount,
    shown_amount - ledger_amount as difference
from compared_figures
where shown_amount is null
    or shown_amount <> ledger_amount
order by business_unit_id, medium, section, key
