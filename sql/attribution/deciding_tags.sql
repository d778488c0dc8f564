-- Answers: whom do the cost center tags of each cost name, whatever else would decide?
-- One row per: row of the rollup
-- Reads: rollup_costs, tag_readings (every value of the rollup, and whom it names if anyone)
-- Money: none
-- Ties to: every_line_item_has_one_owner

with

rollup_costs as (
    select rollup_id, cost_center_tag_1, cost_center_tag_2, cost_center_tag_3
    from rollup_costs
),

-- A value owns when it is read as a cost center in force.
usable_tags as (
    select tag_rank, tag_value, rule, cost_center_id
    from tag_readings
    where cost_center_id is not null
),

-- In the order of trust, the first tag that is usable owns, and the first that has a value and is not is told.
deciding_tags as (
    select
        rollup_costs.rollup_id,
        coalesce(first_tag.rule, second_tag.rule, third_tag.rule) as rule,
        coalesce(
            first_tag.cost_center_id,
            second_tag.cost_center_id,
            third_tag.cost_center_id
        ) as cost_center_id,
        coalesce(
            case when first_tag.tag_value is null then rollup_costs.cost_center_tag_1 end,
            case when second_tag.tag_value is null then rollup_costs.cost_center_tag_2 end,
            case when third_tag.tag_value is null then rollup_costs.cost_center_tag_3 end
        ) as unusable_tag_value
    from rollup_costs
    left join usable_tags as first_tag
        on first_tag.tag_rank = 1
        and first_tag.tag_value = rollup_costs.cost_center_tag_1
    left join usable_tags as second_tag
        on second_tag.tag_rank = 2
        and second_tag.tag_value = rollup_costs.cost_center_tag_2
    left join usable_tags as third_tag
        on third_tag.tag_rank = 3
        and third_tag.tag_value = rollup_costs.cost_center_tag_3
)

select *
from deciding_tags
