-- Answers: does a statement show a name, an id or a total of another business unit?
-- One row per: foreign text found in a file of a statement
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
