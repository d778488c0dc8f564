-- Answers: does a dashboard show anything of somebody who is not its own?
-- One row per: page, medium and text in it that is another's
-- Reads: dashboard_leaks
-- Money: none
-- Ties to: dashboards_show_only_their_own_rows

with

dashboard_leaks as (
    select scope_kind, scope_id, medium, leaked_what, leaked_text
    from dashboard_leaks
)

select
    scope_kind,
    scope_id,
    medium,
    leaked_what,
    leaked_text
from dashboard_leaks
order by scope_kind, scope_id, medium, leaked_what, leaked_text
