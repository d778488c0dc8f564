-- Answers: which export delivered the period before, while fewer exports deliver this one than did then?
-- One row per: export that is missing
-- Reads: exports_then, exports_now
-- Money: none
-- Ties to: every_export_has_delivered

with

exports_then as (
    select export_name
    from exports_then
),

exports_now as (
    select export_name
    from exports_now
),

counts as (
    select
        (select count(*) from exports_then) as then_count,
        (select count(*) from exports_now) as now_count
)

select exports_then.export_name
from exports_then
cross join counts
left join exports_now
    on exports_now.export_name = exports_then.export_name
where exports_now.export_name is null
    and counts.now_count < counts.then_count
order by export_name
