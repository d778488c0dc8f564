-- Answers: does the index of the month show a total that the ledger does not, or anything that is not the month's?
-- One row per: figure that differs, is missing or is not in the ledger; row, heading, picture, text or link
-- Reads: postings, previous_postings, last_closed, statement_units, index_figures, index_differences
-- Money: cents; shown_amount is null where the page has no readable figure; difference is shown less ledger
-- Ties to: statements_tie_to_their_index

with

postings as (
    select business_unit_id, amount
    from postings
    where cost_center_id is not null
),

previous_postings as (
    select business_unit_id, amount
    from previous_postings
    where cost_center_id is not null
),

last_closed as (
    select billing_period
    from last_closed
),

statement_units as (
    select business_unit_id
    from statement_units
),

index_figures as (
    select section, key, amount
    from index_figures
),

index_differences as (
    select difference_of, shown
    from index_differences
),

-- A unit gets a statement, and so a line, also where the ledger has nothing of it.
expected_figures as (
    select
        'unit' as section,
        statement_units.business_unit_id as key,
        coalesce(sum(postings.amount), 0) as amount
    from statement_units
    left join postings
        on postings.business_unit_id = statement_units.business_unit_id
    group by statement_units.business_unit_id

    union all

    select
        'total' as section,
        'total' as key,
        coalesce(sum(amount), 0) as amount
    from postings

    union all

    select
        'previous' as section,
        statement_units.business_unit_id as key,
        coalesce(sum(previous_postings.amount), 0) as amount
    from statement_units
    cross join last_closed
    left join previous_postings
        on previous_postings.business_unit_id = statement_units.business_unit_id
    group by statement_units.business_unit_id

    union all

    select
        'previous_total' as section,
        'total' as key,
        coalesce((select sum(amount) from previous_postings), 0) as amount
    from last_closed
),

compared_figures as (
    select
        coalesce(expected_figures.section, index_figures.section) as section,
        coalesce(expected_figures.key, index_figures.key) as key,
        expected_figures.amount as ledger_amount,
        index_figures.amount as shown_amount
    from expected_figures
    full outer join index_figures
        on index_figures.section = expected_figures.section
        and index_figures.key = expected_figures.key
),

broken_parts as (
    select
        section,
        key,
        ledger_amount,
        shown_amount,
        shown_amount - ledger_amount as difference
    from compared_figures
    where shown_amount is distinct from ledger_amount

    union all

    select
        difference_of as section,
        shown as key,
        null as ledger_amount, null as shown_amount, null as difference
    from index_differences
)

select
    section,
    key,
    ledger_amount,
    shown_amount,
    difference
from broken_parts
order by section, key
