-- Answers: which column does the delivery lack that a rule, a key, a tag or the verb itself needs?
-- One row per: absent column, export and what needs it
-- Reads: needed_columns, absent_columns
-- Money: none
-- Ties to: needed_columns_are_there

with

needed_columns as (
    select column_name, needed_for, setting
    from needed_columns
),

absent_columns as (
    select export_name, column_name
    from absent_columns
)

select
    absent_columns.column_name as absent_column,
    needed_columns.needed_for,
    needed_columns.setting as how_to_have_it,
    absent_columns.export_name
from absent_columns
inner join needed_columns
    on needed_columns.column_name = absent_columns.column_name
order by
    absent_column,
    needed_for,
    export_name
