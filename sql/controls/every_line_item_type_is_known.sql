-- Answers: does the report hold a line item type that nobody has decided how to charge (CUR fact 2.1)?
-- One row per: unknown line item type
-- Reads: rollup_costs, known_line_item_types
-- Money: unblended_cost, exact; positive is owed to AWS
-- Ties to: every_line_item_type_is_known

with

rollup_costs as (
    select line_item_type, line_items, unblended_cost
    from rollup_costs
),

known_line_item_types as (
    select line_item_type
    from known_line_item_types
)

select
    coalesce(rollup_costs.line_item_type, '(none)') as line_item_type,
    sum(rollup_costs.line_items) as line_items,
    sum(rollup_costs.unblended_cost) as unblended_cost
from rollup_costs
left join known_line_item_types
    on known_line_item_types.line_item_type = rollup_costs.line_item_type
where known_line_item_types.line_item_type is null
group by rollup_costs.line_item_type
order by line_item_type
