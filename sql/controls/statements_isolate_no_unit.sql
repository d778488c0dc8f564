-- Answers: do the totals in a statement tell its reader the figure of another business unit?
-- One row per: statement and other business unit whose figure follows from the totals in it and its own figures
-- Reads: isolated_units
-- Money: none
-- Ties to: statements_isolate_no_unit

with

isolated_units as (
    select business_unit_id, isolated_unit_id, figures, totals
    from isolated_units
)

select
    business_unit_id,
    isolated_unit_id,
    figures,
    totals
from isolated_units
order by business_unit_id, isolated_unit_id
