-- Answers: has a file of a closed period been altered, removed or added since it was closed?
-- One row per: file that differs from its period's manifest, or manifest that differs from the next one's link
-- Reads: closed_files
-- Money: none
-- Ties to: closed_periods_are_unchanged

with

closed_files as (
    select billing_period, path, recorded_sha256, found_sha256
    from closed_files
)

select
    billing_period,
    path,
    recorded_sha256,
    found_sha256
from closed_files
where coalesce(recorded_sha256, '') <> coalesce(found_sha256, '')
order by
    billing_period,
    path
