-- Answers: does a statement show or depend on anything of another business unit?
-- One row per: value of its data, piece of a file or text in one that is not its own unit's
-- Reads: statement_leaks
-- Money: none
-- Ties to: statements_show_only_their_own_unit

with

statement_leaks as (
    select business_unit_id, medium, leaked_what, leaked_text
    from statement_leaks
)

select
    business_unit_id,
    medium,
    leaked_what,
    leaked_text
from statement_leaks
order by business_unit_id, medium, leaked_what, leaked_text
