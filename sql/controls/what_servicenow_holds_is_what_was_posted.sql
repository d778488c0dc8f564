-- Answers: is an expense line absent in ServiceNow, there twice, not ours, or another than it was posted?
-- One row per: expense line that differs
-- Reads: posted_expense_lines, held_expense_lines
-- Money: cents; difference is held less posted, held_amount is null where nobody can read it
-- Ties to: what_servicenow_holds_is_what_was_posted

with

-- Before the first reading back nobody knows the records: sys_id is null then.
posted as (
    select entry, sys_id, cost_center, posted_on, state, amount
    from posted_expense_lines
),

held as (
    select entry, sys_id, cost_center, posted_on, state, amount
    from held_expense_lines
),

held_entries as (
    select entry, count(*) as records
    from held
    group by entry
),

compared as (
    select
        coalesce(posted.entry, held.entry) as entry,
        case
            when held.entry is null then 'it is not there'
            when posted.entry is null then 'nobody posted it'
            when held_entries.records > 1 then 'it is there more than once'
            when posted.sys_id <> held.sys_id then 'it is another record'
            when held.amount is null or held.amount <> posted.amount then 'another amount'
            when held.cost_center <> posted.cost_center then 'another cost center'
            when held.posted_on <> posted.posted_on then 'another date'
            when held.state <> posted.state then 'another state'
        end as fault,
        held.sys_id,
        posted.amount as posted_amount,
        held.amount as held_amount
    from posted
    full outer join held
        on held.entry = posted.entry
    left join held_entries
        on held_entries.entry = held.entry
)

select
    entry,
    fault,
    sys_id,
    posted_amount,
    held_amount,
    coalesce(held_amount, 0) - coalesce(posted_amount, 0) as difference
from compared
where fault is not null
order by entry, sys_id
