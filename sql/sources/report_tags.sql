-- Answers: which tags do the line items of the period carry, in which map, and at what cost?
-- One row per: map of the report, tag key and tag value
-- Reads: report (its maps of tags and its cost)
-- Money: unblended cost, ten decimals
-- Ties to: nothing; a line item with two tags is counted for each

with

report as (
    select resource_tags, cost_category, tags, line_item_unblended_cost
    from report
    where billing_period = :period
),

-- Line items have few different maps, and it is these that are taken apart.
costs as (
    select
        resource_tags,
        cost_category,
        tags,
        count(*) as line_items,
        sum(cast(cast(line_item_unblended_cost as double) as decimal(38, 10))) as unblended_cost
    from report
    group by
        resource_tags,
        cost_category,
        tags
),

tagged as (
    select
        'resource_tags' as map_name,
        named.tag_key,
        nullif(nullif(element_at(costs.resource_tags, named.tag_key), ''), 'NULL') as tag_value,
        costs.line_items,
        costs.unblended_cost
    from costs
    cross join unnest(map_keys(costs.resource_tags)) as named (tag_key)
    union all
    select
        'cost_category' as map_name,
        named.tag_key,
        nullif(nullif(element_at(costs.cost_category, named.tag_key), ''), 'NULL') as tag_value,
        costs.line_items,
        costs.unblended_cost
    from costs
    cross join unnest(map_keys(costs.cost_category)) as named (tag_key)
    union all
    select
        'tags' as map_name,
        named.tag_key,
        nullif(nullif(element_at(costs.tags, named.tag_key), ''), 'NULL') as tag_value,
        costs.line_items,
        costs.unblended_cost
    from costs
    cross join unnest(map_keys(costs.tags)) as named (tag_key)
)

select
    map_name,
    tag_key,
    tag_value,
    cast(sum(line_items) as bigint) as line_items,
    sum(unblended_cost) as unblended_cost
from tagged
where tag_value is not null
group by
    map_name,
    tag_key,
    tag_value
order by
    map_name,
    tag_key,
    tag_value
