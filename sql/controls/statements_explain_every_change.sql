-- Answers: does a statement explain more or less than the change of its total from the last closed period?
-- One row per: business unit and medium whose parts, or whose change, are not the ledger's change
-- Reads: postings, last_closed, previous_postings, statement_figures
-- Money: cents; unreadable_parts counts what the file shows and is no amount; difference is parts less ledger
-- Ties to: statements_explain_every_change

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

statement_figures as (
    select business_unit_id, medium, section, key, amount
    from statement_figures
),

-- A file of lines, statement.csv, shows no change.
media as (
    select medium
    from (values ('html'), ('pdf')) as media (medium)
),

-- Every unit has a statement, also one that was charged nothing; there is a change when there was a period before.
units as (
    select statement_figures.business_unit_id
    from statement_figures
    where exists (select 1 from last_closed)
    group by statement_figures.business_unit_id
),

movements as (
    select business_unit_id, amount
    from postings

    union all

    select business_unit_id, -amount as amount
    from previous_postings
),

ledger_changes as (
    select
        units.business_unit_id,
        coalesce(sum(movements.amount), 0) as ledger_change
    from units
    left join movements
        on movements.business_unit_id = units.business_unit_id
    group by units.business_unit_id
),

expected_changes as (
    select
        ledger_changes.business_unit_id,
        media.medium,
        ledger_changes.ledger_change
    from ledger_changes
    cross join media
),

shown_changes as (
    select
        business_unit_id,
        medium,
        sum(case when key = 'total' then amount end) as shown_change,
        coalesce(sum(case when key <> 'total' then amount end), 0) as shown_parts,
        coalesce(cast(count_if(amount is null) as bigint), 0) as unreadable_parts
    from statement_figures
    where section = 'change'
    group by
        business_unit_id,
        medium
),

compared_changes as (
    select
        coalesce(expected_changes.business_unit_id, shown_changes.business_unit_id) as business_unit_id,
        coalesce(expected_changes.medium, shown_changes.medium) as medium,
        expected_changes.ledger_change,
        shown_changes.shown_change,
        shown_changes.shown_parts,
        shown_changes.unreadable_parts
    from expected_changes
    full outer join shown_changes
        on shown_changes.business_unit_id = expected_changes.business_unit_id
        and shown_changes.medium = expected_changes.medium
)

select
    business_unit_id,
    medium,
    ledger_change,
    shown_change,
    shown_parts,
    unreadable_parts,
    shown_parts - ledger_change as difference
from compared_changes
where ledger_change is null
    or shown_change is null
    or shown_change <> ledger_change
    or shown_parts <> ledger_change
    or unreadable_parts > 0
order by business_unit_id, medium
