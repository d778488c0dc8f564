-- Answers: whom do the cost center tags of each cost name, whatever else would decide?
-- One row per: row of the rollup that has a value in a cost center tag
-- Reads: rollup_costs, tag_readings (every value of the rollup, and whom it names if anyone)
-- Money: none
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select rollup_id, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3
    from rollup_costs
),

tag_readings as (
    select tag_rank, tag_value, rule, cost_center_id
    from tag_readings
),

present_tags as (
    select rollup_id, 1 as tag_rank, cost_center_tag_1 as tag_value
    from rollup_costs
    where cost_center_tag_1 is not null
    union all
    select rollup_id, 2 as tag_rank, cost_center_tag_2 as tag_value
    from rollup_costs
    where cost_center_tag_2 is not null
    union all
    select rollup_id, 3 as tag_rank, cost_center_tag_3 as tag_value
    from rollup_costs
    where cost_center_tag_3 is not null
),

read_tags as (
    select
        present_tags.rollup_id, present_tags.tag_rank, present_tags.tag_value,
        tag_readings.rule, tag_readings.cost_center_id
    from present_tags
    inner join tag_readings
        on tag_readings.tag_rank = present_tags.tag_rank
        and tag_readings.tag_value = present_tags.tag_value
),

-- The first tag in the order of trust that is read as a cost center in force owns; the first that is not is told.
deciding_tags as (
    select
        rollup_id,
        min_by(rule, case when cost_center_id is not null then tag_rank end) as rule,
        min_by(cost_center_id, case when cost_center_id is not null then tag_rank end)
            as cost_center_id,
        min_by(tag_value, case when cost_center_id is null then tag_rank end)
            as unusable_tag_value
    from read_tags
    group by rollup_id
)

select *
from deciding_tags
