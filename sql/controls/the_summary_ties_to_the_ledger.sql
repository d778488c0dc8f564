-- Answers: does the CFO's page show a figure that the ledger does not have, or anything that is not its own?
-- One row per: figure of HTML or PDF that differs, is missing or is not in the ledger; piece that is another's
-- Reads: postings, previous_postings, last_closed, limits, summary_figures, summary_differences
-- Money: cents; shown_amount is null where the page has no readable figure; difference is shown less ledger
-- Ties to: the_summary_ties_to_the_ledger

with

postings as (
    select
        business_unit_id, cost_center_id, pool_id, kind, rule, original_period, amount,
        ledger_account like 'payable:%' as is_owed
    from postings
),

previous_postings as (select amount from previous_postings where cost_center_id is not null),
last_closed as (select billing_period from last_closed),
limits as (select catch_all_pool_id from limits),

-- The key of a row that sums those that are not shown is …, and that of what all of them come to is =.
summary_figures as (select medium, section, key, amount from summary_figures),
summary_differences as (select medium, difference_of, shown from summary_differences),

charges as (
    select business_unit_id, cost_center_id, pool_id, kind, rule, original_period, amount
    from postings
    where cost_center_id is not null
),

-- What the ledger says of each figure that a page can show.
ledger_rows as (
    select 'total' as section, 'total' as key, amount from charges
    union all
    select 'unit' as section, business_unit_id as key, amount from charges
    union all
    select 'cost_center' as section, cost_center_id as key, amount from charges
    union all
    select 'pool' as section, pool_id as key, amount from charges where kind = 'allocated'
    union all
    select 'correction' as section, original_period as key, amount from charges where original_period is not null
    union all
    select 'tie' as section, 'charged' as key, amount from charges
    union all
    select 'tie' as section, 'invoiced' as key, -amount from postings where is_owed
    union all
    select 'tie' as section, 'difference' as key, -amount from postings where is_owed or cost_center_id is not null
    union all
    select 'untagged' as section, 'untagged' as key, amount
    from charges
    cross join limits
    where original_period is null
        and (
            (kind = 'allocated' and pool_id = catch_all_pool_id)
            or (kind = 'direct' and not regexp_like(coalesce(rule, ''), '^tag(-normalized)?:'))
        )
    union all
    select 'change' as section, 'total' as key, amount from charges cross join last_closed
    union all
    select 'change' as section, 'total' as key, -amount from previous_postings cross join last_closed
),

ledger_figures as (select section, key, sum(amount) as amount from ledger_rows group by section, key),

-- Rows that are listed, the rest of them, and what they come to; where nothing changed, no part of it is listed.
ledger_sums as (
    select section, sum(amount) as amount
    from ledger_figures
    where section in ('unit', 'cost_center', 'pool', 'correction', 'change')
    group by section
),

shown_sums as (
    select medium, section, sum(amount) as amount
    from summary_figures
    where key <> '=' and not (section = 'change' and key = 'total')
    group by medium, section
),

media as (select 'html' as medium union all select 'pdf' as medium),

compared_figures as (
    select
        summary_figures.medium, summary_figures.section, summary_figures.key,
        coalesce(ledger_figures.amount, ledger_sums.amount, 0) as ledger_amount, summary_figures.amount as shown_amount
    from summary_figures
    left join ledger_figures
        on ledger_figures.section = summary_figures.section and ledger_figures.key = summary_figures.key
    left join ledger_sums on ledger_sums.section = summary_figures.section and summary_figures.key = '='
    where summary_figures.key <> '…' and (summary_figures.section <> 'change' or summary_figures.key = 'total')
    union all
    select
        media.medium, ledger_figures.section, ledger_figures.key,
        ledger_figures.amount as ledger_amount, summary_figures.amount as shown_amount
    from ledger_figures
    cross join media
    left join summary_figures
        on summary_figures.medium = media.medium and summary_figures.section = ledger_figures.section
        and summary_figures.key = ledger_figures.key
    where ledger_figures.section in ('total', 'change') and summary_figures.key is null
    union all
    select
        media.medium, ledger_sums.section, 'all rows' as key,
        ledger_sums.amount as ledger_amount, if(shown_sums.section is null, 0, shown_sums.amount) as shown_amount
    from ledger_sums
    cross join media
    left join shown_sums on shown_sums.medium = media.medium and shown_sums.section = ledger_sums.section
),

broken_parts as (
    select medium, section, key, ledger_amount, shown_amount, shown_amount - ledger_amount as difference
    from compared_figures
    where shown_amount is distinct from ledger_amount
    union all
    select medium, difference_of as section, shown as key, null, null, null
    from summary_differences
)

select medium, section, key, ledger_amount, shown_amount, difference
from broken_parts
order by medium, section, key
